"""Backup and restore of `eval/pytest`'s index into a daemon that knows nothing: seconds, size, and whether it answers the same.

python -m bench.backup [QUESTIONS]        200 by default
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from tests.running import Calling, Home, prepare_models, sealed_home

from .evaluation import EvalSet, load_set
from .figures import show

QUESTIONS = 200


def main() -> None:
    """Index, back up, restore elsewhere, and ask both the same."""
    measured = load_set("pytest")
    count = int(sys.argv[1]) if len(sys.argv) > 1 else QUESTIONS
    asked = _choose(measured, count)
    models = prepare_models()
    with sealed_home(models) as home, sealed_home(models) as other:
        before, file = _back_up(home, measured, asked)
        after = _restore(other, measured, asked, file)
    same = sum(one == two for one, two in zip(before, after, strict=True))
    show(f"answers that are the same after a restore, of {len(asked)}", same, "", f"{len(asked)}", digits=0)
    assert same == len(asked)


def _choose(measured: EvalSet, count: int) -> list[str]:
    """Return *count* questions, every tenth of them one that has no answer."""
    questions = [row["question"] for row in measured.questions]
    unanswerable = measured.unanswerable[: count // 10]
    return (questions[: count - len(unanswerable)] + unanswerable)[:count]


def _back_up(home: Home, measured: EvalSet, asked: list[str]) -> tuple[list[Any], Path]:
    file = home.directory / "index.bak"
    with home.daemon(), home.connected() as call:
        call("repo.add", repo=str(measured.repo))
        call.wait_complete(str(measured.repo))
        answers = _ask(call, measured, asked)
        made = call("backup", file=str(file))
        show(f"backup of {made['repos'][0]['commits']:,} commits", made["took_s"], "s")
        show("  its size", made["size_bytes"] / 1e6, "MB")
    return answers, file


def _restore(home: Home, measured: EvalSet, asked: list[str], file: Path) -> list[Any]:
    with home.daemon(), home.connected() as call:
        call("health", kind="ready")
        restored = call("restore", file=str(file))
        show("restore into a daemon that knows nothing", restored["took_s"], "s")
        told = call.wait_complete(str(measured.repo))
        assert told["encoded"] == 0, told
        return _ask(call, measured, asked)


def _ask(call: Calling, measured: EvalSet, asked: list[str]) -> list[Any]:
    replies = (call("ask", repo=str(measured.repo), question=question, no_cache=True) for question in asked)
    return [{name: value for name, value in reply.items() if name != "query_time_ms"} for reply in replies]


if __name__ == "__main__":
    main()
