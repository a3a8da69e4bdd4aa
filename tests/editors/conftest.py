"""Editors of other people, run for real without a screen; daemons scripted or real."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.integration.conftest import Repository, repo
from tests.outside import home, scripted
from tests.running import Home
from tests.tools import require

from ail_rpc.framing import unpack

__all__ = ["home", "repo", "scripted"]

ROOT = Path(__file__).resolve().parents[2]
PLUGIN = ROOT / "editors" / "ail.nvim"


class Neovim:
    """A headless Neovim with the plugin and nothing of the developer's."""

    def __init__(self, home: Home) -> None:
        self.program = require("nvim")
        self.home = home

    def __call__(
        self, lua: str, *files: str | bytes, cwd: Path | None = None, env: dict[str, str] | None = None
    ) -> dict[str, Any]:
        """Open *files*, run *lua*, return what it emitted; a Lua error or a message of one fails the test."""
        script, out = self.home.directory / "test.lua", self.home.directory / "out.mpack"
        script.write_text(f"dofile({str(ROOT / 'tests/editors/driver.lua')!r})\nrun(function()\n{lua}\nend)\n")
        out.unlink(missing_ok=True)
        begin = f"let g:loaded_python3_provider = 0 | set rtp^={PLUGIN}"  # looking for Python would cost a second
        options = ["--headless", "--clean", "-n", "-i", "NONE", "--cmd", begin, "-S", str(script)]
        ours = {"AIL_TEST_OUT": str(out), "XDG_RUNTIME_DIR": str(self.home.directory), "LC_ALL": "C.UTF-8"}
        done = subprocess.run(
            [self.program, *options, "--", *files],
            cwd=cwd,
            env=self.home.env | ours | (env or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert out.exists(), (done.returncode, done.stdout, done.stderr)
        seen: dict[str, Any] = unpack(out.read_bytes())
        assert seen.pop("error", None) is None, (seen, done.stderr)
        return seen


@pytest.fixture
def nvim(home: Home) -> Neovim:
    return Neovim(home)


def add(home: Home, repository: Repository) -> None:
    done = home.client("add", str(repository.path), "--wait")
    assert done.returncode == 0, done.stderr
