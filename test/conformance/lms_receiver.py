"""Plays grade changes through docs/lms/receivers.py in a real Django with a database in memory, and says what is in the
outbox after each step. Standard input: {"queue_url", "endpoint", "dead_endpoint"}.
"""

import json
import logging
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import django
from django.conf import settings

sys.path.insert(0, str(Path(__file__).parents[2] / "docs"))
order = json.load(sys.stdin)
settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=["lms"],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
    WEBHOOK_EVENTS_QUEUE_URL=order["queue_url"],
    WEBHOOK_EVENTS_REGION="us-east-1",
    WEBHOOK_EVENTS_ENDPOINT_URL=order["endpoint"],
)
django.setup()

from django.db import connection, transaction  # noqa: E402
from django.dispatch import Signal  # noqa: E402
from lms import receivers  # noqa: E402
from lms.models import WebhookOutbox  # noqa: E402

logging.basicConfig(level=logging.CRITICAL)
with connection.schema_editor() as editor:
    editor.create_model(WebhookOutbox)


def prepare_payload(grade: SimpleNamespace, _integration: SimpleNamespace) -> dict:
    return {
        "user": {"id": grade.user.id, "email": "learner@example.com"},
        "course": {"course_id": str(grade.course_id)},
        "completion": {"percent_grade": grade.percent_grade, "is_passing": True},
        "enterprise": {"enterprise_customer_uuid": "a1b2c3d4-e5f6-7890-abcd-ef1234567890"},
    }


grade_changed = Signal()
receiver = receivers.grade_change_receiver(
    integrations=lambda grade: [SimpleNamespace(id=1), SimpleNamespace(id=2)],
    payload=prepare_payload,
    integration_id=lambda integration: {1: "skillsoft", 2: "percipio"}[integration.id],
)
grade_changed.connect(receiver)


def change_grade(percent_grade: float, modified: datetime | None = None) -> None:
    moment = modified or datetime(2026, 1, 10, 15, 30, tzinfo=UTC)
    user = SimpleNamespace(id=12345)
    course_id = "course-v1:edX+DemoX+Demo_Course"
    grade = SimpleNamespace(user=user, course_id=course_id, percent_grade=percent_grade, modified=moment)
    grade_changed.send(sender=None, grade=grade)


def use_endpoint(url: str) -> None:
    settings.WEBHOOK_EVENTS_ENDPOINT_URL = url
    receivers._client.cache_clear()


seen = {}
with transaction.atomic():
    change_grade(0.81)
    seen["before the commit"] = WebhookOutbox.objects.count()
seen["after the commit"] = WebhookOutbox.objects.count()

try:
    with transaction.atomic():
        change_grade(0.82)
        raise RuntimeError("rolled back")
except RuntimeError:
    seen["after a rollback"] = WebhookOutbox.objects.count()

use_endpoint(order["dead_endpoint"])
with transaction.atomic():
    change_grade(0.83)
seen["SQS down"] = WebhookOutbox.objects.count()

use_endpoint(order["endpoint"])
receivers.publish_outbox()
seen["rows of the last minute"] = WebhookOutbox.objects.count()
WebhookOutbox.objects.update(created=datetime.now(UTC) - timedelta(hours=1))
receivers.publish_outbox()
seen["SQS back"] = WebhookOutbox.objects.count()

change_grade(0.84, modified=datetime(2026, 1, 10, 15, 30))
seen["a time without a zone"] = WebhookOutbox.objects.count()
print(json.dumps(seen))
