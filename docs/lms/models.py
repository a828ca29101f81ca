"""The outbox: events that are not yet known to be in the queue."""

from django.db import models


class WebhookOutbox(models.Model):
    """One event for one integration. Written in the transaction that changes the grade, deleted when SQS has it."""

    # The message as text. A JSON column sorts keys, in MySQL as in PostgreSQL: the repeat of an event without an
    # `event_id` would then be another event.
    body = models.TextField()
    created = models.DateTimeField(auto_now_add=True, db_index=True)
    # Why SQS would refuse it again. Such a row needs a person; the next run skips it.
    refusal = models.TextField(blank=True, default="")
