"""What a mirror consists of, for a plain tree: files of an upstream where it had them, under its own signatures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from entrepot.adapters.catalog.base import Reading
from entrepot.domain.model.generation import Generation
from entrepot.domain.model.snapshot import PackageFile
from entrepot.domain.model.suite import Suite
from entrepot.errors import VerbatimSuite
from entrepot.services.publish.client_files import Foreign

_INDEXES = ("dists:", "repodata:")


@dataclass(frozen=True, slots=True)
class ForeignState:
    """``folder`` is where the index lies; ``files`` are all others, by the paths of the archive."""

    folder: str
    files: Sequence[PackageFile]
    told: Foreign


def foreign_state(reading: Reading, suite: Suite, generation: Generation) -> ForeignState | None:
    """None of a suite that is signed here.

    Raises:
        VerbatimSuite: packages are fetched when they are asked for, and not all of them are here.
    """
    mirror = reading.mirror_of(suite.id) if suite.verbatim else None
    if mirror is None:
        return None
    files, apart = [], reading.quarantined_digests()
    for file in reading.mirrored_at(suite.id, generation.revision):
        if not file.digest:
            raise VerbatimSuite(
                f"{suite.full_name} fetches packages when they are asked for, and has not all of them; have it fetch "
                f"the rest first: entrepot mirror change {mirror.name} --immediate",
                distribution=suite.full_name,
            )
        if not file.path.startswith(_INDEXES):
            files.append(PackageFile(file.path, "", file.digest, file.size_bytes, quarantine=file.digest in apart))
    source = reading.source(mirror.source_id)
    types = "deb deb-src" if mirror.sources else "deb"
    keys = f"{source.keyring.strip()}\n".encode() if source.keyring.strip() else b""
    return ForeignState(source.folder, files, Foreign(keys, source.distribution, types))
