"""Entrepot: a Linux package repository server.

Packages come in, are inspected, and leave under seal.  See ARCHITECTURE.md for the map.
"""

__version__ = "0.1.0"
