"""What freshness costs: texts encoded after rewrites and for a clone, and the check that every question pays.

python -m bench.freshness
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from pathlib import Path

from tests.running import Calling, Home, prepare_models, sealed_home

from ail_daemon.history.signature import read_signature
from ail_daemon.model import REF_KINDS
from ail_rpc.discovery import find_repository

from .figures import percentile, seconds, show

COMMITS = 600


def main() -> None:
    """Print the texts encoded for an amend, a rebase of 500 and a fresh clone, and the time of one check at 1,000 refs."""
    with tempfile.TemporaryDirectory() as directory, sealed_home(prepare_models()) as home:
        repo = Path(directory) / "repo"
        _make_history(repo)
        with home.daemon(), home.connected() as call:
            before = _enrol(call, repo)
            show("texts encoded for one amend", _amend(call, home, repo) - before, "", "<= 1", digits=0)
            before = _enrol(call, repo)
            show("texts encoded for a rebase of 500 commits", _rebase(call, home, repo) - before, "", "0", digits=0)
            clone = Path(directory) / "clone"
            _git(home, repo.parent, "clone", "-q", str(repo), str(clone))
            show("texts encoded for a fresh clone", _enrol(call, clone), "", "0", digits=0)
        _show_check(home, repo)


def _make_history(repo: Path) -> None:
    stream = []
    for number in range(COMMITS):
        when = f"Ann <ann@example.org> {1_700_000_000 + number} +0000"
        message = f"Change number {number}\n\nThe queue lost report {number} when the network was slow.\n"
        stream.append(
            f"commit refs/heads/main\nauthor {when}\ncommitter {when}\n"
            f"data {len(message)}\n{message}M 100644 inline f{number}\ndata 2\n{number % 10}\n\n"
        )
    subprocess.run(["git", "init", "-q", "-b", "main", str(repo)], check=True)
    subprocess.run(["git", "-C", str(repo), "fast-import", "--quiet"], input="".join(stream).encode(), check=True)
    subprocess.run(["git", "-C", str(repo), "reset", "-q", "--hard"], check=True)


def _enrol(call: Calling, repo: Path) -> int:
    call("repo.add", repo=str(repo))
    return int(call.wait_complete(str(repo))["encoded"])


def _amend(call: Calling, home: Home, repo: Path) -> int:
    _git(home, repo, "commit", "-q", "--amend", "-m", "Change the last number, said better")
    return _settle(call, home, repo)


def _rebase(call: Calling, home: Home, repo: Path) -> int:
    _git(home, repo, "rebase", "-q", "--root", "--committer-date-is-author-date")
    _git(home, repo, "rebase", "-q", "--force-rebase", "HEAD~500")
    return _settle(call, home, repo)


def _settle(call: Calling, home: Home, repo: Path) -> int:
    head = _git(home, repo, "rev-parse", "HEAD")
    end = time.monotonic() + 60
    while time.monotonic() < end:
        (told,) = call("status", repo=str(repo))["repos"]
        if told["head"] == head and told["complete"]:
            return int(told["encoded"])
        time.sleep(0.02)
    raise SystemExit(f"the daemon did not catch up: {told}")


def _show_check(home: Home, repo: Path) -> None:
    head = _git(home, repo, "rev-parse", "HEAD")
    refs = "".join(f"create refs/heads/team{number % 20}/branch{number} {head}\n" for number in range(1000))
    subprocess.run(["git", "-C", str(repo), "update-ref", "--stdin"], input=refs.encode(), check=True)
    place = find_repository(str(repo))
    taken = [seconds(lambda: read_signature(place, REF_KINDS)) for _ in range(1000)]
    for share in (0.5, 0.95):
        show(
            f"freshness check of a question, 1,000 refs, p{share * 100:.0f}",
            percentile(taken, share) * 1e3,
            "ms",
            "<= 3 ms",
        )


def _git(home: Home, repo: Path, *arguments: str) -> str:
    names = dict.fromkeys(("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"), "Ann")
    mails = dict.fromkeys(("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"), "ann@example.org")
    env = home.env | names | mails | {"PATH": os.environ["PATH"]}
    done = subprocess.run(["git", *arguments], cwd=repo, env=env, check=True, capture_output=True, text=True)
    return done.stdout.strip()


if __name__ == "__main__":
    main()
