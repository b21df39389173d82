"""What can be wrong with somebody else's repository, or with the way to it."""

from __future__ import annotations

from entrepot.errors.base import EntrepotError, Kind


class UpstreamUnreachable(EntrepotError):
    """No connection came about, or it broke off, as often as it was tried."""

    code, kind, title = "upstream.unreachable", Kind.UPSTREAM, "Upstream cannot be reached"


class UpstreamTimedOut(EntrepotError):
    """An upstream sends nothing, or so slowly that waiting makes no sense."""

    code, kind, title = "upstream.timeout", Kind.TIMED_OUT, "Upstream takes too long"


class UpstreamProtocol(EntrepotError):
    """An answer of an upstream is not what HTTP says, or ends before its end."""

    code, kind, title = "upstream.protocol", Kind.UPSTREAM, "Upstream does not speak HTTP"


class UpstreamStatus(EntrepotError):
    """An upstream refuses to hand out a file, or is not able to."""

    code, kind, title = "upstream.status", Kind.UPSTREAM, "Upstream refuses"


class UpstreamMissing(EntrepotError):
    """A file that the index of an upstream names is not there."""

    code, kind, title = "upstream.missing", Kind.UPSTREAM, "File is missing upstream"


class UpstreamRedirect(EntrepotError):
    """An upstream sends from one address to the next, or from a safe one to an open one."""

    code, kind, title = "upstream.redirect", Kind.UPSTREAM, "Upstream redirects too far"


class UpstreamTooLarge(EntrepotError):
    """What an upstream sends, or what that unpacks to, exceeds a bound."""

    code, kind, title = "upstream.too_large", Kind.UPSTREAM, "Upstream sends too much"


class UpstreamDigest(EntrepotError):
    """Bytes of an upstream do not fit the digest or size that its signed index gives, or it gives none to rely on."""

    code, kind, title = "upstream.digest", Kind.UPSTREAM, "Digest of an upstream file does not fit"


class UpstreamSignature(EntrepotError):
    """The index of an upstream has no good signature by a key that is trusted for it."""

    code, kind, title = "upstream.signature", Kind.UPSTREAM, "Signature of an upstream is not good"


class UpstreamExpired(EntrepotError):
    """The signed index of an upstream is past its validity, or from the future."""

    code, kind, title = "upstream.expired", Kind.UPSTREAM, "Index of an upstream is out of its time"


class UpstreamRollback(EntrepotError):
    """An upstream shows an older state than the one that was taken before."""

    code, kind, title = "upstream.rollback", Kind.UPSTREAM, "Upstream went back in time"


class UpstreamIdentity(EntrepotError):
    """The signed index is that of another repository than the one that was asked for."""

    code, kind, title = "upstream.identity", Kind.UPSTREAM, "Upstream is another repository"


class UpstreamMassDeletion(EntrepotError):
    """Most packages are gone at once; a person has to say that this is right."""

    code, kind, title = "upstream.mass_deletion", Kind.CONFLICT, "Most packages are gone upstream"


class UpstreamBadFiles(EntrepotError):
    """Files of an upstream are missing or no good; a person has to say that it may be shown without them."""

    code, kind, title = "upstream.bad_files", Kind.CONFLICT, "Files are no good upstream"


class RunTooLong(EntrepotError):
    """A run of a mirror took longer than the settings allow; the next one goes on from where it was."""

    code, kind, title = "mirror.too_long", Kind.TIMED_OUT, "Run of a mirror takes too long"


class UpstreamParse(EntrepotError):
    """The index of an upstream is outside its grammar."""

    code, kind, title = "upstream.parse", Kind.UPSTREAM, "Index of an upstream is malformed"


class UpstreamPath(EntrepotError):
    """The index of an upstream names a place outside the repository."""

    code, kind, title = "upstream.path", Kind.UPSTREAM, "Upstream points elsewhere"


class UpstreamAmbiguous(EntrepotError):
    """The index of an upstream lists one package with two contents."""

    code, kind, title = "upstream.ambiguous", Kind.UPSTREAM, "Upstream contradicts itself"


class UpstreamBusy(EntrepotError):
    """So many files of upstreams are being fetched that one more has to wait outside."""

    code, kind, title = "upstream.busy", Kind.LIMITED, "Too much is fetched from upstream"


class VerbatimSuite(EntrepotError):
    """A suite that shows an upstream's own signed files cannot have packages of its own."""

    code, kind, title = "mirror.verbatim", Kind.CONFLICT, "Suite shows an upstream's own files"


class SourceMirrored(EntrepotError):
    """A source that a mirror follows cannot be removed."""

    code, kind, title = "source.mirrored", Kind.CONFLICT, "Source is mirrored"


class BuiltInSource(EntrepotError):
    """A source that comes with the program is asked to be another one."""

    code, kind, title = "source.built_in", Kind.INVALID, "Source of the program"


class UpstreamNotSynced(EntrepotError):
    """What other people offer is asked for before anybody has looked."""

    code, kind, title = "upstream.not_synced", Kind.UNPREPARED, "Nothing was synchronised yet"


class UpstreamMisnamed(EntrepotError):
    """A package file is another package than its index says."""

    code, kind, title = "upstream.misnamed", Kind.UPSTREAM, "Package is not what its index says"


class ImportFailed(EntrepotError):
    """An import ended otherwise than it should have, and the job no longer says why."""

    code, kind, title = "import.failed", Kind.UPSTREAM, "Import failed"
