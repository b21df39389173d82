"""Every package of the generator of hostile rpms: refused, held or taken, as its manifest says."""

from __future__ import annotations

import json
import re
import resource
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TypedDict

import pytest

from entrepot.domain.formats.base import Limits
from entrepot.domain.formats.rpm import RpmFormat
from entrepot.domain.formats.rpm.documents import Document, head, render_fragment, tail
from entrepot.domain.formats.rpm.package import payload_files
from entrepot.domain.model.package import PackageFacts
from entrepot.errors import EntrepotError, PackageDigestMismatch, PackageSignatureInvalid
from entrepot.testing.corpora import require_shared

# What the reader has no opinion on: a virus is for the scanner, whose signature it is for the gate.
NOT_OURS = {"payload-eicar", "signature-stranger"}
MEMBER = re.compile("lead|signature header|main header|payload|the package|file")


class Case(TypedDict):
    id: str
    group: str
    file: str
    server: str


class Corpus:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cases: list[Case] = json.loads((folder / "manifest.json").read_text())

    def outcome(self, case: Case) -> PackageFacts | EntrepotError:
        path = self.folder / case["file"]
        try:
            with path.open("rb") as file:
                return RpmFormat().read(file, path.stat().st_size, Limits())
        except EntrepotError as refusal:
            return refusal


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    generator = require_shared("hostile", "make_bad_rpms.py")
    folder = tmp_path_factory.mktemp("hostile")
    command = [sys.executable, str(generator), str(folder), "--bomb-size", "1G", "--fuzz", "1500", "--seed", "3"]
    command += ["--sign"] if shutil.which("gpg") else []
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return Corpus(folder)


def index_of(facts: PackageFacts, kind: Document) -> ET.Element:
    fragment = render_fragment(
        kind, facts.fragments[kind.value], digest="0" * 64, size_bytes=1, href='Packages/"&<x>', file_time=1
    )
    return ET.fromstring(head(kind, 1) + fragment + tail(kind))


def test_each_case_ends_as_its_class_says(corpus: Corpus) -> None:
    wrong = []
    for case in corpus.cases:
        outcome = corpus.outcome(case)
        refused = isinstance(outcome, EntrepotError)
        held = not isinstance(outcome, EntrepotError) and bool(outcome.concerns)
        if case["server"] == "reject" and not refused:
            wrong.append((case["id"], "taken"))
        if case["server"] == "accept" and refused:
            wrong.append((case["id"], str(outcome)))
        if case["server"] == "hold" and not refused and not held and case["id"] not in NOT_OURS:
            wrong.append((case["id"], "taken without a concern"))
    assert wrong == []


def test_refusals_name_the_member_in_one_printable_sentence(corpus: Corpus) -> None:
    for case in corpus.cases:
        outcome = corpus.outcome(case)
        if isinstance(outcome, EntrepotError):
            assert MEMBER.search(outcome.detail), outcome.detail
            assert outcome.detail.isprintable(), outcome.detail
            assert outcome.detail.isascii(), outcome.detail
            assert len(outcome.detail) < 400


def test_whatever_is_taken_publishes_exactly_itself(corpus: Corpus) -> None:
    taken = 0
    for case in corpus.cases:
        outcome = corpus.outcome(case)
        if isinstance(outcome, EntrepotError) or case["group"] == "fuzz":
            continue
        taken += 1
        for kind in Document:
            (package,) = index_of(outcome, kind)
            assert (package.findtext("{*}name") or package.get("name")) == "hostile-demo"
    assert taken > 20


def test_digest_and_signature_cases_say_so(corpus: Corpus) -> None:
    for case in corpus.cases:
        outcome = corpus.outcome(case)
        if case["group"] == "digest" and case["id"].startswith("digest-") and case["server"] == "reject":
            assert isinstance(outcome, PackageDigestMismatch), case["id"]
        if case["id"].startswith("signature-") and case["server"] == "reject":
            assert isinstance(outcome, PackageSignatureInvalid), case["id"]


def test_a_strangers_signature_is_a_signature(corpus: Corpus) -> None:
    strangers = [case for case in corpus.cases if case["id"] == "signature-stranger"]
    if not strangers:
        pytest.skip("gpg IS NOT INSTALLED; no package could be signed")
    outcome = corpus.outcome(strangers[0])
    assert isinstance(outcome, PackageFacts)
    assert outcome.signed


def test_facts_hold_no_character_that_breaks_a_page(corpus: Corpus) -> None:
    by_id = {case["id"]: corpus.outcome(case) for case in corpus.cases}
    poisoned = by_id["tag-summary-control-char"]
    assert isinstance(poisoned, PackageFacts)
    assert poisoned.summary == "a"
    link = by_id["tag-xss-url"]
    assert isinstance(link, PackageFacts)
    assert link.homepage == ""
    epoch = by_id["good-epoch"]
    assert isinstance(epoch, PackageFacts)
    assert str(epoch.key) == "hostile-demo 2:1.0~rc1^git2-1 noarch"


def test_the_scanner_gets_the_bytes_of_the_payload(corpus: Corpus) -> None:
    path = corpus.folder / "payload-eicar.rpm"
    with path.open("rb") as file:
        found = {name: content.read(1024) for name, content in payload_files(file, path.stat().st_size, Limits())}
    assert list(found) == [b"usr/share/hostile-demo"]
    assert found[b"usr/share/hostile-demo"].startswith(b"X5O!P%@AP")


READ_ALL = """
import resource, sys
from pathlib import Path
from entrepot.domain.formats.base import Limits
from entrepot.domain.formats.rpm import RpmFormat
from entrepot.errors import EntrepotError
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for name in sys.argv[1:]:
    with open(name, "rb") as file:
        try:
            RpmFormat().read(file, Path(name).stat().st_size, Limits())
        except EntrepotError as refusal:
            print(refusal.code)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10)
"""


@pytest.mark.skipif(not hasattr(resource, "RUSAGE_SELF"), reason="no memory figures on this system")
def test_bombs_and_giants_stay_below_256_mib(corpus: Corpus) -> None:
    names = [str(corpus.folder / case["file"]) for case in corpus.cases if case["group"] == "bomb"]
    names += [str(corpus.folder / f"{name}.rpm") for name in ("tag-provides-many", "tag-description-long")]
    done = subprocess.run(
        [sys.executable, "-c", READ_ALL, *names], capture_output=True, text=True, check=True, timeout=120
    )
    *codes, growth_mib = done.stdout.split()
    assert len(codes) == 4
    assert int(growth_mib) < 256
