"""Sends the real signals of openedx-events, as edx-platform does."""

from datetime import UTC, datetime

from opaque_keys.edx.keys import CourseKey
from openedx_events.learning.data import (
    CourseData,
    CourseEnrollmentData,
    PersistentCourseGradeData,
    UserData,
    UserPersonalData,
)
from openedx_events.learning.signals import COURSE_ENROLLMENT_CREATED, PERSISTENT_GRADE_SUMMARY_CHANGED

from tests.samples import COURSE, NOW


def send_grade(user_id=12345, *, course=COURSE, percent=0.92, letter="A", passed_at=NOW, time=NOW):
    """As edx-platform's grades app: the course has a key and no name. `send_robust` is off, so that an exception of a
    receiver fails the test."""
    PERSISTENT_GRADE_SUMMARY_CHANGED.send_event(
        send_robust=False,
        time=time,
        grade=PersistentCourseGradeData(
            user_id=user_id,
            course=CourseData(course_key=CourseKey.from_string(course) if isinstance(course, str) else course),
            course_edited_timestamp=datetime(2025, 1, 1, tzinfo=UTC),
            course_version="1",
            grading_policy_hash="hash",
            percent_grade=percent,
            letter_grade=letter,
            passed_timestamp=passed_at,
        ),
    )


def send_enrollment(user, *, course=COURSE, name="edX Demo Course", created_at=NOW, time=NOW):
    personal = UserPersonalData(username=user.username, email=user.email, name="")
    COURSE_ENROLLMENT_CREATED.send_event(
        send_robust=False,
        time=time,
        enrollment=CourseEnrollmentData(
            user=UserData(id=user.id, is_active=True, pii=personal),
            course=CourseData(course_key=CourseKey.from_string(course), display_name=name),
            mode="verified",
            is_active=True,
            creation_date=created_at,
        ),
    )
