"""Open edX plugin that publishes course events to the learning-time webhooks."""
