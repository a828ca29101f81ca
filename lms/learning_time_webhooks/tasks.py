"""The relay as a Celery task, for an LMS whose beat runs it every few seconds. Without Celery it is a function."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from .clock import SystemClock
from .config import read_config
from .relay import Relay
from .sqs import SqsQueue

# Of CLAIM_ROWS rows each. The next run continues, so that one run stays below Celery's time limits.
MAX_ROUNDS = 50


def publish_outbox() -> None:
    """Publishes what is available now. Two runs in parallel are harmless: each row is claimed by one."""
    config = read_config()
    relay = Relay(SqsQueue.from_config(config), SystemClock(), config)
    relay.run_until_empty(MAX_ROUNDS)
    relay.prune()


def _as_task(function: Callable[[], None]) -> Any:
    try:
        celery = import_module("celery")
    except ImportError:
        return function
    return celery.shared_task(name="learning_time_webhooks.publish_outbox", ignore_result=True)(function)


publish_outbox_task = _as_task(publish_outbox)
