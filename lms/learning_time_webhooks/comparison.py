"""Compares what `enterprise-integrated-channels` (upstream) and this package send in a day.

Upstream's side is its queue, this package's the outbox, of enterprises that are rehearsed or switched. Nothing is sent.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

from . import upstream
from .leases import outbox_database
from .models import EnterpriseSwitch, OutboxEvent, SwitchState

# Upstream's task may run after midnight, and the receiver of this package a moment before upstream's.
AROUND_MIDNIGHT = timedelta(hours=1)

# What the pipeline and upstream's own enrichment add.
_ADDED_LATER = frozenset({"completion", "duration_spent", "learning_time"})


class EventKey(NamedTuple):
    """What both systems send once a day."""

    enterprise: str
    user_id: int
    course_id: str
    event_type: str


@dataclass(frozen=True)
class Difference:
    key: EventKey
    # Names of fields and counts, never values of a payload.
    what: str


@dataclass
class Comparison:
    # Webhooks of the day.
    upstream: int = 0
    package: int = 0
    # Events that both send, alike.
    same: int = 0
    differences: list[Difference] = field(default_factory=list)


def compared_enterprises() -> list[str]:
    """Those whose events this package writes."""
    rows = EnterpriseSwitch.objects.using(outbox_database()).exclude(state=SwitchState.UPSTREAM)
    return list(rows.order_by("enterprise_customer_uuid").values_list("enterprise_customer_uuid", flat=True))


def compare(day: date, enterprises: Collection[str]) -> Comparison:
    """Compares a UTC day. Events of the hour before and after it count as partners only."""
    start = datetime.combine(day, time(), UTC)
    end = start + timedelta(days=1)
    theirs = _theirs(start - AROUND_MIDNIGHT, end + AROUND_MIDNIGHT, enterprises)
    ours = _ours(start - AROUND_MIDNIGHT, end + AROUND_MIDNIGHT, enterprises)
    result = Comparison()
    for key in sorted({*theirs, *ours}):
        their, our = theirs.get(key, []), ours.get(key, [])
        their_count = sum(start <= one.created_at < end for one in their)
        our_count = sum(start <= one.created_at < end for one in our)
        if not their_count and not our_count:
            continue
        result.upstream += their_count
        result.package += our_count
        what = _difference(their, our)
        if what is None:
            result.same += 1
        else:
            result.differences.append(Difference(key, what))
    return result


def _theirs(since: datetime, until: datetime, enterprises: Collection[str]) -> dict[EventKey, list[upstream.Delivery]]:
    found: dict[EventKey, list[upstream.Delivery]] = defaultdict(list)
    for one in upstream.deliveries(since, until, enterprises):
        found[EventKey(one.enterprise, one.user_id, one.course_id, one.event_type)].append(one)
    return found


def _ours(since: datetime, until: datetime, enterprises: Collection[str]) -> dict[EventKey, list[OutboxEvent]]:
    found: dict[EventKey, list[OutboxEvent]] = defaultdict(list)
    rows = OutboxEvent.objects.using(outbox_database()).filter(
        created_at__gte=since, created_at__lt=until, enterprise_customer_uuid__in=list(enterprises)
    )
    for row in rows.order_by("pk").iterator():
        key = EventKey(row.enterprise_customer_uuid, row.user_id, row.course_id, row.event_type)
        found[key].append(row)
    return found


def _difference(theirs: Sequence[upstream.Delivery], ours: Sequence[OutboxEvent]) -> str | None:
    if not ours:
        return "only upstream"
    if not theirs:
        return "only this package"
    if len(theirs) != len(ours):
        return f"upstream {len(theirs)} times, this package {len(ours)} times"
    their, our = theirs[0], ours[0]
    if their.region != our.region:
        return f"region: upstream {their.region}, this package {our.region}"
    payload = json.loads(our.body)["payload"]
    # Payloads of another form are not compared: that the partner receives another form was a decision.
    if "content_id" not in payload:
        return None
    fields = _different_fields(their.payload, payload)
    return f"fields: {', '.join(fields)}" if fields else None


def _different_fields(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    missing = object()
    names = {*one, *other} - _ADDED_LATER
    return sorted(name for name in names if one.get(name, missing) != other.get(name, missing))
