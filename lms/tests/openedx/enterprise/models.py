import uuid

from django.db import models


class EnterpriseCustomer(models.Model):
    uuid = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=255)
    country = models.CharField(max_length=2, null=True)


class LinkedManager(models.Manager):
    def get_queryset(self):
        return super().get_queryset().filter(linked=True)


class EnterpriseCustomerUser(models.Model):
    enterprise_customer = models.ForeignKey(EnterpriseCustomer, on_delete=models.CASCADE)
    user_id = models.PositiveIntegerField(db_index=True)
    active = models.BooleanField(default=True)
    linked = models.BooleanField(default=True)
    modified = models.DateTimeField(auto_now=True)

    objects = LinkedManager()
    all_objects = models.Manager()
