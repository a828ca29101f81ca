"""Receives our webhooks: a WSGI application, with Python's standard library only."""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from verify import is_genuine

# Our bodies are at most a third of it, even with encrypted fields.
MAX_BODY_BYTES = 1024 * 1024

Keep = Callable[[str, dict[str, Any]], None]


def receiver(secrets: Sequence[str], keep: Keep) -> Callable[..., Iterable[bytes]]:
    """Verifies, stores and responds. Longer work is done later, from what was stored.

    `keep` stores a payload durably, once for each webhook-id: INSERT ... ON CONFLICT (id) DO NOTHING.
    """

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response(_status_for(environ, secrets, keep), [("content-length", "0")])
        return []

    return application


def _status_for(environ: dict[str, Any], secrets: Sequence[str], keep: Keep) -> str:
    try:
        # Our requests always have a length.
        length = int(environ.get("CONTENT_LENGTH") or -1)
        if not 0 <= length <= MAX_BODY_BYTES:
            return "413 Content Too Large"
        body = environ["wsgi.input"].read(length)
        names = ("webhook-id", "webhook-timestamp", "webhook-signature")
        headers = {name: environ.get(f"HTTP_{name.upper().replace('-', '_')}", "") for name in names}
        # After a 401 we read your secret again and retry once: it may have been rotated just now.
        if not is_genuine(secrets, headers, body):
            return "401 Unauthorized"
        payload = json.loads(body)
        if payload.get("test") is not True:
            keep(headers["webhook-id"], payload)
        return "204 No Content"
    except Exception:
        return "503 Service Unavailable"
