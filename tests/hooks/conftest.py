"""A home of its own for every test, and a repository with shims in it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.hooks.desks import Desk, find_newer_git


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A home with nothing in it; this process sees the same one."""
    made = Desk(tmp_path.resolve())
    for name in [name for name in os.environ if name.startswith(("GIT_", "AIL_", "XDG_"))]:
        if not name.startswith("AIL_TEST_"):
            monkeypatch.delenv(name)
    for name, value in made.env.items():
        monkeypatch.setenv(name, value)
    return made


@pytest.fixture
def old_git(desk: Desk) -> Desk:
    """The same, where git does not run the hooks of its configuration: `git` says that it is 2.53."""
    if newer := find_newer_git(""):
        script = f'#!/bin/sh\n[ "$1" = version ] && {{ echo git version 2.53.0; exit; }}\nexec "{newer}/git" "$@"\n'
        (desk.bin / "git").write_text(script)
        (desk.bin / "git").chmod(0o755)
    return desk


@pytest.fixture
def new_git(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """The same, with a git that does."""
    newer = find_newer_git(os.environ.get("AIL_TEST_GIT", ""))
    if newer is None:
        pytest.skip("needs git 2.54: $AIL_TEST_GIT may name a directory that has one")
    desk.env["PATH"] = f"{newer}:{desk.env['PATH']}"
    monkeypatch.setenv("PATH", desk.env["PATH"])
    return desk


@pytest.fixture
def repo(old_git: Desk) -> Path:
    """A repository into which shims are installed."""
    made = old_git.make_repository()
    assert old_git.hook("install", "--post-commit", str(made)) == 0
    return made
