"""Calls SQS with boto3 as standard input says, and prints what comes back.

Input: a list of {"method", "arguments"}. Output: a list of answers, each the service's or {"raised", "Error", "status"}.
"""

import json
import sys

import boto3
from botocore.exceptions import ClientError


def call(sqs, method, arguments):
    try:
        answer = getattr(sqs, method)(**arguments)
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        return {"raised": type(error).__name__, "Error": error.response["Error"], "status": status}
    answer.pop("ResponseMetadata")
    return answer


client = boto3.client("sqs", endpoint_url=sys.argv[1])
json.dump([call(client, **one) for one in json.load(sys.stdin)], sys.stdout)
