"""Runs a command against a database server of its own: `python with_database.py mariadb pytest -q`.

The server listens on 127.0.0.1 on a free port, with a temporary data directory. It ends with the command, also where
this program is killed. The command finds it by the variables LMS_TEST_ENGINE, LMS_TEST_HOST, LMS_TEST_PORT and
LMS_TEST_USER; `database_settings` reads them, and LMS_TEST_DATABASE, the name of another database. For `sqlite` no
server starts.

Exit codes: those of the command; 69 if the engine is not installed, 70 if it is installed and does not start.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

START_LIMIT_SECONDS = 60
STOP_LIMIT_SECONDS = 30

# Exit codes that pytest does not use.
NOT_INSTALLED = 69
DOES_NOT_START = 70

POSTGRESQL_PROGRAMS = Path("/usr/lib/postgresql/15/bin")

DJANGO_ENGINES = {
    "sqlite": "django.db.backends.sqlite3",
    "mariadb": "django.db.backends.mysql",
    "postgresql": "django.db.backends.postgresql",
}


class NotInstalled(Exception):
    """The engine is not installed. The text says what is missing."""


class DoesNotStart(Exception):
    """The engine is installed, and does not start. The text says why."""


def database_settings(environment: dict[str, str]) -> dict[str, Any]:
    """Django's settings of the database that this program started; SQLite where it started none."""
    engine = environment.get("LMS_TEST_ENGINE", "sqlite")
    if engine == "sqlite":
        return {"ENGINE": DJANGO_ENGINES[engine], "NAME": environment.get("LMS_TEST_DATABASE", ":memory:")}
    settings: dict[str, Any] = {
        "ENGINE": DJANGO_ENGINES[engine],
        "NAME": environment.get("LMS_TEST_DATABASE", "lms"),
        "USER": environment["LMS_TEST_USER"],
        "HOST": environment["LMS_TEST_HOST"],
        "PORT": environment["LMS_TEST_PORT"],
    }
    if engine == "mariadb":
        # Open edX sets no isolation level, so InnoDB's default holds for the grade's transaction.
        settings["OPTIONS"] = {"charset": "utf8mb4", "isolation_level": None}
        settings["TEST"] = {"CHARSET": "utf8mb4"}
    return settings


@contextmanager
def running(engine: str) -> Iterator[dict[str, str]]:
    """Starts the engine, and yields the variables by which `database_settings` finds it. Raises NotInstalled or
    DoesNotStart."""
    if engine == "sqlite":
        yield {"LMS_TEST_ENGINE": "sqlite"}
        return
    directory = Path(tempfile.mkdtemp(prefix=f"{engine}-"))
    port = _free_port()
    try:
        command, user = (_prepare_mariadb if engine == "mariadb" else _prepare_postgresql)(directory, port)
        with (directory / "server.log").open("wb") as log:
            # setpriv: the server ends where this process is killed.
            server = subprocess.Popen(
                ["/usr/bin/setpriv", "--pdeathsig", "INT" if engine == "postgresql" else "TERM", *command],
                stdout=log,
                stderr=log,
                **_owner(directory, engine),
            )
        try:
            _await_port(server, port, directory / "server.log")
            yield {
                "LMS_TEST_ENGINE": engine,
                "LMS_TEST_HOST": "127.0.0.1",
                "LMS_TEST_PORT": str(port),
                "LMS_TEST_USER": user,
            }
        finally:
            # PostgreSQL waits for its clients on SIGTERM, and disconnects them on SIGINT.
            server.send_signal(signal.SIGINT if engine == "postgresql" else signal.SIGTERM)
            try:
                server.wait(STOP_LIMIT_SECONDS)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _prepare_mariadb(directory: Path, port: int) -> tuple[list[str], str]:
    server = shutil.which("mariadbd", path=_path())
    installer = shutil.which("mariadb-install-db", path=_path())
    if server is None or installer is None:
        raise NotInstalled("no mariadbd or no mariadb-install-db: Debian has them in mariadb-server-core")
    data = directory / "data"
    me = pwd.getpwuid(os.getuid()).pw_name
    install = [
        installer,
        "--no-defaults",
        f"--datadir={data}",
        f"--user={me}",
        "--auth-root-authentication-method=normal",
    ]
    _run([*install, "--skip-test-db"], directory)
    command = [
        server,
        "--no-defaults",
        f"--datadir={data}",
        f"--user={me}",
        f"--socket={directory}/socket",
        f"--pid-file={directory}/pid",
        f"--port={port}",
        "--bind-address=127.0.0.1",
        "--skip-name-resolve",
        "--character-set-server=utf8mb4",
        "--innodb-buffer-pool-size=64M",
        "--max-connections=64",
    ]
    return command, "root"


def _prepare_postgresql(directory: Path, port: int) -> tuple[list[str], str]:
    initdb = POSTGRESQL_PROGRAMS / "initdb"
    if not initdb.exists():
        raise NotInstalled(f"no {initdb}: Debian has it in postgresql-15")
    owner = _owner(directory, "postgresql")
    if owner:
        shutil.chown(directory, owner["user"], owner["group"])
    data = directory / "data"
    _run(
        [str(initdb), "-D", str(data), "-U", "lms", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"], directory, **owner
    )
    command = [str(POSTGRESQL_PROGRAMS / "postgres"), "-D", str(data), "-p", str(port), "-h", "127.0.0.1"]
    return [*command, "-c", f"unix_socket_directories={directory}"], "lms"


def _owner(directory: Path, engine: str) -> dict[str, Any]:
    """PostgreSQL refuses to run as root: Debian's package makes a user for it."""
    if engine == "postgresql" and os.getuid() == 0:
        return {"user": "postgres", "group": "postgres", "cwd": directory}
    return {"cwd": directory}


def _path() -> str:
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/bin"])


def _run(command: list[str], directory: Path, **options: Any) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True, **{"cwd": directory, **options})
    if done.returncode != 0:
        raise DoesNotStart(f"{command[0]} failed: {done.stderr.strip() or done.stdout.strip()}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await_port(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    limit = time.monotonic() + START_LIMIT_SECONDS
    while time.monotonic() < limit:
        if server.poll() is not None:
            raise DoesNotStart(f"the server ended: {log.read_text(errors='replace')[-2000:]}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise DoesNotStart(f"the server does not listen: {log.read_text(errors='replace')[-2000:]}")


def main(words: list[str]) -> int:
    if len(words) < 2 or words[0] not in DJANGO_ENGINES:
        print(f"usage: with_database.py {'|'.join(DJANGO_ENGINES)} COMMAND …", file=sys.stderr)
        return 2
    try:
        with running(words[0]) as variables:
            return subprocess.run(words[1:], check=False, env={**os.environ, **variables}).returncode
    except NotInstalled as error:
        print(error, file=sys.stderr)
        return NOT_INSTALLED
    except DoesNotStart as error:
        print(error, file=sys.stderr)
        return DOES_NOT_START


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
