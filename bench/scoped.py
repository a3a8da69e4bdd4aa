"""Uncached questions over the socket on pytest with code: open against the bare encoder, about lines against `git blame -w -M`.

    python -m bench.scoped [CLONES]

CLONES: a directory with a clone of pytest, where `python -m bench.quality` has not built the history from one before.
"""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

from tests.running import prepare_models, sealed_home

from ail_daemon.encoding import DEFAULT_MODEL, open_encoder

from .figures import percentile, seconds, show
from .quality.sets import READ_ON, Row, load_with_code


def main() -> None:
    """Print p95 of open questions and of questions about lines, each against what it is measured by."""
    measured = load_with_code(READ_ON, Path(sys.argv[1]) if sys.argv[1:] else None)
    repo = str(measured.repo)
    notes = [row for row in measured.rows if row.kind == "note" and row.scope.file is None]
    lines = list({row.scope: row for row in measured.rows if row.scope.lines}.values())
    with sealed_home(prepare_models()) as home, home.daemon(), home.connected() as call:
        call("repo.add", repo=repo)
        call.wait_complete(repo)
        encoder = open_encoder(DEFAULT_MODEL, "prepared", home.state / "models", 1)

        def ask(row: Row) -> float:
            scope: dict[str, Any] = {"file": row.scope.file, "lines": list(row.scope.lines)} if row.scope.lines else {}
            return seconds(lambda: call("ask", repo=repo, question=row.text, no_cache=True, **scope))

        ask(notes[0])
        bare = [seconds(partial(encoder.encode, [row.text])) for row in notes]
        whole = [ask(row) for row in notes]
        _compare("open", whole, bare, "the bare encoder", "<= 8 x")
        blamed = [seconds(partial(_blame, repo, str(row.scope.file))) for row in lines]
        first = [ask(row) for row in lines]
        known = [ask(row) for row in lines]
        _compare("about lines, the first time", first, blamed, "git blame -w -M", "<= 2 x")
        _compare("about lines, their history known", known, blamed, "git blame -w -M", "<= 1 x")


def _compare(name: str, asked: list[float], beside: list[float], what: str, must: str) -> None:
    ms, floor = (percentile(values, 0.95) * 1e3 for values in (asked, beside))
    show(f"uncached question over the socket, {name}, p95", ms, "ms")
    show(f"  against {what} ({floor:.2f} ms)", ms / floor, "x", must)


def _blame(repo: str, file: str) -> None:
    command = ["git", "--git-dir", repo, "blame", "-w", "-M", "HEAD", "--", file]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)


if __name__ == "__main__":
    main()
