"""The part of the client about distributions, the archives they are in, and their keys."""

from __future__ import annotations

from typing import Literal, Unpack

from typing_extensions import TypedDict

from entrepot.client.answers import Archives, DistributionPackages, Distributions, Initialised, shaped
from entrepot.client.errors import BadAnswer
from entrepot.client.segments import segment
from entrepot.client.wire import Wire, given

_PER_PAGE = 200
_KEY_BYTES = 1 << 20


class DistributionOptions(TypedDict, total=False):
    """What ``initialise`` may say about a distribution; what is none or empty stays as it is."""

    format: str | None
    description: str | None
    components: list[str] | None
    architectures: list[str] | None
    origin: str | None
    label: str | None
    suite: str | None
    version: str | None
    codecs: list[str] | None
    digests: list[str] | None
    contents: bool | None
    valid_days: int | None
    not_automatic: bool | None
    but_automatic_upgrades: bool | None
    ecosystem: str | None
    max_versions: int | None
    package_days: int | None


class DistributionsTheme:
    """``Client.distributions``; called itself, it is the list."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def __call__(self, format_: str | None = None) -> Distributions:
        """``GET /distributions/``."""
        return shaped(self._wire("GET", "/distributions/", given(format=format_)), Distributions, distributions=list)

    def packages(
        self,
        codename: str,
        page: int = 1,
        per_page: int = _PER_PAGE,
        *,
        text: str | None = None,
        architecture: str | None = None,
    ) -> DistributionPackages:
        """``GET /distributions/{codename}/packages``, one page."""
        params = given(q=text, arch=architecture, page=page, per_page=per_page)
        body = self._wire("GET", f"/distributions/{segment(codename)}/packages", params)
        return shaped(body, DistributionPackages, packages=list, total=int)

    def initialise(self, codename: str | None = None, **options: Unpack[DistributionOptions]) -> Initialised:
        """``POST /distributions/init``: one distribution, or publish all of them anew."""
        said = {name: value for name, value in options.items() if value not in (None, "", [])}
        payload = {"codename": codename} | said if codename else None
        return shaped(self._wire("POST", "/distributions/init", payload=payload), Initialised, status=str)

    def archives(self) -> Archives:
        """``GET /archives``."""
        return shaped(self._wire("GET", "/archives"), Archives, archives=list)

    def public_key(self, format_: Literal["deb", "rpm"], archive: str) -> str:
        """The ASCII-armored signing key of an archive."""
        top = "apt" if format_ == "deb" else "rpm"
        path = f"/{top}/{segment(archive)}/key.asc"
        text = self._wire.text(path, _KEY_BYTES)
        if not text.startswith("-----BEGIN PGP PUBLIC KEY BLOCK-----"):
            raise BadAnswer(f"what lies at {path} is not an OpenPGP public key", code="bad_answer")
        return text
