"""What SQLite cannot show: locks, isolation and connections of MariaDB and PostgreSQL.

`python tests/with_database.py mariadb pytest` runs all tests against a server, these among them. No test waits for time
to pass: what has to happen during a transaction runs in a thread while that transaction is open.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from django.db import connection, connections, transaction
from django.db.utils import OperationalError

from learning_time_webhooks import leases
from learning_time_webhooks.models import OutboxEvent, Status

from .factories_outbox import NOW, write_events

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(os.environ.get("LMS_TEST_ENGINE", "sqlite") == "sqlite", reason="needs a database server"),
]

Result = TypeVar("Result")
LEASE = timedelta(seconds=120)


def elsewhere(work: Callable[[], Result]) -> Result:
    """Does the work over a connection of its own, which waits at most a second for a lock."""

    def run() -> Result:
        try:
            with connection.cursor() as cursor:
                if connection.vendor == "mysql":
                    cursor.execute("SET SESSION innodb_lock_wait_timeout = 1")
                else:
                    cursor.execute("SET lock_timeout = '1s'")
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as executor:
        return executor.submit(run).result()


@contextmanager
def during(kind: str, work: Callable[[], Any]) -> Iterator[list[Any]]:
    """Does the work once, after the first statement of a kind, while its transaction is open. Yields the result."""
    results: list[Any] = []

    def wrapper(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        result = execute(sql, *rest)
        if sql.startswith(kind) and not results:
            assert connection.in_atomic_block, "no transaction is open"
            results.append(elsewhere(work))
        return result

    with connection.execute_wrapper(wrapper):
        yield results
    assert results, f"there was no {kind}"


def write_in_grade_transaction(first: int) -> int:
    """Open edX's transaction: the isolation level is the server's default."""
    with transaction.atomic():
        return len(write_events(5, first=first))


def test_grades_are_written_while_a_relay_claims() -> None:
    write_events(200)
    with during("UPDATE", lambda: write_in_grade_transaction(1000)) as results:
        claimed = leases.claim("relay", NOW, limit=100, lease=LEASE)
    assert results == [5]
    assert len(claimed) == 100


def test_grades_are_written_while_a_relay_records_outcomes() -> None:
    rows = write_events(200)
    leases.claim("relay", NOW, limit=200, lease=LEASE)
    outcomes = leases.Outcomes(
        published={row.pk: "message" for row in rows[:100]},
        refused={row.pk: "reason" for row in rows[100:150]},
        postponed={row.pk: ("reason", NOW) for row in rows[150:]},
    )
    with during("UPDATE", lambda: write_in_grade_transaction(1000)) as results:
        leases.settle("relay", outcomes, NOW)
    assert results == [5]


def test_grades_are_written_while_old_rows_are_deleted() -> None:
    write_events(200, status=Status.PUBLISHED, published_at=NOW)
    with during("DELETE", lambda: write_in_grade_transaction(1000)) as results:
        assert leases.delete_published(NOW + timedelta(days=1), limit=100) == 100
    assert results == [5]


@pytest.mark.parametrize("pending", [3, 200])
def test_a_relay_does_not_wait_for_a_grade_that_is_not_committed(pending: int) -> None:
    rows = write_events(pending)
    with transaction.atomic():
        write_events(5, first=1000)

        def relay() -> int:
            claimed = leases.claim("relay", NOW, limit=100, lease=LEASE)
            leases.settle("relay", leases.Outcomes(published={row.pk: "message" for row in claimed}), NOW)
            return len(claimed)

        assert elsewhere(relay) == min(len(rows), 100)


def test_the_transaction_of_a_relay_is_read_committed() -> None:
    with leases.short_transaction():
        before = OutboxEvent.objects.count()
        elsewhere(lambda: write_events(1))
        assert (before, OutboxEvent.objects.count()) == (0, 1)


def test_the_next_transaction_has_the_isolation_of_the_connection() -> None:
    with leases.short_transaction():
        pass
    with connection.cursor() as cursor:
        cursor.execute(
            "SHOW VARIABLES LIKE 'tx_isolation'" if connection.vendor == "mysql" else "SHOW transaction_isolation"
        )
        level = cursor.fetchone()[-1]
    assert level.upper().replace("-", " ") == ("REPEATABLE READ" if connection.vendor == "mysql" else "READ COMMITTED")


def test_a_row_that_another_relay_claims_in_between_is_claimed_once() -> None:
    write_events(10)
    others: list[list[OutboxEvent]] = []

    def wrapper(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if sql.startswith("UPDATE") and not others:
            others.append(elsewhere(lambda: leases.claim("other", NOW, limit=6, lease=LEASE)))
        return execute(sql, *rest)

    with connection.execute_wrapper(wrapper):
        mine = leases.claim("mine", NOW, limit=10, lease=LEASE)
    assert len(others[0]) == 6
    assert {row.pk for row in mine} & {row.pk for row in others[0]} == set()
    assert len(mine) == 4


def test_a_lease_ends_and_the_row_goes_to_another_relay() -> None:
    write_events(1)
    [row] = leases.claim("first", NOW, limit=1, lease=LEASE)
    assert leases.claim("second", NOW + LEASE - timedelta(seconds=1), limit=1, lease=LEASE) == []
    assert [one.pk for one in leases.claim("second", NOW + LEASE, limit=1, lease=LEASE)] == [row.pk]

    # A late failure of the first one changes nothing; its late success counts, because SQS has the event.
    leases.settle("first", leases.Outcomes(postponed={row.pk: ("late", NOW + timedelta(minutes=5))}), NOW)
    row.refresh_from_db()
    assert (row.lease_owner, row.attempts) == ("second", 0)
    leases.settle("first", leases.Outcomes(published={row.pk: "message"}), NOW)
    row.refresh_from_db()
    assert row.status == Status.PUBLISHED


@pytest.mark.parametrize("back", [timedelta(hours=1), timedelta(days=1), timedelta(days=400)])
def test_a_clock_that_went_back_does_not_hold_rows(back: timedelta) -> None:
    write_events(3)
    leases.claim("ended", NOW, limit=3, lease=LEASE)
    assert len(leases.claim("next", NOW - back, limit=3, lease=LEASE)) == 3


def test_two_relays_killed_at_random_lose_nothing(tmp_path: Path) -> None:
    events = 200
    taken = tmp_path / "taken"
    taken.touch()
    now = datetime.now(UTC)
    write_events(events, available_at=now, created_at=now)
    seed = int(os.environ.get("LMS_TEST_SEED", "1"))
    chance = random.Random(seed)
    environment = {**os.environ, "LMS_TEST_DATABASE": str(connection.settings_dict["NAME"])}
    program = str(Path(__file__).with_name("relay_process.py"))
    kills = 0
    for round_number in range(30):
        running = []
        for _ in range(2):
            kill_at = chance.randint(1, 60) if round_number < 8 else 0
            words = [sys.executable, program, str(taken), str(kill_at), str(chance.random().__hash__())]
            running.append(subprocess.Popen(words, env=environment))
        kills += sum(relay.wait(60) == -9 for relay in running)
        # The leases of killed relays, and the backoffs of failed requests, end now.
        OutboxEvent.objects.filter(status=Status.PENDING).update(available_at=now)
        if not OutboxEvent.objects.filter(status=Status.PENDING).exists():
            break
    received = [json.loads(line)["event_id"] for line in taken.read_text().splitlines()]
    assert set(received) == {f"event-{number}" for number in range(events)}
    assert OutboxEvent.objects.filter(status=Status.PUBLISHED).count() == events
    assert kills > 3


def test_grades_and_relays_at_once_do_not_deadlock() -> None:
    writers, each = 4, 40

    def write(number: int) -> None:
        for at in range(each):
            with transaction.atomic():
                write_events(2, first=1000 * number + 2 * at, user_id=7)

    def relay(name: str) -> int:
        total = 0
        for _ in range(60):
            claimed = leases.claim(name, NOW, limit=10, lease=LEASE)
            leases.settle(name, leases.Outcomes(published={row.pk: "message" for row in claimed}), NOW)
            leases.delete_published(NOW + timedelta(days=1), limit=5)
            total += len(claimed)
        return total

    def alone(work: Callable[..., Any], *rest: Any) -> Any:
        try:
            return work(*rest)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(writers + 2) as executor:
        grades = [executor.submit(alone, write, number) for number in range(writers)]
        relays = [executor.submit(alone, relay, f"relay-{number}") for number in range(2)]
        try:
            for one in grades:
                one.result()
        except OperationalError as error:
            pytest.fail(f"a grade was rolled back: {error}")
        claimed = sum(one.result() for one in relays)
    claimed += len(leases.claim("rest", NOW, limit=1000, lease=LEASE))
    assert claimed == writers * each * 2
