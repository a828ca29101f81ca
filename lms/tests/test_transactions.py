"""The outbox and the transaction of the grade."""

import pytest
from django.db import connection, transaction

from learning_time_webhooks import messages, openedx
from learning_time_webhooks.models import OutboxEvent
from tests.conftest import integrate, join, make_learner
from tests.openedx.grades.models import PersistentCourseGrade
from tests.samples import COURSE, NOW
from tests.signals import send_grade

pytestmark = pytest.mark.django_db(transaction=True)


def save_grade():
    PersistentCourseGrade.objects.create(
        user_id=12345, course_id=COURSE, percent_grade=0.92, passed_timestamp=NOW, modified=NOW
    )


@pytest.fixture
def member(transactional_db):
    user = make_learner()
    join(user)
    integrate()
    return user


def test_the_event_is_committed_with_the_grade(member, clock):
    with transaction.atomic():
        save_grade()
        send_grade()
    assert (PersistentCourseGrade.objects.count(), OutboxEvent.objects.count()) == (1, 1)


def test_the_event_is_rolled_back_with_the_grade(member, clock):
    with pytest.raises(KeyError), transaction.atomic():
        save_grade()
        send_grade()
        assert OutboxEvent.objects.count() == 1
        raise KeyError
    assert (PersistentCourseGrade.objects.count(), OutboxEvent.objects.count()) == (0, 0)


def test_without_a_transaction_the_event_is_written_at_once(member, clock):
    send_grade()
    assert not connection.in_atomic_block
    assert OutboxEvent.objects.count() == 1


def test_a_missing_table_does_not_break_the_grade(member, clock, counts, caplog):
    with connection.schema_editor() as schema:
        schema.delete_model(OutboxEvent)
    try:
        with transaction.atomic():
            save_grade()
            send_grade()
            # The transaction still works.
            assert PersistentCourseGrade.objects.count() == 1
        assert PersistentCourseGrade.objects.count() == 1
    finally:
        with connection.schema_editor() as schema:
            schema.create_model(OutboxEvent)
    assert counts["outbox.error"] == 1
    assert "outbox.error type=OperationalError" in caplog.text or "type=ProgrammingError" in caplog.text


def test_an_error_after_a_write_rolls_back_only_the_savepoint(member, clock, counts, monkeypatch):
    def write_and_fail(*_args):
        OutboxEvent.objects.create(user_id=1, occurred_at=NOW, available_at=NOW, created_at=NOW)
        raise ZeroDivisionError

    monkeypatch.setattr(openedx, "single_sign_on", write_and_fail)
    with transaction.atomic():
        save_grade()
        send_grade()
    assert (PersistentCourseGrade.objects.count(), OutboxEvent.objects.count()) == (1, 0)
    assert counts["outbox.error"] == 1


def test_the_log_of_an_error_has_its_place_and_no_values(member, clock, caplog, monkeypatch):
    def fail(*_args):
        raise ValueError("learner12345@example.com")

    monkeypatch.setattr(messages, "payload_of", fail)
    send_grade()
    assert "outbox.error type=ValueError at=fail:" in caplog.text
    assert "learner12345@example.com" not in caplog.text


def test_a_transaction_that_is_already_broken_stays_as_it_was(member, clock, counts):
    with transaction.atomic():
        save_grade()
        transaction.set_rollback(True)
        send_grade()
    assert (PersistentCourseGrade.objects.count(), OutboxEvent.objects.count()) == (0, 0)
    assert counts["outbox.error"] == 1


def test_an_event_costs_a_known_number_of_queries(member, clock, django_assert_num_queries):
    """Savepoint, enterprises, switches, integrations, login, earlier events, learner, course name, insert, release."""
    with transaction.atomic(), django_assert_num_queries(10):
        send_grade()


def test_a_learner_of_no_enterprise_costs_one_query_in_a_savepoint(transactional_db, clock, django_assert_num_queries):
    make_learner(7)
    with transaction.atomic(), django_assert_num_queries(3):
        send_grade(7)
