"""What runs when Open edX sends a signal, in the transaction of the grade or enrollment."""

from __future__ import annotations

from typing import Any

from . import openedx
from .clock import Clock, SystemClock
from .config import read_config
from .outbox import events_of, record

# Tests replace it.
clock: Clock = SystemClock()


def grade_changed(sender: Any, **kwargs: Any) -> None:
    """Of `PERSISTENT_GRADE_SUMMARY_CHANGED`. Never raises."""
    now = clock.now()
    record(lambda: events_of(openedx.grade_of_signal(kwargs, now), read_config(), now))


def enrollment_created(sender: Any, **kwargs: Any) -> None:
    """Of `COURSE_ENROLLMENT_CREATED`. Never raises."""
    now = clock.now()
    record(lambda: events_of(openedx.enrollment_of_signal(kwargs, now), read_config(), now))
