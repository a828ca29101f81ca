"""A prepared query answers as the queryset that it stands for."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import OperationalError
from django.db.models.sql.compiler import SQLCompiler

from learning_time_webhooks import prepared
from learning_time_webhooks.models import EnterpriseSwitch, OutboxEvent
from learning_time_webhooks.prepared import PreparedQuery
from tests.conftest import join, make_learner
from tests.openedx.enterprise.models import EnterpriseCustomer, EnterpriseCustomerUser
from tests.openedx.social_django.models import UserSocialAuth

from .factories_outbox import COURSE, NOW, write_events

pytestmark = pytest.mark.django_db

ENTERPRISES = [f"{number:08d}-0000-4000-8000-000000000000" for number in range(3)]


def test_each_call_asks_the_database_with_its_own_arguments() -> None:
    query = PreparedQuery("event_id", "occurred_at", "percent_grade")
    write_events(1, first=1)
    [row] = query.rows(OutboxEvent, user_id=1)
    assert row == OutboxEvent.objects.values_list("event_id", "occurred_at", "percent_grade").get()
    assert query.rows(OutboxEvent, user_id=2) == []
    write_events(1, first=2)
    assert len(query.rows(OutboxEvent, user_id=2)) == 1


def test_the_sql_is_composed_once_for_each_length_of_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    composed = []
    as_sql = SQLCompiler.as_sql
    monkeypatch.setattr(SQLCompiler, "as_sql", lambda *args, **kwargs: composed.append(1) or as_sql(*args, **kwargs))
    query = PreparedQuery("enterprise_customer_uuid", order_by=("pk",))
    for uuid_ in ENTERPRISES:
        EnterpriseSwitch.objects.create(enterprise_customer_uuid=uuid_, state="pipeline", changed_at=NOW)
    composed.clear()

    def found(some: list[str]) -> list[str]:
        return [row[0] for row in query.rows(EnterpriseSwitch, enterprise_customer_uuid__in=some)]

    assert found(ENTERPRISES[:1]) == ENTERPRISES[:1]
    assert found(ENTERPRISES[1:2]) == ENTERPRISES[1:2]
    assert len(composed) == 1
    assert found([ENTERPRISES[2], ENTERPRISES[0]]) == [ENTERPRISES[0], ENTERPRISES[2]]
    assert found([ENTERPRISES[2], ENTERPRISES[2]]) == [ENTERPRISES[2]]
    assert len(composed) == 2
    assert found([]) == []


def test_values_are_converted_in_both_directions() -> None:
    user = make_learner(1)
    join(user, ENTERPRISES[0], country="DE")
    members = PreparedQuery("enterprise_customer__uuid", "modified", "active", active=True)
    [row] = members.rows(EnterpriseCustomerUser, enterprise_customer_id=ENTERPRISES[0], user_id=1)
    assert row == (uuid.UUID(ENTERPRISES[0]), EnterpriseCustomerUser.objects.get().modified, True)
    UserSocialAuth.objects.create(user=user, extra_data={"country": ["US"]})
    assert PreparedQuery("extra_data").rows(UserSocialAuth, user_id=1) == [({"country": ["US"]},)]
    assert PreparedQuery("username").rows(get_user_model(), pk=1) == [("learner1",)]


def test_it_reads_through_the_default_manager_in_order_and_up_to_a_limit() -> None:
    user = make_learner(1)
    for number, uuid_ in enumerate(ENTERPRISES):
        join(user, uuid_, linked=number > 0)
    query = PreparedQuery("enterprise_customer_id", order_by=("-pk",), limit=1)
    assert query.rows(EnterpriseCustomerUser, user_id=1) == [(uuid.UUID(ENTERPRISES[2]),)]
    assert EnterpriseCustomer.objects.count() == 3


def refuse(_field: Any, _number: int) -> int:
    raise ValidationError("not the key of a course run")


@pytest.mark.parametrize("stand_in", [refuse, lambda _field, _number: 1])
def test_a_field_that_cannot_be_prepared_is_read_all_the_same(
    stand_in: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(prepared, "_stand_in", stand_in)
    query = PreparedQuery("user_id", order_by=("user_id",), limit=2)
    write_events(3, first=1)
    for _ in range(2):
        assert query.rows(OutboxEvent, user_id__in=[1, 2, 3], course_id=COURSE) == [(1,), (2,)]
    assert caplog.text.count("prepared.impossible model=OutboxEvent type=") == 1


def test_an_error_of_the_database_is_raised_and_the_next_call_composes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    query = PreparedQuery("event_id")

    def lose_connection(*_: Any) -> None:
        raise OperationalError("the server has gone away")

    with monkeypatch.context() as broken:
        broken.setattr(PreparedQuery, "_compose", lose_connection)
        with pytest.raises(OperationalError):
            query.rows(OutboxEvent, user_id=1)
    assert query.rows(OutboxEvent, user_id=1) == []
    assert [composed is None for composed in query._composed.values()] == [False]
