"""Publishes what standard input asks for, with docs/publishing/webhook_events.py and the real boto3, and says what came of it.

Input: a list of {"endpoint", "queue_url", "events": [{"kind", "values", "to": [integration ids] or a region}]}, or of
{"limits": [names]}. An event may have "move": what it is moved to. Output: a list of as many answers.
"""

import json
import sys
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "docs" / "publishing"))

import webhook_events as lms  # noqa: E402

BUILDERS = {
    "completion": lms.completion_event,
    "enrollment": lms.enrollment_event,
    "lead": lms.lead_event,
    "any": lms.webhook_event,
}


def with_times(values: dict) -> dict:
    times = {name: datetime.fromisoformat(values[name]) for name in ("occurred_at", "send_at") if name in values}
    return {**values, **times}


def addressed(kind: str, values: dict, to: list | str, move: dict | None = None) -> list:
    event = BUILDERS[kind](**with_times(values))
    if move is not None:
        event = lms.moved(event, **with_times(move))
    return [lms.for_region(event, to)] if isinstance(to, str) else lms.fan_out(event, to)


def run(order: dict) -> dict:
    if order.get("limits"):
        return {name: getattr(lms, name) for name in order["limits"]}
    try:
        events = [one for event in order["events"] for one in addressed(**event)]
        sent = lms.publish(lms.sqs_client("us-east-1", order["endpoint"]), order["queue_url"], events)
        return {"sent": [{"to": one.event.get("integration_id"), "message_id": one.message_id} for one in sent]}
    except lms.EventsNotSent as error:
        unsent = [
            {"to": one.event["integration_id"], "code": one.code, "sender_fault": one.sender_fault}
            for one in error.unsent
        ]
        cause = type(error.__cause__).__name__ if error.__cause__ else None
        return {
            "error": "EventsNotSent",
            "message": str(error),
            "unsent": unsent,
            "cause": cause,
            "sent": len(error.sent),
        }
    except lms.InvalidEvent as error:
        return {"error": type(error).__name__, "message": str(error)}


print(json.dumps([run(order) for order in json.load(sys.stdin)]))
