"""A model test of the switch: while an enterprise goes to the pipeline and back, each event is sent exactly once.

Both systems handle each grade in two steps, as processes do that read the state, and write later: the state may change
in between. Upstream's second step may be a Celery task; another one delivers the webhook, later or never. Real switches
and real outbox; the clock and the order of the steps are seeded. A run is reproduced by its number, as in
test_relay_model.py.
"""

from __future__ import annotations

import heapq
import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from django.contrib.auth import get_user_model

from learning_time_webhooks import switches
from learning_time_webhooks.config import Config
from learning_time_webhooks.course_facts import Course, Grade
from learning_time_webhooks.models import EnterpriseIntegration, EnterpriseSwitch, OutboxEvent, Status
from learning_time_webhooks.outbox import events_of
from learning_time_webhooks.upstream import MARK
from tests.openedx.channel_integration.models import EnterpriseWebhookConfiguration, WebhookTransmissionQueue
from tests.openedx.enterprise.models import EnterpriseCustomer, EnterpriseCustomerUser

from .factories_outbox import COURSE, ENTERPRISE, NOW
from .upstream_sender import UpstreamEvent, configuration_of, enqueue

pytestmark = [pytest.mark.django_db, pytest.mark.upstream]

RUNS = int(os.environ.get("LMS_SWITCH_RUNS", "10"))
FIRST = int(os.environ.get("LMS_SWITCH_FIRST", "0"))

CONFIG = Config(switch_wait_seconds=60)
LEARNERS = 40


@dataclass
class Agenda:
    """Steps in the order of their times, in seconds after NOW."""

    steps: list[tuple[float, int, Callable[[datetime], None]]] = field(default_factory=list)

    def at(self, seconds: float, step: Callable[[datetime], None]) -> None:
        heapq.heappush(self.steps, (seconds, len(self.steps), step))

    def run(self) -> None:
        for seconds, _, step in sorted(self.steps, key=lambda one: one[:2]):
            step(NOW + timedelta(seconds=seconds))


def grade_of(user_id: int, now: datetime) -> Grade:
    course = Course(COURSE, "edX", "DemoX", "Demo")
    return Grade(user_id, course, percent=0.9, letter="A", passed_at=now, occurred_at=now)


def plan_grade(agenda: Agenda, chance: random.Random, user_id: int, at: float, *, enriched: bool) -> None:
    """One grade change. Each system decides at one time, and writes within 50 s, less than the wait."""
    ours: list[OutboxEvent] = []
    theirs = UpstreamEvent(ENTERPRISE, user_id, COURSE)
    found: list[EnterpriseWebhookConfiguration | None] = []
    occurred = NOW + timedelta(seconds=at)
    # Upstream's webhook is delivered, or waits for a retry.
    status = chance.choice(["success", "pending"])
    our_reading, their_reading = at + chance.uniform(0, 5), at + chance.uniform(0, 5)
    agenda.at(our_reading, lambda now: ours.extend(events_of(grade_of(user_id, occurred), CONFIG, now)))
    agenda.at(our_reading + chance.uniform(0, 45), lambda _now: OutboxEvent.objects.bulk_create(ours) and None)
    if enriched:
        # A task, whenever a worker is free. It decides and writes.
        late = their_reading + chance.choice([1, 30, 200])
        agenda.at(late, lambda now: enqueue(theirs, configuration_of(theirs), now, status=status) and None)
    else:
        agenda.at(their_reading, lambda _now: found.append(configuration_of(theirs)))
        late = their_reading + chance.uniform(0, 45)
        agenda.at(late, lambda now: enqueue(theirs, found[0], now, status=status) and None)


def retry_upstream(_now: datetime) -> None:
    """Upstream's tasks: they deliver what waits, or fail for good without an active configuration."""
    active = EnterpriseWebhookConfiguration.objects.filter(active=True).exists()
    WebhookTransmissionQueue.objects.filter(status="pending").update(status="success" if active else "failed")


def run(number: int) -> None:
    chance = random.Random(number)
    for model in (OutboxEvent, EnterpriseSwitch, WebhookTransmissionQueue):
        model.objects.all().delete()
    EnterpriseWebhookConfiguration.objects.update(active=True)
    agenda = Agenda()
    enriched = chance.random() < 0.5
    users = list(get_user_model().objects.order_by("pk").values_list("pk", flat=True))
    there, back = chance.uniform(100, 500), chance.uniform(700, 900)
    # Half of the grades change while upstream's configuration does.
    handovers = [there + 65, back + 65]
    grades: dict[int, float] = {
        user: chance.uniform(20, 1200) if chance.random() < 0.5 else chance.choice(handovers) + chance.uniform(-15, 15)
        for user in users
    }
    for user, at in grades.items():
        plan_grade(agenda, chance, user, at, enriched=enriched)
        if chance.random() < 0.3:
            # The grade is computed again. On the same day that is no new webhook, whoever sends it.
            plan_grade(agenda, chance, user, at + chance.uniform(0, 400), enriched=enriched)
    agenda.at(1, lambda now: switches.request(ENTERPRISE, "rehearsal", now) and None)
    agenda.at(there, lambda now: switches.request(ENTERPRISE, "pipeline", now) and None)
    agenda.at(back, lambda now: switches.request(ENTERPRISE, "upstream", now) and None)
    for at in range(5, 3000, 10):
        agenda.at(at + chance.uniform(0, 5), lambda now: switches.advance(now, CONFIG.switch_wait) and None)
        agenda.at(at + chance.uniform(0, 10), retry_upstream)
    agenda.run()

    assert EnterpriseSwitch.objects.get().state == "rehearsal"
    assert not OutboxEvent.objects.filter(status=Status.HELD).exists()
    for user in users:
        ours = OutboxEvent.objects.filter(user_id=user, status=Status.PENDING).values("event_id").distinct().count()
        delivered = WebhookTransmissionQueue.objects.filter(user_id=user, status="success")
        theirs = delivered.exclude(error_message=MARK).count()
        assert ours + theirs == 1, f"run {number}: {ours} by this package, {theirs} by upstream, user {user}"


def test_each_event_is_sent_once_while_an_enterprise_is_switched() -> None:
    enterprise = EnterpriseCustomer.objects.create(uuid=ENTERPRISE, name="Demo Corp")
    EnterpriseIntegration.objects.create(
        enterprise_customer_uuid=ENTERPRISE, integration_id="skillsoft", payload_format="percipio", active=True
    )
    EnterpriseWebhookConfiguration.objects.create(
        enterprise_customer=enterprise, region="OTHER", webhook_url="https://partner.example"
    )
    for number in range(LEARNERS):
        user = get_user_model().objects.create(username=f"learner-{number}")
        EnterpriseCustomerUser.objects.create(enterprise_customer=enterprise, user_id=user.pk)
    for number in range(FIRST, FIRST + RUNS):
        run(number)
