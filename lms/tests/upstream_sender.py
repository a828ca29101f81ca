"""What `enterprise-integrated-channels` does with an event, in steps, by its published behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tests.openedx.channel_integration.models import EnterpriseWebhookConfiguration, WebhookTransmissionQueue


@dataclass(frozen=True)
class UpstreamEvent:
    enterprise: str
    user_id: int
    course_id: str
    event_type: str = "course_completion"
    region: str = "OTHER"


def configuration_of(event: UpstreamEvent) -> EnterpriseWebhookConfiguration | None:
    rows = EnterpriseWebhookConfiguration.objects.filter(enterprise_customer_id=event.enterprise, active=True)
    return rows.filter(region=event.region).first() or rows.filter(region="OTHER").first()


def enqueue(
    event: UpstreamEvent,
    configuration: EnterpriseWebhookConfiguration | None,
    now: datetime,
    payload: dict[str, object] | None = None,
    status: str = "success",
) -> bool:
    """Whether a webhook is sent: one per enterprise, user, course, type and UTC day."""
    if configuration is None:
        return False
    key = f"{event.enterprise}:{event.user_id}:{event.course_id}:{event.event_type}:{now:%Y-%m-%d}"
    _, created = WebhookTransmissionQueue.objects.get_or_create(
        deduplication_key=key,
        defaults={
            "enterprise_customer_id": event.enterprise,
            "user_id": event.user_id,
            "course_id": event.course_id,
            "event_type": event.event_type,
            "user_region": event.region,
            "webhook_url": configuration.webhook_url,
            "payload": payload or {},
            "status": status,
            "created": now,
        },
    )
    return created
