from django.apps import AppConfig


class GradesConfig(AppConfig):
    name = "tests.openedx.grades"
    label = "grades"
