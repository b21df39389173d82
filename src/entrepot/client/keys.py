"""The part of the client about signing keys."""

from __future__ import annotations

from collections.abc import Mapping

from entrepot.client.answers import shaped
from entrepot.client.answers_upkeep import KeyPlaces, KeysChanged, SigningKeys
from entrepot.client.wire import Wire, sent


class Keys:
    """``Client.keys``; needs an administrator.

    An archive is named as ``apt/main``; empty is all of them.  Changes answer when every distribution is signed so.
    """

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def all(self) -> SigningKeys:
        """``GET /settings/gpg``: public facts."""
        return shaped(self._wire("GET", "/settings/gpg"), SigningKeys, keys=list)

    def rotate(
        self,
        *,
        archive: str | None = None,
        name: str | None = None,
        email: str | None = None,
        expire: str | None = None,
        algorithm: str | None = None,
    ) -> KeysChanged:
        """``POST /settings/gpg/generate``: a new key beside the old one; ``expire`` is such as 90d or 2y."""
        return self._change(
            "generate", sent(archive=archive, name=name, email=email, expire=expire, algorithm=algorithm)
        )

    def retire(self, archive: str = "", *, force: bool = False) -> KeysChanged:
        """``POST /settings/gpg/retire``: the older of two keys goes."""
        return self._change("retire", {"archive": archive, "force": force})

    def extend(self, expire: str, archive: str = "") -> KeysChanged:
        """``POST /settings/gpg/extend``: another end."""
        return self._change("extend", {"archive": archive, "expire": expire})

    def places(self) -> KeyPlaces:
        """``POST /settings/gpg/export``: where everybody finds the public keys; nothing is written."""
        return shaped(self._wire("POST", "/settings/gpg/export"), KeyPlaces, status=str)

    def _change(self, verb: str, payload: Mapping[str, object]) -> KeysChanged:
        body = self._wire("POST", f"/settings/gpg/{verb}", payload=payload)
        return shaped(body, KeysChanged, status=str, message=str)
