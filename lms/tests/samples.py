"""The course, enterprise and time of the tests. Without pytest: conformance sends the same signals without it."""

from datetime import UTC, datetime

NOW = datetime(2026, 1, 10, 15, 30, tzinfo=UTC)
COURSE = "course-v1:edX+DemoX+Demo_Course"
ENTERPRISE = "a1b2c3d4-e5f6-7890-abcd-ef1234567890"
