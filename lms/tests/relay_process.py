"""A relay as a process of its own, which kills itself: `python relay_process.py FILE KILL_AT SEED`.

It publishes to FILE, one line a message, as if that were SQS. At its step KILL_AT it sends itself SIGKILL, so that the
database sees a connection that is gone. A step is a statement, or one side of a request.
"""

from __future__ import annotations

import itertools
import os
import random
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import django

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    django.setup()

    from django.db import connection

    from learning_time_webhooks.clock import SystemClock
    from learning_time_webhooks.config import Config
    from learning_time_webhooks.queue import Accepted, Entry, QueueUnavailable, Rejected
    from learning_time_webhooks.relay import Relay

    file, kill_at, chance = sys.argv[1], int(sys.argv[2]), random.Random(int(sys.argv[3]))
    steps = itertools.count(1)

    def step() -> None:
        if next(steps) == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    class FileQueue:
        def send(self, entries: Sequence[Entry]) -> list[Accepted | Rejected]:
            step()
            if chance.random() < 0.1:
                raise QueueUnavailable("ConnectTimeoutError")
            text = "".join(f"{entry.body}\n" for entry in entries)
            with Path(file).open("a") as lines:
                lines.write(text)
            step()
            return [Accepted(entry.key, f"message-{entry.key}") for entry in entries]

    def counted(execute: Callable[..., Any], *rest: Any) -> Any:
        step()
        result = execute(*rest)
        step()
        return result

    config = Config(queue_url="https://sqs.example/events", claim_rows=25, lease_seconds=30)
    relay = Relay(queue=FileQueue(), clock=SystemClock(), config=config, random=chance.random)
    with connection.execute_wrapper(counted):
        while relay.run_once().claimed:
            pass
