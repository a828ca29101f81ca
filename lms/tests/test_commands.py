import json
import signal
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from learning_time_webhooks import tasks
from learning_time_webhooks.clock import SystemClock
from learning_time_webhooks.management.commands import webhooks_relay
from learning_time_webhooks.models import EnterpriseIntegration, OutboxEvent
from learning_time_webhooks.sqs import SqsQueue
from tests.conftest import FakeQueue, down, integrate, join, make_learner
from tests.openedx.grades.models import PersistentCourseGrade
from tests.rows import add_rows
from tests.samples import COURSE

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def queue(monkeypatch):
    queue = FakeQueue()
    monkeypatch.setattr(SqsQueue, "from_config", lambda config: queue)
    return queue


def test_relay_once_publishes_and_reports(queue, capsys):
    add_rows(3, SystemClock())
    call_command("webhooks_relay", "--once")
    assert capsys.readouterr().out == "3 published, 0 refused, 0 postponed; 0 deleted\n"


def test_relay_once_fails_while_the_queue_is_down(queue):
    queue.fate = down
    add_rows(1, SystemClock())
    with pytest.raises(CommandError, match="the queue is not available: EndpointConnectionError"):
        call_command("webhooks_relay", "--once")


def test_the_loop_ends_at_sigterm_after_the_request_it_is_in(queue):
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    queue.fate = lambda entry: signal.raise_signal(signal.SIGTERM)
    add_rows(1, SystemClock())
    try:
        call_command("webhooks_relay")
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGINT, before[1])
    assert OutboxEvent.objects.get().status == "published"


@pytest.mark.parametrize("value", [{}, {"QUEUE_URL": "events"}])
def test_a_relay_without_a_queue_says_so(settings, value):
    settings.LEARNING_TIME_WEBHOOKS = value
    with pytest.raises(CommandError, match="QUEUE_URL"):
        call_command("webhooks_relay", "--once")


def test_the_celery_task_publishes(queue):
    add_rows(2, SystemClock())
    tasks.publish_outbox_task()
    assert len(queue.accepted) == 2
    assert tasks.publish_outbox_task.name == "learning_time_webhooks.publish_outbox"


def test_repair_writes_counts_and_can_only_count(capsys):
    join(make_learner())
    integrate()
    EnterpriseIntegration.objects.update(active_since=timezone.now() - timedelta(days=10))
    hour_ago = timezone.now() - timedelta(hours=1)
    PersistentCourseGrade.objects.create(
        user_id=12345, course_id=COURSE, percent_grade=1, passed_timestamp=hour_ago, modified=hour_ago
    )
    call_command("webhooks_repair", "--dry-run")
    call_command("webhooks_repair", "--hours", "2")
    call_command("webhooks_repair")
    assert capsys.readouterr().out.splitlines() == [
        "1 passing grades, 1 events would be written, 0 failed",
        "1 passing grades, 1 events written, 0 failed",
        "1 passing grades, 0 events written, 0 failed",
    ]


@pytest.mark.parametrize("hours", ["0", "-1", "1e9", "nan"])
def test_repair_refuses_a_wrong_period(hours):
    with pytest.raises(CommandError, match="--hours"):
        call_command("webhooks_repair", f"--hours={hours}")


def test_status_counts_rows_and_the_age_of_the_oldest(capsys):
    clock = SystemClock()
    add_rows(2, clock, created_at=clock.now() - timedelta(seconds=90))
    add_rows(1, clock, status="refused", created_at=clock.now() - timedelta(days=9))
    call_command("webhooks_status")
    status = json.loads(capsys.readouterr().out)
    assert 90 <= status.pop("oldest_pending_seconds") < 600
    assert status == {"pending": 2, "published": 0, "refused": 1, "held": 0, "skipped": 0, "rehearsed": 0}


def test_the_loop_without_a_signal_goes_on():
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    stop = webhooks_relay._stop_on_signal()
    try:
        assert not stop()
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGINT, before[1])
