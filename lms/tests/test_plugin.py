"""How Open edX finds the package, and that it needs nothing of Open edX."""

import os
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

from edx_django_utils.plugins import constants
from openedx_events.learning.signals import COURSE_ENROLLMENT_CREATED, PERSISTENT_GRADE_SUMMARY_CHANGED

from learning_time_webhooks import openedx, receivers
from learning_time_webhooks.apps import LearningTimeWebhooksConfig

HERE = Path(__file__).parent


def test_the_entry_point_names_the_app():
    project = tomllib.loads((HERE.parent / "pyproject.toml").read_text())["project"]
    [path] = project["entry-points"]["lms.djangoapp"].values()
    module, name = path.split(":")
    assert getattr(import_module(module), name) is LearningTimeWebhooksConfig


def test_open_edx_adds_the_settings_and_keeps_the_operators():
    config = LearningTimeWebhooksConfig.plugin_app[constants.PluginSettings.CONFIG]["lms.djangoapp"]["common"]
    module = import_module(f"learning_time_webhooks.{config[constants.PluginSettings.RELATIVE_PATH]}")
    add = getattr(module, constants.PLUGIN_APP_SETTINGS_FUNC_NAME)
    fresh, given = SimpleNamespace(), SimpleNamespace(LEARNING_TIME_WEBHOOKS={"DEDUPLICATE": "grade"})
    add(fresh)
    add(given)
    assert fresh.LEARNING_TIME_WEBHOOKS == {}
    assert given.LEARNING_TIME_WEBHOOKS == {"DEDUPLICATE": "grade"}


def test_receivers_are_connected_once():
    openedx.connect(grade_changed=receivers.grade_changed, enrollment_created=receivers.enrollment_created)
    for signal in (PERSISTENT_GRADE_SUMMARY_CHANGED, COURSE_ENROLLMENT_CREATED):
        uids = [lookup[0] for lookup, *_ in signal.receivers]
        assert sum(str(uid).startswith("learning_time_webhooks.") for uid in uids) == 1


WITHOUT_OPEN_EDX = """
import sys
for name in ("openedx_events", "opaque_keys", "enterprise", "edx_django_utils", "celery"):
    sys.modules[name] = None  # an import raises ImportError
import django
from django.conf import settings
settings.configure(
    SECRET_KEY="x", USE_TZ=True, INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes",
    "learning_time_webhooks"], DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
)
django.setup()
from datetime import UTC, datetime
from django.core.checks import run_checks
from django.core.management import call_command
from learning_time_webhooks import openedx, receivers, tasks
from learning_time_webhooks.course_facts import InvalidEvent
call_command("migrate", verbosity=0)
call_command("webhooks_status")
receivers.grade_changed(None, grade=None)
print(sorted(one.id for one in run_checks()), openedx.active_enterprises(1), tasks.publish_outbox_task.__name__)
print(openedx.course_of("course-v1:edX+DemoX+Run").org)
try:
    openedx.course_of("edX/DemoX")
except InvalidEvent as error:
    print(error)
try:
    call_command("webhooks_repair")
except Exception as error:
    print(error)
"""


def test_it_migrates_and_runs_without_open_edx_and_celery():
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT_OPEN_EDX], env=environment, capture_output=True, text=True, check=False
    )
    assert ended.stdout.splitlines() == [
        '{"pending": 0, "published": 0, "refused": 0, "held": 0, "skipped": 0, "rehearsed": 0, '
        '"oldest_pending_seconds": 0}',
        "['learning_time_webhooks.W001', 'learning_time_webhooks.W002'] [] publish_outbox",
        "edX",
        "the course key is not the key of a course run",
        "this Django has no grades: run it in the LMS",
    ], ended.stderr
