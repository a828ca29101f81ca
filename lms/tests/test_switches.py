"""Who sends: states of an enterprise, and the commands that show and change them."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command

from learning_time_webhooks import leases, switches
from learning_time_webhooks.counters import counters
from learning_time_webhooks.models import EnterpriseIntegration, EnterpriseSwitch, OutboxEvent, Status
from tests.openedx.channel_integration.models import EnterpriseWebhookConfiguration, WebhookTransmissionQueue
from tests.openedx.enterprise.models import EnterpriseCustomer

from .factories_outbox import COURSE, ENTERPRISE, NOW, write_events

pytestmark = pytest.mark.django_db

WAIT = timedelta(seconds=300)
OTHER = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def configuration() -> EnterpriseWebhookConfiguration:
    EnterpriseIntegration.objects.create(enterprise_customer_uuid=ENTERPRISE, integration_id="skillsoft", active=True)
    enterprise = EnterpriseCustomer.objects.create(uuid=ENTERPRISE, name="Demo Corp")
    return EnterpriseWebhookConfiguration.objects.create(
        enterprise_customer=enterprise, region="OTHER", webhook_url="https://partner.example"
    )


def status_at(now: Any, occurred_at: Any = None) -> Status | None:
    return switches.statuses([ENTERPRISE], occurred_at or now, now, WAIT).get(ENTERPRISE)


def to_pipeline() -> None:
    """Completes the change at NOW + WAIT."""
    switches.request(ENTERPRISE, "rehearsal", NOW)
    switches.request(ENTERPRISE, "pipeline", NOW)
    switches.advance(NOW + WAIT, WAIT)


def recorded_by_upstream(user_id: int, status: str = "success") -> None:
    WebhookTransmissionQueue.objects.create(
        enterprise_customer_id=ENTERPRISE,
        user=get_user_model().objects.create(pk=user_id, username=f"learner-{user_id}"),
        course_id=COURSE,
        event_type="course_completion",
        user_region="OTHER",
        webhook_url="https://partner.example",
        payload={},
        status=status,
        deduplication_key=f"{ENTERPRISE}:{user_id}:{COURSE}:course_completion:{NOW:%Y-%m-%d}",
        created=NOW,
    )


def test_without_upstream_the_package_sends() -> None:
    assert status_at(NOW) == Status.PENDING


@pytest.mark.upstream
class TestWithUpstream:
    def test_an_enterprise_without_a_switch_is_left_to_upstream(self) -> None:
        assert status_at(NOW) is None

    def test_a_rehearsal_writes_events_that_no_relay_publishes(self, configuration: Any) -> None:
        switches.request(ENTERPRISE, "rehearsal", NOW)
        assert status_at(NOW) == Status.REHEARSED
        configuration.refresh_from_db()
        assert configuration.active

    def test_events_are_held_until_a_wait_after_upstreams_configuration_is_off(self, configuration: Any) -> None:
        switches.request(ENTERPRISE, "pipeline", NOW)
        assert status_at(NOW) == Status.HELD
        switches.advance(NOW + WAIT - timedelta(seconds=1), WAIT)
        configuration.refresh_from_db()
        assert configuration.active

        switches.advance(NOW + WAIT, WAIT)
        configuration.refresh_from_db()
        assert not configuration.active
        assert status_at(NOW + 2 * WAIT - timedelta(seconds=1), NOW + WAIT) == Status.HELD
        assert status_at(NOW + 2 * WAIT) == Status.PENDING

    def test_a_held_event_is_sent_unless_upstream_has_recorded_it(self, configuration: Any) -> None:
        to_pipeline()
        write_events(2, first=1, status=Status.HELD)
        recorded_by_upstream(1)
        assert switches.advance(NOW + 2 * WAIT, WAIT) == switches.Settled(sent=1, skipped=1)
        assert dict(OutboxEvent.objects.values_list("user_id", "status")) == {1: Status.SKIPPED, 2: Status.PENDING}

    @pytest.mark.parametrize("status", ["pending", "processing", "failed"])
    def test_a_webhook_that_upstream_had_not_delivered_is_taken_over(self, configuration: Any, status: str) -> None:
        # Its task fails without a retry once the configuration is inactive.
        switches.request(ENTERPRISE, "rehearsal", NOW)
        write_events(1, first=1, status=Status.REHEARSED)
        recorded_by_upstream(1, status)
        switches.request(ENTERPRISE, "pipeline", NOW)
        # Until a wait has passed a task of upstream may be in its request.
        assert switches.advance(NOW + WAIT, WAIT) == switches.Settled()
        assert switches.advance(NOW + 2 * WAIT, WAIT) == switches.Settled(sent=1)
        # Nor does upstream send it after the way back.
        assert WebhookTransmissionQueue.objects.get().status == "cancelled"

    def test_on_the_way_back_upstream_delivers_what_it_has_in_its_queue(self, configuration: Any) -> None:
        to_pipeline()
        switches.request(ENTERPRISE, "upstream", NOW + 2 * WAIT)
        write_events(1, first=1, status=Status.HELD)
        recorded_by_upstream(1, "pending")
        switches.advance(NOW + 3 * WAIT, WAIT)
        assert switches.advance(NOW + 4 * WAIT, WAIT) == switches.Settled(skipped=1)
        assert WebhookTransmissionQueue.objects.get().status == "pending"

    def test_an_event_from_before_the_change_is_held(self, configuration: Any) -> None:
        to_pipeline()
        assert status_at(NOW + timedelta(days=1), NOW - timedelta(days=3)) == Status.HELD

    def test_events_are_held_while_upstream_is_active_too(self, configuration: Any) -> None:
        to_pipeline()
        later = NOW + timedelta(days=1)
        EnterpriseWebhookConfiguration.objects.update(active=True)
        assert status_at(later) == Status.HELD
        write_events(1, status=Status.HELD)
        before = counters["switch.conflict"]
        assert switches.advance(later, WAIT) == switches.Settled()
        assert counters["switch.conflict"] == before + 1

        EnterpriseWebhookConfiguration.objects.update(active=False)
        assert switches.advance(later, WAIT) == switches.Settled(sent=1)

    def test_the_way_back_switches_on_what_was_switched_off(self, configuration: Any) -> None:
        off = EnterpriseWebhookConfiguration.objects.create(
            enterprise_customer_id=ENTERPRISE, region="EU", webhook_url="https://partner.example", active=False
        )
        to_pipeline()
        switches.request(ENTERPRISE, "upstream", NOW + timedelta(hours=1))
        assert status_at(NOW + timedelta(hours=1)) == Status.HELD
        switches.advance(NOW + timedelta(hours=1) + WAIT, WAIT)
        active = EnterpriseWebhookConfiguration.objects.filter(active=True)
        assert [one.pk for one in active] == [configuration.pk]
        assert off.pk != configuration.pk
        assert EnterpriseSwitch.objects.get().state == "rehearsal"

    def test_on_the_way_back_upstream_takes_what_the_package_sent_today_for_sent(self, configuration: Any) -> None:
        to_pipeline()
        get_user_model().objects.create(pk=1, username="learner-1")
        write_events(1, first=1, status=Status.PUBLISHED, published_at=NOW)
        switches.request(ENTERPRISE, "upstream", NOW + timedelta(hours=1))
        switches.advance(NOW + timedelta(hours=1) + WAIT, WAIT)
        mark = WebhookTransmissionQueue.objects.get()
        assert mark.deduplication_key == f"{ENTERPRISE}:1:{COURSE}:course_completion:2026-01-15"
        assert (mark.status, mark.payload) == ("success", {})

    def test_a_change_is_not_begun_during_another(self, configuration: Any) -> None:
        switches.request(ENTERPRISE, "pipeline", NOW)
        with pytest.raises(switches.CannotSwitch, match="the last change is not complete"):
            switches.request(ENTERPRISE, "upstream", NOW)

    def test_the_command_begins_a_change_and_shows_it(self, configuration: Any) -> None:
        begun, shown = StringIO(), StringIO()
        call_command("webhooks_switch", ENTERPRISE, "--to", "pipeline", stdout=begun)
        call_command("webhooks_switch", stdout=shown)
        assert begun.getvalue().startswith(f"{ENTERPRISE}: to_pipeline\nEvents are held.")
        assert f"{ENTERPRISE}: to_pipeline since " in shown.getvalue()
        assert shown.getvalue().endswith("all other enterprises: upstream sends\n")

    def test_the_command_takes_a_uuid_in_capitals(self, configuration: Any) -> None:
        to_pipeline()
        shown = StringIO()
        call_command("webhooks_switch", ENTERPRISE.upper(), stdout=shown)
        assert shown.getvalue().startswith(f"{ENTERPRISE}: pipeline since ")

    def test_the_command_shows_a_conflict(self, configuration: Any) -> None:
        to_pipeline()
        EnterpriseWebhookConfiguration.objects.update(active=True)
        shown = StringIO()
        call_command("webhooks_switch", stdout=shown)
        assert "CONFLICT: upstream has an active configuration" in shown.getvalue()

    @pytest.mark.parametrize(
        ("words", "reason"),
        [
            (["--to", "pipeline"], "name the enterprise"),
            (["Demo Corp", "--to", "pipeline"], "by its UUID"),
            (["Demo Corp"], "by its UUID"),
            ([OTHER, "--to", "pipeline"], "no active integration"),
        ],
    )
    def test_the_command_refuses(self, words: list[str], reason: str, configuration: Any) -> None:
        with pytest.raises(CommandError, match=reason):
            call_command("webhooks_switch", *words)


@pytest.mark.parametrize("status", [Status.HELD, Status.SKIPPED, Status.REHEARSED])
def test_what_upstream_may_have_sent_is_not_resent(status: Status) -> None:
    [row] = write_events(1, status=status)
    assert leases.resend([row.pk], NOW) == 0
    assert leases.claim("relay", NOW, limit=10, lease=WAIT) == []


def test_rows_that_are_never_sent_are_deleted_after_the_retention() -> None:
    write_events(2, first=1, status=Status.REHEARSED)
    write_events(1, first=3, status=Status.HELD)
    assert leases.delete_unsent(NOW, limit=10) == 0
    assert leases.delete_unsent(NOW + timedelta(days=30), limit=10) == 2
    assert OutboxEvent.objects.get().status == Status.HELD


@pytest.mark.upstream
def test_a_conflict_of_one_enterprise_does_not_hold_the_events_of_others(
    configuration: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(switches, "HELD_AT_ONCE", 2)
    to_pipeline()
    EnterpriseWebhookConfiguration.objects.update(active=True)
    write_events(3, status=Status.HELD)
    EnterpriseSwitch.objects.create(enterprise_customer_uuid=OTHER, state="pipeline", changed_at=NOW)
    write_events(1, first=3, status=Status.HELD, enterprise_customer_uuid=OTHER)
    caplog.clear()
    assert switches.advance(NOW + timedelta(days=1), WAIT) == switches.Settled(sent=1)
    # Once, and not for each event.
    assert caplog.text.count("switch.conflict") == 1


@pytest.mark.upstream
def test_a_relay_without_upstream_completes_no_change_and_sends_no_held_event(
    configuration: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    switches.request(ENTERPRISE, "pipeline", NOW)
    write_events(1, status=Status.HELD)
    monkeypatch.setattr(switches.upstream, "APP_LABEL", "absent")
    assert switches.advance(NOW + 3 * WAIT, WAIT) == switches.Settled()
    assert EnterpriseSwitch.objects.get().state == "to_pipeline"
    assert OutboxEvent.objects.get().status == Status.HELD
    assert counters["switch.no_upstream"] > 0


def test_without_upstream_nothing_is_switched_to_it() -> None:
    EnterpriseSwitch.objects.create(enterprise_customer_uuid=ENTERPRISE, state="pipeline", changed_at=NOW)
    for target in ("upstream", "rehearsal"):
        with pytest.raises(switches.CannotSwitch, match="enterprise-integrated-channels is not installed"):
            switches.request(ENTERPRISE, target, NOW)
