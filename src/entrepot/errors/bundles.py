"""What can be wrong with a bundle that was carried here."""

from __future__ import annotations

from entrepot.errors.base import EntrepotError, Kind


class BundleMalformed(EntrepotError):
    """A volume is no archive of the described form, ends too early, or holds what does not belong there."""

    code, kind, title = "bundle.malformed", Kind.UNPROCESSABLE, "Bundle cannot be read"


class BundleSignature(EntrepotError):
    """A bundle has no good signature by a key that is trusted for bundles."""

    code, kind, title = "bundle.signature", Kind.UNPROCESSABLE, "Signature of a bundle is not good"


class BundleDigest(EntrepotError):
    """A file of a bundle is not the one that its signed list names."""

    code, kind, title = "bundle.digest", Kind.UNPROCESSABLE, "File of a bundle does not fit"


class BundleTooNew(EntrepotError):
    """A bundle needs something that this version does not know."""

    code, kind, title = "bundle.too_new", Kind.UNPROCESSABLE, "Bundle is too new"


class BundleBaseMissing(EntrepotError):
    """An increment builds on a bundle that was not imported here."""

    code, kind, title = "bundle.base", Kind.CONFLICT, "Base of a bundle is missing"


class BundleReplayed(EntrepotError):
    """A bundle is older than what was imported last."""

    code, kind, title = "bundle.replayed", Kind.CONFLICT, "Bundle is older than what is here"


class BundleIncomplete(EntrepotError):
    """Files of a bundle have not arrived, or are not kept any more."""

    code, kind, title = "bundle.incomplete", Kind.CONFLICT, "Bundle is not complete"
