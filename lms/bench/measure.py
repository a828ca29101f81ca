"""Measures the outbox: `python tests/with_database.py mariadb python bench/measure.py` (or `sqlite`, `postgresql`).

Prints what an event adds to the transaction of a grade, and how many events a second pass the outbox. The queue accepts
at once: SQS's own time is not measured. Each number is the median of its rounds.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
engine = os.environ.get("LMS_TEST_ENGINE", "sqlite")
directory = tempfile.TemporaryDirectory()
if engine == "sqlite":
    # A file: a commit costs what it costs an LMS.
    os.environ["LMS_TEST_DATABASE"] = str(Path(directory.name, "lms.sqlite3"))

import django  # noqa: E402

from tests import settings  # noqa: E402

settings.INSTALLED_APPS.remove("tests.openedx.channel_integration")
if engine != "sqlite":
    # The server is empty; the database that it has already serves to create ours.
    settings.DATABASES["default"]["NAME"] = {"mariadb": "mysql", "postgresql": "postgres"}[engine]
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402

if engine != "sqlite":
    with connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE lms")
    connection.close()
    connection.settings_dict["NAME"] = "lms"
call_command("migrate", "--run-syncdb", verbosity=0)

import logging  # noqa: E402

from learning_time_webhooks.clock import SystemClock  # noqa: E402
from learning_time_webhooks.config import Config  # noqa: E402
from learning_time_webhooks.models import OutboxEvent, Status  # noqa: E402
from learning_time_webhooks.queue import Accepted  # noqa: E402
from learning_time_webhooks.relay import Relay  # noqa: E402
from tests.conftest import integrate, join, make_learner  # noqa: E402
from tests.factories_outbox import write_events  # noqa: E402
from tests.openedx.course_overviews.models import CourseOverview  # noqa: E402
from tests.openedx.grades.models import PersistentCourseGrade  # noqa: E402
from tests.openedx.social_django.models import UserSocialAuth  # noqa: E402
from tests.samples import COURSE, NOW  # noqa: E402
from tests.signals import send_grade  # noqa: E402

GRADES, ROUNDS = 300, 5
EVENTS = 5000
# Rows of other days, as many as a month of a large LMS has.
OLD_ROWS = 50_000


class ImmediateQueue:
    def send(self, entries: Any) -> Any:
        return [Accepted(entry.key, "message") for entry in entries]


def grade_transactions(first: int, announce: Callable[[int], None]) -> tuple[list[float], float]:
    """Milliseconds of each transaction with one grade, sorted, and the mean CPU of this process."""
    times = []
    cpu = time.process_time()
    for user_id in range(first, first + GRADES):
        began = time.perf_counter()
        with transaction.atomic():
            PersistentCourseGrade.objects.create(
                user_id=user_id, course_id=COURSE, percent_grade=0.92, passed_timestamp=NOW, modified=NOW
            )
            announce(user_id)
        times.append((time.perf_counter() - began) * 1000)
    return sorted(times), (time.process_time() - cpu) * 1000 / GRADES


def measure_grades() -> None:
    p10s, p50s, cpus = [], [], []
    for round_number in range(ROUNDS):
        first = round_number * GRADES + 1
        for user_id in range(first, first + GRADES):
            user = make_learner(user_id)
            join(user)
            UserSocialAuth.objects.create(user=user, extra_data={"country": "US"})
        without, cpu_without = grade_transactions(first, lambda _user_id: None)
        with_event, cpu_with = grade_transactions(first, send_grade)
        p10s.append(with_event[GRADES // 10] - without[GRADES // 10])
        p50s.append(statistics.median(with_event) - statistics.median(without))
        cpus.append(cpu_with - cpu_without)
    assert OutboxEvent.objects.filter(status=Status.PENDING).count() == GRADES * ROUNDS
    p10, p50, cpu = (statistics.median(values) for values in (p10s, p50s, cpus))
    print(f"added to a grade's transaction: {p10:.2f} ms at p10, {p50:.2f} at p50; CPU of the LMS {cpu:.2f} ms")


def measure_relay() -> None:
    now = SystemClock().now()
    rates, cpus = [], []
    for round_number in range(3):
        OutboxEvent.objects.filter(status=Status.PENDING).delete()
        body = '{"event_id":"x","payload":{"filler":"' + "x" * 700 + '"}}'
        write_events(EVENTS, first=10_000_000 + round_number * EVENTS, body=body, available_at=now, created_at=now)
        relay = Relay(ImmediateQueue(), SystemClock(), Config(queue_url="https://sqs.example/events"))
        began, cpu = time.perf_counter(), time.process_time()
        result = relay.run_until_empty()
        assert result.published == EVENTS
        cpus.append((time.process_time() - cpu) * 1000 / EVENTS)
        rates.append(EVENTS / (time.perf_counter() - began))
    rate, cpu = statistics.median(rates), statistics.median(cpus)
    print(f"through the outbox: {rate:.0f} events a second, one relay; its CPU {cpu:.2f} ms an event")


logging.disable(logging.CRITICAL)
integrate()
CourseOverview.objects.create(id=COURSE, display_name="edX Demo Course")
for start in range(0, OLD_ROWS, 5000):
    write_events(5000, first=20_000_000 + start, status=Status.PUBLISHED, published_at=NOW, available_at=NOW)
print(f"{engine}, Django {django.__version__}, Python {sys.version.split()[0]}, {OLD_ROWS} old rows")
measure_grades()
measure_relay()
directory.cleanup()
