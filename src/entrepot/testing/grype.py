"""A program in the place of grype: it prints documents of the shape that grype's JSON Schema 1.0.0 has.

What it finds, and how it misbehaves, is said in a file beside it; what it was given is kept there.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PROGRAM = """#!{python}
import json, os, subprocess, sys, time
here = {here!r}
plan = json.load(open(here + "/plan.json"))
words = sys.argv[1:]
if words[:2] == ["db", "status"]:
    if plan.get("status_garbled"):
        print("no data")
    else:
        print(json.dumps(plan["status"]))
    sys.exit(plan.get("status_code", 0))
if words[:2] == ["db", "update"]:
    print("looked for news")
    for name in os.environ:
        if name.startswith("ENTREPOT"):
            print(name)
    sys.exit(plan.get("update_code", 0))
assert words[1:] == ["-o", "json"] and words[0].startswith("sbom:"), words
assert os.environ["GRYPE_DB_AUTO_UPDATE"] == "false"
with open(words[0][5:]) as file, open(here + "/given.json", "w") as kept:
    given = json.load(file)
    json.dump(given, kept)
how = plan.get("how", "right")
if how == "slow":
    time.sleep(600)
if how == "killed":
    os.kill(os.getpid(), 9)
if how == "fork":
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    open(here + "/child", "w").write(str(child.pid))
if how == "slow fork":
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    open(here + "/child", "w").write(str(child.pid))
    time.sleep(600)
if how == "huge":
    while True:
        sys.stdout.write("[" * (1 << 20))
if how == "chatty":
    while True:
        sys.stderr.write("x" * (1 << 20))
if how == "silent":
    sys.exit(0)
if how == "garbled":
    print('{{"matches": [')
    sys.exit(0)
if how == "deep":
    print("[" * 200000)
    sys.exit(0)
if how == "fails":
    sys.stderr.write("failed to load vulnerability db: it is not there")
    sys.exit(1)
system = next(one for one in given["components"] if one["type"] == "operating-system")
package = next(one for one in given["components"] if one.get("bom-ref") == "package")
document = {{
    "matches": [],
    "source": {{"type": "sbom-file", "target": words[0]}},
    "distro": {{"name": system["name"], "version": system["version"], "idLike": []}},
    "descriptor": {{"name": "grype", "version": "0.99.0", "timestamp": "2026-01-01T00:00:00Z"}},
    "x-later": {{"unknown": True}},
}}
for match in plan.get("matches", []):
    of = match.pop("of", "package")
    one = package if of == "package" else next(each for each in given["components"] if each["name"] == of)
    match["artifact"] = {{
        "id": "0", "name": one["name"], "version": one["version"], "locations": [], "language": "", "licenses": [],
        "type": "deb" if one is package else "python", "cpes": [], "purl": one["purl"], "upstreams": [],
    }}
    document["matches"].append(match)
document.update(plan.get("document", {{}}))
for name in plan.get("without", []):
    del document[name]
print(json.dumps(document))
sys.exit(3 if how == "fails after all" else 0)
"""


def match(id_: str, severity: str = "High", of: str = "package", **fields: Any) -> dict[str, Any]:
    """One finding about the package, or a component of this name; ``fields`` are of the vulnerability."""
    told: dict[str, Any] = {
        "id": id_,
        "dataSource": f"https://example.org/{id_}",
        "namespace": "debian:distro:debian:12",
        "severity": severity,
        "urls": [],
        "description": "A fault.",
        "cvss": [],
        "fix": {"versions": ["9.9"], "state": "fixed"},
        "advisories": [],
        "risk": 1.5,
    }
    related = fields.pop("related", [])
    return {
        "of": of,
        "vulnerability": told | fields,
        "relatedVulnerabilities": [
            {"id": name, "dataSource": f"https://example.org/{name}", "urls": [], "cvss": []} for name in related
        ],
        "matchDetails": [{"type": "exact-indirect-match", "matcher": "dpkg-matcher", "searchedBy": {}, "found": {}}],
    }


@dataclass(frozen=True, slots=True)
class StandIn:
    """The program, and what it is to do next."""

    folder: Path

    @property
    def program(self) -> Path:
        return self.folder / "grype"

    def plan(
        self,
        how: str = "right",
        matches: Sequence[Mapping[str, Any]] = (),
        built: str = "2026-01-02T00:00:00.123456789Z",
        status: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> None:
        """From now on."""
        known = {"schemaVersion": "v6.1.1", "from": "https://example.org", "built": built, "path": "/", "valid": True}
        text = json.dumps({"how": how, "matches": list(matches), "status": {**known, **(status or {})}, **more})
        (self.folder / "plan.json").write_text(text)

    def given(self) -> dict[str, Any]:
        """The last document that it was asked about."""
        found: dict[str, Any] = json.loads((self.folder / "given.json").read_text())
        return found

    def child(self) -> int:
        """The number of the process that it left behind."""
        return int((self.folder / "child").read_text())


def stand_in(folder: Path) -> StandIn:
    """Written into a folder."""
    made = StandIn(folder)
    folder.mkdir(parents=True, exist_ok=True)
    made.program.write_text(_PROGRAM.format(python=sys.executable, here=str(folder)))
    made.program.chmod(0o755)
    made.plan()
    return made
