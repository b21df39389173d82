"""Architectures that rpm knows, and the base architecture under which clients look for each (``$basearch``)."""

from __future__ import annotations

INDEPENDENT = "noarch"
SOURCE_ARCHITECTURES = frozenset(("src", "nosrc"))

_FAMILIES = {
    "aarch64": "aarch64",
    "alpha": "alpha alphaev4 alphaev45 alphaev5 alphaev56 alphaev6 alphaev67 alphaev68 alphaev7 alphapca56",
    "arm": "armv3l armv4b armv4l armv4tl armv5tl armv5tel armv5tejl armv6l armv7l armv8l",
    "armhfp": "armv6hl armv7hl armv7hnl armv8hl",
    "i386": "i386 i486 i586 i686 athlon geode pentium3 pentium4",
    "ia64": "ia64",
    "loongarch64": "loongarch64",
    "m68k": "m68k",
    "mips": "mips mipsr6",
    "mipsel": "mipsel mipsr6el",
    "mips64": "mips64 mips64r6",
    "mips64el": "mips64el mips64r6el",
    INDEPENDENT: INDEPENDENT,
    "ppc": "ppc ppc8260 ppc8560 ppc32dy4 ppciseries ppcpseries",
    "ppc64": "ppc64 ppc64iseries ppc64p7 ppc64pseries",
    "ppc64le": "ppc64le",
    "riscv32": "riscv32",
    "riscv64": "riscv64",
    "s390": "s390",
    "s390x": "s390x",
    "sh3": "sh3",
    "sh4": "sh4 sh4a",
    "sparc": "sparc sparcv8 sparcv9 sparcv9v sparc64 sparc64v",
    "src": "src nosrc",
    "x86_64": "x86_64 x86_64_v2 x86_64_v3 x86_64_v4 amd64 em64t ia32e",
}
BASE_ARCHITECTURES = {name: base for base, names in _FAMILIES.items() for name in names.split()}
"""The base architecture by architecture, as dnf maps them; both kinds of source package share one."""
