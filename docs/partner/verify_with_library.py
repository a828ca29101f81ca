from collections.abc import Mapping, Sequence

from standardwebhooks import Webhook, WebhookVerificationError


def is_genuine(secrets: Sequence[str], headers: Mapping[str, str], body: bytes) -> bool:
    """Whether a request is ours and recent. The library takes one secret at a time."""
    for webhook in [Webhook(secret) for secret in secrets]:
        try:
            webhook.verify(body, dict(headers), json_parse=False)
            return True
        except (WebhookVerificationError, ValueError):  # ValueError: a signature that is no base64, or has no comma
            continue
    return False
