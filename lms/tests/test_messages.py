"""The messages that the package publishes, kept in `fixtures/messages.json`: the pipeline's own tests read them too
(`test/lms/plugin-messages.test.ts`). UPDATE_FIXTURES=1 writes the file."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from learning_time_webhooks import messages
from learning_time_webhooks.course_facts import Course, Enrollment, Enterprise, Grade, InvalidEvent, in_utc
from learning_time_webhooks.models import OutboxEvent
from tests.conftest import integrate, join, make_learner
from tests.openedx.course_overviews.models import CourseOverview
from tests.openedx.social_django.models import UserSocialAuth
from tests.samples import COURSE, ENTERPRISE, NOW
from tests.signals import send_enrollment, send_grade

FIXTURES = Path(__file__).parent / "fixtures" / "messages.json"
SIGN_ON = {
    "country": "DE",
    "PercipioUserUUID": ["0f8fad5b-d9cb-469f-a165-70867728950e"],
    "percipioOrganizationUuid": ["7c9e6679-7425-40de-944b-e07fc1f90ae7"],
}


def test_the_messages_are_those_of_the_fixtures(db, clock):
    CourseOverview.objects.create(id=COURSE, display_name="Caf\u00e9 f\u00fcr edX \U0001f393")
    published = []
    for user_id, payload_format, extra_data in (
        (1, "structured", None),
        (2, "percipio", SIGN_ON),
        (3, "percipio", None),
    ):
        user = make_learner(user_id)
        enterprise = f"00000000-0000-4000-8000-00000000000{user_id}"
        join(user, enterprise)
        integrate(enterprise, payload_format, payload_format=payload_format)
        if extra_data is not None:
            UserSocialAuth.objects.create(user=user, extra_data=extra_data)
        send_grade(user_id, percent=1.0, time=NOW.replace(microsecond=123_456), passed_at=NOW)
        send_enrollment(user)
    for row in OutboxEvent.objects.order_by("pk"):
        published.append({"payload_format": row.integration_id, "message": json.loads(row.body)})
    if os.environ.get("UPDATE_FIXTURES"):
        FIXTURES.write_text(json.dumps(published, indent=2, ensure_ascii=False) + "\n")
    assert published == json.loads(FIXTURES.read_text())


FACT = Grade(12345, Course(COURSE, "edX", "DemoX", ""), 0.92, "A", NOW, NOW)
ONE = Enterprise(ENTERPRISE, "Demo Corp", "")


class TestEventId:
    """Permanent: a change of these values makes a second webhook of each event that is published again."""

    def test_by_day(self):
        # SHA-256 of ["day","a1b2c3d4-…",12345,"course-v1:…","course_completion","2026-01-10"].
        expected = "9a797e3a47611a9f200882e7e80ac6c05d37772650fe44607c32b4dd7054c77b"
        assert messages.event_id_of(FACT, ONE, "day") == expected

    def test_by_grade(self):
        expected = "69cd5cc42fcc8e201f07f05c16c3488642b76812b29143174f1f73f4d8364851"
        assert messages.event_id_of(FACT, ONE, "grade") == expected

    def test_of_an_enrollment_by_its_creation_to_the_second(self):
        def enrolled(created_at):
            return Enrollment(12345, FACT.course, "audit", True, created_at, NOW)

        first = messages.event_id_of(enrolled(NOW), ONE, "grade")
        assert messages.event_id_of(enrolled(NOW + timedelta(milliseconds=900)), ONE, "grade") == first
        assert messages.event_id_of(enrolled(NOW + timedelta(seconds=1)), ONE, "grade") != first

    def test_the_day_is_that_of_utc(self):
        tokyo = datetime.fromisoformat("2026-01-11T00:30:00+09:00")
        fact = Grade(12345, FACT.course, 0.92, "A", NOW, in_utc(tokyo, "time"))
        assert messages.event_id_of(fact, ONE, "day") == messages.event_id_of(FACT, ONE, "day")


def event(payload):
    return {"schema_version": 1, "event_type": "course_completion", "payload": payload}


def test_an_event_of_exactly_200_kib_passes_and_one_byte_more_does_not():
    room = 200 * 1024 - len(messages.encode(event({"a": ""})))
    assert len(messages.encode(event({"a": "x" * room}))) == 200 * 1024
    with pytest.raises(InvalidEvent, match="the event has 204801 bytes, at most 204800"):
        messages.encode(event({"a": "x" * (room + 1)}))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, datetime(2026, 1, 1, tzinfo=UTC)])
def test_what_is_not_json_is_named_without_its_value(value):
    with pytest.raises(InvalidEvent, match=r"^the payload is not JSON \((ValueError|TypeError)\)$"):
        messages.encode(event({"a": value}))


def test_lone_surrogates_pass_as_escapes():
    assert "\\ud800" in messages.encode(event({"a": "\ud800"}))
