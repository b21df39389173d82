"""What can be wrong with services of others that this one talks to: mail, directories, issuers of identities."""

from __future__ import annotations

from entrepot.errors.base import EntrepotError, Kind


class MailNotSent(EntrepotError):
    """No server took a mail: switched off, not reachable, or refused for now."""

    code, kind, title = "mail.not_sent", Kind.INVALID, "Mail could not be sent"


class MailRefused(EntrepotError):
    """A mail will never be taken as it is: an address is none, or the server refuses it for good."""

    code, kind, title = "mail.refused", Kind.INVALID, "Mail was refused"


class AddressForbidden(EntrepotError):
    """A URL that somebody gave leads to a place that this server must not ask."""

    code, kind, title = "url.forbidden", Kind.INVALID, "Address is not allowed"


class RemoteFailed(EntrepotError):
    """Somebody else's server gave no usable answer."""

    code, kind, title = "remote.failed", Kind.UPSTREAM, "Remote server failed"


class DirectoryRefused(EntrepotError):
    """The directory does not take our own credentials, or the settings for it make no sense to it."""

    code, kind, title = "directory.refused", Kind.INVALID, "Directory refuses us"


class DirectoryTimedOut(EntrepotError):
    """The directory did not answer in time."""

    code, kind, title = "directory.timed_out", Kind.TIMED_OUT, "Directory takes too long"


class DirectoryUnavailable(EntrepotError):
    """The directory cannot be asked now; accounts of this server itself still sign in."""

    code, kind, title = "directory.unavailable", Kind.UNAVAILABLE, "Directory is unavailable"


class IssuerUnavailable(EntrepotError):
    """An identity provider cannot be asked now, or what it says makes no sense."""

    code, kind, title = "issuer.unavailable", Kind.UNAVAILABLE, "Identity provider is unavailable"
