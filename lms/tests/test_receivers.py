"""What the signals of Open edX write to the outbox."""

import json
from datetime import UTC, datetime, timedelta

from learning_time_webhooks.models import OutboxEvent
from tests.conftest import integrate, join, make_learner
from tests.openedx.course_overviews.models import CourseOverview
from tests.openedx.social_django.models import UserSocialAuth
from tests.samples import COURSE, ENTERPRISE, NOW
from tests.signals import send_enrollment, send_grade


def rows():
    return list(OutboxEvent.objects.order_by("pk"))


def bodies():
    return [json.loads(row.body) for row in rows()]


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
