"""The outbox: events that are not yet known to be in the queue."""

from django.db import models


class WebhookOutbox(models.Model):
    """One event for one integration. Written in the transaction that changes the grade, deleted once SQS has it."""

    # The message as text. A JSON column sorts keys, in MySQL as in PostgreSQL: the repeat of an event without an
    # `event_id` would then pass for another event.
    body = models.TextField()
    created = models.DateTimeField(auto_now_add=True, db_index=True)
    # Why SQS would refuse it again: such a row waits for a person, not for the next run.
    refusal = models.TextField(blank=True, default="")
