"""Publishes course events and leads to the events queue of the learning-time webhooks.

Python 3.11 or later, and boto3; no Django. docs/publishing-events.md describes the message, its limits and its delivery.

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

# The pipeline's limits, in bytes of UTF-8: for a message, and for the input of the retry workflow. There the payload is
# text inside JSON, so that every quotation mark and backslash is escaped once more.
MAX_EVENT_BYTES = 200 * 1024
MAX_WORKFLOW_INPUT_BYTES = 250 * 1024
# The rest of the workflow's input: ids, times, progress. More than enough, so that nothing passes here and fails there.
WORKFLOW_ENVELOPE_BYTES = 4 * 1024

# Longest time until a scheduled event, in days.
MAX_TIMER_DAYS = 7

# SQS's limits for one SendMessageBatch.
MAX_BATCH_ENTRIES = 10
MAX_BATCH_BYTES = 1024 * 1024

# Requests for an entry that SQS refuses by its own fault, and the pause before the second one, in seconds. Each further
# pause is twice as long: three pauses take about 1.4 s.
MAX_ATTEMPTS = 4
FIRST_PAUSE_SECONDS = 0.2

_EVENT_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
# The id of an integration, or of an enterprise.
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

Event = dict[str, Any]


class InvalidEvent(ValueError):
    """An event that the pipeline would refuse. Nothing was sent."""


class EventTooLarge(InvalidEvent):
    """An event that is larger than the pipeline accepts. Nothing was sent."""


@dataclass(frozen=True)
class Sent:
    event: Event
    # Log it: if the pipeline rejects the event later, its log line has this id.
    message_id: str


@dataclass(frozen=True)
class Unsent:
    event: Event
    # SQS's error code, or the name of botocore's exception.
    code: str
    reason: str
    # True: SQS will refuse it again. False: SQS may accept it later.
    sender_fault: bool


class EventsNotSent(Exception):
    """Some or all events are not known to be in the queue: `unsent` has them, with reasons. Store them and publish them
    again. If SQS was not reached, or refused the whole request, `__cause__` is botocore's exception."""

    def __init__(self, unsent: Sequence[Unsent], sent: Sequence[Sent]) -> None:
        self.unsent = list(unsent)
        self.sent = list(sent)
        reasons = sorted({f"{one.code}: {one.reason}" for one in self.unsent})
        total = len(self.unsent) + len(self.sent)
        super().__init__(f"{len(self.unsent)} of {total} events not sent: {'; '.join(reasons)}")


def sqs_client(region: str, endpoint_url: str | None = None) -> Any:
    """A client that fails within about 11 s. boto3's defaults wait 60 s to connect and 60 s for a response, five times:
    a web worker would hang for minutes. One retry covers a broken connection; the outbox covers longer faults.

    Create one for each process, after it has forked; threads may share it. The region is the queue's.
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
    """A completion, not yet addressed. `occurred_at` is when the grade changed. It becomes `completion_date` too, by
    which partners order a retake after the first completion, in any order of arrival."""
    completion = {
        "completion_date": timestamp(occurred_at),
        # float() because a database may return a Decimal, which JSON does not have.
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
    """A lead, not yet addressed. `fields` are other fields for the receiver: a name, a telephone number.

    A calculated lead is sent at `send_at`, or `delay_minutes` after `occurred_at`, or after an hour without either. No
    other lead may have one of them. Give it an `event_id` if it may have to be moved.
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
    """The same event with another scheduled time; publish it to move the event. `occurred_at` is the time of the move:
    the pipeline follows the latest one. The payload does not change."""
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

    `event_id` identifies what happened, permanently: give the id of an event bus message, or another one that stays the
    same when the event is published again. Without one the pipeline derives it from integration, type, `occurred_at`
    and payload, so a repeat must have the same four. Never build it from user and course alone: a retake with a better
    grade would be a repeat of the first completion.

    Give `user_id`, `course_id` and `enterprise_customer_uuid` if the payload does not have them as `user.id`,
    `course.course_id` and `enterprise.enterprise_customer_uuid`.

    Give `traceparent` to find the webhook by the trace of the request that caused it.

    `send_at` or `delay_minutes` is for scheduled kinds of events: a calculated lead.
    """
    if event_type not in EVENT_TYPES:
        raise InvalidEvent(f"event_type must be one of {', '.join(EVENT_TYPES)}")
    if event_id is not None and not _EVENT_ID.fullmatch(event_id):
        raise InvalidEvent("event_id must be 1-128 of A-Z a-z 0-9 _ -")
    if unknown := beside.keys() - {"user_id", "course_id", "enterprise_customer_uuid", "traceparent"}:
        raise InvalidEvent(f"the pipeline does not read {', '.join(sorted(unknown))}")
    event: Event = {"schema_version": SCHEMA_VERSION, "event_type": event_type}
    if event_id is not None:
        event["event_id"] = event_id
    wait = _wait(send_at, delay_minutes)
    return {**event, "occurred_at": timestamp(occurred_at), **wait, **beside, "payload": dict(payload)}


def fan_out(event: Event, integration_ids: Iterable[str]) -> list[Event]:
    """One event for each integration: the pipeline sends a message to one receiver only. They may share an `event_id`:
    each integration's webhook has its own id."""
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


def timestamp(when: datetime) -> str:
    """A time in UTC with its offset, such as `2026-01-10T15:30:00+00:00`."""
    if when.utcoffset() is None:
        raise InvalidEvent("a time without a zone could be any of 24 hours: use an aware datetime")
    return when.astimezone(UTC).isoformat()


def encode(event: Event) -> str:
    """The message's body.

    Numbers reach the partner as Python writes them (`0.92`, `1.0`). `ensure_ascii` stays on: SQS refuses some
    characters, and with them the whole request, but accepts every escape. The partner receives the characters. A letter
    such as é then takes 6 bytes of the 200 KiB. `allow_nan` is off because NaN is not JSON.

    Raises EventTooLarge, or InvalidEvent if the event has no receiver or is not JSON.
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

    Call it after the database transaction commits (`transaction.on_commit`): otherwise a partner may receive a grade
    that was rolled back.

    Raises InvalidEvent before anything is sent, or EventsNotSent. After the latter, and after a crash, publish again:
    the pipeline drops the second copy of an event.
    """
    waiting = [_Waiting(number, event, encode(event)) for number, event in enumerate(events)]
    outcomes: dict[int, Sent | Unsent] = {}
    fault = None
    try:
        for chunk in _chunks(waiting):
            _send_chunk(client, queue_url, chunk, outcomes)
    except (BotoCoreError, ClientError) as error:
        # SQS is down, or refuses everything: the remaining chunks would only wait for the same error.
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
    """Sends up to ten events, and resends those that SQS refused by its own fault. A refusal comes with HTTP 200 and
    raises no exception: code that ignores `Failed` loses events."""
    waiting = {str(one.number): one for one in chunk}
    for attempt in range(1, MAX_ATTEMPTS + 1):
        entries = [_entry(entry_id, one.event, one.body) for entry_id, one in waiting.items()]
        response = client.send_message_batch(QueueUrl=queue_url, Entries=entries)
        for success in response.get("Successful", []):
            number, event, _ = waiting.pop(success["Id"])
            outcomes[number] = Sent(event, success["MessageId"])
        failed = {failure["Id"]: failure for failure in response.get("Failed", [])}
        for entry_id, (number, event, _) in list(waiting.items()):
            # An entry that the response does not list is not known to be sent.
            failure = failed.get(entry_id, {"Code": "NoResponse"})
            sender_fault = failure.get("SenderFault", False)
            if sender_fault or attempt == MAX_ATTEMPTS:
                del waiting[entry_id]
                reason = failure.get("Message") or "no reason given"
                outcomes[number] = Unsent(event, failure["Code"], reason, sender_fault)
        if not waiting:
            return
        # Between half and one and a half times the pause, so that many workers do not retry at the same time.
        time.sleep(FIRST_PAUSE_SECONDS * 2 ** (attempt - 1) * random.uniform(0.5, 1.5))


def _chunks(waiting: Iterable[_Waiting]) -> Iterator[list[_Waiting]]:
    """Groups of events for one SendMessageBatch each. A body is ASCII, so its length is its size."""
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
    # Fair queues: one enterprise's thousand events then do not delay another enterprise's event.
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
        # str() because course keys of Open edX are objects.
        "course": {"course_id": str(course_id), "course_name": course_name},
    }


def _enterprise(uuid: str, name: str) -> dict[str, str]:
    # str() because Django's UUIDs are objects.
    return {"enterprise_customer_uuid": str(uuid), "enterprise_customer_name": name}


def _code(error: BotoCoreError | ClientError) -> str:
    return error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
