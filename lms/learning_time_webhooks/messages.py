"""Identity, payload and body of a message. docs/lms-guide.md describes them; the pipeline checks them again."""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any, Literal

from .course_facts import CourseFact, Enterprise, Grade, InvalidEvent, Learner, SingleSignOn, in_utc
from .models import EnterpriseIntegration, PayloadFormat

SCHEMA_VERSION = 1

# The pipeline's limits, in bytes of UTF-8: for a message, and for the input of the retry workflow. There the payload is
# text inside JSON, so each quotation mark and backslash is escaped once more; ids, times and progress take the rest.
MAX_EVENT_BYTES = 200 * 1024
MAX_ESCAPED_PAYLOAD_BYTES = 250 * 1024 - 4 * 1024


def event_id_of(fact: CourseFact, enterprise: Enterprise, deduplicate: Literal["day", "grade"]) -> str:
    """Identifies what happened, permanently. It does not depend on the id that `openedx-events` gives each signal:
    one enrollment is signalled twice, with two ids."""
    if deduplicate == "day":
        what = fact.occurred_at.date().isoformat()
    elif isinstance(fact, Grade):
        what = f"{fact.percent:.4f}"
    else:
        # Without microseconds, which some databases drop.
        what = fact.created_at.replace(microsecond=0).isoformat()
    identity = [deduplicate, enterprise.uuid, fact.user_id, fact.course.id, fact.event_type.value, what]
    return hashlib.sha256(json.dumps(identity, separators=(",", ":")).encode()).hexdigest()


def payload_of(
    fact: CourseFact, learner: Learner, enterprise: Enterprise, sso: SingleSignOn, payload_format: str
) -> dict[str, Any]:
    """What the partner receives, before the pipeline adds the learning time."""
    if payload_format == PayloadFormat.PERCIPIO:
        return _percipio(fact, sso)
    if isinstance(fact, Grade):
        what: dict[str, Any] = {
            "completion": {
                # When the grade changed, not when the learner first passed: partners order a retake by it.
                "completion_date": fact.occurred_at.isoformat(),
                "percent_grade": fact.percent,
                "letter_grade": fact.letter,
                "is_passing": True,
            }
        }
    else:
        date = fact.created_at.isoformat()
        what = {"enrollment": {"enrollment_date": date, "mode": fact.mode, "is_active": fact.is_active}}
    return {
        "user": {"id": learner.id, "email": learner.email, "username": learner.username},
        "course": {"course_id": fact.course.id, "course_name": fact.course.name},
        **what,
        "enterprise": {
            "enterprise_customer_uuid": enterprise.uuid,
            "enterprise_customer_name": enterprise.name,
        },
    }


def _percipio(fact: CourseFact, sso: SingleSignOn) -> dict[str, Any]:
    """The flat document that upstream sends, with the same fields in the same order. A completion's date is that of the
    first pass."""
    completed = isinstance(fact, Grade)
    date = in_utc(fact.passed_at, "passed_timestamp") if isinstance(fact, Grade) else fact.created_at
    return {
        "content_id": f"course:{fact.course.org}+{fact.course.course}",
        "user": sso.percipio_user,
        "status": "completed" if completed else "started",
        "event_date": date.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "completion_percentage": 100 if completed else 0,
        "duration_spent": None,
        "orgid": sso.percipio_organization,
    }


def body_of(
    fact: CourseFact,
    learner: Learner,
    enterprise: Enterprise,
    sso: SingleSignOn,
    integration: EnterpriseIntegration,
    event_id: str,
) -> str:
    """The message's body. Raises InvalidEvent."""
    payload = payload_of(fact, learner, enterprise, sso, integration.payload_format)
    return encode(
        {
            "schema_version": SCHEMA_VERSION,
            "event_type": fact.event_type.value,
            "event_id": event_id,
            "integration_id": integration.integration_id,
            "occurred_at": fact.occurred_at.isoformat(),
            # Beside the payload, because Percipio's document has them under other names or not at all.
            "user_id": fact.user_id,
            "course_id": fact.course.id,
            "enterprise_customer_uuid": enterprise.uuid,
            "payload": payload,
        }
    )


def encode(event: dict[str, Any]) -> str:
    """JSON in ASCII: SQS refuses a few characters, and with them the whole batch, but accepts every escape. The partner
    receives the characters. Raises InvalidEvent."""
    try:
        body = json.dumps(event, allow_nan=False, separators=(",", ":"))
        payload = json.dumps(event["payload"], ensure_ascii=False, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        # Not the error's text, which may contain a value.
        raise InvalidEvent(f"the payload is not JSON ({type(error).__name__})") from None
    if len(body) > MAX_EVENT_BYTES:
        raise InvalidEvent(f"the event has {len(body)} bytes, at most {MAX_EVENT_BYTES} are accepted")
    escaped = len(json.dumps(payload, ensure_ascii=False).encode("utf-8", "backslashreplace"))
    if escaped > MAX_ESCAPED_PAYLOAD_BYTES:
        limit = MAX_ESCAPED_PAYLOAD_BYTES
        raise InvalidEvent(f"the payload has {escaped} bytes once escaped, at most {limit} are accepted")
    return body


def checked_percent(percent: object) -> float:
    """A grade from 0 to 1, or above 1 with extra credit. Raises InvalidEvent."""
    try:
        # A database may return a Decimal, which JSON does not have.
        number = float(percent)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise InvalidEvent("the grade is not a number") from None
    if not math.isfinite(number):
        raise InvalidEvent("the grade is not a finite number")
    return number
