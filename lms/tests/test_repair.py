"""Grades without a row get their events, once."""

from datetime import datetime, timedelta

import pytest

from learning_time_webhooks.config import Config
from learning_time_webhooks.models import EnterpriseIntegration, OutboxEvent
from learning_time_webhooks.repair import CannotRepair, repair
from tests.conftest import integrate, join, make_learner
from tests.openedx.grades.models import PersistentCourseGrade
from tests.samples import COURSE, NOW
from tests.signals import send_grade

LONG_AGO = NOW - timedelta(days=300)
SINCE = NOW - timedelta(days=1)
# The repair runs an hour after the grade.
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def member(db, clock):
    user = make_learner()
    join(user)
    integrate()
    EnterpriseIntegration.objects.update(active_since=LONG_AGO)
    return user


def save_grade(user_id=12345, *, course=COURSE, percent=0.92, modified=NOW, passed_at=NOW):
    PersistentCourseGrade.objects.create(
        user_id=user_id,
        course_id=course,
        percent_grade=percent,
        letter_grade="A",
        passed_timestamp=passed_at,
        modified=modified,
    )


def run(config=Config(), **values):  # noqa: B008
    return repair(SINCE, LATER, config, **values)


def test_a_grade_without_a_row_gets_the_event_that_the_signal_would_have_made(member):
    send_grade()
    by_signal = OutboxEvent.objects.get()
    by_signal.delete()
    save_grade()
    result = run()
    assert (result.grades, result.events) == (1, 1)
    assert run().events == 0
    repaired = OutboxEvent.objects.get()
    assert (repaired.event_id, repaired.body) == (by_signal.event_id, by_signal.body)


@pytest.mark.parametrize("deduplicate", ["day", "grade"])
@pytest.mark.parametrize("before", [timedelta(0), timedelta(milliseconds=200)])
def test_a_grade_that_has_its_row_gets_no_second_one(member, settings, deduplicate, before):
    """The grade is saved just before its signal, perhaps before midnight."""
    settings.LEARNING_TIME_WEBHOOKS = {"DEDUPLICATE": deduplicate}
    midnight = NOW.replace(hour=0, minute=0)
    send_grade(time=midnight)
    save_grade(modified=midnight - before)
    assert run(Config(deduplicate=deduplicate)).events == 0


def test_only_passing_grades_of_enterprise_learners_in_the_period(member):
    make_learner(2)
    save_grade(2)
    save_grade(course="course-v1:edX+DemoX+failed", passed_at=None)
    save_grade(course="course-v1:edX+DemoX+old", modified=SINCE - timedelta(seconds=1))
    save_grade(course="course-v1:edX+DemoX+young", modified=LATER - timedelta(minutes=4))
    assert (run().grades, OutboxEvent.objects.count()) == (0, 0)


def test_a_grade_from_before_the_activation_was_delivered_by_the_system_before(member):
    EnterpriseIntegration.objects.update(active_since=NOW + timedelta(minutes=1))
    save_grade()
    result = run()
    assert (result.grades, result.events) == (1, 0)
    EnterpriseIntegration.objects.update(active_since=None)
    assert run().events == 0


def test_a_dry_run_counts_and_writes_nothing(member):
    save_grade()
    save_grade(course="course-v1:edX+DemoX+other")
    assert run(dry_run=True).events == 2
    assert OutboxEvent.objects.count() == 0


def test_a_grade_that_cannot_be_an_event_fails_alone(member):
    save_grade(course="no course key")
    save_grade()
    result = run()
    assert (result.grades, result.events, result.failed) == (2, 1, 1)


def test_an_outbox_that_cannot_be_written_is_a_failure(member, monkeypatch):
    def fail(*_args):
        raise ZeroDivisionError

    monkeypatch.setattr("learning_time_webhooks.openedx.single_sign_on", fail)
    save_grade()
    assert run().failed == 1


def test_a_period_longer_than_the_outbox_remembers_is_refused(member):
    with pytest.raises(CannotRepair, match="remembers 30 days"):
        repair(LATER - timedelta(days=31), LATER, Config())


def test_naive_times_cannot_be_compared_by_accident():
    naive = datetime(2026, 1, 10)  # noqa: DTZ001
    with pytest.raises((TypeError, CannotRepair)):
        repair(naive, LATER, Config())
