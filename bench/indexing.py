"""From `add` to answers, on the whole history of `eval/pytest`: first lexical answer, everything by meaning, memory.

python -m bench.indexing
"""

from __future__ import annotations

import statistics
import subprocess
import time
from pathlib import Path
from typing import Any

from tests.running import Calling, Home, prepare_models, sealed_home

from ail_daemon.encoding import DEFAULT_MODEL, open_encoder

from .evaluation import load_set, read_messages
from .figures import seconds, show

QUESTIONS = 1000


def main() -> None:
    """Print the figures."""
    measured = load_set("pytest")
    with sealed_home(prepare_models()) as home, home.daemon(), home.connected() as call:
        call("health", kind="ready")
        log_s = statistics.median(seconds(lambda: _git_log(measured.repo)) for _ in range(3))
        subject = _git(measured.repo, "log", "-1", "--format=%s")
        messages = read_messages("pytest")
        before_s = seconds(lambda: _encode(home, messages))
        started = time.perf_counter()
        call("repo.add", repo=str(measured.repo))
        first_s = _wait_for_answer(call, measured.repo, subject, started)
        words_s = _wait_for_words(call, started)
        _wait_for_meaning(call)
        meaning_s = time.perf_counter() - started
        call.wait_complete(str(measured.repo))
        all_s = time.perf_counter() - started
        show("first lexical answer after `add`", first_s, "s", "guide 3 s")
        show("  against `git log --name-only --format=%B`", first_s / log_s, "x", f"<= 8 x ({log_s:.2f} s)")
        show("everything searchable by words", words_s, "s")
        show("everything searchable by meaning", meaning_s, "s", "guide 60 s")
        bare_s = (
            before_s + seconds(lambda: _encode(home, messages))
        ) / 2  # before and after: the machine's speed drifts
        show("  against the bare encoder on the same texts", meaning_s / bare_s, "x", f"<= 1.3 x ({bare_s:.1f} s)")
        show("complete, changed lines too", all_s, "s")
        _show_memory(call, measured.repo)


def _git(repo: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", f"--git-dir={repo}", *arguments], capture_output=True, text=True, errors="replace", check=True
    ).stdout.strip()


def _git_log(repo: Path) -> None:
    subprocess.run(
        ["git", f"--git-dir={repo}", "log", "--name-only", "--format=%B"], stdout=subprocess.DEVNULL, check=True
    )


def _wait_for_answer(call: Calling, repo: Path, question: str, started: float) -> float:
    while not call("ask", repo=str(repo), question=question, mode="lexical", no_cache=True)["citations"]:
        time.sleep(0.005)
    return time.perf_counter() - started


def _told(call: Calling) -> dict[str, Any]:
    (told,) = call("status")["repos"]
    return dict(told)


def _wait_for_words(call: Calling, started: float) -> float:
    while _told(call)["phase"] in ("waiting", "reading"):
        time.sleep(0.02)
    return time.perf_counter() - started


def _wait_for_meaning(call: Calling) -> None:
    while _told(call)["phase"] == "embedding":
        time.sleep(0.05)


def _encode(home: Home, texts: list[str]) -> None:
    encoder = open_encoder(DEFAULT_MODEL, "prepared", home.state / "models", 2)
    encoder.encode(list(dict.fromkeys(texts)))


def _show_memory(call: Calling, repo: Path) -> None:
    subjects = dict.fromkeys(_git(repo, "log", "--format=%s").splitlines())
    for subject in list(subjects)[:QUESTIONS]:
        call("ask", repo=str(repo), question=f"why {subject or 'nothing'}?")
    status = call("status")
    show(f"resident memory after {QUESTIONS} different questions", status["rss_bytes"] / 1e6, "MB", "<= 150 MB")
    maps = Path(f"/proc/{status['pid']}/maps").read_text()
    show(
        "libraries of torch in the daemon", float(sum("torch" in line for line in maps.splitlines())), "", "0", digits=0
    )


if __name__ == "__main__":
    main()
