"""Somebody's home with git, `ail-hook` and repositories in it, sealed from the developer's own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import ail_client
import ail_hooks
from ail_hooks.cli import main
from ail_rpc.hints import EVENTS, Hint, parse_hints

SOURCES = [str(Path(package.__path__[0]).parent) for package in (ail_client, ail_hooks)]
PROGRAM = (
    f"#!{sys.executable}\nimport sys\nsys.path[:0] = {SOURCES!r}\nfrom ail_hooks.cli import main\nsys.exit(main())\n"
)


def find_newer_git(directory: str) -> str | None:
    """Return the directory of the git in *directory* ("": on PATH) if it runs the hooks of its configuration."""
    directory = directory or os.path.dirname(shutil.which("git") or "")
    said = subprocess.run(
        [os.path.join(directory, "git"), "version"], capture_output=True, text=True, check=True
    ).stdout
    major, minor = said.split()[2].split(".")[:2]
    return directory if (int(major), int(minor)) >= (2, 54) else None


class Desk:
    """Somebody's home: git's settings, the state directory, `ail-hook` on PATH, and repositories in `directory`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.home = directory / "home"
        self.state = directory / "it's a state" / "ail"
        self.pending = self.state / "hints" / "pending"
        self.bin = directory / "bin"
        for made in (self.home, self.bin):
            made.mkdir()
        (self.bin / "ail-hook").write_text(PROGRAM)
        (self.bin / "ail-hook").chmod(0o755)
        self.env = {
            "PATH": f"{self.bin}:{os.environ['PATH']}", "HOME": str(self.home), "XDG_STATE_HOME": str(self.state.parent),
            "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": str(self.home / "gitconfig"), "GIT_EDITOR": "false",
            "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_AUTHOR_DATE": "@1700000000 +0000",
            "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.org",
            "GIT_COMMITTER_DATE": "@1700000000 +0000",
        }  # fmt: skip

    def run(self, cwd: Path, *command: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a command; what it prints is captured, what it returns is not judged."""
        env = {**self.env, **options.pop("env", {})}
        return subprocess.run(
            command,
            cwd=cwd,
            env=env,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            errors="replace",
            **options,
        )

    def git(self, cwd: Path, *arguments: str, **env: str) -> str:
        """Run git, which must succeed; return what it prints."""
        done = self.run(
            cwd, "git", "-c", "protocol.file.allow=always", "-c", "advice.detachedHead=false", *arguments, env=env
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def make_repository(self, name: str = "project", *init: str) -> Path:
        """A repository with one commit, and no hooks but git's samples."""
        path = self.directory / name
        self.git(self.directory, "init", "-q", "-b", "main", *init, str(path))
        if "--bare" not in init:
            self.commit(path, "Begin")
        return path

    def commit(self, path: Path, message: str, **env: str) -> str:
        """Make a commit without a change, and return its sha."""
        self.git(path, "commit", "-q", "--allow-empty", "-m", message, **env)
        return self.git(path, "rev-parse", "HEAD", **env)

    def hook(self, *words: str) -> int:
        """Run `ail-hook` in this process, in whose environment this home's is set."""
        return main(list(words))

    def take_hints(self) -> list[Hint]:
        """What the daemon would read now; the file is gone afterwards."""
        if not self.pending.exists():
            return []
        data = self.pending.read_bytes()
        self.pending.unlink()
        return parse_hints(data)


def write_hook(directory: Path, event: str, text: str, mode: int = 0o755) -> Path:
    """Write somebody's hook."""
    hook = directory / event
    hook.write_text(text)
    hook.chmod(mode)
    return hook


def snapshot(directory: Path) -> dict[str, tuple[int, bytes | str]]:
    """Name -> (mode, content or link's target) of everything in *directory*."""
    return {
        path.name: (path.lstat().st_mode, os.readlink(path) if path.is_symlink() else path.read_bytes())
        for path in directory.iterdir()
        if path.is_symlink() or path.is_file()
    }


def states(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """Event -> state, from the JSON report just printed."""
    told = json.loads(capsys.readouterr().out)
    assert list(told["events"]) == list(EVENTS)
    return {event: one["state"] for event, one in told["events"].items()}
