"""Plays an LMS with the package `lms/` in a real Django, with the signals of openedx-events and boto3, and prints what is
in the outbox after each step. Standard input: {"queue_url", "endpoint", "dead_endpoint"}.
"""

import json
import os
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import django

LMS = Path(__file__).parents[2] / "lms"
sys.path.insert(0, str(LMS))
order = json.load(sys.stdin)
directory = tempfile.TemporaryDirectory()
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
os.environ["LMS_TEST_DATABASE"] = str(Path(directory.name, "lms.sqlite3"))

from tests import settings  # noqa: E402

# As for an LMS that never had webhooks: the package sends for all enterprises.
settings.INSTALLED_APPS.remove("tests.openedx.channel_integration")


def use_endpoint(url: str) -> None:
    """The region is the local platform's, its SQS is not AWS's."""
    values = {"QUEUE_URL": order["queue_url"], "ENDPOINT_URL": url, "DEDUPLICATE": "grade"}
    django.conf.settings.LEARNING_TIME_WEBHOOKS = values


import django.conf  # noqa: E402

django.setup()
django.conf.settings.LOGGING_CONFIG = None

import logging  # noqa: E402

from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management import CommandError, call_command  # noqa: E402
from django.db import transaction  # noqa: E402
from learning_time_webhooks.models import EnterpriseIntegration, OutboxEvent  # noqa: E402
from tests import signals  # noqa: E402
from tests.openedx.enterprise.models import EnterpriseCustomer, EnterpriseCustomerUser  # noqa: E402
from tests.openedx.social_django.models import UserSocialAuth  # noqa: E402

logging.disable(logging.CRITICAL)
call_command("migrate", "--run-syncdb", verbosity=0)

ENTERPRISE = "a1b2c3d4-e5f6-7890-abcd-ef1234567890"
NOW = datetime(2026, 1, 10, 15, 30, tzinfo=UTC)
user = get_user_model().objects.create(pk=12345, username="learner", email="learner@example.com")
enterprise = EnterpriseCustomer.objects.create(uuid=ENTERPRISE, name="Demo Corp", country="US")
EnterpriseCustomerUser.objects.create(enterprise_customer=enterprise, user_id=user.pk)
other = EnterpriseCustomer.objects.create(uuid="b1b2c3d4-e5f6-7890-abcd-ef1234567890", name="Other Corp")
EnterpriseCustomerUser.objects.create(enterprise_customer=other, user_id=user.pk)
UserSocialAuth.objects.create(user=user, extra_data={"PercipioUserUUID": ["user-1"], "percipioOrganizationUuid": ["org-1"]})
EnterpriseIntegration.objects.create(enterprise_customer_uuid=ENTERPRISE, integration_id="skillsoft", active=True)
EnterpriseIntegration.objects.create(
    enterprise_customer_uuid=other.uuid, integration_id="percipio", payload_format="percipio", active=True
)


def counts() -> dict[str, int]:
    result: dict[str, int] = {}
    for status in OutboxEvent.objects.values_list("status", flat=True):
        result[status] = result.get(status, 0) + 1
    return result


def relay() -> None:
    OutboxEvent.objects.filter(status="pending").update(available_at=NOW)
    call_command("webhooks_relay", "--once", stdout=StringIO())


seen = {}
use_endpoint(order["endpoint"])
with transaction.atomic():
    signals.send_grade(percent=0.4, letter="", passed_at=None)
    signals.send_grade(percent=0.81)
seen["passed"] = counts()
try:
    with transaction.atomic():
        signals.send_grade(percent=0.82)
        raise RuntimeError("rolled back")
except RuntimeError:
    seen["rolled back"] = counts()
relay()
seen["published"] = counts()

use_endpoint(order["dead_endpoint"])
retake = NOW + timedelta(hours=2)
with transaction.atomic():
    signals.send_grade(percent=0.83, time=retake)
try:
    relay()
except CommandError as error:
    seen["SQS down"] = [str(error), counts()]
use_endpoint(order["endpoint"])
relay()
seen["SQS back"] = counts()

# Open edX sends the signal of one enrollment twice, with two ids.
signals.send_enrollment(user)
signals.send_enrollment(user)
relay()
# A relay that ended before it recorded what SQS confirmed.
OutboxEvent.objects.filter(event_type="course_enrollment").update(status="pending")
relay()
seen["enrolled"] = counts()
print(json.dumps(seen))
