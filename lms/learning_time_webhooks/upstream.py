"""`enterprise-integrated-channels`, which delivers webhooks by Celery: its configurations and its deliveries.

Its two models are looked up by app label, like those of `openedx.py`. Without them nothing is switched or compared.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model

from .models import OutboxEvent
from .prepared import PreparedQuery

# By which a delivery that this package made is recognized among upstream's own.
MARK = "delivered by learning-time-webhooks"

# States of upstream's queue in which it does not send a webhook again.
FINISHED = ("success", "cancelled")

APP_LABEL = "channel_integration"

ROWS_AT_ONCE = 500

# Read for each event, in the transaction of the grade.
_ACTIVE = PreparedQuery("pk", "enterprise_customer_id", active=True)


@dataclass(frozen=True)
class Delivery:
    """A row of upstream's queue."""

    enterprise: str
    user_id: int
    course_id: str
    event_type: str
    region: str
    payload: Mapping[str, Any]
    created_at: datetime


def is_installed() -> bool:
    return _model("WebhookTransmissionQueue") is not None


def active_configurations(enterprises: Collection[str]) -> dict[int, str]:
    """The enterprise of each active configuration."""
    configurations = _model("EnterpriseWebhookConfiguration")
    if configurations is None or not enterprises:
        return {}
    rows = _ACTIVE.rows(configurations, enterprise_customer_id__in=list(enterprises))
    return {pk: str(enterprise) for pk, enterprise in rows}


def set_active(configurations: Collection[int], active: bool) -> None:
    model = _model("EnterpriseWebhookConfiguration")
    if model is not None and configurations:
        model.objects.filter(pk__in=list(configurations)).update(active=active)


def recorded(rows: Sequence[OutboxEvent], *, finished: bool = False) -> set[int]:
    """The primary keys of the rows that upstream has in its queue too, whatever became of them there; with `finished`,
    of those that it has delivered, or that an operator has cancelled.

    Upstream's key has the UTC day on which its task ran, which may be the day after the event.
    """
    model = _model("WebhookTransmissionQueue")
    if model is None:
        return set()
    # Two rows may be the same event.
    keys = sorted({key for row in rows for key in _keys(row)})
    taken: set[str] = set()
    for start in range(0, len(keys), ROWS_AT_ONCE):
        some = keys[start : start + ROWS_AT_ONCE]
        found = model.objects.filter(deduplication_key__in=some)
        if finished:
            found = found.filter(status__in=FINISHED)
        taken.update(found.values_list("deduplication_key", flat=True))
    return {row.pk for row in rows if not taken.isdisjoint(_keys(row))}


def cancel(rows: Sequence[OutboxEvent]) -> None:
    """Cancels what upstream has of these rows and has not delivered, so that it does not send them when its
    configuration is active again."""
    model = _model("WebhookTransmissionQueue")
    if model is None:
        return
    keys = sorted({key for row in rows for key in _keys(row)})
    for start in range(0, len(keys), ROWS_AT_ONCE):
        unfinished = model.objects.filter(deduplication_key__in=keys[start : start + ROWS_AT_ONCE])
        unfinished.exclude(status__in=FINISHED).update(status="cancelled", error_message=MARK)


def mark_as_delivered(rows: Sequence[OutboxEvent], day: datetime) -> int:
    """Adds rows to upstream's queue as successes of a UTC day, so that upstream takes its own event of that day for a
    repeat. They have no payload. Returns their number."""
    model = _model("WebhookTransmissionQueue")
    if model is None:
        return 0
    by_key = {_key(row, day): row for row in rows}
    taken = set(model.objects.filter(deduplication_key__in=list(by_key)).values_list("deduplication_key", flat=True))
    users = set(get_user_model().objects.filter(pk__in={row.user_id for row in rows}).values_list("pk", flat=True))
    marks = [
        model(
            enterprise_customer_id=row.enterprise_customer_uuid,
            user_id=row.user_id,
            course_id=row.course_id,
            event_type=row.event_type,
            user_region=row.region,
            webhook_url="",
            payload={},
            status="success",
            deduplication_key=key,
            error_message=MARK,
        )
        for key, row in by_key.items()
        if key not in taken and row.user_id in users
    ]
    model.objects.bulk_create(marks, batch_size=ROWS_AT_ONCE)
    return len(marks)


def deliveries(since: datetime, until: datetime, enterprises: Collection[str]) -> Iterator[Delivery]:
    """What upstream put into its queue in a period, without what `mark_as_delivered` added."""
    model = _model("WebhookTransmissionQueue")
    if model is None:
        return
    rows = (
        model.objects.filter(created__gte=since, created__lt=until, enterprise_customer_id__in=list(enterprises))
        .values_list(
            "enterprise_customer_id",
            "user_id",
            "course_id",
            "event_type",
            "user_region",
            "payload",
            "created",
            "error_message",
        )
        .order_by("pk")
    )
    for enterprise, user_id, course_id, event_type, region, payload, created, message in rows.iterator(ROWS_AT_ONCE):
        if message != MARK:
            fields = payload if isinstance(payload, Mapping) else {}
            yield Delivery(str(enterprise), user_id, course_id, event_type, region, fields, created)


def _keys(row: OutboxEvent) -> set[str]:
    days = (row.occurred_at, row.created_at, row.created_at + timedelta(days=1))
    return {_key(row, day) for day in days}


def _key(row: OutboxEvent, day: datetime) -> str:
    """Upstream's `deduplication_key`."""
    enterprise = uuid.UUID(row.enterprise_customer_uuid)
    date = day.astimezone(UTC).strftime("%Y-%m-%d")
    return f"{enterprise}:{row.user_id}:{row.course_id}:{row.event_type}:{date}"


def _model(name: str) -> Any:
    try:
        return apps.get_model(APP_LABEL, name)
    except LookupError:
        return None
