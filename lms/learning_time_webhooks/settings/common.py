"""Open edX calls `plugin_settings` while it composes its settings."""

from typing import Any


def plugin_settings(settings: Any) -> None:
    """Adds an empty setting: `config.py` has the defaults, so that the operator's value need not repeat them."""
    if not hasattr(settings, "LEARNING_TIME_WEBHOOKS"):
        settings.LEARNING_TIME_WEBHOOKS = {}
