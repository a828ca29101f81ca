"""Writes events of passing grades that have none."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from learning_time_webhooks.clock import SystemClock
from learning_time_webhooks.config import InvalidConfig, read_config
from learning_time_webhooks.repair import CannotRepair, repair


class Command(BaseCommand):
    help = (
        "Finds passing grades without an event in the outbox, and writes their events. Run it daily, after faults too."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--hours", type=float, default=48, help="look at grades of the last HOURS (default: 48)")
        parser.add_argument("--dry-run", action="store_true", help="count only")

    def handle(self, *_args: Any, **options: Any) -> None:
        hours = options["hours"]
        if not 0 < hours <= 400 * 24:
            raise CommandError("--hours must be above 0, and at most 9600")
        now = SystemClock().now()
        try:
            result = repair(now - timedelta(hours=hours), now, read_config(), dry_run=options["dry_run"])
        except (CannotRepair, InvalidConfig) as error:
            raise CommandError(str(error)) from error
        verb = "would be written" if options["dry_run"] else "written"
        self.stdout.write(f"{result.grades} passing grades, {result.events} events {verb}, {result.failed} failed")
        if result.failed:
            raise CommandError(f"{result.failed} grades failed: the log has the reasons")
