"""`enterprise-integrated-channels` is installed in tests that are marked `upstream`, and in no other."""

import pytest

from learning_time_webhooks import upstream


@pytest.fixture(autouse=True)
def upstream_is_installed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.node.get_closest_marker("upstream") is None:
        monkeypatch.setattr(upstream, "APP_LABEL", "absent")
