"""What both package builders need: compressors, the default content, file modes."""

from __future__ import annotations

import bz2
import gzip
import lzma
import sys

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

FIXED_TIME = 1_700_000_000
"""Unix time of everything inside built packages."""


def compressed(data: bytes, compression: str) -> bytes:
    """``data`` under ``none``, ``gz``, ``xz``, ``zst``, ``bz2`` or ``lzma``, without a time stamp."""
    writers = {
        "none": lambda: data,
        "gz": lambda: gzip.compress(data, mtime=0),
        "xz": lambda: lzma.compress(data),
        "zst": lambda: zstd.compress(data),
        "bz2": lambda: bz2.compress(data),
        "lzma": lambda: lzma.compress(data, lzma.FORMAT_ALONE),
    }
    return writers[compression]()


def default_files(name: str) -> dict[str, bytes]:
    """One small file that shows the package was unpacked."""
    return {f"usr/share/doc/{name}/hello": f"hello from {name}\n".encode()}


def file_mode(data: bytes) -> int:
    """Scripts are executable, everything else is not."""
    return 0o755 if data.startswith(b"#!") else 0o644
