"""`git commit` to searchable by meaning, on events alone, against the bare encoder on one message.

python -m bench.live [COMMITS] [REPOSITORY]     a copy of REPOSITORY (default: a small new one) gets 200 commits

Nothing is asked meanwhile, since a question would make the daemon look; `status` tells how far it is.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.running import Calling, Home, prepare_models, sealed_home

from ail_daemon.encoding import DEFAULT_MODEL, open_encoder
from ail_daemon.indexing.indexer import QUIET_S

from .figures import percentile, seconds, show

MESSAGE = """Take number {0} out of the queue once it is answered

Reports came back twice when the network was slow, because the sender kept number {0} until the next
round and sent it once more. It is dropped at the first answer now.
"""


def main(commits: int = 200, source: str | None = None) -> None:
    """Print p50 and p95 of the time to be found by meaning, and until words and changed lines are in too."""
    with tempfile.TemporaryDirectory() as directory, sealed_home(prepare_models()) as home:
        repo = _make_repo(Path(directory) / "repo", home, source)
        encoder = open_encoder(DEFAULT_MODEL, "prepared", home.state / "models", 1)
        with home.daemon(), home.connected() as call:
            call("repo.add", repo=str(repo))
            call.wait_complete(str(repo))
            near, whole, bare = [], [], []
            for number in range(commits):
                message = MESSAGE.format(number)
                (repo / f"file{number % 20}.py").write_text(f"answer = {number}\n")
                _git(home, repo, "add", "-A")
                _git(home, repo, "commit", "-q", "-m", message)
                ended = time.perf_counter()
                head = _git(home, repo, "rev-parse", "HEAD")
                _wait(call, repo, head, "embedded")
                near.append(time.perf_counter() - ended)
                _wait(call, repo, head, "complete")
                whole.append(time.perf_counter() - ended)
                bare.append(seconds(lambda text=message: encoder.encode([text])))  # type: ignore[misc]
            told = call("status")["repos"][0]
    floor = percentile(bare, 0.5)
    for share, must in ((0.5, "<= 150 ms"), (0.95, "<= 500 ms")):
        show(f"git commit to searchable by meaning, p{share * 100:.0f}", percentile(near, share) * 1e3, "ms", must)
    beyond = percentile(near, 0.5) - QUIET_S
    show(f"  beyond the debounce, against the encoder ({floor * 1e3:.1f} ms), p50", beyond / floor, "x", "<= 10 x")
    for share in (0.5, 0.95):
        show(f"  words and changed lines too, p{share * 100:.0f}", percentile(whole, share) * 1e3, "ms")
    show("texts encoded for each commit", told["encoded"] / commits, "", "about 1")


def _make_repo(path: Path, home: Home, source: str | None) -> Path:
    if source:
        subprocess.run(["git", "clone", "-q", "--no-hardlinks", source, str(path)], check=True, env=_env(home))
    else:
        subprocess.run(["git", "init", "-q", "-b", "main", str(path)], check=True, env=_env(home))
        _git(home, path, "commit", "-q", "--allow-empty", "-m", "Begin")
    return path


def _wait(call: Calling, repo: Path, head: str, what: str) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        told: dict[str, Any] = call("status", repo=str(repo))["repos"][0]
        if told["head"] == head and (told["complete"] if what == "complete" else told["embedded"] == told["commits"]):
            return
        time.sleep(0.002)
    raise SystemExit(f"the daemon did not catch up: {told}")


def _git(home: Home, repo: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=repo, env=_env(home), check=True, capture_output=True, text=True
    ).stdout.strip()


def _env(home: Home) -> dict[str, str]:
    names = ("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME")
    mails = ("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL")
    return (
        home.env | dict.fromkeys(names, "Ann") | dict.fromkeys(mails, "ann@example.org") | {"PATH": os.environ["PATH"]}
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200, sys.argv[2] if len(sys.argv) > 2 else None)
