"""How a receiver can tell that a webhook is from here: Standard Webhooks, and the older ``X-Hub-Signature-256``."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from datetime import datetime

_PREFIX = "whsec_"


def signed_headers(secret: str, ident: str, at: datetime, body: bytes) -> dict[str, str]:
    """Headers of one attempt; without a secret there are no signatures.

    A secret that begins with ``whsec_`` is base64 of the key, as in the Standard Webhooks specification; any other is
    taken as it is.
    """
    moment = str(int(at.timestamp()))
    headers = {"webhook-id": ident, "webhook-timestamp": moment}
    if secret:
        content = f"{ident}.{moment}.".encode() + body
        made = base64.b64encode(hmac.digest(_key(secret), content, hashlib.sha256)).decode()
        headers["webhook-signature"] = f"v1,{made}"
        headers["X-Hub-Signature-256"] = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return headers


def _key(secret: str) -> bytes:
    if secret.startswith(_PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except (binascii.Error, ValueError):
            pass
    return secret.encode()
