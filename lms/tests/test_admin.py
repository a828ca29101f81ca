"""Operators inspect and resend; the list names no learner."""

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection

from learning_time_webhooks.models import EnterpriseIntegration, OutboxEvent
from tests.rows import add_rows, get
from tests.samples import ENTERPRISE, NOW

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/admin/learning_time_webhooks/outboxevent/"
BODY = '{"email":"learner@example.com"}'


def login(client, *permissions):
    user = User.objects.create_user("operator", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(user)


def resend(client, pks):
    return client.post(LIST, {"action": "resend", "_selected_action": pks}, follow=True)


def test_the_list_shows_no_learner(client, clock):
    add_rows(1, clock, body=BODY, user_id=987654)
    login(client, "view_outboxevent")
    page = client.get(LIST).content.decode()
    assert "skillsoft" in page
    assert "987654" not in page
    assert "learner@example.com" not in page


@pytest.mark.parametrize(
    ("search", "found"), [("event-1", 1), ("m-1", 1), ("987654", 1), ("99999999999999999999", 0), ("-", 0)]
)
def test_events_are_found_by_event_message_or_learner(client, clock, search, found):
    add_rows(1, clock)
    add_rows(1, clock, message_id="m-1", user_id=987654)
    login(client, "view_outboxevent")
    page = client.get(LIST, {"q": search})
    assert (page.status_code, len(page.context["cl"].result_list)) == (200, found)


@pytest.mark.parametrize(("permissions", "visible"), [([], False), (["view_event_body"], True)])
def test_the_payload_needs_a_permission_of_its_own(client, clock, permissions, visible):
    [pk] = add_rows(1, clock, body=BODY)
    login(client, "view_outboxevent", *permissions)
    page = client.get(f"{LIST}{pk}/change/").content.decode()
    assert ("learner@example.com" in page) is visible


def test_rows_can_be_resent_with_the_same_event_id(client, clock):
    refused, published, claimed = add_rows(3, clock)
    OutboxEvent.objects.filter(pk=refused).update(status="refused", attempts=4, last_error="no")
    OutboxEvent.objects.filter(pk=published).update(status="published", published_at=NOW)
    OutboxEvent.objects.filter(pk=claimed).update(lease_owner="relay")
    event_id = get(refused).event_id
    login(client, "view_outboxevent", "change_outboxevent")
    assert "2 of 3 events will be published again" in resend(client, [refused, published, claimed]).content.decode()
    row = get(refused)
    assert (row.status, row.attempts, row.last_error, row.event_id) == ("pending", 0, "", event_id)
    assert (get(published).status, get(published).published_at) == ("pending", None)
    assert get(claimed).lease_owner == "relay"


def test_rows_can_be_resent_in_the_transaction_that_open_edx_opens_for_each_request(client, clock, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    [pk] = add_rows(1, clock, status="refused")
    login(client, "view_outboxevent", "change_outboxevent")
    assert resend(client, [pk]).status_code == 200
    assert get(pk).status == "pending"


def test_who_may_only_view_cannot_resend(client, clock):
    [pk] = add_rows(1, clock, status="refused")
    login(client, "view_outboxevent")
    resend(client, [pk])
    assert get(pk).status == "refused"


def test_a_row_cannot_be_edited_or_added(client, clock):
    [pk] = add_rows(1, clock)
    login(client, "view_outboxevent", "change_outboxevent", "add_outboxevent")
    client.post(f"{LIST}{pk}/change/", {"body": "changed", "status": "published"})
    assert (get(pk).body, get(pk).status) == ("{}", "pending")
    assert client.get(f"{LIST}add/").status_code == 403


def test_a_pending_row_cannot_be_deleted(client, clock):
    pending, refused = add_rows(2, clock)
    OutboxEvent.objects.filter(pk=refused).update(status="refused")
    login(client, "view_outboxevent", "delete_outboxevent")
    for pk in (pending, refused):
        client.post(f"{LIST}{pk}/delete/", {"post": "yes"})
    client.post(LIST, {"action": "delete_selected", "_selected_action": [pending], "post": "yes"})
    assert list(OutboxEvent.objects.values_list("pk", flat=True)) == [pending]


class TestIntegrations:
    URL = "/admin/learning_time_webhooks/enterpriseintegration/add/"

    def add(self, client, **values):
        form = {
            "enterprise_customer_uuid": ENTERPRISE,
            "region": "OTHER",
            "integration_id": "skillsoft",
            "payload_format": "structured",
            "active": "on",
            **values,
        }
        return client.post(self.URL, form).content.decode()

    def test_an_activation_has_a_time_and_a_deactivation_removes_it(self, client, db):
        login(client, "add_enterpriseintegration", "view_enterpriseintegration")
        self.add(client)
        row = EnterpriseIntegration.objects.get()
        assert row.active_since is not None
        since = row.active_since
        row.save()
        assert row.active_since == since
        row.active = False
        row.save()
        assert row.active_since is None

    @pytest.mark.parametrize(
        ("field", "value", "message"),
        [
            ("enterprise_customer_uuid", "demo", "must be a UUID in lower case with dashes"),
            ("enterprise_customer_uuid", ENTERPRISE.upper(), "must be a UUID in lower case with dashes"),
            ("integration_id", "skill soft", "must be 1-64 of A-Z a-z 0-9 _ -"),
        ],
    )
    def test_wrong_values_are_refused(self, client, db, field, value, message):
        login(client, "add_enterpriseintegration")
        assert message in self.add(client, **{field: value})
        assert EnterpriseIntegration.objects.count() == 0

    def test_a_region_has_one_integration(self, client, db):
        login(client, "add_enterpriseintegration")
        self.add(client)
        assert "already exists" in self.add(client, integration_id="other")
