"""The dry run of a migration: what both systems send in a day, and each difference."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from learning_time_webhooks import comparison, upstream
from learning_time_webhooks.clock import SystemClock
from learning_time_webhooks.management.arguments import enterprise_id


class Command(BaseCommand):
    help = (
        "Counts what enterprise-integrated-channels and this package send in a UTC day, and lists each difference by "
        "ids, without payloads. Ends with status 1 if there is one."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--day", type=date.fromisoformat, help="for example 2026-01-15 (default: yesterday)")
        parser.add_argument("--enterprise", action="append", help="a UUID; repeat it (default: all that are rehearsed)")

    def handle(self, *_args: Any, **options: Any) -> None:
        if not upstream.is_installed():
            raise CommandError("enterprise-integrated-channels is not installed: there is nothing to compare with")
        day = options["day"] or SystemClock().now().date() - timedelta(days=1)
        named = [enterprise_id(text) for text in options["enterprise"] or []]
        enterprises = named or comparison.compared_enterprises()
        if not enterprises:
            raise CommandError("no enterprise is rehearsed: begin with webhooks_switch ENTERPRISE --to rehearsal")
        result = comparison.compare(day, enterprises)
        for one in result.differences:
            key = one.key
            self.stdout.write(
                f"{one.what}: {key.event_type} enterprise={key.enterprise} user={key.user_id} course={key.course_id}"
            )
        self.stdout.write(
            f"{day}, {len(enterprises)} enterprises: upstream {result.upstream}, this package {result.package}, "
            f"{result.same} the same, {len(result.differences)} differences"
        )
        if result.differences:
            raise SystemExit(1)
