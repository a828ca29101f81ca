"""Shows and changes who sends the webhooks of an enterprise."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from learning_time_webhooks import switches, upstream
from learning_time_webhooks.clock import SystemClock
from learning_time_webhooks.config import InvalidConfig, read_config
from learning_time_webhooks.management.arguments import enterprise_id
from learning_time_webhooks.models import EnterpriseSwitch, Status


class Command(BaseCommand):
    help = "Shows who sends the webhooks of each enterprise. With --to, begins a change; the relay completes it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("enterprise", nargs="?", help="the enterprise's UUID")
        parser.add_argument("--to", choices=switches.TARGETS)

    def handle(self, *_args: Any, **options: Any) -> None:
        enterprise = None if options["enterprise"] is None else enterprise_id(options["enterprise"])
        if options["to"] is None:
            self._show(enterprise)
            return
        if enterprise is None:
            raise CommandError("name the enterprise: webhooks_switch UUID --to …")
        try:
            config = read_config()
        except InvalidConfig as error:
            raise CommandError(str(error)) from error
        try:
            switch = switches.request(enterprise, options["to"], SystemClock().now())
        except switches.CannotSwitch as error:
            raise CommandError(str(error)) from error
        self.stdout.write(str(switch))
        if follows := switches.what_follows(switch, config.switch_wait):
            self.stdout.write(follows)

    def _show(self, enterprise: str | None) -> None:
        rows = EnterpriseSwitch.objects.order_by("enterprise_customer_uuid")
        if enterprise is not None:
            rows = rows.filter(enterprise_customer_uuid=enterprise)
        conflicts = switches.in_conflict(rows)
        for one in rows:
            held = switches.count_of(one.enterprise_customer_uuid, Status.HELD)
            self.stdout.write(f"{one} since {one.changed_at:%Y-%m-%dT%H:%M:%SZ}, {held} events held")
            if one.enterprise_customer_uuid in conflicts:
                self.stdout.write("  CONFLICT: upstream has an active configuration, so new events are held")
        rest = "upstream sends" if upstream.is_installed() else "this package sends"
        self.stdout.write(f"all other enterprises: {rest}")
