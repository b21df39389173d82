"""Packages built by the real rpmbuild: weak and rich dependencies, scriptlets, ghosts, links, epochs, sources."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

WIDE = r"""
Name: wide
Epoch: 2
Version: 1.4~beta2
Release: 3.el9
Summary: Wide & <narrow>
License: MIT and (GPLv2+ or BSD)
URL: https://wide.example.org/?a=1&b=2
Vendor: Example
Packager: Ann Example <ann@example.org>
Group: Applications/System
Provides: virtual(wide) = 2:1.4
Requires: glibc >= 2.17, /usr/bin/env, (a >= 1 if b else c), (x with x < 3)
Requires(pre): shadow-utils
Requires(post): /sbin/ldconfig
Conflicts: narrow < 1.0-1
Obsoletes: broad <= 2:0.9
Recommends: nice
Suggests: (one or two)
Supplements: (wide-lang and langpacks)
Enhances: enhanced = 1
BuildArch: {arch}
%description
First line.

  Second <paragraph> & more.
%package -n thin
Summary: Thin
Version: 9
BuildArch: noarch
Requires: wide = 2:1.4~beta2-3.el9
%description -n thin
Nothing but a directory.
%prep
%install
mkdir -p %{{buildroot}}/usr/bin %{{buildroot}}/etc/wide.d %{{buildroot}}/var/lib/wide %{{buildroot}}/usr/share/thin
printf '#!/bin/sh\n' > %{{buildroot}}/usr/bin/wide
chmod 755 %{{buildroot}}/usr/bin/wide
ln %{{buildroot}}/usr/bin/wide %{{buildroot}}/usr/bin/wider
ln -s wide %{{buildroot}}/usr/bin/widest
echo key=1 > %{{buildroot}}/etc/wide.d/wide.conf
touch %{{buildroot}}/var/lib/wide/state "%{{buildroot}}/etc/wide.d/with space"
head -c 100000 /dev/zero > %{{buildroot}}/usr/share/thin/zeros
%pre
true
%post -p /sbin/ldconfig
%posttrans
true
%files
/usr/bin/wide
/usr/bin/wider
/usr/bin/widest
%dir /etc/wide.d
%config(noreplace) /etc/wide.d/wide.conf
"/etc/wide.d/with space"
%dir /var/lib/wide
%ghost /var/lib/wide/state
%attr(4755, root, root) /usr/share/thin/zeros
%files -n thin
%dir /usr/share/thin
%changelog
* Wed Jan 03 2024 Ann Example <ann@example.org> - 2:1.4~beta2-3
- third & last
* Wed Jan 03 2024 Bob <bob@example.org> - 1.4-2
- same day
* Mon Jan 01 2024 Ann Example <ann@example.org> - 1.4-1
- first
- <two>
"""

SOURCE = """
Name: carried
Version: 1
Release: 1
Summary: A package with sources
License: MIT
Source0: carried.txt
Source1: secret.bin
%description
Carried.
%files
"""

COMPRESSORS = ("w9.gzdio", "w6.xzdio", "w3.zstdio", "w9.bzdio", "w6.lzdio", "w.ufdio")


def build_specs(folder: Path, *, only_sources_left_out: bool = False) -> Path:
    """A folder of binary packages, one build for each compressor, and of their source packages."""
    if not shutil.which("rpmbuild"):
        pytest.skip("rpmbuild IS NOT INSTALLED; packages of the real builder cannot be read")
    out = folder / "out"
    if only_sources_left_out:
        rpmbuild(folder / "carried", SOURCE.replace("%description", "NoSource: 1\n%description"), COMPRESSORS[1], "-bs")
    for number, payload in enumerate(() if only_sources_left_out else COMPRESSORS):
        text = WIDE.format(arch="noarch" if number % 2 else "x86_64").replace("9\nBuildArch", f"9.{number}\nBuildArch")
        rpmbuild(folder / f"wide{number}", text.replace("3.el9", f"{number}.el9"), payload, "-ba")
    if not only_sources_left_out:
        rpmbuild(folder / "carried", SOURCE, COMPRESSORS[1], "-bs")
    for path in folder.glob("*/**/*.rpm"):
        out.mkdir(exist_ok=True)
        path.rename(out / path.name)
    return out


def rpmbuild(top: Path, spec: str, payload: str, what: str) -> None:
    (top / "SOURCES").mkdir(parents=True)
    for name in ("carried.txt", "secret.bin"):
        (top / "SOURCES" / name).write_text(f"{name}\n")
    path = top / "package.spec"
    path.write_text(spec)
    defines = [f"_topdir {top}", f"_binary_payload {payload}", "_build_id_links none", "__os_install_post %{nil}"]
    command = ["rpmbuild", "--nodeps", "--target", "x86_64", what, str(path)]
    for define in defines:
        command[1:1] = ["--define", define]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=120, env={"HOME": str(top), "PATH": PATH}
    )
    assert done.returncode == 0, done.stderr


PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
