"""Small, real packages without external programs; the same arguments give the same bytes.

``build_deb`` and ``build_rpm`` make files that the real dpkg and rpm verify and install.
"""

from entrepot.testing.debs import build_deb
from entrepot.testing.rpms import build_rpm

__all__ = ["build_deb", "build_rpm"]
