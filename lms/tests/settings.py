"""A Django that looks like Open edX to the package. `with_database.py` chooses another database than SQLite."""

import os

from tests.with_database import database_settings

SECRET_KEY = "only-for-tests"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "learning_time_webhooks",
    "tests.openedx.enterprise",
    "tests.openedx.grades",
    "tests.openedx.social_django",
    "tests.openedx.course_overviews",
    "tests.openedx.channel_integration",
]
# The stand-ins have no migrations, and refer to users: so users have none either.
MIGRATION_MODULES = {"admin": None, "auth": None, "contenttypes": None, "sessions": None}
DATABASES = {"default": database_settings(dict(os.environ))}
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
ROOT_URLCONF = "tests.urls"
LEARNING_TIME_WEBHOOKS = {"QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/events"}
