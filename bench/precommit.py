"""The pre-commit hook run directly, over staged changes of a real clone, against `python3 -c pass`, in turn.

python -m bench.precommit CLONE [--count 200]

What is staged is a recent commit of the clone taken back, each alone, on the clone's HEAD: those that git can still apply.
So that the figure is the hook's and the daemon's, HEAD does not move meanwhile. Said in time: a second run of each may take
as long as it wants, and what it says is what the first should have said.
"""

from __future__ import annotations

import argparse
import compileall
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

from tests.running import BIN, ROOT, Home, prepare_models, sealed_home

from .figures import percentile, seconds, show


def main() -> None:
    """Print p50 and p95 of both, and how often the hook spoke, in time or not."""
    parser = argparse.ArgumentParser()
    parser.add_argument("clone", type=Path)
    parser.add_argument("--count", type=int, default=200)
    options = parser.parse_args()
    for room in ("client", "hooks"):
        compileall.compile_dir(ROOT / room, quiet=1)
    with sealed_home(prepare_models()) as home:
        clone = home.directory / "clone"
        git(home, options.clone, "clone", "--quiet", "--shared", "--no-checkout", ".", str(clone))
        git(home, clone, "read-tree", "HEAD")
        print(home.client("add", str(clone), "--wait", "--timeout", "600").stderr, flush=True)
        measure(home, clone, options.count)


def measure(home: Home, clone: Path, count: int) -> None:
    """Run the pairs and print."""
    bare, whole, said, late = [], [], 0, 0
    for _ in iter_staged(home, clone, count):
        bare.append(seconds(lambda: home.run(sys.executable, "-c", "pass")))
        started = perf_counter()
        heard = run_hook(home, clone)
        whole.append(perf_counter() - started)
        said += bool(heard)
        late += bool(run_hook(home, clone, AIL_RELATED_LIMIT_S="20")) and not heard
    show(f"the hook over {len(whole)} staged changes, p50", percentile(whole, 0.5) * 1e3, "ms")
    show("  p95", percentile(whole, 0.95) * 1e3, "ms", "<= 150 ms")
    show("  p95 against `python3 -c pass`, p95", percentile(whole, 0.95) / percentile(bare, 0.95), "x", "<= 8 x")
    show("  the most", max(whole) * 1e3, "ms", "<= 150 ms")
    show("  said something", said, "", digits=0)
    show("  had something to say and no time", late, "", digits=0)


def run_hook(home: Home, clone: Path, **env: str) -> str:
    """Return what the hook says."""
    return home.run(str(BIN / "ail-hook"), "run", "pre-commit", cwd=clone, env=env).stderr


def iter_staged(home: Home, clone: Path, count: int) -> Iterator[str]:
    """Stage one commit after the other, taken back; yield its sha while it is staged."""
    staged = 0
    for sha in git(home, clone, "rev-list", "--no-merges", "HEAD").split():
        if staged == count:
            return
        patch = git(home, clone, "diff-tree", "-p", "--binary", "--full-index", "-R", sha)
        if apply(home, clone, patch):
            staged += 1
            yield sha
            git(home, clone, "read-tree", "HEAD")


def apply(home: Home, clone: Path, patch: str) -> bool:
    """Apply *patch* to the index; whether it fits."""
    command = ["git", "apply", "--cached", "-"]
    done = subprocess.run(
        command,
        cwd=clone,
        input=patch.encode("utf-8", "surrogateescape"),
        env=home.env,
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


def git(home: Home, directory: Path, *arguments: str) -> str:
    """Return what git prints."""
    done = subprocess.run(["git", *arguments], cwd=directory, env=home.env, capture_output=True, check=True)
    return done.stdout.decode("utf-8", "surrogateescape")


if __name__ == "__main__":
    main()
