"""Rows of the outbox for tests of the relay."""

from learning_time_webhooks.models import OutboxEvent
from tests.samples import COURSE, ENTERPRISE


def add_rows(number, clock, **values):
    """Adds pending rows, and returns their primary keys."""
    defaults = {
        "event_type": "course_completion",
        "integration_id": "skillsoft",
        "enterprise_customer_uuid": ENTERPRISE,
        "user_id": 12345,
        "course_id": COURSE,
        "region": "OTHER",
        "body": "{}",
        "occurred_at": clock.now(),
        "available_at": clock.now(),
        "created_at": clock.now(),
    }
    start = OutboxEvent.objects.count()
    return [
        OutboxEvent.objects.create(**{"event_id": f"event-{start + index}", **defaults, **values}).pk
        for index in range(number)
    ]


def get(pk):
    return OutboxEvent.objects.get(pk=pk)
