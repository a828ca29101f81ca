from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model

from learning_time_webhooks import counters, receivers, upstream
from learning_time_webhooks.models import EnterpriseIntegration
from learning_time_webhooks.queue import Accepted, QueueUnavailable, Rejected
from tests.openedx.enterprise.models import EnterpriseCustomer, EnterpriseCustomerUser
from tests.samples import ENTERPRISE, NOW


class FakeClock:
    """A clock that moves when it is told to, and when somebody sleeps."""

    def __init__(self, now=NOW):
        self._now = now
        self._monotonic = 0.0
        self.slept = []

    def now(self):
        return self._now

    def monotonic(self):
        return self._monotonic

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.advance(seconds=seconds)

    def advance(self, **duration):
        self._now += timedelta(**duration)
        self._monotonic += timedelta(**duration).total_seconds()

    def set_back(self, **duration):
        """As an operator or NTP does: only the time of day changes."""
        self._now -= timedelta(**duration)


class FakeQueue:
    """Takes everything, except what `fate` decides otherwise: an exception, or a (code, sender_fault) for an entry."""

    def __init__(self, fate=lambda entry: None):
        self.fate = fate
        self.batches = []
        self.accepted = []

    def send(self, entries):
        self.batches.append([entry.key for entry in entries])
        results = []
        for entry in entries:
            fate = self.fate(entry)
            if isinstance(fate, Exception):
                raise fate
            if fate is None:
                self.accepted.append(entry)
                results.append(Accepted(entry.key, f"message-{entry.key}"))
            else:
                code, sender_fault = fate
                results.append(Rejected(entry.key, code, "reason", sender_fault))
        return results


def down(_entry):
    return QueueUnavailable("EndpointConnectionError")


@pytest.fixture(autouse=True)
def upstream_is_installed(request, monkeypatch):
    """`enterprise-integrated-channels` is installed in tests that are marked `upstream`, and in no other."""
    if request.node.get_closest_marker("upstream") is None:
        monkeypatch.setattr(upstream, "APP_LABEL", "absent")


@pytest.fixture
def clock(monkeypatch):
    clock = FakeClock()
    monkeypatch.setattr(receivers, "clock", clock)
    return clock


@pytest.fixture(autouse=True)
def counts():
    counters.counters.clear()
    return counters.counters


def make_learner(user_id=12345, **values):
    values = {"username": f"learner{user_id}", "email": f"learner{user_id}@example.com", **values}
    return get_user_model().objects.create(id=user_id, **values)


def join(user, uuid=ENTERPRISE, name="Demo Corp", country=None, **membership):
    """Makes a user a member of an enterprise, which is created if necessary."""
    defaults = {"name": name, "country": country}
    enterprise, _ = EnterpriseCustomer.objects.get_or_create(uuid=uuid, defaults=defaults)
    return EnterpriseCustomerUser.all_objects.create(enterprise_customer=enterprise, user_id=user.id, **membership)


def integrate(uuid=ENTERPRISE, integration_id="skillsoft", **values):
    return EnterpriseIntegration.objects.create(
        enterprise_customer_uuid=uuid, integration_id=integration_id, **{"active": True, **values}
    )


@pytest.fixture
def learner(db):
    """A learner of one enterprise, which has one integration for all regions."""
    user = make_learner()
    join(user)
    integrate()
    return user
