"""Which builds a suite takes packages from: rules over what an attestation says, once it is verified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

MOST_RULES = 32


@dataclass(frozen=True, slots=True)
class BuildRule:
    """What one attestation has to say; an empty word asks nothing, a star at its end takes whatever follows.

    ``identity`` and ``issuer`` are those of a Sigstore certificate, ``key`` the fingerprint of a public key;
    ``builder`` and ``predicate_type`` are what the signer claims.
    """

    identity: str = ""
    issuer: str = ""
    key: str = ""
    builder: str = ""
    predicate_type: str = ""

    def takes(self, said: BuildRule) -> bool:
        """Whether it is met by what was said."""
        return all(_fits(wanted, getattr(said, name)) for name, wanted in asdict(self).items() if wanted)

    def sentence(self) -> str:
        """For people."""
        return ", ".join(f"{name} {word}" for name, word in asdict(self).items() if word) or "anybody who is trusted"


def rules_of(rows: Sequence[Mapping[str, object]]) -> list[BuildRule]:
    """As they are stored."""
    names = BuildRule.__dataclass_fields__
    return [BuildRule(**{name: str(word) for name, word in row.items() if name in names}) for row in rows]


def _fits(wanted: str, said: str) -> bool:
    if wanted.endswith("*"):
        return said.startswith(wanted[:-1])
    return said == wanted
