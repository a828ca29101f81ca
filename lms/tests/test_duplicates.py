"""Which changes are new events."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from learning_time_webhooks.config import Config
from learning_time_webhooks.course_facts import Course, Grade
from learning_time_webhooks.models import OutboxEvent
from learning_time_webhooks.outbox import Earlier, is_repeat
from tests.conftest import join, make_learner
from tests.samples import NOW
from tests.signals import send_enrollment, send_grade

SOON = NOW + timedelta(seconds=2)
NEXT_DAY = NOW + timedelta(days=1)


@pytest.fixture
def by_grade(settings):
    settings.LEARNING_TIME_WEBHOOKS = {"DEDUPLICATE": "grade"}


def rows():
    return list(OutboxEvent.objects.order_by("pk"))


class TestDuplicates:
    def test_by_day_there_is_one_event_a_day_whatever_the_grade(self, learner, clock):
        send_grade(percent=0.6)
        send_grade(percent=0.9, time=SOON)
        send_grade(percent=0.9, time=NEXT_DAY)
        assert [row.percent_grade for row in rows()] == [0.6, 0.9]

    def test_by_grade_a_better_one_is_a_new_event_and_an_equal_or_worse_one_is_not(self, learner, clock, by_grade):
        for percent in (0.6, 0.6, 0.9, 0.8, 0.9):
            send_grade(percent=percent)
        send_grade(percent=0.9, time=NEXT_DAY)
        assert [row.percent_grade for row in rows()] == [0.6, 0.9]
        assert len({row.event_id for row in rows()}) == 2

    def test_by_grade_a_difference_below_a_hundredth_of_a_percent_is_none(self, learner, clock, by_grade):
        send_grade(percent=0.9)
        send_grade(percent=0.90004)
        assert len(rows()) == 1

    @pytest.mark.parametrize("deduplicate", ["day", "grade"])
    def test_the_event_id_does_not_depend_on_what_is_in_the_outbox(self, learner, clock, settings, deduplicate):
        settings.LEARNING_TIME_WEBHOOKS = {"DEDUPLICATE": deduplicate}
        send_grade()
        [first] = rows()
        OutboxEvent.objects.all().delete()
        send_grade(time=SOON)
        assert rows()[0].event_id == first.event_id

    def test_courses_learners_types_and_enterprises_are_told_apart(self, learner, clock):
        other = make_learner(777)
        join(other)
        send_grade()
        send_grade(course="course-v1:edX+DemoX+Another")
        send_grade(777)
        send_enrollment(learner)
        assert len({row.event_id for row in rows()}) == 4

    def test_a_clock_that_goes_back_adds_no_event_on_the_same_day(self, learner, clock):
        send_grade()
        send_grade(time=NOW - timedelta(hours=3))
        assert len(rows()) == 1

    @pytest.mark.parametrize("deduplicate", ["day", "grade"])
    @pytest.mark.parametrize("at", [NOW, datetime(2026, 1, 10, 23, 59, 59, 900_000, tzinfo=UTC)])
    def test_the_signal_that_open_edx_sends_twice_is_one_event(self, learner, clock, settings, deduplicate, at):
        settings.LEARNING_TIME_WEBHOOKS = {"DEDUPLICATE": deduplicate}
        send_enrollment(learner, created_at=at, time=at)
        send_enrollment(learner, created_at=at, time=at + timedelta(milliseconds=200))
        assert len(rows()) == 1

    def test_by_grade_the_same_enrollment_signalled_an_hour_later_is_one_event(self, learner, clock, by_grade):
        send_enrollment(learner, created_at=NOW)
        send_enrollment(learner, created_at=NOW, time=NOW + timedelta(hours=1))
        assert len(rows()) == 1

    def test_courses_whose_keys_differ_in_case_are_told_apart(self, learner, clock):
        """MySQL and MariaDB compare text without case."""
        send_grade()
        send_grade(course="course-v1:edx+demox+demo_course")
        assert len(rows()) == 2

    def test_the_day_is_that_of_utc_also_where_the_database_returns_another_zone(self):
        """Django does if the database's setting `TIME_ZONE` is set."""
        at = datetime(2026, 1, 10, 1, tzinfo=UTC)
        grade = Grade(12345, Course("course-v1:a+b+c", "a", "b", ""), 0.9, "A", at, at)
        zone = timezone(timedelta(hours=-5))
        for hours, repeat in ((2, True), (-2, False)):
            earlier = (at + timedelta(hours=hours)).astimezone(zone)
            assert is_repeat(grade, "new", Earlier("enterprise", "old", earlier, 0.9), Config()) is repeat
