"""The tables: which integration receives an enterprise's events, who sends them, and the outbox.

None has a foreign key: inserting a row would lock the row it points to, in the transaction of a grade. Enterprise
ids are text because Django 4.2 and 5 store a `UUIDField` in MariaDB in different types.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone


def validate_enterprise_id(value: str) -> None:
    """Accepts a UUID in lower case with dashes, the form in which enterprises are compared."""
    try:
        canonical = str(uuid.UUID(value))
    except ValueError:
        canonical = None
    if value != canonical:
        raise ValidationError("must be a UUID in lower case with dashes")


validate_integration_id = RegexValidator(r"\A[A-Za-z0-9_-]{1,64}\Z", "must be 1-64 of A-Z a-z 0-9 _ -")


class Region(models.TextChoices):
    US = "US"
    EU = "EU"
    OTHER = "OTHER"


class PayloadFormat(models.TextChoices):
    """What the package writes as payload. The pipeline's own `payload_format` of the integration must fit it."""

    # `learning_time_object` or `completion_field`
    STRUCTURED = "structured", "Structured: user, course, completion, enterprise"
    # `completion_field` or `percipio`
    PERCIPIO = "percipio", "Percipio's flat document"


class EventType(models.TextChoices):
    COURSE_COMPLETION = "course_completion"
    COURSE_ENROLLMENT = "course_enrollment"


class EnterpriseIntegration(models.Model):
    """The integration that receives the events of one enterprise's learners of one region.

    Only active rows publish. Learners of a region without an active row use
    the active row of `OTHER`.
    """

    enterprise_customer_uuid = models.CharField(max_length=36, validators=[validate_enterprise_id])
    region = models.CharField(max_length=5, choices=Region.choices, default=Region.OTHER)
    integration_id = models.CharField(
        max_length=64, validators=[validate_integration_id], help_text="The integration's id in the pipeline."
    )
    payload_format = models.CharField(max_length=16, choices=PayloadFormat.choices, default=PayloadFormat.STRUCTURED)
    active = models.BooleanField(default=False, help_text="Publish this enterprise's events.")
    # The repair command publishes no older grade: the system before this one has delivered it.
    active_since = models.DateTimeField(null=True, blank=True, editable=False)
    enrollments = models.BooleanField(default=True, help_text="Publish enrollments too.")

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["enterprise_customer_uuid", "region"], name="ltw_one_integration_per_region"
            ),
        )

    def __str__(self) -> str:
        return f"{self.integration_id} ({self.enterprise_customer_uuid}, {self.region})"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Sets `active_since`. `QuerySet.update` does not: code that switches rows so sets it itself."""
        if not self.active:
            self.active_since = None
        elif self.active_since is None:
            self.active_since = timezone.now()
        super().save(*args, **kwargs)


class Status(models.TextChoices):
    PENDING = "pending", "Pending: not yet confirmed by SQS"
    PUBLISHED = "published", "Published: confirmed by SQS"
    REFUSED = "refused", "Refused: SQS will not take it, a person must decide"
    # The other three are of the migration: see `switches.py`.
    HELD = "held", "Held: the enterprise is being switched"
    SKIPPED = "skipped", "Skipped: enterprise-integrated-channels has sent it"
    REHEARSED = "rehearsed", "Rehearsed: not sent, for the comparison"


class SwitchState(models.TextChoices):
    UPSTREAM = "upstream", "enterprise-integrated-channels sends"
    REHEARSAL = "rehearsal", "enterprise-integrated-channels sends; events are written for the comparison"
    TO_PIPELINE = "to_pipeline", "Changing to the pipeline; events are held"
    PIPELINE = "pipeline", "The pipeline sends"
    TO_UPSTREAM = "to_upstream", "Changing back; events are held"


class EnterpriseSwitch(models.Model):
    """Who sends the webhooks of an enterprise. `switches.py` changes it."""

    enterprise_customer_uuid = models.CharField(max_length=36, unique=True, validators=[validate_enterprise_id])
    state = models.CharField(max_length=12, choices=SwitchState.choices)
    changed_at = models.DateTimeField()
    # When upstream's configurations were switched off or on.
    upstream_changed_at = models.DateTimeField(null=True, blank=True)
    # The configurations that were switched off, by primary key: those that the way back switches on.
    upstream_configurations = models.JSONField(default=list, blank=True)

    class Meta:
        verbose_name_plural = "enterprise switches"

    def __str__(self) -> str:
        return f"{self.enterprise_customer_uuid}: {self.state}"


class OutboxEvent(models.Model):
    """One event for one integration, written in the transaction that changes the grade.

    There is no unique index on `event_id`. Its check for duplicates would take shared locks in InnoDB, and a deadlock
    would roll back the grade. Two rows with the same `event_id` are harmless: the pipeline drops the second.
    """

    id = models.BigAutoField(primary_key=True)
    event_id = models.CharField(max_length=64)
    event_type = models.CharField(max_length=32, choices=EventType.choices)
    integration_id = models.CharField(max_length=64)
    enterprise_customer_uuid = models.CharField(max_length=36)
    user_id = models.BigIntegerField()
    course_id = models.CharField(max_length=255)
    region = models.CharField(max_length=5, choices=Region.choices)
    occurred_at = models.DateTimeField()
    # Of a completion, 0 to 1.
    percent_grade = models.FloatField(null=True, blank=True)
    # The message as text. A JSON column would sort its keys and rewrite its numbers.
    body = models.TextField()

    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    # No relay claims the row before: the end of a lease, or of a backoff.
    available_at = models.DateTimeField()
    # The claim of the relay that is publishing the row; empty if there is none.
    lease_owner = models.CharField(max_length=32, blank=True, default="")
    # Requests that SQS did not confirm, since the event was written or resent.
    attempts = models.PositiveIntegerField(default=0)
    # The last refusal: SQS's code and reason, which contain no payload.
    last_error = models.CharField(max_length=500, blank=True, default="")
    # SQS's id, by which the pipeline's log names a message that it rejects.
    message_id = models.CharField(max_length=100, blank=True, default="")
    created_at = models.DateTimeField()
    published_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = (
            models.Index(fields=["status", "available_at"], name="ltw_outbox_pending"),
            models.Index(fields=["status", "published_at"], name="ltw_outbox_published"),
            models.Index(fields=["user_id"], name="ltw_outbox_user"),
        )
        permissions = (("view_event_body", "Can see the payload of an event, which has personal data"),)

    def __str__(self) -> str:
        return f"{self.event_type} {self.event_id[:12]}"
