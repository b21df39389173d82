"""Every way a request can fail, as the caller sees it."""

from __future__ import annotations

from collections.abc import Mapping


class ClientError(Exception):
    """Base of the tree.

    ``detail`` is one sentence for a person, ``code`` is stable, ``status`` is the HTTP status when there was one,
    ``body`` the decoded answer (empty when it was none of ours), ``request_id`` what the server logged it under.
    """

    def __init__(
        self,
        detail: str,
        *,
        code: str,
        status: int | None = None,
        request_id: str = "",
        body: Mapping[str, object] | None = None,
        retry_after_seconds: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code
        self.status = status
        self.request_id = request_id
        self.body: Mapping[str, object] = body or {}
        self.retry_after_seconds = retry_after_seconds


class BadInput(ClientError):
    """400 or 422, or what was asked cannot even be sent: fix the request or the file."""


class BadFile(BadInput):
    """A local file cannot be read, is empty, or changed while it was sent."""


class NotSignedIn(ClientError):
    """401: no credential, or not a good one."""


class NotAllowed(ClientError):
    """403: the account lacks the right."""


class Missing(ClientError):
    """404; 424, where nobody has looked yet."""


class Conflict(ClientError):
    """409: what is there does not fit what was asked."""


class RefusedByPolicy(ClientError):
    """The request was understood and the policy said no; ``body`` has the findings."""


class TooLarge(ClientError):
    """413."""


class Limited(ClientError):
    """429, and waiting was not allowed or did not help."""


class Unavailable(ClientError):
    """502, 503, 504 or 507, and waiting was not allowed or did not help."""


class Unreachable(ClientError):
    """No connection, no name, no answer in time, or a certificate that does not fit."""


class BadAnswer(ClientError):
    """The answer is not one of this API: too large, not JSON, of the wrong shape, or a way to another host."""


class ServerFault(ClientError):
    """500 and other statuses that no documented answer has."""


_BY_STATUS: Mapping[int, type[ClientError]] = {
    400: BadInput,
    401: NotSignedIn,
    403: NotAllowed,
    404: Missing,
    424: Missing,
    405: Missing,
    409: Conflict,
    413: TooLarge,
    422: BadInput,
    429: Limited,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
    507: Unavailable,
}
_REFUSED = {"rejected", "quarantined", "blocked"}


def error_class(status: int, body: Mapping[str, object]) -> type[ClientError]:
    """The class for an answer.

    A policy's no shares 409 and 422 with other failures; it is known by the verdict in the body, and an invalid
    package file (codes ``package.*``) is not one although its upload says ``rejected``.
    """
    code = str(body.get("error", ""))
    if status in {409, 422} and not code.startswith("package."):
        refused = body.get("status") in _REFUSED or "policy_verdict" in body
        if refused or code.startswith("policy"):
            return RefusedByPolicy
    return _BY_STATUS.get(status, ServerFault)
