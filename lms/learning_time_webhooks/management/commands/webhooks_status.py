"""What is in the outbox, for operators and monitoring."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand
from django.db.models import Count, Min

from learning_time_webhooks.clock import SystemClock
from learning_time_webhooks.models import OutboxEvent, Status


class Command(BaseCommand):
    help = "Prints the number of rows by status, and the age of the oldest pending row in seconds, as JSON."

    def handle(self, *_args: Any, **_options: Any) -> None:
        counts = dict(OutboxEvent.objects.values_list("status").annotate(Count("pk")))
        oldest = OutboxEvent.objects.filter(status=Status.PENDING).aggregate(Min("created_at"))["created_at__min"]
        age = 0 if oldest is None else max(0, round((SystemClock().now() - oldest).total_seconds()))
        rows = {str(status.value): counts.get(status.value, 0) for status in Status}
        self.stdout.write(json.dumps({**rows, "oldest_pending_seconds": age}))
