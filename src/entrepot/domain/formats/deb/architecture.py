"""Architecture names that dpkg knows: its cpu table combined with its operating systems, and ``all``."""

from __future__ import annotations

_CPUS = (
    "alpha amd64 arc arm arm64 armeb avr32 hppa i386 ia64 loong64 m32r m68k mips mips64 mips64el mips64r6 mips64r6el "
    "mipsel mipsr6 mipsr6el nios2 or1k powerpc powerpcel ppc64 ppc64el riscv64 s390 s390x sh3 sh3eb sh4 sh4eb sparc "
    "sparc64 tilegx"
)
_SYSTEMS = (
    "uclibc-linux musl-linux kfreebsd knetbsd kopensolaris hurd dragonflybsd freebsd openbsd netbsd darwin aix "
    "solaris uclinux"
)
_ABIS = (
    "armel armhf arm64ilp32 mipsn32 mipsn32el mipsn32r6 mipsn32r6el powerpcspe x32 uclibc-linux-armel "
    "musl-linux-armhf kfreebsd-armhf uclinux-armel mint-m68k"
)

BINARY_ARCHITECTURES = frozenset(
    {
        "all",
        *_ABIS.split(),
        *_CPUS.split(),
        *(f"{system}-{cpu}" for system in _SYSTEMS.split() for cpu in _CPUS.split()),
    }
)
"""Every value that ``Architecture`` of a binary package can have; ``any`` and ``source`` are none of them."""
