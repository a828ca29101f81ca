"""The dry run: what both systems send in a day."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command

from learning_time_webhooks import switches
from learning_time_webhooks.models import EnterpriseIntegration, Status
from tests.openedx.channel_integration.models import EnterpriseWebhookConfiguration, WebhookTransmissionQueue
from tests.openedx.enterprise.models import EnterpriseCustomer

from .factories_outbox import COURSE, ENTERPRISE, NOW, write_events
from .upstream_sender import UpstreamEvent, configuration_of, enqueue

pytestmark = [pytest.mark.django_db, pytest.mark.upstream]

PERCIPIO: dict[str, Any] = {
    "content_id": "course:edX+DemoX",
    "user": "11111111-1111-4111-8111-111111111111",
    "status": "completed",
    "event_date": "2026-01-15T10:00:00Z",
    "completion_percentage": 100,
    "duration_spent": None,
    "orgid": "22222222-2222-4222-8222-222222222222",
}


@pytest.fixture(autouse=True)
def rehearsed() -> None:
    enterprise = EnterpriseCustomer.objects.create(uuid=ENTERPRISE, name="Demo Corp")
    EnterpriseWebhookConfiguration.objects.create(
        enterprise_customer=enterprise, region="OTHER", webhook_url="https://partner.example"
    )
    EnterpriseIntegration.objects.create(enterprise_customer_uuid=ENTERPRISE, integration_id="skillsoft", active=True)
    switches.request(ENTERPRISE, "rehearsal", NOW)


def by_upstream(user_id: int, now: datetime = NOW, region: str = "OTHER", **payload: Any) -> None:
    get_user_model().objects.get_or_create(pk=user_id, defaults={"username": f"learner-{user_id}"})
    event = UpstreamEvent(ENTERPRISE, user_id, COURSE, region=region)
    assert enqueue(event, configuration_of(event), now, {**PERCIPIO, **payload})


def by_package(user_id: int, now: datetime = NOW, **payload: Any) -> None:
    body = json.dumps({"payload": {**PERCIPIO, **payload}})
    write_events(1, first=user_id, body=body, status=Status.REHEARSED, occurred_at=now, created_at=now)


def compared() -> tuple[int, list[str]]:
    """The exit status, and the lines that the command prints for the day of NOW."""
    output, status = StringIO(), 0
    try:
        call_command("webhooks_compare", "--day", "2026-01-15", stdout=output)
    except SystemExit as ended:
        status = int(str(ended.code))
    return status, output.getvalue().splitlines()


def test_a_day_without_differences() -> None:
    for user in (1, 2):
        by_upstream(user, completion={"learning_time": 3600})
        by_package(user)
    status, lines = compared()
    assert (status, lines) == (0, ["2026-01-15, 1 enterprises: upstream 2, this package 2, 2 the same, 0 differences"])


def test_each_difference_is_listed_by_ids_and_names_of_fields() -> None:
    by_upstream(1)
    by_package(2)
    by_upstream(3, region="EU")
    by_package(3)
    by_upstream(4, user="33333333-3333-4333-8333-333333333333")
    by_package(4)
    status, lines = compared()
    event = f"course_completion enterprise={ENTERPRISE} user="
    assert status == 1
    assert lines == [
        f"only upstream: {event}1 course={COURSE}",
        f"only this package: {event}2 course={COURSE}",
        f"region: upstream EU, this package OTHER: {event}3 course={COURSE}",
        f"fields: user: {event}4 course={COURSE}",
        "2026-01-15, 1 enterprises: upstream 3, this package 3, 0 the same, 4 differences",
    ]


def test_an_event_around_midnight_is_one_event() -> None:
    midnight = NOW.replace(hour=0)
    by_package(1, midnight - timedelta(seconds=1))
    by_upstream(1, midnight + timedelta(seconds=1))
    assert compared() == (
        0,
        ["2026-01-15, 1 enterprises: upstream 1, this package 0, 1 the same, 0 differences"],
    )


def test_what_the_package_marked_in_upstreams_queue_is_not_upstreams() -> None:
    by_package(1)
    by_upstream(1)
    WebhookTransmissionQueue.objects.update(error_message="delivered by learning-time-webhooks")
    assert compared()[1][0].startswith("only this package")


def test_other_days_and_other_enterprises_are_not_counted() -> None:
    by_upstream(1, NOW - timedelta(days=1))
    by_package(2, NOW + timedelta(days=1))
    switches.request(ENTERPRISE, "upstream", NOW)
    with pytest.raises(CommandError, match="no enterprise is rehearsed"):
        call_command("webhooks_compare")
    output = StringIO()
    call_command("webhooks_compare", "--day", date(2026, 1, 15).isoformat(), "--enterprise", ENTERPRISE, stdout=output)
    assert "upstream 0, this package 0" in output.getvalue()


def test_without_upstream_there_is_nothing_to_compare(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("learning_time_webhooks.upstream.APP_LABEL", "absent")
    with pytest.raises(CommandError, match="not installed"):
        call_command("webhooks_compare")


def test_enterprises_are_named_by_their_uuids() -> None:
    by_upstream(1)
    by_package(1)
    output = StringIO()
    call_command("webhooks_compare", "--day", "2026-01-15", "--enterprise", ENTERPRISE.upper(), stdout=output)
    assert "1 the same, 0 differences" in output.getvalue()
    with pytest.raises(CommandError, match="by its UUID"):
        call_command("webhooks_compare", "--enterprise", "Demo Corp")
