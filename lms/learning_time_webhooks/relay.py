"""Publishes the outbox. No transaction is open while it waits for the queue.

A process that ends between the queue's confirmation and `settle` leaves the row pending. After its lease another relay
publishes it again with the same `event_id`, and the pipeline drops the copy.
"""

from __future__ import annotations

import logging
import random
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import DatabaseError, InterfaceError, connections

from . import leases, switches
from .clock import Clock
from .config import Config
from .counters import count
from .models import OutboxEvent
from .queue import MAX_BATCH_BYTES, MAX_BATCH_ENTRIES, Accepted, Entry, Queue, QueueUnavailable

logger = logging.getLogger(__name__)

# Seconds until a row is sent again: 1, 2, 4 … at most 300, each times 0.5 to 1.5. Less than `leases.MAX_WAIT`.
FIRST_BACKOFF_SECONDS = 1.0
MAX_BACKOFF_SECONDS = 300.0
# The same for a relay whose requests fail.
MAX_PAUSE_SECONDS = 60.0

# A row whose requests failed so often is sent alone: it may be the cause, and must not hold up other rows.
SEND_ALONE_AFTER = 3
# Requests with a row that is sent alone, of one round, that fail before the queue counts as unavailable.
FAILURES_AT_MOST = 2

# Between two looks at the switches of enterprises.
ADVANCE_EVERY_SECONDS = 10.0
PRUNE_EVERY_SECONDS = 3600.0
PRUNE_ROWS = 500
PRUNE_CHUNKS = 20


@dataclass
class Round:
    """What one round of a relay did, in rows."""

    claimed: int = 0
    published: int = 0
    refused: int = 0
    postponed: int = 0
    # Claimed, and given back without having been sent.
    released: int = 0
    # Why the queue could not be reached, if it could not.
    unavailable: str | None = None


@dataclass
class Relay:
    queue: Queue
    clock: Clock
    config: Config
    # A number from 0 to 1.
    random: Callable[[], float] = field(default=random.random)

    def run(self, stop: Callable[[], bool]) -> None:
        """Publishes until `stop()`. Survives faults of the database and of the queue."""
        failures = 0
        pruned_at: float | None = None
        advanced_at: float | None = None
        while not stop():
            try:
                result = self.run_once()
                if advanced_at is None or self.clock.monotonic() - advanced_at >= ADVANCE_EVERY_SECONDS:
                    advanced_at = self.clock.monotonic()
                    switches.advance(self.clock.now(), self.config.switch_wait)
                if pruned_at is None or self.clock.monotonic() - pruned_at >= PRUNE_EVERY_SECONDS:
                    pruned_at = self.clock.monotonic()
                    self.prune()
            except (DatabaseError, InterfaceError) as error:
                # The class alone: a database's message may contain the statement and its values.
                logger.error("outbox.relay.database_error %s", type(error).__name__)
                count("outbox.relay.database_error")
                connections[leases.outbox_database()].close()
                result = Round(unavailable="database")
            failures = failures + 1 if result.unavailable else 0
            if failures:
                self._pause(self._backoff(failures, MAX_PAUSE_SECONDS), stop)
            elif result.claimed == 0:
                self._pause(self.config.poll_seconds, stop)

    def run_until_empty(self, max_rounds: int = 100_000) -> Round:
        """Publishes what is available now, and stops at the first request that fails. Returns the sum of its rounds."""
        switches.advance(self.clock.now(), self.config.switch_wait)
        total = Round()
        for _ in range(max_rounds):
            result = self.run_once()
            total = _sum(total, result)
            if result.unavailable or result.claimed == 0:
                break
        return total

    def run_once(self) -> Round:
        """Claims rows once, and publishes them. Raises DatabaseError; rows that it had claimed become available after
        their lease."""
        owner = uuid.uuid4().hex
        lease = timedelta(seconds=self.config.lease_seconds)
        started = self.clock.monotonic()
        rows = leases.claim(owner, self.clock.now(), limit=self.config.claim_rows, lease=lease)
        result = Round(claimed=len(rows))
        unsent = {row.pk: row for row in rows}
        may_fail = FAILURES_AT_MOST
        for chunk in chunks(rows):
            # Half of the lease is left for one request, which takes about 11 s at most.
            if self.clock.monotonic() - started > self.config.lease_seconds / 2:
                break
            for row in chunk:
                del unsent[row.pk]
            if not self._send(owner, chunk, result):
                # A row that is sent alone may be the cause itself; two failures are the queue's.
                may_fail -= 1 if _is_alone(chunk) else FAILURES_AT_MOST
                if may_fail <= 0:
                    break
        result.released = len(unsent)
        leases.release(owner, list(unsent), self.clock.now())
        _report(result)
        return result

    def prune(self) -> int:
        """Deletes published rows, and rows that are never sent, after the retention. Returns their number."""
        before = self.clock.now() - timedelta(days=self.config.retention_days)
        total = 0
        for _ in range(PRUNE_CHUNKS):
            deleted = leases.delete_published(before, limit=PRUNE_ROWS)
            deleted = deleted or leases.delete_unsent(before, limit=PRUNE_ROWS)
            total += deleted
            if deleted == 0:
                break
        if total:
            logger.info("outbox.pruned rows=%d", total)
        return total

    def _send(self, owner: str, chunk: Sequence[OutboxEvent], result: Round) -> bool:
        """Sends a chunk, and records what became of it. Returns whether the queue responded."""
        outcomes = leases.Outcomes()
        responded = True
        attempts = {row.pk: row.attempts for row in chunk}
        try:
            results = self.queue.send([_entry(row) for row in chunk])
        except QueueUnavailable as error:
            responded = False
            result.unavailable = str(error)
            for pk in attempts:
                self._postpone(outcomes, pk, attempts, str(error))
        else:
            for one in results:
                if isinstance(one, Accepted):
                    outcomes.published[one.key] = one.message_id
                elif one.sender_fault:
                    outcomes.refused[one.key] = f"{one.code}: {one.reason}"
                else:
                    self._postpone(outcomes, one.key, attempts, f"{one.code}: {one.reason}")
        leases.settle(owner, outcomes, self.clock.now())
        for pk, message_id in outcomes.published.items():
            logger.info("outbox.published row=%d message_id=%s", pk, message_id)
        for pk, reason in outcomes.refused.items():
            logger.error("outbox.refused row=%d reason=%s", pk, reason)
        result.published += len(outcomes.published)
        result.refused += len(outcomes.refused)
        result.postponed += len(outcomes.postponed)
        return responded

    def _postpone(self, outcomes: leases.Outcomes, pk: int, attempts: dict[int, int], reason: str) -> None:
        seconds = self._backoff(attempts[pk] + 1, MAX_BACKOFF_SECONDS)
        outcomes.postponed[pk] = (reason, self.clock.now() + timedelta(seconds=seconds))

    def _backoff(self, failures: int, at_most: float) -> float:
        """Seconds, with jitter so that relays and rows do not retry at the same time."""
        doubled = FIRST_BACKOFF_SECONDS * 2.0 ** min(failures - 1, 16)
        seconds: float = min(doubled, at_most) * (0.5 + self.random())
        return seconds

    def _pause(self, seconds: float, stop: Callable[[], bool]) -> None:
        """Waits in steps of at most a second, so that a relay that is told to stop does not keep its host waiting."""
        while seconds > 0 and not stop():
            self.clock.sleep(min(seconds, 1.0))
            seconds -= 1.0


def chunks(rows: Sequence[OutboxEvent]) -> Iterator[list[OutboxEvent]]:
    """Groups of rows for one request each; rows that are sent alone come last."""
    chunk: list[OutboxEvent] = []
    size = 0
    for row in rows:
        if _is_alone([row]):
            continue
        if chunk and (len(chunk) == MAX_BATCH_ENTRIES or size + len(row.body) > MAX_BATCH_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(row)
        size += len(row.body)
    if chunk:
        yield chunk
    for row in rows:
        if _is_alone([row]):
            yield [row]


def _is_alone(chunk: Sequence[OutboxEvent]) -> bool:
    return chunk[0].attempts >= SEND_ALONE_AFTER


def _entry(row: OutboxEvent) -> Entry:
    return Entry(key=row.pk, body=row.body, group=row.enterprise_customer_uuid)


def _report(result: Round) -> None:
    count("outbox.published", result.published)
    count("outbox.refused", result.refused)
    count("outbox.postponed", result.postponed)
    if result.unavailable:
        count("outbox.unavailable")
        logger.error("outbox.unavailable rows=%d reason=%s", result.postponed + result.released, result.unavailable)


def _sum(one: Round, other: Round) -> Round:
    return Round(
        claimed=one.claimed + other.claimed,
        published=one.published + other.published,
        refused=one.refused + other.refused,
        postponed=one.postponed + other.postponed,
        released=one.released + other.released,
        unavailable=other.unavailable or one.unavailable,
    )
