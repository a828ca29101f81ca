"""Publishes one completion to a queue, to try a laptop or a new permission. Set QUEUE_URL, and AWS_ENDPOINT_URL_SQS if
the queue is not in AWS."""

import os
import sys
from datetime import UTC, datetime

from webhook_events import completion_event, fan_out, publish, sqs_client

completion = completion_event(
    user_id=12345,
    email="learner@example.com",
    username="learner",
    course_id="course-v1:edX+DemoX+Demo_Course",
    course_name="edX Demo Course",
    percent_grade=0.92,
    letter_grade="A",
    is_passing=True,
    enterprise_customer_uuid="a1b2c3d4-e5f6-7890-abcd-ef1234567890",
    enterprise_customer_name="Demo Corp",
    occurred_at=datetime.now(UTC),
)
client = sqs_client(os.environ.get("AWS_DEFAULT_REGION", "us-east-1"))
for one in publish(client, os.environ["QUEUE_URL"], fan_out(completion, sys.argv[1:] or ["skillsoft"])):
    print(f"{one.event['integration_id']}: SQS message {one.message_id}")
