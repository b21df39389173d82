"""Bundles: states of suites that are carried to a server which no network reaches, and taken in there.

Called by the API and the worker.  What is handed out is put together from the store as it is read; what comes in is
looked at by the gate like any upload, and machines see nothing of it before all of it is there.  How packages are let
in, how suites are made and how mirrors are filled is handed in by ``main``.
"""

from entrepot.services.bundles.folders import RECEIVE_JOB, BundleFolders
from entrepot.services.bundles.importing import IMPORT_JOB, BundleImports
from entrepot.services.bundles.making import MAKE_JOB, BundleMaking
from entrepot.services.bundles.receiving import BundleReceiving
from entrepot.services.bundles.shelf import Bundles

__all__ = [
    "IMPORT_JOB",
    "MAKE_JOB",
    "RECEIVE_JOB",
    "BundleFolders",
    "BundleImports",
    "BundleMaking",
    "BundleReceiving",
    "Bundles",
]
