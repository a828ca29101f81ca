"""Rows of the outbox for tests that look at the relay alone."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from learning_time_webhooks.models import OutboxEvent

NOW = datetime(2026, 1, 15, 10, 0, tzinfo=UTC)
ENTERPRISE = "a1b2c3d4-e5f6-7890-abcd-ef1234567890"
COURSE = "course-v1:edX+DemoX+Demo_Course"


def outbox_event(number: int, **values: Any) -> OutboxEvent:
    """A pending event, not saved. Its body has its id and no more."""
    event_id = f"event-{number}"
    fields: dict[str, Any] = {
        "event_id": event_id,
        "event_type": "course_completion",
        "integration_id": "skillsoft",
        "enterprise_customer_uuid": ENTERPRISE,
        "user_id": number,
        "course_id": COURSE,
        "region": "OTHER",
        "occurred_at": NOW,
        "percent_grade": 0.9,
        "body": json.dumps({"event_id": event_id}),
        "available_at": NOW,
        "created_at": NOW,
    }
    return OutboxEvent(**{**fields, **values})


def write_events(count: int, *, first: int = 0, **values: Any) -> list[OutboxEvent]:
    events = [outbox_event(number, **values) for number in range(first, first + count)]
    return OutboxEvent.objects.bulk_create(events)
