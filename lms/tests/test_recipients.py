"""Which integrations receive an event, and as whom Percipio knows the learner."""

import json
import sys
from types import SimpleNamespace

import pytest

from learning_time_webhooks.models import OutboxEvent
from tests.conftest import integrate, join, make_learner
from tests.openedx.social_django.models import UserSocialAuth
from tests.samples import ENTERPRISE
from tests.signals import send_grade

OTHER_ENTERPRISE = "0f8fad5b-d9cb-469f-a165-70867728950e"


def rows():
    return list(OutboxEvent.objects.order_by("pk"))


def bodies():
    return [json.loads(row.body) for row in rows()]


class TestWhoReceives:
    def test_one_event_for_each_active_enterprise(self, learner, clock):
        join(learner, OTHER_ENTERPRISE)
        join(learner, "11111111-1111-1111-1111-111111111111", active=False)
        join(learner, "22222222-2222-2222-2222-222222222222", linked=False)
        integrate(OTHER_ENTERPRISE, "percipio")
        integrate("11111111-1111-1111-1111-111111111111", "inactive")
        integrate("22222222-2222-2222-2222-222222222222", "unlinked")
        send_grade()
        assert {row.integration_id for row in rows()} == {"skillsoft", "percipio"}
        assert len({row.event_id for row in rows()}) == 2

    def test_a_learner_of_no_enterprise_is_no_event_and_no_error(self, db, clock, counts):
        make_learner()
        integrate()
        send_grade()
        assert rows() == []
        assert "event.invalid" not in counts

    def test_an_enterprise_without_integration_is_no_event_and_counted(self, learner, clock, counts):
        join(learner, OTHER_ENTERPRISE)
        send_grade()
        assert [row.enterprise_customer_uuid for row in rows()] == [ENTERPRISE]
        assert counts["event.no_integration"] == 1

    def test_an_inactive_integration_gets_nothing(self, db, clock, counts):
        join(make_learner())
        integrate(active=False)
        send_grade()
        assert rows() == []
        assert counts["event.no_integration"] == 1

    @pytest.mark.parametrize(
        ("sso", "enterprise", "receiver"),
        [
            ("DE", "US", "europe"),
            (["us"], "DE", "america"),
            (" eu ", None, "europe"),
            ("JP", "US", "rest"),
            (None, "FR", "europe"),
            ([], "US", "america"),
            (None, None, "rest"),
        ],
    )
    def test_the_region_is_that_of_the_sign_on_or_else_of_the_enterprise(self, db, clock, sso, enterprise, receiver):
        user = make_learner()
        join(user, country=enterprise)
        for integration_id, region in (("europe", "EU"), ("america", "US"), ("rest", "OTHER")):
            integrate(integration_id=integration_id, region=region)
        if sso is not None:
            UserSocialAuth.objects.create(user=user, extra_data={"country": sso})
        send_grade()
        assert [row.integration_id for row in rows()] == [receiver]

    def test_the_enterprise_that_changed_last_decides_the_region_for_all(self, db, clock):
        user = make_learner()
        join(user, country="US")
        join(user, OTHER_ENTERPRISE, country="DE")
        integrate(region="EU", integration_id="one")
        integrate(OTHER_ENTERPRISE, region="EU", integration_id="two")
        send_grade()
        assert {(row.integration_id, row.region) for row in rows()} == {("one", "EU"), ("two", "EU")}

    def test_a_region_without_an_active_integration_uses_that_of_other(self, db, clock):
        user = make_learner()
        join(user, country="DE")
        integrate(integration_id="europe", region="EU", active=False)
        integrate(integration_id="rest", region="OTHER")
        send_grade()
        [row] = rows()
        assert (row.integration_id, row.region) == ("rest", "EU")

    def test_single_sign_on_data_that_is_no_object_is_ignored(self, learner, clock):
        UserSocialAuth.objects.create(user=learner, extra_data="US")
        send_grade()
        assert rows()[0].region == "OTHER"


class TestPercipiosOrganization:
    """`edx-enterprise` knows which of several logins belongs to the enterprise."""

    @pytest.fixture
    def two_logins(self, db, clock):
        user = make_learner()
        join(user)
        integrate(payload_format="percipio")
        for provider, organization in (("first", "org-1"), ("second", "org-2")):
            UserSocialAuth.objects.create(
                user=user, provider=provider, extra_data={"percipioOrganizationUuid": organization}
            )

    def find_login(self, monkeypatch, function):
        module = SimpleNamespace(get_user_social_auth=function)
        monkeypatch.setitem(sys.modules, "enterprise", SimpleNamespace(__path__=[]))
        monkeypatch.setitem(sys.modules, "enterprise.tpa_pipeline", module)

    def organization(self):
        return bodies()[0]["payload"]["orgid"]

    def test_it_is_that_of_the_enterprises_login(self, two_logins, monkeypatch):
        def of_enterprise(user, enterprise):
            assert (user.id, str(enterprise.uuid)) == (12345, ENTERPRISE)
            return UserSocialAuth.objects.get(user=user, provider="second")

        self.find_login(monkeypatch, of_enterprise)
        send_grade()
        assert self.organization() == "org-2"

    @pytest.mark.parametrize("fault", ["none", "raises", "not installed"])
    def test_it_is_that_of_the_first_login_otherwise(self, two_logins, monkeypatch, fault):
        def of_enterprise(_user, _enterprise):
            if fault == "raises":
                raise KeyError("the identity provider is not registered")

        if fault != "not installed":
            self.find_login(monkeypatch, of_enterprise)
        send_grade()
        assert self.organization() == "org-1"
