"""The Django app. Open edX finds it by the entry point `lms.djangoapp`; any other Django by `INSTALLED_APPS`."""

from typing import Any, ClassVar

from django.apps import AppConfig


class LearningTimeWebhooksConfig(AppConfig):
    name = "learning_time_webhooks"
    verbose_name = "Learning-time webhooks"
    default_auto_field = "django.db.models.BigAutoField"

    plugin_app: ClassVar[dict[str, Any]] = {
        "settings_config": {"lms.djangoapp": {"common": {"relative_path": "settings.common"}}},
    }

    def ready(self) -> None:
        # Imports that need the app registry. The receivers are connected here and not by `signals_config`, so that they
        # are connected in any Django that has the app, and so that a missing `openedx-events` is no error.
        from . import checks, openedx, receivers  # noqa: F401, PLC0415

        openedx.connect(grade_changed=receivers.grade_changed, enrollment_created=receivers.enrollment_created)
