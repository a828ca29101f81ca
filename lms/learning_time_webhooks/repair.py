"""Finds passing grades that have no row in the outbox.

Open edX writes some grades without an open transaction. A process that ends between the grade and the outbox, or an
outbox that could not be written, leaves a grade without an event.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction

from . import openedx
from .config import Config
from .course_facts import Grade, InvalidEvent
from .leases import outbox_database
from .outbox import events_of, record, report_invalid

logger = logging.getLogger(__name__)

# A grade that changed this recently may be about to get its row.
LEAVE_FOR = timedelta(minutes=5)


class CannotRepair(Exception):
    """The period or the LMS does not allow it; the message says why."""


@dataclass
class Repair:
    """What a repair found and wrote."""

    # Passing grades of enterprise learners in the period.
    grades: int = 0
    # Events that were written; in a dry run, that would be.
    events: int = 0
    # Grades from which no valid event can be built, or whose events could not be written: see the log.
    failed: int = 0


def repair(since: datetime, now: datetime, config: Config, *, dry_run: bool = False) -> Repair:
    """Writes the missing events of grades that changed from `since` until five minutes ago.

    Only for integrations that were active when the grade changed. Running it twice writes nothing new. Raises
    CannotRepair.
    """
    if not openedx.has_grades():
        raise CannotRepair("this Django has no grades: run it in the LMS")
    if since < now - timedelta(days=config.retention_days):
        raise CannotRepair(
            f"the outbox remembers {config.retention_days} days (RETENTION_DAYS): "
            "older grades may have been published, and their rows deleted"
        )
    result = Repair()
    for grade in openedx.passing_grades(since, now - LEAVE_FOR):
        result.grades += 1
        if isinstance(grade, InvalidEvent):
            report_invalid(grade)
            result.failed += 1
        elif dry_run:
            _count_missing(grade, config, now, result)
        else:
            written = record(partial(events_of, grade, config, now, only_after_activation=True))
            if written is None:
                result.failed += 1
            else:
                result.events += written
    logger.info(
        "outbox.repaired grades=%d events=%d failed=%d dry_run=%s",
        result.grades,
        result.events,
        result.failed,
        dry_run,
    )
    return result


def _count_missing(grade: Grade, config: Config, now: datetime, result: Repair) -> None:
    try:
        with transaction.atomic(using=outbox_database()):
            result.events += len(events_of(grade, config, now, only_after_activation=True))
    except InvalidEvent as error:
        report_invalid(error, grade)
        result.failed += 1
