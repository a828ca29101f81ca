"""Who sends the webhooks of an enterprise: `enterprise-integrated-channels` (upstream), or this package.

A partner never receives the same event from both, and no event from neither. The obstacle are processes that have read
the old state when it changes. So both directions go over a state in which new events are *held*, and wait until no such
process is left. A held event is sent unless upstream has delivered it, or while upstream sends, has recorded it:

    upstream, rehearsal ──▶ to_pipeline ──(wait)──▶ upstream's configurations off ──▶ pipeline
    pipeline            ──▶ to_upstream ──(wait)──▶ upstream's configurations on  ──▶ rehearsal

Events are also held for one more wait after each change of upstream's configurations, and while an enterprise is in the
state `pipeline` although upstream has an active configuration.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Q, QuerySet

from . import upstream
from .counters import count
from .leases import outbox_database, short_transaction
from .models import EnterpriseIntegration, EnterpriseSwitch, OutboxEvent, Status, SwitchState
from .prepared import PreparedQuery

logger = logging.getLogger(__name__)

# Rehearsed events from this time before the change to `to_pipeline` are sent if upstream has not delivered them: its
# task had not run yet, or waited for a retry, when its configuration was switched off.
REACH_BACK = timedelta(hours=1)

HELD_AT_ONCE = 500

_SWITCH_FIELDS = [field.attname for field in EnterpriseSwitch._meta.concrete_fields]
_SWITCHES = PreparedQuery(*_SWITCH_FIELDS)

TARGETS = ("upstream", "rehearsal", "pipeline")
# Events are held, and the relay completes the change.
CHANGING = (SwitchState.TO_PIPELINE, SwitchState.TO_UPSTREAM)

_NEXT: dict[tuple[str, str], SwitchState] = {
    (SwitchState.UPSTREAM, "rehearsal"): SwitchState.REHEARSAL,
    (SwitchState.REHEARSAL, "upstream"): SwitchState.UPSTREAM,
    (SwitchState.UPSTREAM, "pipeline"): SwitchState.TO_PIPELINE,
    (SwitchState.REHEARSAL, "pipeline"): SwitchState.TO_PIPELINE,
    (SwitchState.PIPELINE, "upstream"): SwitchState.TO_UPSTREAM,
}


class CannotSwitch(Exception):
    """The change is not possible now. The text says why."""


@dataclass(frozen=True)
class Settled:
    """What became of held events."""

    sent: int = 0
    # Upstream has recorded them.
    skipped: int = 0


def statuses(enterprises: Collection[str], occurred_at: datetime, now: datetime, wait: timedelta) -> dict[str, Status]:
    """The status with which a new event of each enterprise is written. One that is absent gets none: upstream sends."""
    database = outbox_database()
    rows = _SWITCHES.rows(EnterpriseSwitch, database, enterprise_customer_uuid__in=list(enterprises))
    found = [EnterpriseSwitch.from_db(database, _SWITCH_FIELDS, row) for row in rows]
    switches = {one.enterprise_customer_uuid: one for one in found}
    conflicts = set(upstream.active_configurations(enterprises).values())
    result: dict[str, Status] = {}
    for enterprise in enterprises:
        status = _status(switches.get(enterprise), occurred_at, now, wait, conflicts)
        if status is not None:
            result[enterprise] = status
    return result


def _status(
    switch: EnterpriseSwitch | None,
    occurred_at: datetime,
    now: datetime,
    wait: timedelta,
    active_upstream: Collection[str],
) -> Status | None:
    if switch is None:
        # Without upstream there is nothing to switch.
        return None if upstream.is_installed() else Status.PENDING
    if switch.state in CHANGING:
        return Status.HELD
    changed_at = switch.upstream_changed_at
    if changed_at is not None and (now < changed_at + wait or occurred_at < changed_at):
        # The second: a signal that arrives late, or a grade that the repair command finds.
        return Status.HELD
    if switch.state == SwitchState.PIPELINE:
        return Status.HELD if switch.enterprise_customer_uuid in active_upstream else Status.PENDING
    return Status.REHEARSED if switch.state == SwitchState.REHEARSAL else None


def request(enterprise: str, target: str, now: datetime) -> EnterpriseSwitch:
    """Begins a change to `upstream`, `rehearsal` or `pipeline`; `advance` completes it. Raises CannotSwitch, and
    RuntimeError inside a transaction."""
    if not upstream.is_installed() and target != SwitchState.PIPELINE:
        raise CannotSwitch("enterprise-integrated-channels is not installed here: no system would send")
    if target != SwitchState.UPSTREAM and not _has_integration(enterprise):
        raise CannotSwitch("the enterprise has no active integration: add one in the admin first")
    with short_transaction():
        rows = EnterpriseSwitch.objects.using(outbox_database())
        initial = SwitchState.UPSTREAM if upstream.is_installed() else SwitchState.PIPELINE
        switch, _ = rows.get_or_create(
            enterprise_customer_uuid=enterprise, defaults={"state": initial, "changed_at": now}
        )
        state = _NEXT.get((switch.state, target))
        if switch.state == target:
            return switch
        if state is None:
            raise CannotSwitch(f"from {switch.state} to {target}: {_reason(switch.state)}")
        changed = rows.filter(pk=switch.pk, state=switch.state).update(state=state, changed_at=now)
        if not changed:
            raise CannotSwitch("another process is changing it")
        switch.refresh_from_db()
    logger.info("switch.requested enterprise=%s state=%s", enterprise, switch.state)
    return switch


def what_follows(switch: EnterpriseSwitch, wait: timedelta) -> str:
    """For the operator who has begun a change; empty if it is complete."""
    if switch.state not in CHANGING:
        return ""
    return (
        f"Events are held. The relay completes the change in {wait.total_seconds():.0f} s, and sends or skips held "
        "events as long after. Let it run."
    )


def count_of(enterprise: str, status: Status) -> int:
    """The enterprise's events in a status."""
    return _events(enterprise).filter(status=status).count()


def in_conflict(switches: Collection[EnterpriseSwitch]) -> set[str]:
    """The enterprises in the state `pipeline` for which upstream has an active configuration: their events are held."""
    ours = [one.enterprise_customer_uuid for one in switches if one.state == SwitchState.PIPELINE]
    return set(upstream.active_configurations(ours).values())


def _has_integration(enterprise: str) -> bool:
    rows = EnterpriseIntegration.objects.using(outbox_database())
    return rows.filter(enterprise_customer_uuid=enterprise, active=True).exists()


def _reason(state: str) -> str:
    if state in CHANGING:
        return "the last change is not complete; the relay completes it"
    return "go to upstream first"


def advance(now: datetime, wait: timedelta) -> Settled:
    """Completes changes whose wait is over, and settles held events. The relay calls it every few seconds; two at once
    are harmless.

    A Django without upstream cannot see what upstream sends, so it changes nothing: it may be one that runs the relay
    alone, beside an LMS that has upstream."""
    if not upstream.is_installed():
        if _has_unfinished():
            logger.error("switch.no_upstream: run the relay where enterprise-integrated-channels is installed")
            count("switch.no_upstream")
        return Settled()
    _begin_waits_again(now, wait)
    for switch in EnterpriseSwitch.objects.using(outbox_database()).filter(
        state__in=CHANGING, changed_at__lte=now - wait
    ):
        if switch.state == SwitchState.TO_PIPELINE:
            _hand_to_pipeline(switch, now)
        else:
            _hand_to_upstream(switch, now)
    return _settle_held(now, wait)


def _begin_waits_again(now: datetime, wait: timedelta) -> None:
    """A change that lies further ahead than a wait was made by a clock that went back since."""
    rows = EnterpriseSwitch.objects.using(outbox_database())
    for column in ("changed_at", "upstream_changed_at"):
        ids = list(rows.filter(**{f"{column}__gt": now + wait}).values_list("pk", flat=True))
        if ids:
            rows.filter(pk__in=ids).update(**{column: now})


def _has_unfinished() -> bool:
    """Whether a change is not complete, or an event is held."""
    database = outbox_database()
    changing = EnterpriseSwitch.objects.using(database).filter(state__in=CHANGING)
    return changing.exists() or OutboxEvent.objects.using(database).filter(status=Status.HELD).exists()


def _hand_to_pipeline(switch: EnterpriseSwitch, now: datetime) -> None:
    enterprise = switch.enterprise_customer_uuid
    with short_transaction():
        configurations = sorted(upstream.active_configurations([enterprise]))
        if not _move(switch, SwitchState.PIPELINE, now, configurations):
            return
        upstream.set_active(configurations, False)
        _events(enterprise).filter(status=Status.REHEARSED, created_at__gte=switch.changed_at - REACH_BACK).update(
            status=Status.HELD
        )
    logger.info("switch.completed enterprise=%s state=%s", enterprise, SwitchState.PIPELINE)


def _hand_to_upstream(switch: EnterpriseSwitch, now: datetime) -> None:
    enterprise = switch.enterprise_customer_uuid
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    with short_transaction():
        if not _move(switch, SwitchState.REHEARSAL, now, []):
            return
        ours = _events(enterprise).filter(status__in=(Status.PENDING, Status.PUBLISHED), created_at__gte=today)
        upstream.mark_as_delivered(list(ours), now)
        upstream.set_active(switch.upstream_configurations, True)
    logger.info("switch.completed enterprise=%s state=%s", enterprise, SwitchState.REHEARSAL)


def _move(switch: EnterpriseSwitch, state: SwitchState, now: datetime, configurations: list[int]) -> bool:
    """False if another process has moved it."""
    rows = EnterpriseSwitch.objects.using(outbox_database()).filter(pk=switch.pk, state=switch.state)
    values = {"changed_at": now, "upstream_changed_at": now, "upstream_configurations": configurations}
    return bool(rows.update(state=state, **values))


def _settle_held(now: datetime, wait: timedelta) -> Settled:
    # The second: the clock went back.
    old = Q(created_at__lte=now - wait) | Q(created_at__gt=now + wait)
    held = OutboxEvent.objects.using(outbox_database()).filter(old, status=Status.HELD)
    enterprises = set(held.values_list("enterprise_customer_uuid", flat=True).distinct())
    if not enterprises:
        return Settled()
    rows = EnterpriseSwitch.objects.using(outbox_database()).filter(enterprise_customer_uuid__in=enterprises)
    states = {one.enterprise_customer_uuid: one.state for one in rows}
    # A task of upstream that has read the old configuration may still be in its request.
    recent = {
        one.enterprise_customer_uuid
        for one in rows
        if one.upstream_changed_at is not None and now < one.upstream_changed_at + wait
    }
    active_upstream = set(upstream.active_configurations(enterprises).values())
    conflicts = {one for one in enterprises & active_upstream if states.get(one) == SwitchState.PIPELINE}
    for enterprise in sorted(conflicts):
        logger.error("switch.conflict enterprise=%s", enterprise)
    count("switch.conflict", len(conflicts))
    # Before the limit is applied: one enterprise must not use it up for others.
    waiting = conflicts | recent | {one for one in enterprises if states.get(one) in CHANGING}
    ready = list(held.exclude(enterprise_customer_uuid__in=waiting).order_by("pk")[:HELD_AT_ONCE])
    if not ready:
        return Settled()
    # Without an active configuration upstream's tasks fail without a retry, so what it has not delivered is sent here.
    ours = [row for row in ready if states.get(row.enterprise_customer_uuid) == SwitchState.PIPELINE]
    theirs = [row for row in ready if states.get(row.enterprise_customer_uuid) != SwitchState.PIPELINE]
    taken = upstream.recorded(ours, finished=True) | upstream.recorded(theirs)
    skip = [row.pk for row in ready if row.pk in taken]
    send = [row for row in ready if row.pk not in taken]
    with short_transaction():
        mine = OutboxEvent.objects.using(outbox_database()).filter(status=Status.HELD)
        skipped = mine.filter(pk__in=skip).update(status=Status.SKIPPED)
        sent = mine.filter(pk__in=[row.pk for row in send]).update(status=Status.PENDING, available_at=now)
        upstream.cancel([row for row in ours if row.pk not in taken])
        upstream.mark_as_delivered([row for row in theirs if row.pk not in taken], now)
    count("switch.sent", sent)
    count("switch.skipped", skipped)
    logger.info("switch.settled sent=%d skipped=%d", sent, skipped)
    return Settled(sent, skipped)


def _events(enterprise: str) -> QuerySet[OutboxEvent]:
    return OutboxEvent.objects.using(outbox_database()).filter(enterprise_customer_uuid=enterprise)
