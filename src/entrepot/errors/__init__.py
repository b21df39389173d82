"""Every failure this program can name.

Used everywhere.  Knows nothing of HTTP, SQL or exit codes: each entry point translates ``kind`` into its own words.
A failure that is not one of these is a bug; entry points report it with an incident id and no internals.
"""

from __future__ import annotations

from entrepot.errors.base import EntrepotError, Fact, Kind
from entrepot.errors.bundles import (
    BundleBaseMissing,
    BundleDigest,
    BundleIncomplete,
    BundleMalformed,
    BundleReplayed,
    BundleSignature,
    BundleTooNew,
)
from entrepot.errors.keeping import (
    BlobCorrupt,
    BlobMissing,
    BodyTooLarge,
    CatalogTooNew,
    CatalogUnavailable,
    ExportFolderUnusable,
    StoreFull,
    StoreUnavailable,
)
from entrepot.errors.package import (
    AmbiguousPackage,
    BadPackageField,
    BadVersion,
    MalformedPackage,
    PackageBomb,
    PackageDigestMismatch,
    PackageSignatureInvalid,
)
from entrepot.errors.provenance import UnfitEvidence, UnfitKey, WeakKey
from entrepot.errors.remote import (
    AddressForbidden,
    DirectoryRefused,
    DirectoryTimedOut,
    DirectoryUnavailable,
    IssuerUnavailable,
    MailNotSent,
    MailRefused,
    RemoteFailed,
)
from entrepot.errors.states import MergeRefused, MoveRefused, StillShown, SuiteInUse
from entrepot.errors.upstream import (
    BuiltInSource,
    ImportFailed,
    RunTooLong,
    SourceMirrored,
    UpstreamAmbiguous,
    UpstreamBadFiles,
    UpstreamBusy,
    UpstreamDigest,
    UpstreamExpired,
    UpstreamIdentity,
    UpstreamMassDeletion,
    UpstreamMisnamed,
    UpstreamMissing,
    UpstreamNotSynced,
    UpstreamParse,
    UpstreamPath,
    UpstreamProtocol,
    UpstreamRedirect,
    UpstreamRollback,
    UpstreamSignature,
    UpstreamStatus,
    UpstreamTimedOut,
    UpstreamTooLarge,
    UpstreamUnreachable,
    VerbatimSuite,
)
from entrepot.errors.work import AlreadyRunning, JobEnded, JobFailed

__all__ = [
    "AddressForbidden",
    "AlreadyRunning",
    "AmbiguousPackage",
    "BadPackageField",
    "BadVersion",
    "BlobCorrupt",
    "BlobMissing",
    "BodyTooLarge",
    "BuiltInSource",
    "BundleBaseMissing",
    "BundleDigest",
    "BundleIncomplete",
    "BundleMalformed",
    "BundleReplayed",
    "BundleSignature",
    "BundleTooNew",
    "CatalogTooNew",
    "CatalogUnavailable",
    "DirectoryRefused",
    "DirectoryTimedOut",
    "DirectoryUnavailable",
    "EntrepotError",
    "ExportFolderUnusable",
    "Fact",
    "ImportFailed",
    "IssuerUnavailable",
    "JobEnded",
    "JobFailed",
    "Kind",
    "MailNotSent",
    "MailRefused",
    "MalformedPackage",
    "MergeRefused",
    "MoveRefused",
    "PackageBomb",
    "PackageDigestMismatch",
    "PackageSignatureInvalid",
    "RemoteFailed",
    "RunTooLong",
    "SourceMirrored",
    "StillShown",
    "StoreFull",
    "StoreUnavailable",
    "SuiteInUse",
    "UnfitEvidence",
    "UnfitKey",
    "UpstreamAmbiguous",
    "UpstreamBadFiles",
    "UpstreamBusy",
    "UpstreamDigest",
    "UpstreamExpired",
    "UpstreamIdentity",
    "UpstreamMassDeletion",
    "UpstreamMisnamed",
    "UpstreamMissing",
    "UpstreamNotSynced",
    "UpstreamParse",
    "UpstreamPath",
    "UpstreamProtocol",
    "UpstreamRedirect",
    "UpstreamRollback",
    "UpstreamSignature",
    "UpstreamStatus",
    "UpstreamTimedOut",
    "UpstreamTooLarge",
    "UpstreamUnreachable",
    "VerbatimSuite",
    "WeakKey",
]


class BuiltInRole(EntrepotError):
    """A role of the program is asked to be other than it is."""

    code, kind, title = "built_in_role", Kind.CONFLICT, "Role of the program"


class SameKeyOtherBytes(EntrepotError):
    """A package key is taken by different content; versions never change once they came in."""

    code, kind, title = "duplicate_conflict", Kind.CONFLICT, "Package exists with other content"


class UnknownDistribution(EntrepotError):
    """No suite of that name takes packages of this format."""

    code, kind, title = "unknown_distribution", Kind.INVALID, "Unknown distribution"


class WrongFormat(EntrepotError):
    """The file's format does not fit the suite."""

    code, kind, title = "wrong_format", Kind.UNPROCESSABLE, "Wrong package format"


class InvalidRequest(EntrepotError):
    """A word in the request has no meaning here."""

    code, kind, title = "invalid_request", Kind.INVALID, "Invalid request"


class WeakPassword(EntrepotError):
    """A password does not meet the rule."""

    code, kind, title = "weak_password", Kind.INVALID, "Password too weak"


class AccountProtected(EntrepotError):
    """An administrator cannot take away their own rights, and the last one stays."""

    code, kind, title = "account_protected", Kind.INVALID, "Account is protected"


class NotFound(EntrepotError):
    """The named thing does not exist, or the caller may not know that it does."""

    code, kind, title = "not_found", Kind.NOT_FOUND, "Not found"


class AlreadyExists(EntrepotError):
    """The name is taken."""

    code, kind, title = "already_exists", Kind.CONFLICT, "Already exists"


class SignInFailed(EntrepotError):
    """Name and password do not fit, or the credential is no longer good."""

    code, kind, title = "sign_in_failed", Kind.UNAUTHENTICATED, "Sign-in failed"


class NotSignedIn(EntrepotError):
    """No usable credential came with the request."""

    code, kind, title = "not_signed_in", Kind.UNAUTHENTICATED, "Not signed in"


class PermissionDenied(EntrepotError):
    """The caller's role does not carry the permission."""

    code, kind, title = "permission_denied", Kind.DENIED, "Permission denied"


class TooManyAttempts(EntrepotError):
    """Slow down; ``retry_after`` says in how many seconds to come back, ``limit`` what was exceeded."""

    code, kind, title = "rate_limit_exceeded", Kind.LIMITED, "Too many attempts"


class GenerationRefused(EntrepotError):
    """A freshly built generation failed the check with a client's eyes; the old one stays."""

    code, kind, title = "publish.refused", Kind.CORRUPT, "Generation failed its own check"


class LostRace(EntrepotError):
    """Another publisher moved the pointer first; the goal has to be looked at again."""

    code, kind, title = "publish.lost_race", Kind.CONFLICT, "Another publication came first"


class SigningUnavailable(EntrepotError):
    """The signing key is absent, unreadable or expired; nothing is published unsigned."""

    code, kind, title = "signing.unavailable", Kind.UNAVAILABLE, "Signing key is unavailable"


class KeyOverlap(EntrepotError):
    """Keys take over from each other one at a time, and not before clients could learn of the new one."""

    code, kind, title = "signing.overlap", Kind.CONFLICT, "Signing keys overlap"


class BadSignature(EntrepotError):
    """Signed metadata carries no valid signature by a key that is trusted for it, or its signature is malformed."""

    code, kind, title = "signature.invalid", Kind.UPSTREAM, "Signature is not valid"


class MalformedIndex(EntrepotError):
    """Index metadata (Packages, Release, Contents) is outside its grammar, contradicts itself or exceeds a bound."""

    code, kind, title = "index.malformed", Kind.UPSTREAM, "Malformed index"


class MalformedAdvisory(EntrepotError):
    """A security advisory, or a file of them, is not what its format says, or exceeds a bound."""

    code, kind, title = "advisory.malformed", Kind.UNPROCESSABLE, "Malformed advisory"


class FeedRefused(EntrepotError):
    """A file of a feed is older than what is there, or has lost most of it; somebody has to say that it is meant."""

    code, kind, title = "feed.refused", Kind.CONFLICT, "Feed goes backwards"


class BadIndexField(EntrepotError):
    """A value would break the index that it is to be written into."""

    code, kind, title = "index.field", Kind.INVALID, "Invalid value for an index"


class BadSetting(EntrepotError):
    """A setting is missing or malformed."""

    code, kind, title = "settings.invalid", Kind.INVALID, "Invalid setting"


class CatalogConflict(EntrepotError):
    """Two units changed the same thing at once; the one that lost can be repeated."""

    code, kind, title = "catalog.conflict", Kind.CONFLICT, "Simultaneous change"


class PublicationLate(EntrepotError):
    """A change is recorded and will be published, but not in time for the answer."""

    code, kind, title = "publish.late", Kind.UNAVAILABLE, "Publication takes long"


class AlreadyDecided(EntrepotError):
    """A decision is made once; only new facts open it again."""

    code, kind, title = "review.decided", Kind.CONFLICT, "Already decided"


class FourEyes(EntrepotError):
    """Nobody lets in what they brought themselves, where the settings want two people."""

    code, kind, title = "review.four_eyes", Kind.DENIED, "Somebody else has to decide"


class AmbiguousDecision(EntrepotError):
    """Several files of one version wait, with different bytes; a decision is about one of them."""

    code, kind, title = "review.ambiguous", Kind.CONFLICT, "More than one file waits"


class PackageQuarantined(EntrepotError):
    """These bytes are in quarantine and come into no distribution until they are released."""

    code, kind, title = "package.quarantined", Kind.CONFLICT, "Package is in quarantine"


class SealBroken(EntrepotError):
    """A secret at rest was sealed with another key, or was changed."""

    code, kind, title = "secret.seal", Kind.CORRUPT, "Stored secret cannot be opened"


class MistypedSetting(EntrepotError):
    """A setting has a value of another JSON type than it wants; ``setting`` names it."""

    code, kind, title = "setting.type", Kind.UNPROCESSABLE, "Setting of the wrong type"


class UnfitChanges(EntrepotError):
    """A .changes file and what came with it do not make a set that can be taken in."""

    code, kind, title = "upload.changes", Kind.UNPROCESSABLE, "Upload is not a whole set"


class TemplateRefused(EntrepotError):
    """A text with places has mistakes, or wants to do more than show values."""

    code, kind, title = "template.refused", Kind.INVALID, "Template is not allowed"


class TooManyStreams(EntrepotError):
    """As many people watch events as one process can serve, or one person does so in too many places."""

    code, kind, title = "stream.too_many", Kind.LIMITED, "Too many open event streams"


class ScannerUnavailable(EntrepotError):
    """The antivirus scanner cannot be asked now; nothing that it has to look at is published meanwhile."""

    code, kind, title = "scanner.unavailable", Kind.UNAVAILABLE, "Scanner is unavailable"


class ScannerMissing(EntrepotError):
    """No antivirus scanner is set up."""

    code, kind, title = "scanner.missing", Kind.UNAVAILABLE, "No scanner is set up"
