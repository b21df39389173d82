"""What describes packages together comes along: groups and modules as they are, of advisories errata are made."""

from __future__ import annotations

import collections
import gzip
import hashlib
import io
import itertools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from entrepot.adapters.catalog.base import Catalog, Writing
from entrepot.adapters.catalog.choices import CarriedDocument
from entrepot.adapters.catalog.records import AuditEntry, JsonValue
from entrepot.domain.model.erratum import Erratum, Fixed
from entrepot.domain.model.package import Format, PackageKey
from entrepot.domain.model.suite import PackageId
from entrepot.domain.upstream.comps import cut_comps
from entrepot.domain.upstream.mirror import Mirror, MirrorRun
from entrepot.domain.upstream.release import IndexFile
from entrepot.domain.upstream.repomd import CARRIED, MAX_REPOMD_BYTES, read_companions
from entrepot.domain.upstream.source import Source
from entrepot.domain.upstream.updateinfo import Advisory, read_updateinfo
from entrepot.errors import LostRace, UpstreamTooLarge
from entrepot.services.upstream.courier import Courier, Wanted
from entrepot.services.upstream.indexes import unpacked
from entrepot.services.upstream.mirrors.choosing import Chosen
from entrepot.services.upstream.mirrors.filling import Tell

MAX_PACKED_BYTES = 64 << 20
MAX_CARRIED_BYTES = 16 << 20
MAX_TEXT_BYTES = 512 << 20
_ROOT, _UPDATEINFO = "repomd", "updateinfo"
_ADVISORIES_A_UNIT = 100

Keys = Mapping[tuple[str, str, str], PackageId]


class Companions:
    """Brings them with a run, and shows them at its end."""

    def __init__(self, catalog: Catalog, courier: Courier, now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._courier = courier
        self._now = now

    def bring(self, mirror: Mirror, source: Source, chosen: Chosen, bases: list[str], tell: Tell) -> tuple[str, ...]:
        """Of an rpm source: verified, kept for the end of the run; what is not carried, in sentences.

        Raises:
            UpstreamError of any kind: they are not what the verified repomd.xml says.
            LostRace: the upstream has changed since it was synchronised.
        """
        if source.format is not Format.RPM:
            return ()
        label = f"{source.name}: repomd.xml"
        _, raw = self._courier.read(source, bases, Wanted("repodata/repomd.xml", MAX_REPOMD_BYTES))
        root = source.state.root
        if root is None or hashlib.sha256(raw).hexdigest() != root.sha256:
            raise LostRace(f"{label}: it has changed since it was synchronised")
        found, unknown = read_companions(raw, label)
        names = {one.key.name for one in (*chosen.named, *chosen.needed)} if mirror.filter.narrows else None
        documents = [CarriedDocument(_ROOT, root.sha256, b"")]
        for kind, index in sorted(found.items()):
            tell("downloading", 0, index.path)
            documents.append(self._document(source, bases, kind, index, names))
        with self._catalog.write() as unit:
            unit.forget_documents(mirror.suite_id, shown=False)
            for document in documents:
                unit.bring_document(mirror.suite_id, document, self._now())
        return (f"documents of kinds that are not known are not carried: {', '.join(unknown[:10])}",) if unknown else ()

    def _document(
        self, source: Source, bases: list[str], kind: str, index: IndexFile, names: Collection[str] | None
    ) -> CarriedDocument:
        label = f"{source.name}: {index.path}"
        wanted = Wanted(index.path, MAX_PACKED_BYTES, index.size_bytes, index.digests)
        _, packed = self._courier.read(source, bases, wanted)
        most = MAX_CARRIED_BYTES if kind in CARRIED else MAX_TEXT_BYTES
        if index.open_size_bytes is not None and index.open_size_bytes > most:
            raise UpstreamTooLarge(f"{label}: it unpacks to {index.open_size_bytes} bytes; at most {most} are taken")
        pieces, size = list[bytes](), 0
        for piece in unpacked(io.BytesIO(packed), index, label):
            size += len(piece)
            if size > most:
                raise UpstreamTooLarge(f"{label}: it unpacks to more than {most} bytes")
            pieces.append(piece)
        text = b"".join(pieces)
        if kind == "group":
            text = cut_comps(text, label, names)
        elif kind == _UPDATEINFO:  # what is not to be read must not come to light in the middle of the end of a run
            collections.deque(read_updateinfo([text], label), maxlen=0)
        return CarriedDocument(kind, hashlib.sha256(text).hexdigest(), gzip.compress(text, 6, mtime=0))

    def settle(self, mirror: Mirror, run: MirrorRun) -> bool:
        """Show what was brought; whether clients see anything new.  Repeatable."""
        with self._catalog.read() as reading:
            brought = {one.kind: one for one in reading.documents(mirror.suite_id, shown=False)}
            keys = reading.chosen_keys(mirror.id)
        if not brought:
            return False
        advisories: Iterator[Advisory] = iter(())
        if _UPDATEINFO in brought:
            text = gzip.decompress(brought[_UPDATEINFO].body)
            advisories = read_updateinfo([text], f"{run.source}: updateinfo")
        changed = self._tell(mirror, run, advisories, keys)
        with self._catalog.write() as unit:
            return unit.show_documents(mirror.suite_id) or changed

    def _tell(self, mirror: Mirror, run: MirrorRun, advisories: Iterator[Advisory], keys: Keys) -> bool:
        """Errata of what is here, as the upstream tells them; our own are never touched."""
        with self._catalog.read() as reading:
            known = dict(reading.carried_errata(mirror.suite_id))
        gone = {code for code, (_, origin, _) in known.items() if origin == run.source}
        mine = {code for code, (_, origin, _) in known.items() if origin != run.source}
        changed = False
        ours = (one for one in advisories if one.code not in mine and any(each in keys for each in one.packages))
        while batch := list(itertools.islice(ours, _ADVISORIES_A_UNIT)):
            told: list[JsonValue] = []
            with self._catalog.write() as unit:
                for one in batch:
                    erratum = _erratum(one, mirror, run, keys)
                    number, _, digest = known.get(one.code, (0, "", ""))
                    gone.discard(one.code)
                    if digest != erratum.extra["digest"]:
                        known[one.code] = (_keep(unit, erratum, number), run.source, erratum.extra["digest"])
                        told.append(one.code)
                self._note(unit, run, "SUCCESS", told)
            changed = changed or bool(told)
        codes = sorted(gone)
        for start in range(0, len(codes), _ADVISORIES_A_UNIT):
            part = codes[start : start + _ADVISORIES_A_UNIT]
            with self._catalog.write() as unit:
                for code in part:
                    unit.remove_erratum(known[code][0])
                self._note(unit, run, "DELETED", part)
        return changed or bool(codes)

    def _note(self, unit: Writing, run: MirrorRun, result: str, codes: Sequence[JsonValue]) -> None:
        if codes:
            detail: dict[str, JsonValue] = {"mirror": run.mirror, "source": run.source, "errata": list(codes)}
            entry = AuditEntry("MIRROR_ERRATA", result, run.actor, self._now(), suite=run.suite.codename, detail=detail)
            unit.audit(entry)


def _keep(unit: Writing, erratum: Erratum, number: int) -> int:
    if not number:
        return unit.add_erratum(erratum)
    unit.change_erratum(replace(erratum, id=number))
    return number


def _erratum(one: Advisory, mirror: Mirror, run: MirrorRun, keys: Keys) -> Erratum:
    found = {keys[each]: PackageKey(Format.RPM, *each) for each in one.packages if each in keys}
    packages = [Fixed(number, key, "", "", "") for number, key in sorted(found.items())]
    digest = hashlib.sha256(repr((one, sorted(found))).encode()).hexdigest()
    return Erratum(
        id=0,
        suite_id=mirror.suite_id,
        code=one.code,
        kind=one.kind,
        severity=one.severity,
        title=one.title,
        description=one.description,
        cves=one.cves,
        links=one.links,
        packages=packages,
        issued_at=one.issued_at,
        updated_at=one.updated_at,
        issued_by=run.source,
        origin=run.source,
        extra={**one.extra, "digest": digest},
    )
