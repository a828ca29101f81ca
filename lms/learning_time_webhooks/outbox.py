"""Writes events to the outbox: one row for each active enterprise of the learner."""

from __future__ import annotations

import dataclasses
import logging
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.db import transaction

from . import openedx, switches
from .config import Config
from .counters import count
from .course_facts import CourseFact, Enterprise, Grade, InvalidEvent, SingleSignOn, region_of
from .leases import outbox_database
from .messages import body_of, event_id_of
from .models import EnterpriseIntegration, EventType, OutboxEvent, PayloadFormat, Region, Status
from .prepared import PreparedQuery

logger = logging.getLogger(__name__)

# Open edX signals one enrollment twice within moments, perhaps on both sides of midnight.
SAME_SIGNAL = timedelta(seconds=60)

_INTEGRATION_FIELDS = [field.attname for field in EnterpriseIntegration._meta.concrete_fields]
_INTEGRATIONS = PreparedQuery(*_INTEGRATION_FIELDS, active=True)
_EARLIER = PreparedQuery("course_id", "enterprise_customer_uuid", "event_id", "occurred_at", "percent_grade")


@dataclass(frozen=True)
class Earlier:
    """An event of the same learner, course and type that is in the outbox."""

    enterprise: str
    event_id: str
    occurred_at: datetime
    percent: float | None


class Target(NamedTuple):
    """An event to write."""

    enterprise: Enterprise
    integration: EnterpriseIntegration
    event_id: str
    status: Status


def record(build: Callable[[], Iterable[OutboxEvent]]) -> int | None:
    """Builds events and writes them, in a savepoint of the caller's transaction. Without an open transaction they are
    written immediately. Returns the number of rows, or None after an error.

    Never raises: an error is logged and counted, and the savepoint is rolled back, so that the caller's transaction
    goes on. The log has the type and the place of the error and not its text, which may contain a row's values.
    """
    database = outbox_database()
    try:
        with transaction.atomic(using=database):
            rows = list(build())
            OutboxEvent.objects.using(database).bulk_create(rows)
    except InvalidEvent as error:
        report_invalid(error)
        return None
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        places = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames[-4:]))
        logger.error("outbox.error type=%s at=%s", type(error).__name__, places)
        count("outbox.error")
        return None
    count("outbox.written", len(rows))
    return len(rows)


def events_of(
    fact: CourseFact, config: Config, now: datetime, *, only_after_activation: bool = False
) -> list[OutboxEvent]:
    """The events that are not yet in the outbox, one for each active enterprise of the learner that has an active
    integration. They are not saved. Raises InvalidEvent if none can be built.

    `only_after_activation` leaves out integrations that were activated after the fact occurred.
    """
    if isinstance(fact, Grade) and fact.passed_at is None:
        return []
    enterprises = openedx.active_enterprises(fact.user_id)
    if not enterprises:
        return []
    statuses = switches.statuses([one.uuid for one in enterprises], fact.occurred_at, now, config.switch_wait)
    receiving = [one for one in enterprises if one.uuid in statuses]
    if not receiving:
        return []
    integrations = _integrations(receiving)
    if not integrations:
        _report_no_integration(receiving)
        return []
    sso = openedx.single_sign_on(fact.user_id)
    region = region_of(sso, enterprises)
    earlier = _earlier(fact)
    targets = []
    for enterprise in receiving:
        integration = integrations.get((enterprise.uuid, region)) or integrations.get((enterprise.uuid, Region.OTHER))
        if integration is None:
            _report_no_integration([enterprise])
            continue
        if fact.event_type == EventType.COURSE_ENROLLMENT and not integration.enrollments:
            continue
        since = integration.active_since
        if only_after_activation and (since is None or fact.occurred_at < since):
            continue
        event_id = event_id_of(fact, enterprise, config.deduplicate)
        if any(is_repeat(fact, event_id, one, config) for one in earlier if one.enterprise == enterprise.uuid):
            count("event.repeat")
            continue
        targets.append(Target(enterprise, integration, event_id, statuses[enterprise.uuid]))
    return _rows(fact, targets, sso, region, now) if targets else []


def is_repeat(fact: CourseFact, event_id: str, earlier: Earlier, config: Config) -> bool:
    """Whether an event adds nothing to an earlier one of the same enterprise, learner, course and type."""
    if earlier.event_id == event_id:
        return True
    if config.deduplicate == "grade" and isinstance(fact, Grade):
        return earlier.percent is not None and fact.percent <= earlier.percent
    if abs(fact.occurred_at - earlier.occurred_at) < SAME_SIGNAL:
        return True
    return config.deduplicate == "day" and fact.occurred_at.date() == earlier.occurred_at.astimezone(UTC).date()


def report_invalid(error: InvalidEvent, fact: CourseFact | None = None) -> None:
    where = "" if fact is None else f" user={fact.user_id} course={fact.course.id}"
    logger.error("event.invalid reason=%s%s", error, where)
    count("event.invalid")


def _integrations(enterprises: list[Enterprise]) -> dict[tuple[str, str], EnterpriseIntegration]:
    database = outbox_database()
    uuids = [enterprise.uuid for enterprise in enterprises]
    rows = _INTEGRATIONS.rows(EnterpriseIntegration, database, enterprise_customer_uuid__in=uuids)
    integrations = [EnterpriseIntegration.from_db(database, _INTEGRATION_FIELDS, row) for row in rows]
    return {(one.enterprise_customer_uuid, one.region): one for one in integrations}


def _earlier(fact: CourseFact) -> list[Earlier]:
    identity = {"user_id": fact.user_id, "course_id": fact.course.id, "event_type": fact.event_type}
    rows = _EARLIER.rows(OutboxEvent, outbox_database(), **identity)
    # MySQL and MariaDB find courses whose keys differ in case only.
    return [Earlier(*row[1:]) for row in rows if row[0] == fact.course.id]


def _rows(
    fact: CourseFact, targets: list[Target], sso: SingleSignOn, region: Region, now: datetime
) -> list[OutboxEvent]:
    learner = openedx.learner(fact.user_id)
    if any(target.integration.payload_format == PayloadFormat.STRUCTURED for target in targets):
        course = dataclasses.replace(fact.course, name=openedx.course_name(fact.course))
        fact = dataclasses.replace(fact, course=course)
    rows = []
    for enterprise, integration, event_id, status in targets:
        login = sso
        if integration.payload_format == PayloadFormat.PERCIPIO:
            organization = openedx.percipio_organization(fact.user_id, enterprise, sso.percipio_organization)
            login = dataclasses.replace(sso, percipio_organization=organization)
        try:
            body = body_of(fact, learner, enterprise, login, integration, event_id)
        except InvalidEvent as error:
            # The other enterprises' events are written.
            report_invalid(error, fact)
            continue
        rows.append(
            OutboxEvent(
                event_id=event_id,
                event_type=fact.event_type,
                integration_id=integration.integration_id,
                enterprise_customer_uuid=enterprise.uuid,
                user_id=fact.user_id,
                course_id=fact.course.id,
                region=region,
                occurred_at=fact.occurred_at,
                percent_grade=fact.percent if isinstance(fact, Grade) else None,
                body=body,
                status=status,
                available_at=now,
                created_at=now,
            )
        )
    return rows


def _report_no_integration(enterprises: list[Enterprise]) -> None:
    for enterprise in enterprises:
        logger.info("event.no_integration enterprise=%s", enterprise.uuid)
    count("event.no_integration", len(enterprises))
