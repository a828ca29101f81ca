"""What the relay publishes, keeps and postpones."""

from datetime import timedelta

import pytest
from django.db import OperationalError, connection, connections

from learning_time_webhooks import leases
from learning_time_webhooks.config import Config
from learning_time_webhooks.models import OutboxEvent
from learning_time_webhooks.queue import MAX_BATCH_BYTES, QueueUnavailable
from learning_time_webhooks.relay import Relay
from tests.conftest import FakeQueue, down
from tests.rows import add_rows, get
from tests.samples import ENTERPRISE

pytestmark = pytest.mark.django_db(transaction=True)


def relay(queue, clock, **values):
    """Without jitter: a random number of 0.5 gives exactly the backoff."""
    return Relay(queue, clock, Config(**values), random=lambda: 0.5)


def pending():
    return OutboxEvent.objects.filter(status="pending").count()


def test_it_publishes_in_batches_of_ten_with_the_enterprise_as_group(clock):
    add_rows(23, clock)
    queue = FakeQueue()
    result = relay(queue, clock).run_once()
    assert [len(batch) for batch in queue.batches] == [10, 10, 3]
    assert (result.claimed, result.published, pending()) == (23, 23, 0)
    assert {entry.group for entry in queue.accepted} == {ENTERPRISE}


def test_a_batch_has_at_most_a_mebibyte(clock):
    add_rows(7, clock, body="x" * 200 * 1024)
    queue = FakeQueue()
    relay(queue, clock).run_once()
    assert [len(batch) for batch in queue.batches] == [5, 2]
    assert MAX_BATCH_BYTES >= 5 * 200 * 1024


def test_no_transaction_is_open_while_it_waits_for_the_queue(clock):
    add_rows(1, clock)
    open_transactions = []
    queue = FakeQueue(lambda entry: open_transactions.append(connection.in_atomic_block))
    relay(queue, clock).run_once()
    assert open_transactions == [False]


def test_what_sqs_rejects_by_its_own_fault_is_kept_and_sent_again_later(clock):
    first, second = add_rows(2, clock)
    queue = FakeQueue(lambda entry: ("InternalError", False) if entry.key == first else None)
    result = relay(queue, clock).run_once()
    assert (result.published, result.postponed) == (1, 1)
    assert (get(second).status, get(first).status, get(first).last_error) == (
        "published",
        "pending",
        "InternalError: reason",
    )
    assert relay(queue, clock).run_once().claimed == 0
    clock.advance(seconds=1)
    queue.fate = lambda entry: None
    assert relay(queue, clock).run_once().published == 1


def test_what_sqs_rejects_as_the_senders_fault_waits_for_a_person(clock, counts):
    [pk] = add_rows(1, clock)
    relay(FakeQueue(lambda entry: ("InvalidMessageContents", True)), clock).run_once()
    clock.advance(days=1)
    assert relay(FakeQueue(), clock).run_once().claimed == 0
    assert (get(pk).status, get(pk).last_error) == ("refused", "InvalidMessageContents: reason")
    assert counts["outbox.refused"] == 1
    assert leases.resend([pk], clock.now()) == 1
    assert relay(FakeQueue(), clock).run_once().published == 1


def test_backoff_doubles_up_to_five_minutes(clock):
    [pk] = add_rows(1, clock)
    waits = []
    for _ in range(11):
        relay(FakeQueue(lambda entry: ("InternalError", False)), clock).run_once()
        wait = get(pk).available_at - clock.now()
        waits.append(wait.total_seconds())
        clock.advance(seconds=wait.total_seconds())
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert timedelta(seconds=300 * 1.5) < leases.MAX_WAIT


def test_when_the_queue_is_down_one_request_fails_and_the_other_rows_are_given_back(clock):
    add_rows(25, clock)
    queue = FakeQueue(down)
    result = relay(queue, clock).run_once()
    assert len(queue.batches) == 1
    assert (result.postponed, result.released, result.unavailable) == (10, 15, "EndpointConnectionError")
    assert OutboxEvent.objects.filter(lease_owner="", attempts=0).count() == 15
    assert pending() == 25


def test_a_row_that_fails_whole_requests_cannot_hold_up_the_others(clock):
    pks = add_rows(5, clock)
    queue = FakeQueue(lambda entry: QueueUnavailable("InvalidMessageContents") if entry.key == pks[2] else None)
    for _ in range(10):
        relay(queue, clock).run_once()
        clock.advance(minutes=10)
    assert [get(pk).status for pk in pks] == ["published", "published", "pending", "published", "published"]


def test_the_next_rows_pass_a_row_that_fails_whole_requests(clock):
    [bad] = add_rows(1, clock, attempts=9)
    good = add_rows(3, clock)
    queue = FakeQueue(lambda entry: QueueUnavailable("InvalidMessageContents") if entry.key == bad else None)
    result = relay(queue, clock).run_once()
    assert (queue.batches, result.published) == ([good, [bad]], 3)


def test_when_the_queue_is_down_for_long_two_requests_a_round_fail(clock):
    add_rows(20, clock, attempts=9)
    queue = FakeQueue(down)
    result = relay(queue, clock).run_once()
    assert (len(queue.batches), result.postponed, result.released) == (2, 2, 18)


def test_a_slow_queue_gives_rows_back_before_their_lease_ends(clock):
    add_rows(40, clock)
    queue = FakeQueue(lambda entry: clock.advance(seconds=3.5))
    result = relay(queue, clock, lease_seconds=120).run_once()
    assert (result.published, result.released) == (20, 20)


def test_a_process_that_ends_after_the_confirmation_publishes_the_same_event_again(clock, monkeypatch):
    add_rows(1, clock)
    queue = FakeQueue()

    def end(*_args):
        raise OperationalError

    with monkeypatch.context() as patched:
        patched.setattr(leases, "settle", end)
        with pytest.raises(OperationalError):
            relay(queue, clock).run_once()
    assert relay(queue, clock).run_once().claimed == 0
    clock.advance(seconds=120)
    assert relay(queue, clock).run_once().published == 1
    first, second = queue.accepted
    assert first == second


class TestLoop:
    def run(self, queue, clock, rounds, **values):
        remaining = iter(range(rounds))
        one = relay(queue, clock, **values)
        run_once = one.run_once

        def counted():
            next(remaining, None)
            return run_once()

        one.run_once = counted
        one.run(lambda: remaining.__length_hint__() == 0)

    def test_it_looks_again_every_poll_when_there_is_nothing(self, clock):
        self.run(FakeQueue(), clock, 3, poll_seconds=0.5)
        assert clock.slept == [0.5, 0.5]

    def test_it_does_not_pause_while_there_is_work(self, clock):
        add_rows(5, clock)
        self.run(FakeQueue(), clock, 5, claim_rows=1)
        assert (clock.slept, pending()) == ([], 0)

    def test_it_backs_off_while_the_queue_is_down_and_recovers(self, clock):
        add_rows(50, clock)
        queue = FakeQueue(down)
        self.run(queue, clock, 5)
        assert sum(clock.slept) == 1 + 2 + 4 + 8
        assert max(clock.slept) == 1.0
        queue.fate = lambda entry: None
        clock.advance(minutes=10)
        self.run(queue, clock, 3)
        assert pending() == 0

    def test_it_survives_a_fault_of_the_database(self, clock, monkeypatch, counts, caplog):
        add_rows(1, clock)
        claim, faults = leases.claim, iter([OperationalError("secret value"), OperationalError()])

        def flaky(*args, **kwargs):
            for fault in faults:
                raise fault
            return claim(*args, **kwargs)

        closed = []
        monkeypatch.setattr(leases, "claim", flaky)
        monkeypatch.setattr(connections["default"], "close", lambda: closed.append(True))
        self.run(FakeQueue(), clock, 4)
        # A broken connection would fail for ever.
        assert closed == [True, True]
        assert pending() == 0
        assert counts["outbox.relay.database_error"] == 2
        assert "secret value" not in caplog.text

    def test_it_deletes_old_rows_each_hour(self, clock):
        add_rows(1, clock)
        self.run(FakeQueue(), clock, 2)
        assert OutboxEvent.objects.count() == 1
        clock.advance(days=30, seconds=1)
        self.run(FakeQueue(), clock, 2)
        assert OutboxEvent.objects.count() == 0


def test_run_until_empty_stops_at_the_first_failure_and_adds_up(clock):
    add_rows(30, clock)
    queue = FakeQueue()
    total = relay(queue, clock, claim_rows=10).run_until_empty()
    assert (total.published, total.unavailable) == (30, None)
    add_rows(30, clock)
    failing = FakeQueue(down)
    total = relay(failing, clock, claim_rows=10).run_until_empty()
    assert (total.published, total.unavailable, len(failing.batches)) == (0, "EndpointConnectionError", 1)
