"""What happened in the LMS, in the package's own types."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from .models import EventType, Region

# The pipeline's limits for a course id: no character that SQS refuses or UTF-8 cannot encode.
_COURSE_ID = re.compile("[^\0\ud800-\udfff\ufffe\uffff]{1,255}")
# A part of a course key, as Percipio's `content_id` takes it.
_KEY_PART = re.compile(r"[^\s+]+")

# fmt: off
_EU_COUNTRIES = frozenset({
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU", "LV",
    "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
})
# fmt: on


class InvalidEvent(ValueError):
    """The pipeline would reject the event. The message names fields, never values."""


@dataclass(frozen=True)
class Course:
    # The key of the course run.
    id: str
    org: str
    course: str
    name: str


@dataclass(frozen=True)
class Learner:
    id: int
    email: str
    username: str


@dataclass(frozen=True)
class Enterprise:
    """One of which the learner is an active member."""

    # In lower case with dashes.
    uuid: str
    name: str
    # ISO 3166 code; empty if it has none.
    country: str


@dataclass(frozen=True)
class SingleSignOn:
    """What the learner's identity provider asserted; empty or None if nothing."""

    country: str = ""
    percipio_user: str | None = None
    percipio_organization: str | None = None


@dataclass(frozen=True)
class Grade:
    """A course grade that changed."""

    user_id: int
    course: Course
    # 0 to 1
    percent: float
    letter: str
    # The first pass; None if the learner has not passed.
    passed_at: datetime | None
    occurred_at: datetime

    @property
    def event_type(self) -> EventType:
        return EventType.COURSE_COMPLETION


@dataclass(frozen=True)
class Enrollment:
    """A learner who was enrolled."""

    user_id: int
    course: Course
    mode: str
    is_active: bool
    created_at: datetime
    occurred_at: datetime

    @property
    def event_type(self) -> EventType:
        return EventType.COURSE_ENROLLMENT


CourseFact = Grade | Enrollment


def region_of(sso: SingleSignOn, enterprises: list[Enterprise]) -> Region:
    """The learner's region: from the country of the single sign-on, or else of the learner's first active enterprise.
    One region for all of the learner's enterprises, as upstream computes it."""
    country = sso.country or (enterprises[0].country if enterprises else "")
    if country == "US":
        return Region.US
    return Region.EU if country == "EU" or country in _EU_COUNTRIES else Region.OTHER


def checked_course(course_id: str, org: str, course: str, name: str) -> Course:
    """Raises InvalidEvent."""
    if not _COURSE_ID.fullmatch(course_id):
        raise InvalidEvent("the course key must have 1 to 255 characters, without NUL and lone surrogates")
    if not _KEY_PART.fullmatch(org) or not _KEY_PART.fullmatch(course):
        raise InvalidEvent("the course key must have an organization and a course, without spaces and plus signs")
    return Course(course_id, org, course, name)


def in_utc(when: object, name: str) -> datetime:
    """Raises InvalidEvent for a time without a zone, or outside the years 1970 to 9999."""
    if not isinstance(when, datetime):
        raise InvalidEvent(f"{name} must be a time")
    if when.utcoffset() is None:
        raise InvalidEvent(f"{name} has no time zone: it could be any of 24 hours")
    try:
        utc = when.astimezone(UTC)
    except OverflowError:
        utc = None
    if utc is None or utc.year < 1970:
        raise InvalidEvent(f"{name} must lie in the years 1970 to 9999")
    return utc
