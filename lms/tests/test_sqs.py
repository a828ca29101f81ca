"""The real boto3 client, with responses as SQS sends them."""

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber

from learning_time_webhooks.config import Config, InvalidConfig
from learning_time_webhooks.queue import Accepted, Entry, QueueUnavailable, Rejected
from learning_time_webhooks.sqs import SqsQueue

URL = "https://sqs.us-east-1.amazonaws.com/123456789012/events"
ENTRIES = [Entry(7, '{"a":1}', "group-1"), Entry(8, '{"a":2}', "group-2"), Entry(9, '{"a":3}', "group-1")]


@pytest.fixture
def stubbed():
    client = boto3.client("sqs", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    with Stubber(client) as stubber:
        yield SqsQueue(client, URL), stubber


def test_a_partial_rejection_is_read_entry_by_entry(stubbed):
    queue, stubber = stubbed
    response = {
        "Successful": [{"Id": "8", "MessageId": "m-8", "MD5OfMessageBody": "x"}],
        "Failed": [{"Id": "7", "Code": "InternalError", "Message": "try again", "SenderFault": False}],
    }
    sent = [{"Id": str(one.key), "MessageBody": one.body, "MessageGroupId": one.group} for one in ENTRIES]
    stubber.add_response("send_message_batch", response, {"QueueUrl": URL, "Entries": sent})
    assert queue.send(ENTRIES) == [
        Rejected(7, "InternalError", "try again", False),
        Accepted(8, "m-8"),
        # In neither list: not known to be in the queue.
        Rejected(9, "NoResponse", "SQS's response does not list it", False),
    ]


def test_an_error_response_is_the_whole_request(stubbed):
    queue, stubber = stubbed
    stubber.add_client_error("send_message_batch", "AccessDenied", "arn:aws:iam::123456789012:role/lms may not")
    with pytest.raises(QueueUnavailable, match=r"^AccessDenied$"):
        queue.send(ENTRIES)


def test_a_network_without_sqs(monkeypatch):
    client = boto3.client("sqs", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")

    def fail(**_kwargs):
        raise EndpointConnectionError(endpoint_url=URL)

    monkeypatch.setattr(client, "send_message_batch", fail)
    with pytest.raises(QueueUnavailable, match=r"^EndpointConnectionError$"):
        SqsQueue(client, URL).send(ENTRIES)


def test_without_a_queue_there_is_no_client():
    with pytest.raises(InvalidConfig, match="QUEUE_URL is not set"):
        SqsQueue.from_config(Config())
