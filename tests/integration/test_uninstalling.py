"""`ail-daemon uninstall`: everything of ours goes, nothing of anybody else's does, and what is left is said."""

from __future__ import annotations

from tests.integration.conftest import Repository
from tests.running import Home


def test_service_hooks_and_state_go_and_what_is_left_is_said(home: Home, repo: Repository) -> None:
    assert home.client("add", "--wait", str(repo.path)).returncode == 0
    assert home.run("ail-hook", "install", str(repo.path)).returncode == 0
    assert home.run("ail-daemon", "install-service").returncode == 0
    (home.state / "backups").mkdir()
    (home.state / "backups" / "mine.bak").write_text("mine")
    (home.directory / "config" / "ail").mkdir(parents=True)
    (home.directory / "config" / "ail" / "config.toml").write_text("cache_size = 10\n")
    before = repo.git("rev-parse", "HEAD")

    done = home.run("ail-daemon", "uninstall", "--yes")
    assert done.returncode == 0, done.stderr
    assert home.client("health", "live").returncode == 1
    assert home.run("ail-hook", "status", str(repo.path)).returncode == 1
    assert not list((home.directory / "config").glob("systemd/user/ail.*"))
    assert not (home.state / "repos").exists()
    assert not (home.state / "models").exists()
    assert (home.state / "backups" / "mine.bak").read_text() == "mine"
    assert repo.git("rev-parse", "HEAD") == before
    for left in ("config.toml: your settings", "backups: your backups", "pip uninstall"):
        assert left in done.stderr
    assert f"hooks in {repo.path}: removed: " in done.stderr


def test_without_a_terminal_nobody_is_taken_to_have_agreed(home: Home) -> None:
    done = home.run("ail-daemon", "uninstall")
    assert done.returncode == 2
    assert "--yes" in done.stderr


def test_twice_is_once(home: Home) -> None:
    for _ in range(2):
        done = home.run("ail-daemon", "uninstall", "--yes")
        assert done.returncode == 0, done.stderr
