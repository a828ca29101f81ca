"""Django's system checks: a wrong setting is reported at the start, not at the first grade."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from . import openedx
from .config import NAME, InvalidConfig, read_config


@register()
def check_config(**_kwargs: Any) -> list[CheckMessage]:
    try:
        config = read_config()
    except InvalidConfig as error:
        return [Error(str(error), id="learning_time_webhooks.E001")]
    messages: list[CheckMessage] = []
    if not settings.USE_TZ:
        messages.append(Error("USE_TZ must be on: an event's time needs a zone", id="learning_time_webhooks.E002"))
    if not config.queue_url:
        hint = f"Set QUEUE_URL in {NAME}. Until then events stay in the outbox."
        messages.append(Warning("no queue is set", hint=hint, id="learning_time_webhooks.W001"))
    if not openedx.has_signals():
        hint = "Install openedx-events, or run this Django for the relay and the admin only."
        messages.append(Warning("openedx-events is not installed", hint=hint, id="learning_time_webhooks.W002"))
    return messages
