"""Verifies a file of receipts (`npm run demo -- --receipts FILE`), by hand as the partner guide shows it and with the
official library, each at the time when it arrived. Fails where a receipt is not verified by both, or none is there.

    .venv/bin/python test/conformance/verify_receipts.py FILE
"""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).parents[2] / "docs" / "partner"))

import verify  # noqa: E402
import verify_with_library  # noqa: E402


def clock_at(moment: datetime) -> type[datetime]:
    """The library asks no one but its own clock."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return moment.astimezone(tz)

    return Clock


def check(receipt: dict) -> tuple[bool, bool]:
    secrets, headers = [receipt["signing_secret"]], receipt["headers"]
    body = receipt["body"].encode()
    moment = datetime.fromisoformat(receipt["received_at"]).astimezone(UTC)
    by_hand = verify.is_genuine(secrets, headers, body, now=moment.timestamp())
    with mock.patch("standardwebhooks.webhooks.datetime", clock_at(moment)):
        return by_hand, verify_with_library.is_genuine(secrets, headers, body)


def main(path: str) -> int:
    receipts = [json.loads(line) for line in Path(path).read_text(encoding="utf-8").split("\n") if line]
    checks = [check(receipt) for receipt in receipts]
    for receipt, (by_hand, with_library) in zip(receipts, checks, strict=True):
        print(receipt["headers"].get("webhook-id"), f"by hand: {by_hand}, with the library: {with_library}")
    genuine = sum(all(one) for one in checks)
    print(f"{genuine} of {len(receipts)} genuine")
    return 0 if receipts and genuine == len(receipts) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
