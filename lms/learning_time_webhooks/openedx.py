"""The only module that knows Open edX: its signals, models and field names.

Models are looked up by app label, so that the package installs, migrates and relays without `edx-platform`,
`edx-enterprise` and `openedx-events`. What is missing gives no events, and no error.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from importlib import import_module
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import DatabaseError

from .course_facts import (
    Course,
    Enrollment,
    Enterprise,
    Grade,
    InvalidEvent,
    Learner,
    SingleSignOn,
    checked_course,
    in_utc,
)
from .messages import checked_percent
from .prepared import PreparedQuery

logger = logging.getLogger(__name__)

Receiver = Callable[..., None]

GRADES_AT_ONCE = 500

# Read for each event, in the transaction of the grade.
_ENTERPRISES = PreparedQuery(
    "enterprise_customer__uuid",
    "enterprise_customer__name",
    "enterprise_customer__country",
    order_by=("-modified", "pk"),
    active=True,
)
_LEARNER = PreparedQuery("email", "username")
_COURSE_NAME = PreparedQuery("display_name")
_FIRST_LOGIN = PreparedQuery("extra_data", order_by=("pk",), limit=1)


def has_signals() -> bool:
    return _signals() is not None


def connect(*, grade_changed: Receiver, enrollment_created: Receiver) -> None:
    """Connects receivers to the two signals. Does nothing without `openedx-events`."""
    signals = _signals()
    if signals is None:
        return
    for signal, receiver in (
        (signals.PERSISTENT_GRADE_SUMMARY_CHANGED, grade_changed),
        (signals.COURSE_ENROLLMENT_CREATED, enrollment_created),
    ):
        signal.connect(receiver, dispatch_uid=f"learning_time_webhooks.{receiver.__name__}")


def grade_of_signal(kwargs: Mapping[str, Any], now: datetime) -> Grade:
    """Raises InvalidEvent."""
    grade = _data(kwargs, "grade")
    passed_at = grade.passed_timestamp
    return Grade(
        user_id=int(grade.user_id),
        course=course_of(grade.course.course_key, grade.course.display_name),
        percent=checked_percent(grade.percent_grade),
        letter=grade.letter_grade or "",
        passed_at=in_utc(passed_at, "passed_timestamp") if passed_at else None,
        occurred_at=_occurred_at(kwargs, now),
    )


def enrollment_of_signal(kwargs: Mapping[str, Any], now: datetime) -> Enrollment:
    """Raises InvalidEvent."""
    enrollment = _data(kwargs, "enrollment")
    return Enrollment(
        user_id=int(enrollment.user.id),
        course=course_of(enrollment.course.course_key, enrollment.course.display_name),
        mode=enrollment.mode,
        is_active=enrollment.is_active,
        created_at=in_utc(enrollment.creation_date, "creation_date"),
        occurred_at=_occurred_at(kwargs, now),
    )


def course_of(key: Any, name: str = "") -> Course:
    """Reads a `CourseKey`, or the text of one. Raises InvalidEvent."""
    if isinstance(key, str):
        key = _parsed_key(key)
    org, course = getattr(key, "org", None), getattr(key, "course", None)
    if not isinstance(org, str) or not isinstance(course, str):
        raise InvalidEvent("the course key is not the key of a course run")
    return checked_course(str(key), org, course, name or "")


def course_name(course: Course) -> str:
    """The course's name, which grades do not have. Its id if there is no name."""
    overviews = _model("course_overviews", "CourseOverview")
    if course.name or overviews is None:
        return course.name or course.id
    rows = _COURSE_NAME.rows(overviews, id=course.id)
    return (rows[0][0] if rows else None) or course.id


def active_enterprises(user_id: int) -> list[Enterprise]:
    """Those of which the learner is an active and linked member, the latest change first, as upstream orders them."""
    members = _model("enterprise", "EnterpriseCustomerUser")
    if members is None:
        return []
    rows = _ENTERPRISES.rows(members, user_id=user_id)
    return [Enterprise(str(uuid), name, str(country or "").upper()) for uuid, name, country in rows]


def learner(user_id: int) -> Learner:
    """Raises InvalidEvent if there is no such user."""
    rows = _LEARNER.rows(get_user_model(), pk=user_id)
    if not rows:
        raise InvalidEvent("the user does not exist")
    return Learner(user_id, *rows[0])


def single_sign_on(user_id: int) -> SingleSignOn:
    """From the user's first social login, as upstream reads it."""
    logins = _model("social_django", "UserSocialAuth")
    rows = [] if logins is None else _FIRST_LOGIN.rows(logins, user_id=user_id)
    data = _object(rows[0][0] if rows else None)
    return SingleSignOn(
        country=(_scalar(data.get("country")) or "").strip().upper(),
        percipio_user=_scalar(data.get("PercipioUserUUID")),
        percipio_organization=_scalar(data.get("percipioOrganizationUuid")),
    )


def percipio_organization(user_id: int, enterprise: Enterprise, otherwise: str | None) -> str | None:
    """The organization that the identity provider of this enterprise asserted. `otherwise` if `edx-enterprise` cannot
    tell which login belongs to the enterprise."""
    customers = _model("enterprise", "EnterpriseCustomer")
    try:
        find = import_module("enterprise.tpa_pipeline").get_user_social_auth
        if customers is None:
            return otherwise
        user = get_user_model().objects.get(pk=user_id)
        social_auth = find(user, customers.objects.get(pk=enterprise.uuid))
    except DatabaseError:
        raise
    except Exception as error:
        # No such module, or an identity provider that is not registered.
        logger.debug("percipio_organization.unknown type=%s", type(error).__name__)
        return otherwise
    if social_auth is None:
        return otherwise
    return _scalar(_object(getattr(social_auth, "extra_data", None)).get("percipioOrganizationUuid"))


def passing_grades(since: datetime, until: datetime) -> Iterator[Grade | InvalidEvent]:
    """Grades of enterprise learners that pass and changed in a period; an InvalidEvent for each that cannot be read."""
    grades = _model("grades", "PersistentCourseGrade")
    members = _model("enterprise", "EnterpriseCustomerUser")
    if grades is None or members is None:
        return
    rows = grades.objects.filter(
        passed_timestamp__isnull=False,
        modified__gte=since,
        modified__lt=until,
        user_id__in=members.objects.filter(active=True).values("user_id"),
    ).values_list("user_id", "course_id", "percent_grade", "letter_grade", "passed_timestamp", "modified")
    for user_id, key, percent, letter, passed_at, modified in rows.iterator(chunk_size=GRADES_AT_ONCE):
        try:
            yield Grade(
                user_id=user_id,
                course=course_of(key),
                percent=checked_percent(percent),
                letter=letter or "",
                passed_at=in_utc(passed_at, "passed_timestamp"),
                occurred_at=in_utc(modified, "modified"),
            )
        except InvalidEvent as error:
            yield error


def has_grades() -> bool:
    return _model("grades", "PersistentCourseGrade") is not None


def _signals() -> Any:
    try:
        return import_module("openedx_events.learning.signals")
    except ImportError:
        return None


def _model(app_label: str, name: str) -> Any:
    try:
        return apps.get_model(app_label, name)
    except LookupError:
        return None


def _data(kwargs: Mapping[str, Any], name: str) -> Any:
    data = kwargs.get(name)
    if data is None:
        raise InvalidEvent(f"the signal has no {name}")
    return data


def _occurred_at(kwargs: Mapping[str, Any], now: datetime) -> datetime:
    """The time of the signal, which is the same when the event bus delivers it again."""
    metadata = kwargs.get("metadata")
    return now if metadata is None else in_utc(metadata.time, "metadata.time")


def _parsed_key(text: str) -> Any:
    try:
        keys = import_module("opaque_keys.edx.keys")
        errors = import_module("opaque_keys")
    except ImportError:
        return _PlainKey(text)
    try:
        return keys.CourseKey.from_string(text)
    except errors.InvalidKeyError:
        raise InvalidEvent("the course key is not the key of a course run") from None


class _PlainKey:
    """A key of the form `course-v1:Org+Course+Run`, where `opaque-keys` is not installed."""

    def __init__(self, text: str) -> None:
        parts = re.fullmatch(r"course-v1:([^\s+/]+)\+([^\s+/]+)\+([^\s+/]+)", text)
        if parts is None:
            raise InvalidEvent("the course key is not the key of a course run")
        self._text = text
        self.org, self.course = parts[1], parts[2]

    def __str__(self) -> str:
        return self._text


def _object(data: Any) -> Mapping[str, Any]:
    return data if isinstance(data, Mapping) else {}


def _scalar(value: Any) -> str | None:
    """Identity providers assert a text, or a list with one."""
    if isinstance(value, (list, tuple)):
        value = value[0] if value else None
    return None if value is None else str(value)
