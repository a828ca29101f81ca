"""Operators switch enterprises in the admin, with the checks of the command."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import connection

from learning_time_webhooks.models import EnterpriseSwitch, Status
from tests.conftest import integrate
from tests.openedx.channel_integration.models import EnterpriseWebhookConfiguration
from tests.openedx.enterprise.models import EnterpriseCustomer
from tests.samples import ENTERPRISE, NOW

from .factories_outbox import write_events

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.upstream]

INTEGRATIONS = "/admin/learning_time_webhooks/enterpriseintegration/"
SWITCHES = "/admin/learning_time_webhooks/enterpriseswitch/"


def login(client: Any, *permissions: str) -> User:
    user = User.objects.create_user("operator", is_staff=True)
    views = ("view_enterpriseswitch", "view_enterpriseintegration")
    user.user_permissions.set(Permission.objects.filter(codename__in=(*views, *permissions)))
    client.force_login(user)
    return user


def perform(client: Any, page: str, action: str, *pks: int) -> str:
    response = client.post(page, {"action": action, "_selected_action": pks}, follow=True)
    assert response.status_code == 200
    return str(response.content.decode())


def switch(state: str) -> EnterpriseSwitch:
    return EnterpriseSwitch.objects.create(enterprise_customer_uuid=ENTERPRISE, state=state, changed_at=NOW)


def test_an_enterprise_is_rehearsed_and_switched_in_the_transaction_that_open_edx_opens_for_each_request(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    integrations = [integrate().pk, integrate(region="EU").pk]
    user = login(client, "change_enterpriseswitch")
    perform(client, INTEGRATIONS, "to_rehearsal", *integrations)
    row = EnterpriseSwitch.objects.get()
    assert row.state == "rehearsal"
    page = perform(client, SWITCHES, "to_pipeline", row.pk)
    assert "Events are held. The relay completes the change in 300 s" in page
    row.refresh_from_db()
    assert row.state == "to_pipeline"
    entries = LogEntry.objects.order_by("pk")
    assert [(one.user_id, one.object_id, one.change_message) for one in entries] == [
        (user.pk, str(row.pk), "switched to rehearsal: rehearsal"),
        (user.pk, str(row.pk), "switched to pipeline: to_pipeline"),
    ]


@pytest.mark.parametrize(
    ("state", "active", "action", "reason"),
    [
        ("upstream", False, "to_pipeline", "the enterprise has no active integration"),
        ("to_pipeline", True, "to_upstream", "the last change is not complete"),
        ("pipeline", True, "to_rehearsal", "go to upstream first"),
    ],
)
def test_what_the_command_refuses_is_refused(client: Any, state: str, active: bool, action: str, reason: str) -> None:
    integrate(active=active)
    row = switch(state)
    login(client, "change_enterpriseswitch")
    page = perform(client, SWITCHES, action, row.pk)
    assert f"Enterprise {ENTERPRISE}: " in page
    assert reason in page
    row.refresh_from_db()
    assert row.state == state
    assert not LogEntry.objects.exists()


def test_a_wrong_setting_changes_nothing(client: Any, settings: Any) -> None:
    settings.LEARNING_TIME_WEBHOOKS = {"SWITCH_WAIT_SECONDS": 1}
    pk = integrate().pk
    login(client, "change_enterpriseswitch")
    assert "SWITCH_WAIT_SECONDS must be a whole number from 60" in perform(client, INTEGRATIONS, "to_pipeline", pk)
    assert not EnterpriseSwitch.objects.exists()


@pytest.mark.parametrize("permission", ["change_enterpriseintegration", "change_outboxevent"])
def test_who_may_not_change_switches_cannot_switch(client: Any, permission: str) -> None:
    pk = integrate().pk
    row = switch("rehearsal")
    login(client, permission)
    perform(client, INTEGRATIONS, "to_pipeline", pk)
    perform(client, SWITCHES, "to_pipeline", row.pk)
    row.refresh_from_db()
    assert row.state == "rehearsal"


def test_the_page_shows_held_and_rehearsed_events_and_a_conflict(client: Any) -> None:
    row = switch("pipeline")
    write_events(2, status=Status.HELD)
    write_events(3, first=100, status=Status.REHEARSED)
    login(client)
    path = f"{SWITCHES}{row.pk}/change/"

    def shown() -> list[Any]:
        fields = client.get(path).context["adminform"].readonly_fields
        admin = client.get(SWITCHES).context["cl"].model_admin
        assert {"held_events", "rehearsed_events", "in_conflict"} <= set(fields)
        return [admin.held_events(row), admin.rehearsed_events(row), admin.in_conflict(row)]

    assert shown() == [2, 3, "no"]
    enterprise = EnterpriseCustomer.objects.create(uuid=ENTERPRISE, name="Demo Corp")
    EnterpriseWebhookConfiguration.objects.create(enterprise_customer=enterprise, region="EU", webhook_url="https://p")
    assert shown() == [2, 3, "yes, new events are held"]
    assert "yes, new events are held" in client.get(path).content.decode()


def test_a_switch_is_neither_added_edited_nor_deleted(client: Any) -> None:
    row = switch("pipeline")
    login(client, "add_enterpriseswitch", "change_enterpriseswitch", "delete_enterpriseswitch")
    assert client.get(f"{SWITCHES}add/").status_code == 403
    assert client.post(f"{SWITCHES}{row.pk}/change/", {"state": "upstream"}).status_code == 403
    assert client.post(f"{SWITCHES}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    row.refresh_from_db()
    assert row.state == "pipeline"
