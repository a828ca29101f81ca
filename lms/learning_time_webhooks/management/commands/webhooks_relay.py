"""Publishes the outbox: as a process of its own (a sidecar), or once from cron."""

from __future__ import annotations

import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from learning_time_webhooks.clock import SystemClock
from learning_time_webhooks.config import InvalidConfig, read_config
from learning_time_webhooks.relay import Relay
from learning_time_webhooks.sqs import SqsQueue


class Command(BaseCommand):
    help = "Publishes the outbox to SQS until it is stopped by SIGTERM or Ctrl-C. Several may run at the same time."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="publish what is available, delete old rows, end")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            config = read_config()
            relay = Relay(SqsQueue.from_config(config), SystemClock(), config)
        except InvalidConfig as error:
            raise CommandError(str(error)) from error
        if not options["once"]:
            relay.run(_stop_on_signal())
            return
        result = relay.run_until_empty()
        deleted = relay.prune()
        self.stdout.write(
            f"{result.published} published, {result.refused} refused, {result.postponed} postponed; {deleted} deleted"
        )
        if result.unavailable:
            raise CommandError(f"the queue is not available: {result.unavailable}")


def _stop_on_signal() -> Any:
    """A function that returns whether SIGTERM or SIGINT has arrived. The relay ends after the request it is in."""
    stopped = False

    def note(_signal: int, _frame: Any) -> None:
        nonlocal stopped
        stopped = True

    signal.signal(signal.SIGTERM, note)
    signal.signal(signal.SIGINT, note)
    return lambda: stopped
