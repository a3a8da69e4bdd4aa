"""Keys, tokens and passwords that somebody committed: not in the index, in no answer, log or core."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.conftest import Repository
from tests.running import BIN, Home
from tests.secret_corpus import SECRETS, find_kept, write_line

pytestmark = pytest.mark.model


def commit_secrets(repo: Repository) -> None:
    """One commit a secret, each with a line of its own around it."""
    for number, name in enumerate(SECRETS):
        content = f"before()\n{write_line(name)}\nafter()\n"
        repo.commit(f"Connect service {number}\n\nBecause {name} was asked for.", **{f"service{number}__py": content})


def read_texts(state: Path) -> Iterator[bytes]:
    """Yield every file below *state* as it is, each zlib stream in it unpacked, and every text of the databases."""
    for path in state.rglob("*"):
        if path.is_file() and not path.is_symlink():
            data = path.read_bytes()
            yield data
            for header in (b"\x78\x01", b"\x78\x9c", b"\x78\xda"):
                at = data.find(header)
                while at >= 0:
                    with contextlib.suppress(zlib.error):
                        yield zlib.decompressobj().decompress(data[at:], 1 << 20)
                    at = data.find(header, at + 1)
    for store in state.rglob("store.sqlite"):
        with contextlib.closing(sqlite3.connect(store)) as db:
            yield from (zlib.decompress(text) for (text,) in db.execute("SELECT text FROM changes"))
            yield "\n".join(db.iterdump()).encode("utf-8", "replace")


@pytest.mark.slow
def test_no_secret_of_a_diff_is_kept_shown_or_logged(home: Home, repo: Repository) -> None:
    commit_secrets(repo)
    repo.git("rm", "-q", "service0.py")
    (repo.path / "service1.py").write_text("before()\nafter()\n")
    repo.git("add", "-A")
    log = home.directory / "ail.log"
    with home.daemon(AIL_LOG_LEVEL="DEBUG", AIL_LOG_FILE=str(log)):
        assert home.client("add", str(repo.path), "--wait").returncode == 0
        asked: list[tuple[str, ...]] = [
            ("ask", f"service{number}.py:2", f"why connect {number}?") for number in range(2, 5)
        ]
        asked += [("ask", f"why {name}?") for name in SECRETS]
        asked += [
            ("related", "--staged"),
            ("show", repo.git("rev-parse", "HEAD")),
            ("backup", str(home.state / "b.bak")),
        ]
        said = [home.client(*words, "--json", cwd=repo.path) for words in asked]
        texts = list(read_texts(home.state))
    assert any(b"before()" in text for text in texts)  # the lines around them are there
    assert {name for text in texts for name in find_kept(text)} == set()
    assert {name for done in said for name in find_kept((done.stdout + done.stderr).encode())} == set()
    assert find_kept(log.read_bytes() + (home.directory / "daemon.err").read_bytes()) == []


@pytest.mark.slow
def test_a_message_is_kept_as_it_was_written_for_answers_are_made_of_it(home: Home, repo: Repository) -> None:
    secret = SECRETS["GitHub, classic"][1][0]
    repo.commit(f"Revoke the token\n\nBecause {secret} was committed by mistake, it is worth nothing now.")
    home.client("add", str(repo.path), "--wait")
    told = json.loads(home.client("ask", "--json", "why did we revoke the token?", cwd=repo.path).stdout)
    assert secret in told["citations"][0]["excerpt"]


@pytest.mark.slow
def test_neither_daemon_nor_worker_can_leave_a_core(home: Home, tmp_path: Path) -> None:
    with home.daemon() as daemon:
        limits = Path(f"/proc/{daemon.pid}/limits").read_text()
        core = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
        assert core.split()[4:6] == ["0", "0"]
        assert os.stat(f"/proc/{daemon.pid}/mem").st_uid == 0  # of a process that cannot be dumped all of it is root's
    child = "import resource; print(resource.getrlimit(resource.RLIMIT_CORE))"
    isolated = "import subprocess, sys\nfrom ail_daemon.process import isolation\nisolation.isolate()\n"
    program = f"{isolated}subprocess.run([sys.executable, '-c', {child!r}])"
    told = subprocess.run([BIN / "python", "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert told.stdout.strip() == "(0, 0)"
