"""The events queue in SQS."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config as ClientConfig
from botocore.exceptions import BotoCoreError, ClientError

from .config import Config, InvalidConfig
from .queue import Accepted, Entry, QueueUnavailable, Rejected

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class SqsQueue:
    """Create it after the process has forked; threads may share it."""

    def __init__(self, client: SQSClient, queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    @classmethod
    def from_config(cls, config: Config) -> SqsQueue:
        """Raises InvalidConfig if no queue is set."""
        if not config.queue_url:
            raise InvalidConfig("QUEUE_URL is not set: there is no queue to publish to")
        # A request fails within about 11 s. boto3's defaults are 60 s, 60 s and five attempts, longer than a lease.
        client = boto3.client(
            "sqs",
            region_name=config.aws_region,
            endpoint_url=config.endpoint_url or None,
            config=ClientConfig(
                connect_timeout=1, read_timeout=4, retries={"mode": "standard", "total_max_attempts": 2}
            ),
        )
        return cls(client, config.queue_url)

    def send(self, entries: Sequence[Entry]) -> list[Accepted | Rejected]:
        """A rejected entry comes with HTTP 200, in `Failed`. An entry in neither list is not known to be in the
        queue."""
        batch: list[Any] = [
            {"Id": str(entry.key), "MessageBody": entry.body, "MessageGroupId": entry.group} for entry in entries
        ]
        try:
            response = self._client.send_message_batch(QueueUrl=self._queue_url, Entries=batch)
        except ClientError as error:
            raise QueueUnavailable(error.response.get("Error", {}).get("Code", "ClientError")) from error
        except BotoCoreError as error:
            raise QueueUnavailable(type(error).__name__) from error
        accepted = {one["Id"]: one["MessageId"] for one in response.get("Successful", [])}
        failed = {one["Id"]: one for one in response.get("Failed", [])}
        results: list[Accepted | Rejected] = []
        for entry in entries:
            key = str(entry.key)
            if key in accepted:
                results.append(Accepted(entry.key, accepted[key]))
            elif key in failed:
                one = failed[key]
                results.append(
                    Rejected(entry.key, one["Code"], one.get("Message", "no reason given"), one["SenderFault"])
                )
            else:
                results.append(Rejected(entry.key, "NoResponse", "SQS's response does not list it", False))
        return results
