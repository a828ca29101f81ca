"""Publishes course events and leads to the events queue of the learning-time webhooks.

Python 3.11 or later, and boto3; no Django. The message, its limits and what becomes of it: docs/lms-guide.md.

    events = fan_out(completion_event(...), ["skillsoft", "percipio"])
    publish(sqs_client("us-east-1"), queue_url, events)
"""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

SCHEMA_VERSION = 1
EVENT_TYPES = ("course_completion", "course_enrollment", "lead")
REGIONS = ("US", "EU", "OTHER")

# The pipeline's limits, in bytes of UTF-8: of a message, and of what becomes of it in the retry workflow, where its
# payload travels as text inside JSON, so that every quotation mark and backslash is escaped once more.
MAX_EVENT_BYTES = 200 * 1024
MAX_WORKFLOW_INPUT_BYTES = 250 * 1024
# What else the workflow's input holds: ids, times, progress. Generous, so that nothing passes here and fails there.
WORKFLOW_ENVELOPE_BYTES = 4 * 1024

# Longest that an event may wait for its moment.
MAX_TIMER_DAYS = 7

# SQS's limits for one SendMessageBatch.
MAX_BATCH_ENTRIES = 10
MAX_BATCH_BYTES = 1024 * 1024

# How often an entry is sent that SQS refused by a fault of its own, and the pause before the first repeat, in seconds;
# each further pause is twice as long. Three pauses make about 1.4 s.
MAX_TRIES = 4
FIRST_PAUSE_SECONDS = 0.2

_EVENT_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
# Of an integration, or of an enterprise.
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

Event = dict[str, Any]


class InvalidEvent(ValueError):
    """An event that the pipeline would refuse. Nothing was sent."""


class EventTooLarge(InvalidEvent):
    """An event that is larger than the pipeline accepts. Nothing was sent."""


@dataclass(frozen=True)
class Sent:
    event: Event
    # Worth a line in the LMS's log: the pipeline names it when it refuses the event later.
    message_id: str


@dataclass(frozen=True)
class Unsent:
    event: Event
    # SQS's error code, or the name of botocore's exception.
    code: str
    reason: str
    # True: SQS will refuse it again. False: it may pass later.
    sender_fault: bool


class EventsNotSent(Exception):
    """Some events, or all, are not known to be in the queue: `unsent` says which and why. Keep them and publish them
    again. Where SQS was not reached, or refused the whole request, `__cause__` is botocore's exception."""

    def __init__(self, unsent: Sequence[Unsent], sent: Sequence[Sent]) -> None:
        self.unsent = list(unsent)
        self.sent = list(sent)
        reasons = sorted({f"{one.code}: {one.reason}" for one in self.unsent})
        total = len(self.unsent) + len(self.sent)
        super().__init__(f"{len(self.unsent)} of {total} events not sent: {'; '.join(reasons)}")


def sqs_client(region: str, endpoint_url: str | None = None) -> Any:
    """A client that fails within about 11 s. boto3's defaults wait 60 s to connect and 60 s for an answer, five times:
    a web worker would hang for minutes. One repeat covers a broken connection; longer faults are for the outbox.

    Make one for each process, after it has forked; it may be shared by threads. The region is the queue's.
    """
    config = Config(connect_timeout=1, read_timeout=4, retries={"mode": "standard", "total_max_attempts": 2})
    return boto3.client("sqs", region_name=region, endpoint_url=endpoint_url, config=config)


def completion_event(
    *,
    user_id: int,
    email: str,
    username: str,
    course_id: str,
    course_name: str,
    percent_grade: float,
    letter_grade: str,
    is_passing: bool,
    enterprise_customer_uuid: str,
    enterprise_customer_name: str,
    occurred_at: datetime,
    event_id: str | None = None,
) -> Event:
    """A completion, not yet addressed. `occurred_at` is when the grade changed; it becomes `completion_date` too, by
    which a partner tells a retake from the first completion, whichever arrives first."""
    completion = {
        "completion_date": timestamp(occurred_at),
        # float() because JSON has no Decimal, which is what a database may hand out.
        "percent_grade": float(percent_grade),
        "letter_grade": letter_grade,
        "is_passing": is_passing,
    }
    payload = {
        **_learner_and_course(user_id, email, username, course_id, course_name),
        "completion": completion,
        "enterprise": _enterprise(enterprise_customer_uuid, enterprise_customer_name),
    }
    return webhook_event("course_completion", payload, occurred_at, event_id)


def enrollment_event(
    *,
    user_id: int,
    email: str,
    username: str,
    course_id: str,
    course_name: str,
    mode: str,
    is_active: bool,
    enterprise_customer_uuid: str,
    enterprise_customer_name: str,
    occurred_at: datetime,
    event_id: str | None = None,
) -> Event:
    """An enrollment, not yet addressed. The pipeline never adds learning time to it."""
    payload = {
        **_learner_and_course(user_id, email, username, course_id, course_name),
        "enrollment": {"enrollment_date": timestamp(occurred_at), "mode": mode, "is_active": is_active},
        "enterprise": _enterprise(enterprise_customer_uuid, enterprise_customer_name),
    }
    return webhook_event("course_enrollment", payload, occurred_at, event_id)


def lead_event(
    *,
    user_id: int | str,
    lead_type: str,
    occurred_at: datetime,
    event_id: str | None = None,
    send_at: datetime | None = None,
    delay_minutes: float | None = None,
    **fields: Any,
) -> Event:
    """A lead, not yet addressed. `fields` are the receiver's business: a name, a telephone number.

    A calculated lead waits until `send_at`, or `delay_minutes` after `occurred_at`, or an hour where neither is given; no
    other lead may have one of them. Give it an `event_id` where it may have to be moved.
    """
    payload = {"user_id": user_id, "lead_type": lead_type, "timestamp": timestamp(occurred_at), **fields}
    if lead_type == "hot":
        payload["priority"] = "high"
    return webhook_event("lead", payload, occurred_at, event_id, send_at=send_at, delay_minutes=delay_minutes)


def moved(
    event: Event,
    occurred_at: datetime,
    *,
    send_at: datetime | None = None,
    delay_minutes: float | None = None,
) -> Event:
    """The same event with another time, to be published in place of the one that waits. `occurred_at` is when it was
    moved: the pipeline goes by the latest. The payload stays as it is."""
    if "event_id" not in event:
        raise InvalidEvent("only an event with an event_id can be moved: without one it would be another event")
    rest = {name: value for name, value in event.items() if name not in ("send_at", "delay_minutes")}
    return {**rest, "occurred_at": timestamp(occurred_at), **_wait(send_at, delay_minutes)}


def webhook_event(
    event_type: str,
    payload: Mapping[str, Any],
    occurred_at: datetime,
    event_id: str | None = None,
    *,
    send_at: datetime | None = None,
    delay_minutes: float | None = None,
    **beside: str | int,
) -> Event:
    """An event around a payload that the LMS already composes, not yet addressed.

    `event_id` names one happening for good: give the id of an event bus message, or another that stays the same when
    the same happening is published again. Without one the pipeline derives it from integration, type, `occurred_at` and
    payload, which serves as long as a repeat has the same four. Never make it of user and course alone: a retake with a
    better grade would pass for a repeat of the first completion.

    `user_id`, `course_id` and `enterprise_customer_uuid` may stand beside a payload that does not hold them where the
    pipeline looks: `user.id`, `course.course_id`, `enterprise.enterprise_customer_uuid`.

    `send_at` or `delay_minutes` is for kinds of events that wait: a calculated lead.
    """
    if event_type not in EVENT_TYPES:
        raise InvalidEvent(f"event_type must be one of {', '.join(EVENT_TYPES)}")
    if event_id is not None and not _EVENT_ID.fullmatch(event_id):
        raise InvalidEvent("event_id must be 1-128 of A-Z a-z 0-9 _ -")
    if unknown := beside.keys() - {"user_id", "course_id", "enterprise_customer_uuid"}:
        raise InvalidEvent(f"the pipeline does not read {', '.join(sorted(unknown))}")
    event: Event = {"schema_version": SCHEMA_VERSION, "event_type": event_type}
    if event_id is not None:
        event["event_id"] = event_id
    wait = _wait(send_at, delay_minutes)
    return {**event, "occurred_at": timestamp(occurred_at), **wait, **beside, "payload": dict(payload)}


def fan_out(event: Event, integration_ids: Iterable[str]) -> list[Event]:
    """One event for each integration: the pipeline sends a message to one receiver only. An `event_id` may be the same
    for all: each integration's webhook has an id of its own."""
    ids = list(integration_ids)
    for integration_id in ids:
        if not _ID.fullmatch(integration_id):
            raise InvalidEvent(f"integration id {integration_id!r} must be 1-64 of A-Z a-z 0-9 _ -")
    return [{**event, "integration_id": integration_id} for integration_id in ids]


def for_region(event: Event, region: str) -> Event:
    """Addressed to the one integration of the event's enterprise that serves the region, or else its `OTHER`."""
    if region not in REGIONS:
        raise InvalidEvent(f"region must be one of {', '.join(REGIONS)}")
    return {**event, "region": region}


def timestamp(moment: datetime) -> str:
    """A moment in UTC with its offset, such as `2026-01-10T15:30:00+00:00`."""
    if moment.utcoffset() is None:
        raise InvalidEvent("a time without a zone could be any of 24 hours: use an aware datetime")
    return moment.astimezone(UTC).isoformat()


def encode(event: Event) -> str:
    """The message's body.

    Numbers are written as Python has them (`0.92`, `1.0`), and the partner gets them so. `ensure_ascii` stays on: SQS
    refuses some characters, and with them the whole request, but no escape; a partner gets the characters. The price is
    6 bytes for a letter such as é, of 200 KiB. `allow_nan` is off because NaN is not JSON.

    Raises EventTooLarge, or InvalidEvent where the event has no receiver or is no JSON.
    """
    if event.get("integration_id") is None and event.get("region") is None:
        raise InvalidEvent("the event has no receiver: use fan_out or for_region")
    try:
        body = json.dumps(event, allow_nan=False, separators=(",", ":"))
        payload = json.dumps(event["payload"], ensure_ascii=False, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise InvalidEvent(f"not JSON: {error}") from error
    if len(body) > MAX_EVENT_BYTES:
        raise EventTooLarge(f"the event has {len(body)} bytes, at most {MAX_EVENT_BYTES} are accepted")
    escaped = json.dumps(payload, ensure_ascii=False).encode("utf-8", "backslashreplace")
    if len(escaped) > MAX_WORKFLOW_INPUT_BYTES - WORKFLOW_ENVELOPE_BYTES:
        limit = MAX_WORKFLOW_INPUT_BYTES - WORKFLOW_ENVELOPE_BYTES
        raise EventTooLarge(f"the payload has {len(escaped)} bytes once escaped, at most {limit} are accepted")
    return body


def publish(client: Any, queue_url: str, events: Iterable[Event]) -> list[Sent]:
    """Sends events to the queue, and returns when SQS has confirmed all of them.

    Call it after the database transaction commits (`transaction.on_commit`): otherwise a partner may hear of a grade
    that was rolled back.

    Raises InvalidEvent before anything is sent, or EventsNotSent. After the latter, and after a crash, publish again:
    an event that is sent twice reaches the partner under one webhook id.
    """
    waiting = [_Waiting(number, event, encode(event)) for number, event in enumerate(events)]
    outcomes: dict[int, Sent | Unsent] = {}
    fault = None
    try:
        for chunk in _chunks(waiting):
            _send_chunk(client, queue_url, chunk, outcomes)
    except (BotoCoreError, ClientError) as error:
        # SQS is not there, or refuses everything: the remaining chunks would only wait for the same answer.
        fault = error
        for number, event, _ in waiting:
            outcomes.setdefault(number, Unsent(event, _code(error), str(error), sender_fault=False))
    sent = [one for one in outcomes.values() if isinstance(one, Sent)]
    unsent = [one for one in outcomes.values() if isinstance(one, Unsent)]
    if unsent:
        raise EventsNotSent(unsent, sent) from fault
    return sent


class _Waiting(NamedTuple):
    number: int
    event: Event
    body: str


def _send_chunk(client: Any, queue_url: str, chunk: Sequence[_Waiting], outcomes: dict[int, Sent | Unsent]) -> None:
    """Sends up to ten events, and those again that SQS refused by its own fault. A refusal comes with HTTP 200 and
    raises nothing: whoever does not look at the answer loses events."""
    waiting = {str(one.number): one for one in chunk}
    for attempt in range(1, MAX_TRIES + 1):
        entries = [_entry(entry_id, one.event, one.body) for entry_id, one in waiting.items()]
        answer = client.send_message_batch(QueueUrl=queue_url, Entries=entries)
        for success in answer.get("Successful", []):
            number, event, _ = waiting.pop(success["Id"])
            outcomes[number] = Sent(event, success["MessageId"])
        failed = {failure["Id"]: failure for failure in answer.get("Failed", [])}
        for entry_id, (number, event, _) in list(waiting.items()):
            # What the answer does not mention at all is not known to be sent.
            failure = failed.get(entry_id, {"Code": "NoAnswer"})
            sender_fault = failure.get("SenderFault", False)
            if sender_fault or attempt == MAX_TRIES:
                del waiting[entry_id]
                reason = failure.get("Message") or "no reason given"
                outcomes[number] = Unsent(event, failure["Code"], reason, sender_fault)
        if not waiting:
            return
        # Between half and one and a half times the pause, so that many workers do not return at the same moment.
        time.sleep(FIRST_PAUSE_SECONDS * 2 ** (attempt - 1) * random.uniform(0.5, 1.5))


def _chunks(waiting: Iterable[_Waiting]) -> Iterator[list[_Waiting]]:
    """As many events as one SendMessageBatch takes. A body is ASCII, so its length is its size."""
    chunk: list[_Waiting] = []
    size = 0
    for one in waiting:
        if chunk and (len(chunk) == MAX_BATCH_ENTRIES or size + len(one.body) > MAX_BATCH_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(one)
        size += len(one.body)
    if chunk:
        yield chunk


def _entry(entry_id: str, event: Event, body: str) -> dict[str, str]:
    entry = {"Id": entry_id, "MessageBody": body}
    of_payload = event["payload"].get("enterprise")
    enterprise = event.get("enterprise_customer_uuid") or (of_payload or {}).get("enterprise_customer_uuid")
    # Fair queues: one enterprise's thousand events then do not hold up another's one.
    return {**entry, "MessageGroupId": enterprise} if enterprise and _ID.fullmatch(enterprise) else entry


def _wait(send_at: datetime | None, delay_minutes: float | None) -> Event:
    if send_at is not None and delay_minutes is not None:
        raise InvalidEvent("send_at or delay_minutes, not both")
    if send_at is not None:
        return {"send_at": timestamp(send_at)}
    if delay_minutes is None:
        return {}
    if not 0 <= delay_minutes <= MAX_TIMER_DAYS * 24 * 60:
        raise InvalidEvent(f"delay_minutes must be 0 to {MAX_TIMER_DAYS * 24 * 60}")
    return {"delay_minutes": delay_minutes}


def _learner_and_course(user_id: int, email: str, username: str, course_id: str, course_name: str) -> dict[str, Any]:
    return {
        "user": {"id": user_id, "email": email, "username": username},
        # str() because Open edX hands out course keys as objects.
        "course": {"course_id": str(course_id), "course_name": course_name},
    }


def _enterprise(uuid: str, name: str) -> dict[str, str]:
    # str() because Django hands out UUIDs as objects.
    return {"enterprise_customer_uuid": str(uuid), "enterprise_customer_name": name}


def _code(error: BotoCoreError | ClientError) -> str:
    return error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
