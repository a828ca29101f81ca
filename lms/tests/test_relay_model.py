"""A model test: relay, database connection and SQS fail at every step, and nothing is lost.

Each run writes a few events and lets two relays publish them. Real relay, real leases, real SQL in SQLite's memory; the
clock, the queue and the faults are the test's. A fault is one of:

- a relay's process ends, at any statement, commit or request;
- the database connection breaks, before a statement, after it, before a commit, or after a commit whose success the
  relay never learns;
- SQS fails before or after it took all or some messages, rejects entries, or leaves them out of its response;
- the clock jumps, forward or back.

The second relay runs at every point at which the first one has no transaction open. A transaction needs no second relay
inside it: the database's row locks would make it wait.

CI makes 10,000 runs: LMS_MODEL_RUNS=10000. A run is reproduced by its number:
LMS_MODEL_FIRST=4711 LMS_MODEL_RUNS=1 pytest tests/test_relay_model.py
"""

from __future__ import annotations

import json
import os
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from django.db import OperationalError, connection

from learning_time_webhooks.config import Config
from learning_time_webhooks.models import OutboxEvent, Status
from learning_time_webhooks.queue import Accepted, Entry, QueueUnavailable, Rejected
from learning_time_webhooks.relay import Relay

from .factories_outbox import NOW, write_events

RUNS = int(os.environ.get("LMS_MODEL_RUNS", "500"))
FIRST = int(os.environ.get("LMS_MODEL_FIRST", "0"))

# Rounds of both relays with faults, and as many without, after which the outbox must be empty.
ROUNDS = 3
QUIET_ROUNDS = 30

CONFIG = Config(queue_url="https://sqs.example/events", claim_rows=3, lease_seconds=30)


class ProcessEnded(BaseException):
    """Stands for SIGKILL: no `except Exception` of the product may continue after it."""


@dataclass
class ModelClock:
    time: datetime = NOW
    ticks: float = 0.0

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.ticks

    def sleep(self, seconds: float) -> None:
        self.pass_by(seconds)

    def pass_by(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)
        self.ticks += seconds


@dataclass
class World:
    """The faults of one run, and what SQS has."""

    chance: random.Random
    clock: ModelClock = field(default_factory=ModelClock)
    # The probability of a fault at one step; 0 ends the faults.
    fault_rate: float = 0.0
    # Bodies that SQS took, by event id, in order.
    taken: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    # Events that SQS never takes.
    poison: set[str] = field(default_factory=set)
    # The relay that runs while another one is between two steps.
    other: Callable[[], None] | None = None
    steps: int = 0

    def fails(self) -> bool:
        return self.chance.random() < self.fault_rate

    def step(self) -> None:
        """A point at which no transaction is open: the process may end, time passes, another relay may run."""
        self.steps += 1
        if self.fails():
            # Past the lease, past its half, or back.
            self.clock.pass_by(self.chance.choice([1, 20, 40, 700]))
            self.clock.time -= timedelta(seconds=self.chance.choice([0, 0, 60, 3600, 86_400]))
        other, self.other = self.other, None
        if other is not None and self.chance.random() < 0.3:
            other()
        self.other = other
        if self.fails():
            raise ProcessEnded

    # The queue's port.
    def send(self, entries: Sequence[Entry]) -> list[Accepted | Rejected]:
        self.step()
        assert not connection.in_atomic_block, "a transaction is open during the request"
        if self.fails():
            # A timeout: SQS has all, some or none of them.
            for entry in entries:
                if self.chance.random() < self.chance.choice([0, 0.5, 1]) and not self._is_poison(entry):
                    self._take(entry)
            raise QueueUnavailable("ReadTimeoutError")
        results = [self._result(entry) for entry in entries]
        self.step()
        self.chance.shuffle(results)
        return results

    def _result(self, entry: Entry) -> Accepted | Rejected:
        if self._is_poison(entry):
            return Rejected(entry.key, "InvalidMessageContents", "refused by the test", True)
        if self.fails():
            if self.chance.random() < 0.5:
                self._take(entry)
                return Rejected(entry.key, "NoResponse", "left out by the test", False)
            return Rejected(entry.key, "InternalError", "refused by the test", False)
        self._take(entry)
        return Accepted(entry.key, f"message-{entry.key}")

    def _take(self, entry: Entry) -> None:
        self.taken[json.loads(entry.body)["event_id"]].append(entry.body)

    def _is_poison(self, entry: Entry) -> bool:
        return json.loads(entry.body)["event_id"] in self.poison


@contextmanager
def faulty_connection(world: World) -> Iterator[None]:
    """Every statement and every commit may fail, before or after its effect."""

    def break_or_end() -> None:
        if world.fails():
            # The server rolls back what a connection that is gone has not committed.
            connection.connection.rollback()
            if world.chance.random() < 0.5:
                raise ProcessEnded
            raise OperationalError("the connection broke")

    def statement(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if not connection.in_atomic_block:
            world.step()
        break_or_end()
        result = execute(sql, params, many, context)
        break_or_end()
        return result

    commit = connection._commit

    def faulty_commit() -> None:
        break_or_end()
        commit()
        break_or_end()

    with connection.execute_wrapper(statement), mock.patch.object(connection, "_commit", faulty_commit):
        yield


def run(number: int) -> World:
    world = World(random.Random(number))
    relays = [Relay(queue=world, clock=world.clock, config=CONFIG, random=world.chance.random) for _ in range(2)]
    OutboxEvent.objects.all().delete()
    events = [event.event_id for event in write_events(world.chance.randint(1, 4))]
    world.poison = {event for event in events if world.chance.random() < 0.1}

    def round_of(relay: Relay) -> None:
        # `Relay.run` goes on after the one; after the other its host starts it again.
        with suppress(OperationalError, ProcessEnded):
            relay.run_once()

    world.fault_rate = world.chance.choice([0.02, 0.05, 0.15])
    with faulty_connection(world):
        for _ in range(ROUNDS):
            first, second = world.chance.sample(relays, 2)
            world.other = lambda relay=second: round_of(relay)
            round_of(first)
            world.clock.pass_by(world.chance.choice([0, 1, 31]))
    world.fault_rate, world.other = 0.0, None
    for _ in range(QUIET_ROUNDS):
        if not OutboxEvent.objects.filter(status=Status.PENDING).exists():
            break
        # Past every lease and backoff.
        world.clock.pass_by(700)
        relays[0].run_once()
    check(number, world, events)
    return world


def check(number: int, world: World, events: list[str]) -> None:
    statuses = dict(OutboxEvent.objects.values_list("event_id", "status"))
    for event in events:
        expected = Status.REFUSED if event in world.poison else Status.PUBLISHED
        assert statuses[event] == expected, f"run {number}: {event} is {statuses[event]}"
        copies = world.taken.get(event, [])
        # Nothing is lost, and what is refused was never taken.
        assert bool(copies) == (event not in world.poison), f"run {number}: SQS has {len(copies)} of {event}"
        # All copies are one event for the pipeline, which delivers the first one only.
        assert len(set(copies)) <= 1, f"run {number}: the copies of {event} differ"
    assert set(world.taken) <= set(events), f"run {number}: SQS has events that nobody wrote"


@pytest.mark.django_db(transaction=True)
def test_nothing_is_lost_whatever_fails() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("the faults are injected into SQLite in memory; test_outbox_on_servers.py kills real relays")
    copies = 0
    for number in range(FIRST, FIRST + RUNS):
        world = run(number)
        copies += sum(len(bodies) > 1 for bodies in world.taken.values())
    # The faults are real: many events were published more than once, and would have been lost without that.
    assert copies > RUNS // 20 or RUNS < 1000
