from django.apps import AppConfig


class EnterpriseConfig(AppConfig):
    name = "tests.openedx.enterprise"
    label = "enterprise"
