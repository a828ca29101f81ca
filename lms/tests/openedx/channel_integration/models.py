"""Stands for `enterprise-integrated-channels`: the fields that the package reads or writes."""

from django.conf import settings
from django.db import models
from django.utils import timezone


class EnterpriseWebhookConfiguration(models.Model):
    enterprise_customer = models.ForeignKey("enterprise.EnterpriseCustomer", on_delete=models.CASCADE)
    region = models.CharField(max_length=10)
    webhook_url = models.URLField(max_length=500)
    active = models.BooleanField(default=True)


class WebhookTransmissionQueue(models.Model):
    enterprise_customer = models.ForeignKey("enterprise.EnterpriseCustomer", on_delete=models.CASCADE)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    course_id = models.CharField(max_length=255)
    event_type = models.CharField(max_length=50)
    user_region = models.CharField(max_length=10)
    webhook_url = models.URLField(max_length=500)
    payload = models.JSONField()
    status = models.CharField(max_length=20, default="pending")
    deduplication_key = models.CharField(max_length=255, db_index=True)
    error_message = models.TextField(blank=True, default="")
    created = models.DateTimeField(default=timezone.now)
