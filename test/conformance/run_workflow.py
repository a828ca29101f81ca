"""Runs executions of one state machine in moto's interpreter of the States Language.

Reads lines of JSON: the definition, then the input of each execution. For each task it writes
{"task": name, "input": ...} and reads {"result": ...} or {"error": name}. At the end of an execution it writes
{"status": ..., "output": ..., "error": ..., "entered": [state, ...], "waits": [seconds before a retry, ...]}.

A task's name is the last part of its function's ARN; sending to SQS is the task "sendMessage". No time passes: the
interpreter has no setting for that, so its two ways to wait (a Wait state, a retrier's interval) are replaced.
"""

import io
import json
import sys
import time
from types import SimpleNamespace
from uuid import uuid4

import boto3
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils, state_task_lambda
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_sqs
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction


def write(value):
    print(json.dumps(value), flush=True)


def ask(task, given):
    write({"task": task, "input": given})
    return json.loads(sys.stdin.readline())


class Services:
    """In place of the clients by which the interpreter calls Lambda and SQS."""

    def invoke(self, FunctionName, Payload):
        answer = ask(FunctionName.split(":")[-1], json.loads(Payload))
        error = answer.get("error")
        if error is None:
            return {"StatusCode": 200, "Payload": body(answer["result"])}
        return {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": body({"errorType": error})}

    def send_message(self, **parameters):
        answer = ask("sendMessage", parameters)
        if "error" in answer:
            raise ClientError({"Error": {"Code": "400", "Message": answer["error"]}}, "SendMessage")
        return answer["result"]


def error_name(name):
    """Also of an error of Step Functions itself, which the interpreter does not expect a function to throw."""
    if name.startswith("States."):
        return StatesErrorName(typ=StatesErrorNameType.from_name(name))
    return CustomErrorName(name)


def body(value):
    return io.BytesIO(json.dumps(value).encode())


waits = []


def run(client, machine, execution_input):
    waits.clear()
    arn = client.start_execution(
        stateMachineArn=machine, name=str(uuid4()), input=json.dumps(execution_input)
    )["executionArn"]
    while (execution := client.describe_execution(executionArn=arn))["status"] == "RUNNING":
        time.sleep(0.002)
    pages = client.get_paginator("get_execution_history").paginate(executionArn=arn)
    events = [event for page in pages for event in page["events"]]
    write({
        "status": execution["status"],
        "output": json.loads(execution.get("output", "null")),
        "error": execution.get("error"),
        "entered": [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event],
        "waits": waits,
    })


for module in (lambda_eval_utils, state_task_service_sqs):
    module.boto_client_for = lambda **_: Services()
state_task_lambda.CustomErrorName = error_name
retrier_decl.time = SimpleNamespace(sleep=waits.append)
WaitFunction._wait_interval = lambda self, env, wait_seconds: None

with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
    stepfunctions = boto3.client("stepfunctions", region_name="us-east-1")
    arn = stepfunctions.create_state_machine(
        name="retry", definition=sys.stdin.readline(), roleArn="arn:aws:iam::123456789012:role/workflow"
    )["stateMachineArn"]
    for line in sys.stdin:
        run(stepfunctions, arn, json.loads(line))
