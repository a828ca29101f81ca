from django.conf import settings
from django.db import models


class UserSocialAuth(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    provider = models.CharField(max_length=32)
    extra_data = models.JSONField(default=dict)
