from django.apps import AppConfig


class SocialDjangoConfig(AppConfig):
    name = "tests.openedx.social_django"
    label = "social_django"
