"""Time, as an argument of everything that reads it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The time in UTC. It may go back."""

    def monotonic(self) -> float:
        """Seconds, from any start. They never go back."""

    def sleep(self, seconds: float) -> None:
        """Waits."""


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)
