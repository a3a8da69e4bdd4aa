"""A real clone with its code: how long `add --wait` takes, and what the index weighs.

python -m bench.clone DIR        a repository, worktree or bare
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.running import prepare_models, sealed_home

from .figures import seconds, show


def main() -> None:
    """Print the figures for the repository named on the command line."""
    if len(sys.argv) != 2:
        sys.exit("usage: python -m bench.clone DIR")
    with sealed_home(prepare_models()) as home:
        took_s = seconds(lambda: print(home.client("add", sys.argv[1], "--wait").stderr))
        with home.connected() as call:
            (told,) = call("status")["repos"]
        index = next((home.state / "repos").iterdir())
        show(f"`add --wait` of {told['commits']} commits", took_s, "s")
        for name, files in (("on disk", index.rglob("*")), ("  of it the word index", index.glob("words/*"))):
            show(name, sum(path.stat().st_size for path in files if path.is_file()) / 1e6, "MB")
        show("  of it the database", sum(path.stat().st_size for path in index.glob("store*")) / 1e6, "MB")
        print(Path(sys.argv[1]).name, told)


if __name__ == "__main__":
    main()
