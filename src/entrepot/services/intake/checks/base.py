"""What a check is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Protocol, runtime_checkable

from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.storage.base import BlobStore
from entrepot.domain.model.component import Component
from entrepot.domain.model.digest import Digest
from entrepot.domain.model.package import Concern, PackageKey
from entrepot.domain.model.suite import Suite
from entrepot.domain.policy.gate import CheckOutcome
from entrepot.services.intake.provenance.beside import Beside
from entrepot.services.intake.steps import Report, nothing


@dataclass(frozen=True, slots=True)
class Subject:
    """The package that is looked at, and for which suite.  Its content is stored under ``digest`` already.

    ``files`` are those of its own paths that it requires by itself, ``components`` what it carries inside: both are
    known while it comes in only; later, ``Reading.components`` tells.  ``source`` is the name of its source package;
    its version is empty where only the stored index text can tell.
    """

    key: PackageKey
    digest: Digest
    suite: Suite
    component: str
    relations: Mapping[str, Sequence[str]]
    concerns: tuple[Concern, ...]
    signed: bool
    files: frozenset[str] = frozenset()
    source: str = ""
    source_version: str = ""
    components: tuple[Component, ...] = ()
    licence: str = ""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a check may ask; and ``report``, which a long one tells how far it is: ``Step(name, RUNNING, "3 of 7")``.

    That a check begins and how it ends is told by whoever asks it.  While a package comes in, ``arriving`` opens its
    file, which is not stored yet, and ``beside`` came along with it.
    """

    catalog: Catalog
    blobs: BlobStore
    report: Report = nothing
    arriving: Callable[[], BinaryIO] | None = None
    beside: Sequence[Beside] = ()

    def content(self, subject: Subject) -> BinaryIO:
        """The whole file, seekable; the caller closes it."""
        return self.arriving() if self.arriving is not None else self.blobs.open(subject.digest)


class Check(Protocol):
    """One question about a package.

    ``slow`` checks (scanners) run in a durable job after the upload was stored; the others run while the client waits.
    ``anew`` says that an answer is worth little later, as what it rests on changes by itself: whoever judges asks again
    (see ``answers``).
    """

    name: str
    anew: bool

    @property
    def slow(self) -> bool:
        """Whether it is asked by a worker; may change while the program runs."""
        ...

    def inspect(self, subject: Subject, around: Surroundings) -> CheckOutcome:
        """Look; never raises for what is in the package.

        Raises:
            ScannerUnavailable: a slow check cannot say anything now; the package goes on waiting.
        """
        ...


@runtime_checkable
class Selective(Protocol):
    """A check that is left out where its answer leads to nothing."""

    def wanted(self, suite: Suite) -> bool:
        """Whether it is asked before this suite."""
        ...
