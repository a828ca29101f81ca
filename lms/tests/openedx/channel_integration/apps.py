from django.apps import AppConfig


class ChannelIntegrationConfig(AppConfig):
    name = "tests.openedx.channel_integration"
    label = "channel_integration"
