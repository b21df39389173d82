"""What can be wrong where content and catalog are kept."""

from __future__ import annotations

from entrepot.errors.base import EntrepotError, Kind


class BodyTooLarge(EntrepotError):
    """The upload exceeds the configured size."""

    code, kind, title = "body_too_large", Kind.TOO_LARGE, "Upload too large"


class StoreFull(EntrepotError):
    """No space or no inodes are left where blobs are kept."""

    code, kind, title = "store.full", Kind.FULL, "Storage is full"


class StoreUnavailable(EntrepotError):
    """The blob store cannot be read or written now."""

    code, kind, title = "store.unavailable", Kind.UNAVAILABLE, "Storage is unavailable"


class ExportFolderUnusable(EntrepotError):
    """The folder that a tree is exported to cannot be read or written."""

    code, kind, title = "export.folder", Kind.UNAVAILABLE, "Folder of an export cannot be used"


class BlobMissing(EntrepotError):
    """A blob that should be there is not."""

    code, kind, title = "store.missing", Kind.CORRUPT, "Stored content is missing"


class BlobCorrupt(EntrepotError):
    """Stored bytes do not hash to their name."""

    code, kind, title = "store.corrupt", Kind.CORRUPT, "Stored content is corrupt"


class CatalogUnavailable(EntrepotError):
    """The database cannot be reached or is locked for too long."""

    code, kind, title = "catalog.unavailable", Kind.UNAVAILABLE, "Database is unavailable"


class CatalogTooNew(EntrepotError):
    """The database was written by a newer version of this program."""

    code, kind, title = "catalog.too_new", Kind.UNAVAILABLE, "Database is newer than this program"
