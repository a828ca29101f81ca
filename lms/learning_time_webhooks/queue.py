"""The events queue, as the relay sees it. `sqs.py` implements it with boto3."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

# SQS's limits for one SendMessageBatch.
MAX_BATCH_ENTRIES = 10
MAX_BATCH_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Entry:
    """One message. `key` identifies it in the results of a batch."""

    key: int
    # ASCII, so that its length is its size in bytes.
    body: str
    # The enterprise: a thousand messages of one group do not delay those of another.
    group: str


@dataclass(frozen=True)
class Accepted:
    key: int
    message_id: str


@dataclass(frozen=True)
class Rejected:
    key: int
    # SQS's error code, and its reason without any payload.
    code: str
    reason: str
    # True: SQS will refuse the message again. False: it may accept it later.
    sender_fault: bool


class QueueUnavailable(Exception):
    """The whole request failed. Some or all of its messages may have arrived; publishing them again is safe."""


class Queue(Protocol):
    def send(self, entries: Sequence[Entry]) -> list[Accepted | Rejected]:
        """Sends at most `MAX_BATCH_ENTRIES` of at most `MAX_BATCH_BYTES` together. Returns a result for each entry.

        Raises QueueUnavailable.
        """
