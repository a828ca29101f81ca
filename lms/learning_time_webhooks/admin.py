"""Pages to switch integrations, and to inspect and resend events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from . import leases
from .clock import SystemClock
from .models import EnterpriseIntegration, OutboxEvent, Status

if TYPE_CHECKING:
    IntegrationAdmin = admin.ModelAdmin[EnterpriseIntegration]
    OutboxAdmin = admin.ModelAdmin[OutboxEvent]
else:
    IntegrationAdmin = OutboxAdmin = admin.ModelAdmin

_HIDDEN = "(you need the permission to see payloads)"


@admin.register(EnterpriseIntegration)
class EnterpriseIntegrationAdmin(IntegrationAdmin):
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
