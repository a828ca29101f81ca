"""How CI tells a database that is not installed from one that does not start."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import with_database


def program(directory: Path, name: str, script: str) -> None:
    path = directory / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only directory in which MariaDB's programs are looked for."""
    monkeypatch.setattr(with_database, "_path", lambda: str(tmp_path))
    return tmp_path


def test_a_server_that_is_not_installed_has_its_own_exit_code(programs: Path) -> None:
    assert with_database.main(["mariadb", "true"]) == 69


@pytest.mark.parametrize(
    ("installer", "server", "reason"),
    [
        ("exit 0", "echo no memory; exit 1", "the server ended: no memory"),
        ("echo no space >&2; exit 1", "exit 0", "mariadb-install-db failed: no space"),
    ],
)
def test_an_installed_server_that_does_not_start_has_another(
    programs: Path, capsys: pytest.CaptureFixture[str], installer: str, server: str, reason: str
) -> None:
    program(programs, "mariadb-install-db", installer)
    program(programs, "mariadbd", server)
    assert with_database.main(["mariadb", "true"]) == 70
    assert reason in capsys.readouterr().err
