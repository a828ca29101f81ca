import pytest
from django.core.checks import run_checks

from learning_time_webhooks.config import InvalidConfig, parse_config


def test_defaults():
    config = parse_config({})
    assert (config.deduplicate, config.retention_days, config.lease_seconds) == ("day", 30, 120)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], "must be a dictionary"),
        ({"QUEUE": "x"}, "unknown keys: QUEUE; known are QUEUE_URL"),
        ({"queue_url": "x"}, "unknown keys: queue_url"),
        ({"QUEUE_URL": "arn:aws:sqs:us-east-1:1:events"}, "must be the URL of the queue"),
        ({"QUEUE_URL": None}, "QUEUE_URL must be text"),
        ({"DEDUPLICATE": "week"}, "DEDUPLICATE must be 'day' or 'grade'"),
        ({"RETENTION_DAYS": 1}, "RETENTION_DAYS must be a whole number from 2 to 400"),
        ({"RETENTION_DAYS": 2.5}, "RETENTION_DAYS must be a whole number"),
        ({"LEASE_SECONDS": 601}, "LEASE_SECONDS must be a whole number from 30 to 600"),
        ({"CLAIM_ROWS": True}, "CLAIM_ROWS must be a whole number from 1 to 1000"),
        ({"POLL_SECONDS": float("nan")}, "POLL_SECONDS must be a number from 0.1 to 60"),
    ],
)
def test_wrong_values(value, message):
    with pytest.raises(InvalidConfig, match=message):
        parse_config(value)


def test_djangos_checks_report_a_wrong_setting(settings):
    settings.LEARNING_TIME_WEBHOOKS = {"DEDUPLICATE": "week"}
    assert [one.id for one in run_checks()] == ["learning_time_webhooks.E001"]


def test_djangos_checks_report_a_missing_queue_and_zone(settings):
    settings.LEARNING_TIME_WEBHOOKS = {}
    settings.USE_TZ = False
    assert {one.id for one in run_checks()} == {"learning_time_webhooks.E002", "learning_time_webhooks.W001"}
