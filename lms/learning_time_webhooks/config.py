"""The setting `LEARNING_TIME_WEBHOOKS`, a dictionary, with defaults and checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from django.conf import settings

NAME = "LEARNING_TIME_WEBHOOKS"

# The longest lease, in seconds. `leases.py` depends on it to detect a clock that went back.
MAX_LEASE_SECONDS = 600


class InvalidConfig(ValueError):
    """The setting is wrong. The message names the key and the rule, never a value."""


@dataclass(frozen=True)
class Config:
    # The stack's output `EventsQueueUrl`. Empty: events are written to the outbox, and not yet published.
    queue_url: str = ""
    # The queue's region.
    aws_region: str = "us-east-1"
    # Of an SQS that is not in AWS; empty for AWS.
    endpoint_url: str = ""
    # `day`: one event for each enterprise, learner, course, type and UTC day, as upstream.
    # `grade`: one for each better grade of a learner in a course, and one for each enrollment.
    deduplicate: Literal["day", "grade"] = "day"
    # Days for which a published event stays in the outbox: 2 to 400. While it does, the package recognizes its repeat.
    retention_days: int = 30
    # Rows that a relay claims at once, 1 to 1000, and seconds for which it has them, 30 to 600.
    claim_rows: int = 100
    lease_seconds: int = 120
    # Seconds after which no process works with the state that an enterprise had before a switch, 60 to 3600.
    switch_wait_seconds: int = 300
    # Seconds between two looks into an empty outbox, 0.1 to 60.
    poll_seconds: float = 1.0

    @property
    def switch_wait(self) -> timedelta:
        return timedelta(seconds=self.switch_wait_seconds)


def read_config() -> Config:
    """Reads the setting at each call, so that tests and operators can change it. Raises InvalidConfig."""
    return parse_config(getattr(settings, NAME, {}))


def parse_config(value: Any) -> Config:
    """Raises InvalidConfig."""
    if not isinstance(value, Mapping):
        raise InvalidConfig(f"{NAME} must be a dictionary")
    known = {field.upper(): field for field in Config.__dataclass_fields__}
    if unknown := sorted(str(key) for key in value if key not in known):
        raise InvalidConfig(f"{NAME} has unknown keys: {', '.join(unknown)}; known are {', '.join(known)}")
    given = {known[key]: setting for key, setting in value.items()}
    for field in ("queue_url", "aws_region", "endpoint_url"):
        if not isinstance(given.get(field, ""), str):
            raise InvalidConfig(f"{NAME}: {field.upper()} must be text")
    if given.get("queue_url", "") and not given["queue_url"].startswith(("https://", "http://")):
        raise InvalidConfig(f"{NAME}: QUEUE_URL must be the URL of the queue, not its name or ARN")
    if given.get("deduplicate", "day") not in ("day", "grade"):
        raise InvalidConfig(f"{NAME}: DEDUPLICATE must be 'day' or 'grade'")
    _check_range(given, "retention_days", 2, 400)
    _check_range(given, "claim_rows", 1, 1000)
    _check_range(given, "lease_seconds", 30, MAX_LEASE_SECONDS)
    _check_range(given, "switch_wait_seconds", 60, 3600)
    _check_range(given, "poll_seconds", 0.1, 60, whole=False)
    return Config(**given)


def _check_range(given: Mapping[str, Any], field: str, low: float, high: float, *, whole: bool = True) -> None:
    value = given.get(field, low)
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)) or not low <= value <= high:
        kind = "a whole number" if whole else "a number"
        raise InvalidConfig(f"{NAME}: {field.upper()} must be {kind} from {low} to {high}")
