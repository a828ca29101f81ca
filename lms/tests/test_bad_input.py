"""Input of which no event can be made."""

import json
from datetime import UTC, datetime

import pytest

from learning_time_webhooks.models import OutboxEvent
from tests.conftest import integrate, join
from tests.openedx.course_overviews.models import CourseOverview
from tests.samples import COURSE
from tests.signals import send_enrollment, send_grade

OTHER_ENTERPRISE = "0f8fad5b-d9cb-469f-a165-70867728950e"


def rows():
    return list(OutboxEvent.objects.order_by("pk"))


def bodies():
    return [json.loads(row.body) for row in rows()]


class TestBadInput:
    """Nothing is written, the reason is counted and logged, and the sender sees no exception."""

    def expect_invalid(self, counts, caplog, reason):
        assert rows() == []
        assert counts["event.invalid"] == 1
        assert reason in caplog.text
        assert "learner12345@" not in caplog.text

    def test_a_naive_time_of_the_pass(self, learner, clock, counts, caplog):
        send_grade(passed_at=datetime(2026, 1, 10, 15, 30))  # noqa: DTZ001
        self.expect_invalid(counts, caplog, "passed_timestamp has no time zone")

    def test_a_naive_time_of_enrollment(self, learner, clock, counts, caplog):
        send_enrollment(learner, created_at=datetime(2026, 1, 10, 15, 30))  # noqa: DTZ001
        self.expect_invalid(counts, caplog, "creation_date has no time zone")

    def test_a_time_before_1970(self, learner, clock, counts, caplog):
        send_grade(time=datetime(1900, 1, 1, tzinfo=UTC))
        self.expect_invalid(counts, caplog, "must lie in the years 1970 to 9999")

    @pytest.mark.parametrize("percent", [float("nan"), float("inf"), None, "much"], ids=["nan", "inf", "none", "text"])
    def test_a_grade_that_is_no_number(self, learner, clock, counts, caplog, percent):
        send_grade(percent=percent)
        self.expect_invalid(counts, caplog, "number")

    def test_a_user_that_does_not_exist(self, learner, clock, counts, caplog):
        learner.delete()
        send_grade()
        self.expect_invalid(counts, caplog, "the user does not exist")

    def test_a_library_is_no_course(self, learner, clock, counts, caplog):
        class NotACourse:
            org = "edX"
            course = None

        send_grade(course=NotACourse())
        self.expect_invalid(counts, caplog, "the course key is not the key of a course run")

    @pytest.mark.parametrize("character", ["\0", "\ud800", "\ufffe", "\uffff", "x" * 256])
    def test_a_course_key_that_the_pipeline_rejects(self, learner, clock, counts, caplog, character):
        class Key:
            org = "edX"
            course = "DemoX"

            def __str__(self):
                return f"course-v1:edX+DemoX+{character}"

        send_grade(course=Key())
        self.expect_invalid(counts, caplog, "the course key must have 1 to 255 characters")

    def test_a_payload_over_200_kib_does_not_stop_the_other_enterprise(self, learner, clock, counts, caplog):
        join(learner, OTHER_ENTERPRISE)
        integrate(OTHER_ENTERPRISE, "percipio", payload_format="percipio")
        CourseOverview.objects.create(id=COURSE, display_name="x" * 200 * 1024)
        send_grade()
        assert [row.integration_id for row in rows()] == ["percipio"]
        assert counts["event.invalid"] == 1
        assert "at most 204800 are accepted user=12345" in caplog.text

    def test_a_payload_too_large_once_escaped(self, learner, clock, counts, caplog):
        CourseOverview.objects.create(id=COURSE, display_name='"' * 80 * 1024)
        send_grade()
        self.expect_invalid(counts, caplog, "once escaped, at most 251904")

    def test_a_wrong_setting(self, learner, clock, counts, settings):
        settings.LEARNING_TIME_WEBHOOKS = {"DEDUPLICATE": "week"}
        send_grade()
        assert rows() == []
        assert counts["outbox.error"] == 1

    def test_text_that_sqs_refuses_is_escaped(self, learner, clock):
        CourseOverview.objects.create(id=COURSE, display_name="Caf\u00e9 \ufffe \x01")
        send_grade()
        assert rows()[0].body.isascii()
        assert bodies()[0]["payload"]["course"]["course_name"] == "Caf\u00e9 \ufffe \x01"
