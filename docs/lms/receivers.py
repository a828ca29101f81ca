"""Replaces `handle_grade_change_for_webhooks` and the Celery task `enrich_and_send_completion_webhook`.

An event is written to the outbox in the transaction that changes the grade, and published after its commit. An event
that could not be published stays in the outbox, and `publish_outbox`, which runs every minute, publishes it later.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import lru_cache, partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from .models import WebhookOutbox
from .webhook_events import EventsNotSent, InvalidEvent, encode, fan_out, publish, sqs_client, webhook_event

logger = logging.getLogger(__name__)

# The process that wrote a younger row is about to publish it.
LEAVE_FOR = timedelta(minutes=1)
ROWS_AT_ONCE = 200


def grade_change_receiver(
    *,
    integrations: Callable[[Any], Iterable[Any]],
    payload: Callable[[Any, Any], dict],
    integration_id: Callable[[Any], str],
) -> Callable[..., None]:
    """A signal receiver, built from the LMS's own functions: `integrations(grade)` finds the integrations that receive
    the completion, `payload(grade, integration)` composes the payload, `integration_id(integration)` is the
    integration's id in the pipeline's configuration."""

    def handle_grade_change_for_webhooks(sender: Any, **kwargs: Any) -> None:
        grade = kwargs["grade"]
        # A signal of openedx-events has `metadata`, whose id stays the same when the event bus delivers it again.
        metadata = kwargs.get("metadata")
        occurred_at = metadata.time if metadata else grade.modified
        event_id = str(metadata.id) if metadata else None
        bodies = []
        for integration in integrations(grade):
            try:
                event = webhook_event("course_completion", payload(grade, integration), occurred_at, event_id)
                bodies += [encode(one) for one in fan_out(event, [integration_id(integration)])]
            except InvalidEvent:
                # A fault of the code that built it: a retry would fail too, and the learner's grade must not be rolled
                # back.
                logger.exception("a webhook event was dropped")
        store_and_publish(bodies)

    return handle_grade_change_for_webhooks


def store_and_publish(bodies: Iterable[str]) -> None:
    """Stores encoded events in the open transaction, and publishes them after its commit. Without an open transaction,
    both happen immediately."""
    rows = [WebhookOutbox.objects.create(body=body) for body in bodies]
    if rows:
        transaction.on_commit(partial(_publish_rows, rows))


def publish_outbox() -> None:
    """Publishes the remaining rows. Run it every minute, by Celery beat or as a management command. Two runs in
    parallel are harmless: the pipeline drops the second copy of an event."""
    left = WebhookOutbox.objects.filter(created__lt=timezone.now() - LEAVE_FOR, refusal="").order_by("created")
    _publish_rows(list(left[:ROWS_AT_ONCE]))


def _publish_rows(rows: list[WebhookOutbox]) -> None:
    """Never raises: it runs after the commit, perhaps in a learner's request."""
    events = [json.loads(row.body) for row in rows]
    pk_of = {id(event): row.pk for event, row in zip(events, rows, strict=True)}
    try:
        sent = publish(_client(), settings.WEBHOOK_EVENTS_QUEUE_URL, events)
        unsent = []
    except EventsNotSent as error:
        logger.error("webhook events stay in the outbox: %s", error)
        sent, unsent = error.sent, error.unsent
    except Exception:
        logger.exception("webhook events stay in the outbox")
        return
    for one in sent:
        logger.info("webhook event of outbox row %s is SQS message %s", pk_of[id(one.event)], one.message_id)
    WebhookOutbox.objects.filter(pk__in=[pk_of[id(one.event)] for one in sent]).delete()
    for one in unsent:
        if one.sender_fault:
            row = WebhookOutbox.objects.filter(pk=pk_of[id(one.event)])
            row.update(refusal=f"{one.code}: {one.reason}")


@lru_cache(maxsize=1)
def _client() -> Any:
    """Created at the first use, which is after the web server has forked its workers."""
    return sqs_client(settings.WEBHOOK_EVENTS_REGION, getattr(settings, "WEBHOOK_EVENTS_ENDPOINT_URL", None))
