"""Claims: each row has one relay at a time, and no row is stuck."""

from datetime import timedelta

import pytest
from django.db import transaction

from learning_time_webhooks import leases
from learning_time_webhooks.models import OutboxEvent, Status
from tests.rows import add_rows, get

pytestmark = pytest.mark.django_db(transaction=True)

LEASE = timedelta(seconds=120)


def claim(owner, clock, limit=10):
    return [row.pk for row in leases.claim(owner, clock.now(), limit=limit, lease=LEASE)]


def test_a_claimed_row_is_nobody_elses_until_its_lease_ends(clock):
    [pk] = add_rows(1, clock)
    assert claim("a", clock) == [pk]
    assert claim("b", clock) == []
    clock.advance(seconds=119)
    assert claim("b", clock) == []
    clock.advance(seconds=1)
    assert claim("b", clock) == [pk]


def test_the_rows_that_wait_longest_come_first_whatever_their_ids(clock):
    pks = add_rows(3, clock)
    OutboxEvent.objects.filter(pk=pks[2]).update(available_at=clock.now() - timedelta(hours=1))
    assert claim("a", clock, limit=1) == [pks[2]]


def test_a_row_with_a_lower_id_that_commits_later_is_found(clock):
    first, second = add_rows(2, clock)
    row = OutboxEvent.objects.get(pk=first)
    row.delete()
    assert claim("a", clock) == [second]
    row.pk = first
    row.save(force_insert=True)
    assert claim("a", clock) == [first]


def test_a_relay_that_is_overtaken_between_looking_and_claiming_gets_nothing(clock, monkeypatch):
    add_rows(2, clock)
    entered = []
    short_transaction = leases.short_transaction

    def overtaken():
        if not entered:
            entered.append(True)
            claim("faster", clock)
        return short_transaction()

    monkeypatch.setattr(leases, "short_transaction", overtaken)
    assert claim("slower", clock) == []


@pytest.mark.parametrize("back", [timedelta(minutes=11), timedelta(days=1), timedelta(days=400)])
def test_a_clock_that_goes_back_does_not_hide_rows(clock, back):
    [pk] = add_rows(1, clock)
    claim("a", clock)
    clock.set_back(seconds=back.total_seconds())
    assert claim("b", clock) == [pk]


def test_a_row_that_sqs_took_is_published_even_if_another_relay_has_claimed_it_since(clock):
    [pk] = add_rows(1, clock)
    claim("a", clock)
    clock.advance(seconds=121)
    claim("b", clock)
    leases.settle("a", leases.Outcomes(published={pk: "m-1"}), clock.now())
    row = get(pk)
    assert (row.status, row.message_id, row.lease_owner, row.published_at) == ("published", "m-1", "", clock.now())
    # The other relay's failure must not make it pending again.
    leases.settle("b", leases.Outcomes(postponed={pk: ("down", clock.now())}), clock.now())
    assert get(pk).status == Status.PUBLISHED


def test_a_refusal_or_delay_of_a_lost_lease_changes_nothing(clock):
    pks = add_rows(2, clock)
    claim("a", clock)
    clock.advance(seconds=121)
    claim("b", clock)
    before = [get(pk).available_at for pk in pks]
    outcomes = leases.Outcomes(refused={pks[0]: "no"}, postponed={pks[1]: ("down", clock.now())})
    leases.settle("a", outcomes, clock.now())
    leases.release("a", pks, clock.now())
    assert [get(pk).status for pk in pks] == ["pending", "pending"]
    assert [get(pk).available_at for pk in pks] == before


def test_claims_are_refused_inside_a_transaction(clock):
    add_rows(1, clock)
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        claim("a", clock)


def test_only_published_rows_that_are_old_are_deleted(clock):
    old, pending, refused, young = add_rows(4, clock)
    past = clock.now() - timedelta(days=31)
    OutboxEvent.objects.update(created_at=past)
    OutboxEvent.objects.filter(pk=old).update(status="published", published_at=past)
    OutboxEvent.objects.filter(pk=refused).update(status="refused")
    OutboxEvent.objects.filter(pk=young).update(status="published", published_at=clock.now())
    assert leases.delete_published(clock.now() - timedelta(days=30), limit=10) == 1
    assert set(OutboxEvent.objects.values_list("pk", flat=True)) == {pending, refused, young}


def test_a_long_error_is_cut(clock):
    [pk] = add_rows(1, clock)
    claim("a", clock)
    leases.settle("a", leases.Outcomes(refused={pk: "x" * 2000}), clock.now())
    assert len(get(pk).last_error) == leases.MAX_ERROR_LENGTH
