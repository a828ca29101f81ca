"""What the signals of Open edX write to the outbox."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from learning_time_webhooks.models import OutboxEvent
from tests.conftest import COURSE, ENTERPRISE, NOW, integrate, join, make_learner
from tests.openedx.course_overviews.models import CourseOverview
from tests.openedx.social_django.models import UserSocialAuth
from tests.signals import send_enrollment, send_grade

OTHER_ENTERPRISE = "0f8fad5b-d9cb-469f-a165-70867728950e"
SOON = NOW + timedelta(seconds=2)
NEXT_DAY = NOW + timedelta(days=1)


def rows():
    return list(OutboxEvent.objects.order_by("pk"))


def bodies():
    return [json.loads(row.body) for row in rows()]


@pytest.fixture
def by_grade(settings):
    settings.LEARNING_TIME_WEBHOOKS = {"DEDUPLICATE": "grade"}


class TestCompletions:
    def test_a_passing_grade_is_an_event_with_our_payload(self, learner, clock):
        CourseOverview.objects.create(id=COURSE, display_name="edX Demo Course")
        send_grade()
        [row] = rows()
        assert json.loads(row.body) == {
            "schema_version": 1,
            "event_type": "course_completion",
            "event_id": row.event_id,
            "integration_id": "skillsoft",
            "occurred_at": "2026-01-10T15:30:00+00:00",
            "user_id": 12345,
            "course_id": COURSE,
            "enterprise_customer_uuid": ENTERPRISE,
            "payload": {
                "user": {"id": 12345, "email": "learner12345@example.com", "username": "learner12345"},
                "course": {"course_id": COURSE, "course_name": "edX Demo Course"},
                "completion": {
                    "completion_date": "2026-01-10T15:30:00+00:00",
                    "percent_grade": 0.92,
                    "letter_grade": "A",
                    "is_passing": True,
                },
                "enterprise": {"enterprise_customer_uuid": ENTERPRISE, "enterprise_customer_name": "Demo Corp"},
            },
        }
        assert (row.status, row.available_at, row.region) == ("pending", NOW, "OTHER")

    def test_a_grade_that_does_not_pass_is_no_event(self, learner, clock):
        send_grade(passed_at=None, percent=0.4)
        assert rows() == []

    def test_a_course_without_a_name_is_named_by_its_key(self, learner, clock):
        send_grade()
        assert bodies()[0]["payload"]["course"]["course_name"] == COURSE

    def test_a_retake_is_dated_by_its_own_change_not_by_the_first_pass(self, learner, clock):
        send_grade(passed_at=NOW - timedelta(days=90))
        assert bodies()[0]["payload"]["completion"]["completion_date"] == "2026-01-10T15:30:00+00:00"

    def test_percipios_document_is_the_one_that_upstream_sends(self, db, clock):
        user = make_learner()
        join(user)
        integrate(payload_format="percipio")
        data = {"PercipioUserUUID": ["0f8fad5b-d9cb-469f-a165-70867728950e"], "percipioOrganizationUuid": "org"}
        UserSocialAuth.objects.create(user=user, extra_data=data)
        send_grade(passed_at=datetime(2025, 10, 12, 1, 2, 3, 999_999, tzinfo=UTC))
        [body] = bodies()
        assert list(body["payload"].items()) == [
            ("content_id", "course:edX+DemoX"),
            ("user", "0f8fad5b-d9cb-469f-a165-70867728950e"),
            ("status", "completed"),
            ("event_date", "2025-10-12T01:02:03Z"),
            ("completion_percentage", 100),
            ("duration_spent", None),
            ("orgid", "org"),
        ]
        assert (body["user_id"], body["course_id"]) == (12345, COURSE)

    def test_percipios_identifiers_are_null_without_single_sign_on(self, db, clock):
        join(make_learner())
        integrate(payload_format="percipio")
        send_grade()
        payload = bodies()[0]["payload"]
        assert (payload["user"], payload["orgid"]) == (None, None)


class TestEnrollments:
    def test_an_enrollment_is_an_event(self, learner, clock):
        send_enrollment(learner, created_at=NOW - timedelta(seconds=1))
        [body] = bodies()
        assert body["event_type"] == "course_enrollment"
        assert body["payload"]["enrollment"] == {
            "enrollment_date": "2026-01-10T15:29:59+00:00",
            "mode": "verified",
            "is_active": True,
        }
        assert body["payload"]["course"]["course_name"] == "edX Demo Course"

    def test_percipio_gets_a_started_document(self, db, clock):
        user = make_learner()
        join(user)
        integrate(payload_format="percipio")
        send_enrollment(user)
        payload = bodies()[0]["payload"]
        assert (payload["status"], payload["completion_percentage"]) == ("started", 0)
        assert payload["event_date"] == "2026-01-10T15:30:00Z"

    def test_an_integration_that_takes_no_enrollments_gets_none(self, db, clock):
        user = make_learner()
        join(user)
        integrate(enrollments=False)
        send_enrollment(user)
        send_grade()
        assert [row.event_type for row in rows()] == ["course_completion"]

    @pytest.mark.parametrize("deduplicate", ["day", "grade"])
    @pytest.mark.parametrize("at", [NOW, datetime(2026, 1, 10, 23, 59, 59, 900_000, tzinfo=UTC)])
    def test_the_signal_that_open_edx_sends_twice_is_one_event(self, learner, clock, settings, deduplicate, at):
        settings.LEARNING_TIME_WEBHOOKS = {"DEDUPLICATE": deduplicate}
        send_enrollment(learner, created_at=at, time=at)
        send_enrollment(learner, created_at=at, time=at + timedelta(milliseconds=200))
        assert len(rows()) == 1


class TestWhoReceives:
    def test_one_event_for_each_active_enterprise(self, learner, clock):
        join(learner, OTHER_ENTERPRISE)
        join(learner, "11111111-1111-1111-1111-111111111111", active=False)
        join(learner, "22222222-2222-2222-2222-222222222222", linked=False)
        integrate(OTHER_ENTERPRISE, "percipio")
        integrate("11111111-1111-1111-1111-111111111111", "inactive")
        integrate("22222222-2222-2222-2222-222222222222", "unlinked")
        send_grade()
        assert {row.integration_id for row in rows()} == {"skillsoft", "percipio"}
        assert len({row.event_id for row in rows()}) == 2

    def test_a_learner_of_no_enterprise_is_no_event_and_no_error(self, db, clock, counts):
        make_learner()
        integrate()
        send_grade()
        assert rows() == []
        assert "event.invalid" not in counts

    def test_an_enterprise_without_integration_is_no_event_and_counted(self, learner, clock, counts):
        join(learner, OTHER_ENTERPRISE)
        send_grade()
        assert [row.enterprise_customer_uuid for row in rows()] == [ENTERPRISE]
        assert counts["event.no_integration"] == 1

    def test_an_inactive_integration_gets_nothing(self, db, clock, counts):
        join(make_learner())
        integrate(active=False)
        send_grade()
        assert rows() == []
        assert counts["event.no_integration"] == 1

    @pytest.mark.parametrize(
        ("sso", "enterprise", "receiver"),
        [
            ("DE", "US", "europe"),
            (["us"], "DE", "america"),
            (" eu ", None, "europe"),
            ("JP", "US", "rest"),
            (None, "FR", "europe"),
            ([], "US", "america"),
            (None, None, "rest"),
        ],
    )
    def test_the_region_is_that_of_the_sign_on_or_else_of_the_enterprise(self, db, clock, sso, enterprise, receiver):
        user = make_learner()
        join(user, country=enterprise)
        for integration_id, region in (("europe", "EU"), ("america", "US"), ("rest", "OTHER")):
            integrate(integration_id=integration_id, region=region)
        if sso is not None:
            UserSocialAuth.objects.create(user=user, extra_data={"country": sso})
        send_grade()
        assert [row.integration_id for row in rows()] == [receiver]

    def test_the_enterprise_that_changed_last_decides_the_region_for_all(self, db, clock):
        user = make_learner()
        join(user, country="US")
        join(user, OTHER_ENTERPRISE, country="DE")
        integrate(region="EU", integration_id="one")
        integrate(OTHER_ENTERPRISE, region="EU", integration_id="two")
        send_grade()
        assert {(row.integration_id, row.region) for row in rows()} == {("one", "EU"), ("two", "EU")}

    def test_a_region_without_an_active_integration_uses_that_of_other(self, db, clock):
        user = make_learner()
        join(user, country="DE")
        integrate(integration_id="europe", region="EU", active=False)
        integrate(integration_id="rest", region="OTHER")
        send_grade()
        [row] = rows()
        assert (row.integration_id, row.region) == ("rest", "EU")

    def test_single_sign_on_data_that_is_no_object_is_ignored(self, learner, clock):
        UserSocialAuth.objects.create(user=learner, extra_data="US")
        send_grade()
        assert rows()[0].region == "OTHER"


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
