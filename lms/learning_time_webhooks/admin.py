"""Pages of integrations, of the switch of each enterprise, and of events, which can be resent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from . import leases, switches
from .clock import SystemClock
from .config import InvalidConfig, read_config
from .models import EnterpriseIntegration, EnterpriseSwitch, OutboxEvent, Status

if TYPE_CHECKING:
    AnyAdmin = admin.ModelAdmin[Any]
    OutboxAdmin = admin.ModelAdmin[OutboxEvent]
else:
    AnyAdmin = OutboxAdmin = admin.ModelAdmin

_HIDDEN = "(you need the permission to see payloads)"


class SwitchingAdmin(AnyAdmin):
    """Offers the changes of `webhooks_switch` for the enterprises of the selected rows. They need the permission to
    change switches."""

    actions = ("to_rehearsal", "to_pipeline", "to_upstream")

    @transaction.non_atomic_requests
    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Open edX has a transaction for each request. A change must be committed when its wait begins."""
        return super().changelist_view(request, extra_context)

    def has_switch_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("learning_time_webhooks.change_enterpriseswitch")

    @admin.action(description="Switch: rehearse, upstream sends", permissions=["switch"])
    def to_rehearsal(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._request(request, queryset, "rehearsal")

    @admin.action(description="Switch to the pipeline", permissions=["switch"])
    def to_pipeline(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._request(request, queryset, "pipeline")

    @admin.action(description="Switch back to upstream", permissions=["switch"])
    def to_upstream(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._request(request, queryset, "upstream")

    def _request(self, request: HttpRequest, queryset: QuerySet[Any], target: str) -> None:
        try:
            wait = read_config().switch_wait
        except InvalidConfig as error:
            self.message_user(request, str(error), messages.ERROR)
            return
        for enterprise in sorted(set(queryset.values_list("enterprise_customer_uuid", flat=True))):
            try:
                switch = switches.request(enterprise, target, SystemClock().now())
            except switches.CannotSwitch as error:
                self.message_user(request, f"Enterprise {enterprise}: {error}", messages.ERROR)
                continue
            self.log_change(request, switch, f"switched to {target}: {switch.state}")
            text = f"Enterprise {switch}. {switches.what_follows(switch, wait)}"
            self.message_user(request, text.strip(), messages.SUCCESS)


@admin.register(EnterpriseSwitch)
class EnterpriseSwitchAdmin(SwitchingAdmin):
    """Rows are read-only: only the actions change them. An enterprise has one from its first change on, which begins on
    the page of integrations."""

    list_display = ("enterprise_customer_uuid", "state", "changed_at", "held_events", "rehearsed_events", "in_conflict")
    list_filter = ("state",)
    search_fields = ("=enterprise_customer_uuid",)
    ordering = ("enterprise_customer_uuid",)
    fields = (*list_display, "upstream_changed_at", "upstream_configurations")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: EnterpriseSwitch | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: EnterpriseSwitch | None = None) -> bool:
        return False

    @admin.display(description="held events")
    def held_events(self, switch: EnterpriseSwitch) -> int:
        return switches.count_of(switch.enterprise_customer_uuid, Status.HELD)

    @admin.display(description="rehearsed events")
    def rehearsed_events(self, switch: EnterpriseSwitch) -> int:
        return switches.count_of(switch.enterprise_customer_uuid, Status.REHEARSED)

    @admin.display(description="conflict: upstream is active too")
    def in_conflict(self, switch: EnterpriseSwitch) -> str:
        return "yes, new events are held" if switches.in_conflict([switch]) else "no"


@admin.register(EnterpriseIntegration)
class EnterpriseIntegrationAdmin(SwitchingAdmin):
    list_display = ("integration_id", "enterprise_customer_uuid", "region", "payload_format", "active", "enrollments")
    list_filter = ("active", "region")
    search_fields = ("=enterprise_customer_uuid", "=integration_id")
    readonly_fields = ("active_since",)


@admin.register(OutboxEvent)
class OutboxEventAdmin(OutboxAdmin):
    """Rows are read-only. The list names no learner; the payload needs a permission of its own."""

    list_display = (
        "id",
        "event_type",
        "integration_id",
        "course_id",
        "status",
        "attempts",
        "occurred_at",
        "published_at",
        "last_error",
    )
    # Not `integration_id`: its list of choices would read the whole table.
    list_filter = ("status", "event_type")
    search_fields = ("=event_id", "=message_id", "=user_id")
    ordering = ("-id",)
    show_full_result_count = False
    actions = ("resend",)
    fields = (
        "event_id",
        "event_type",
        "integration_id",
        "enterprise_customer_uuid",
        "region",
        "user_id",
        "course_id",
        "percent_grade",
        "occurred_at",
        "status",
        "attempts",
        "available_at",
        "last_error",
        "message_id",
        "created_at",
        "published_at",
        "payload",
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: OutboxEvent | None = None) -> bool:
        """A pending or held row is an event that would be lost."""
        if obj is not None and obj.status in (Status.PENDING, Status.HELD):
            return False
        return super().has_delete_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: OutboxEvent | None = None) -> Any:
        may_see = request.user.has_perm("learning_time_webhooks.view_event_body")
        return tuple(("body" if may_see else "hidden_body") if name == "payload" else name for name in self.fields)

    def get_fields(self, request: HttpRequest, obj: OutboxEvent | None = None) -> Any:
        return self.get_readonly_fields(request, obj)

    @admin.display(description="body")
    def hidden_body(self, _obj: OutboxEvent) -> str:
        return _HIDDEN

    @admin.action(description="Resend: publish again with the same event id", permissions=["change"])
    def resend(self, request: HttpRequest, queryset: QuerySet[OutboxEvent]) -> None:
        ids = list(queryset.values_list("pk", flat=True))
        resent = leases.resend(ids, SystemClock().now())
        for row in queryset.filter(pk__in=ids):
            self.log_change(request, row, "resent")
        self.message_user(request, f"{resent} of {len(ids)} events will be published again", messages.SUCCESS)
