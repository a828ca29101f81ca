"""Which relay publishes which row of the outbox.

A relay claims rows by writing its name and the end of its lease into them. All transactions are short, READ COMMITTED,
and change rows by primary key: under REPEATABLE READ, InnoDB would lock gaps of the indexes, and grades that write to
the outbox would wait. Rows are selected by status, never by "ids after the last one": a transaction with a lower id may
commit later.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connections, router, transaction
from django.db.models import Case, F, Q, QuerySet, Value, When

from .models import OutboxEvent, Status

# A row is never postponed for longer. If `available_at` is later, the clock went back, and the row is available.
MAX_WAIT = timedelta(minutes=10)

MAX_ERROR_LENGTH = 500


@dataclass
class Outcomes:
    """What became of claimed rows, by primary key."""

    # SQS's message ids.
    published: dict[int, str] = field(default_factory=dict)
    # SQS will not take them: the reasons.
    refused: dict[int, str] = field(default_factory=dict)
    # SQS may take them later: the reasons and the times.
    postponed: dict[int, tuple[str, datetime]] = field(default_factory=dict)


def outbox_database() -> str:
    return router.db_for_write(OutboxEvent)


@contextmanager
def short_transaction() -> Iterator[None]:
    """A READ COMMITTED transaction of its own. Raises RuntimeError inside another one."""
    alias = outbox_database()
    connection = connections[alias]
    if connection.vendor == "mysql" and not connection.in_atomic_block:
        # For the next transaction only; MySQL and MariaDB refuse it inside one.
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
    with transaction.atomic(using=alias, durable=True):
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        yield


def claim(owner: str, now: datetime, *, limit: int, lease: timedelta) -> list[OutboxEvent]:
    """Claims at most `limit` available rows for `owner`, those that have waited longest first.

    `lease` is at most `MAX_WAIT`.
    """
    available = Q(status=Status.PENDING) & (Q(available_at__lte=now) | Q(available_at__gt=now + MAX_WAIT))
    ids = list(_rows().filter(available).order_by("available_at").values_list("pk", flat=True)[:limit])
    if not ids:
        return []
    with short_transaction():
        # Another relay may have claimed some of them since: the condition is checked again, under the row's lock.
        _rows().filter(available, pk__in=ids).update(lease_owner=owner, available_at=now + lease)
    return list(_rows().filter(pk__in=ids, lease_owner=owner).order_by("pk"))


def settle(owner: str, outcomes: Outcomes, now: datetime) -> None:
    """Records outcomes in one transaction. A row that SQS took is published, even if another relay has
    claimed it since; the other outcomes change only rows that `owner` still has."""
    with short_transaction():
        if outcomes.published:
            rows = _rows().filter(pk__in=outcomes.published, status=Status.PENDING)
            rows.update(
                status=Status.PUBLISHED,
                published_at=now,
                message_id=_by_key(outcomes.published),
                lease_owner="",
                last_error="",
            )
        if outcomes.refused:
            _claimed(owner, outcomes.refused).update(
                status=Status.REFUSED,
                last_error=_by_key(outcomes.refused),
                attempts=F("attempts") + 1,
                lease_owner="",
            )
        for pk, (reason, until) in outcomes.postponed.items():
            _claimed(owner, [pk]).update(
                available_at=until, last_error=reason[:MAX_ERROR_LENGTH], attempts=F("attempts") + 1, lease_owner=""
            )


def release(owner: str, ids: Collection[int], now: datetime) -> None:
    """Gives rows back that were not sent."""
    if ids:
        with short_transaction():
            _claimed(owner, ids).update(available_at=now, lease_owner="")


def resend(ids: Collection[int], now: datetime) -> int:
    """Makes rows available that are published, refused, or wait for a backoff. Returns their number.

    Others stay: held, skipped and rehearsed rows may have been sent by upstream, and a row that a relay has claimed is
    about to be sent. The `event_id` stays, so a partner that has the webhook gets no second one. Runs in the caller's
    transaction: Open edX opens one for each request.
    """
    resendable = (Status.PENDING, Status.PUBLISHED, Status.REFUSED)
    waiting = _rows().filter(pk__in=ids, lease_owner="", status__in=resendable)
    return waiting.update(status=Status.PENDING, available_at=now, attempts=0, last_error="", published_at=None)


def delete_published(before: datetime, *, limit: int) -> int:
    """Deletes at most `limit` rows that were published before a time. Returns their number."""
    old = _rows().filter(status=Status.PUBLISHED, published_at__lt=before)
    return _delete(old.order_by("published_at"), Status.PUBLISHED, limit)


def delete_unsent(before: datetime, *, limit: int) -> int:
    """Deletes at most `limit` rows that are never sent and were written before a time. Returns their number."""
    for kind in (Status.REHEARSED, Status.SKIPPED):
        old = _rows().filter(status=kind, available_at__lt=before)
        if deleted := _delete(old.order_by("available_at"), kind, limit):
            return deleted
    return 0


def _delete(old: QuerySet[OutboxEvent], status: Status, limit: int) -> int:
    ids = list(old.values_list("pk", flat=True)[:limit])
    if not ids:
        return 0
    with short_transaction():
        # An operator may have resent one since.
        deleted, _ = _rows().filter(pk__in=ids, status=status).delete()
    return deleted


def _rows() -> QuerySet[OutboxEvent]:
    return OutboxEvent.objects.using(outbox_database())


def _claimed(owner: str, ids: Collection[int]) -> QuerySet[OutboxEvent]:
    return _rows().filter(pk__in=ids, status=Status.PENDING, lease_owner=owner)


def _by_key(values: Mapping[int, str]) -> Case:
    return Case(*(When(pk=pk, then=Value(value[:MAX_ERROR_LENGTH])) for pk, value in values.items()))
