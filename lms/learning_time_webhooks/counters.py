"""Counts what operators want to see. In Open edX the counts appear in its monitoring, everywhere in `counters`."""

from __future__ import annotations

from collections import Counter
from importlib import import_module

# Of this process, by name.
counters: Counter[str] = Counter()


def count(name: str, amount: int = 1) -> None:
    """Never raises."""
    if amount == 0:
        return
    counters[name] += amount
    try:
        monitoring = import_module("edx_django_utils.monitoring")
        monitoring.accumulate(f"learning_time_webhooks.{name}", amount)
    except Exception:  # noqa: S110
        # No Open edX, or no monitoring in this process.
        pass
