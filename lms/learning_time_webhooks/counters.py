"""Counts what operators want to see. In Open edX the counts appear in its monitoring, everywhere in `counters`."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from functools import cache
from importlib import import_module
from typing import Any

# Of this process, by name.
counters: Counter[str] = Counter()


def count(name: str, amount: int = 1) -> None:
    """Never raises."""
    if amount == 0:
        return
    counters[name] += amount
    accumulate = _monitoring()
    if accumulate is not None:
        with suppress(Exception):
            accumulate(f"learning_time_webhooks.{name}", amount)


@cache
def _monitoring() -> Any:
    """Open edX's own function, or None. A search for a missing module takes longer than the rest of `count`."""
    try:
        return import_module("edx_django_utils.monitoring").accumulate
    except ImportError:
        return None
