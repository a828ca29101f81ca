"""Verifies our webhooks with Python's standard library only."""

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Mapping, Sequence

TOLERANCE_SECONDS = 5 * 60


def is_genuine(secrets: Sequence[str], headers: Mapping[str, str], body: bytes, now: float | None = None) -> bool:
    """Whether a request is ours and recent.

    `secrets`: as we gave them, whsec_...: one, or the old and the new one. `headers`: your framework's, or any mapping
    with names in lower case. `body`: the bytes as they arrived. Raises ValueError if a secret is invalid: any client
    could sign with an empty one.
    """
    keys = [_signing_key(secret) for secret in secrets]
    webhook_id = headers.get("webhook-id") or ""
    timestamp = headers.get("webhook-timestamp") or ""
    signatures = headers.get("webhook-signature") or ""
    if not webhook_id or not re.fullmatch(r"[0-9]{1,12}", timestamp):
        return False
    if abs((time.time() if now is None else now) - int(timestamp)) > TOLERANCE_SECONDS:
        return False
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    expected = [b"v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)) for key in keys]
    given = [signature.encode("ascii", "replace") for signature in signatures.split(" ")]
    return any(hmac.compare_digest(one, other) for one in given for other in expected)


def _signing_key(secret: str) -> bytes:
    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    if len(key) < 24:
        raise ValueError("not a signing secret: whsec_ and the base64 of 24 to 64 bytes")
    return key
