"""Publishes what standard input asks for, with docs/lms/webhook_events.py and the real boto3, and says what came of it.

Input: a list of {"endpoint", "queue_url", "events": [{"kind", "values", "to": [integration ids] or a region}]}, or of
{"limits": [names]}. Output: a list of as many answers.
"""

import json
import sys
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "docs" / "lms"))

import webhook_events as lms  # noqa: E402


def addressed(kind: str, values: dict, to: list | str) -> list:
    build = {"completion": lms.completion_event, "enrollment": lms.enrollment_event, "any": lms.webhook_event}[kind]
    event = build(**{**values, "occurred_at": datetime.fromisoformat(values["occurred_at"])})
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
