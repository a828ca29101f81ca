"""A switch whose clock was ahead, and was set back while the enterprise was changed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from learning_time_webhooks import switches
from learning_time_webhooks.models import EnterpriseIntegration, EnterpriseSwitch, OutboxEvent, Status
from tests.openedx.enterprise.models import EnterpriseCustomer

from .factories_outbox import ENTERPRISE, NOW, write_events

pytestmark = [pytest.mark.django_db, pytest.mark.upstream]

WAIT = timedelta(seconds=300)
AHEAD = NOW + timedelta(days=400)


@pytest.fixture(autouse=True)
def enterprise() -> None:
    EnterpriseCustomer.objects.create(uuid=ENTERPRISE, name="Demo Corp")
    EnterpriseIntegration.objects.create(enterprise_customer_uuid=ENTERPRISE, integration_id="skillsoft", active=True)


def state() -> str:
    return EnterpriseSwitch.objects.get().state


def test_a_change_begins_its_wait_again() -> None:
    switches.request(ENTERPRISE, "pipeline", AHEAD)
    switches.advance(NOW, WAIT)
    switches.advance(NOW + WAIT - timedelta(seconds=1), WAIT)
    assert state() == "to_pipeline"
    switches.advance(NOW + WAIT, WAIT)
    assert state() == "pipeline"


def test_events_are_held_for_one_more_wait_and_not_for_a_year() -> None:
    switches.request(ENTERPRISE, "pipeline", AHEAD - WAIT)
    switches.advance(AHEAD, WAIT)
    write_events(1, status=Status.HELD, created_at=AHEAD, occurred_at=AHEAD)
    assert switches.advance(NOW, WAIT) == switches.Settled()
    assert switches.advance(NOW + WAIT, WAIT) == switches.Settled(sent=1)
    assert OutboxEvent.objects.get().status == Status.PENDING
    later = NOW + WAIT
    assert switches.statuses([ENTERPRISE], later, later, WAIT) == {ENTERPRISE: Status.PENDING}
