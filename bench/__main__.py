"""Run every benchmark, one after the other, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec

from .evaluation import BUILT, load_set

HISTORY = str(load_set("pytest").repo)
RUNS = (
    ["encoding"],
    ["history", HISTORY],
    ["indexing"],
    ["questions"],
    ["scoped"],
    ["serving"],
    ["quality"],
    ["vectors", str(BUILT / "quality")],
    ["similar"],
    ["sides"],
    ["client"],
    ["live"],
    ["freshness"],
    ["bulk"],
    ["ways"],
    ["echo"],
    ["nvim"],
    ["mcp"],
    ["lsp"],
    ["clone", HISTORY],
    ["shell", HISTORY],
    ["ref_moves"],
    ["history_model"],
    ["suspended"],
    ["idle"],
    ["crashes"],
    ["rollback"],
    ["scraping"],
    ["backup"],
    ["hooks"],
    ["sizing", "1000", "10000"],
    ["bundles", HISTORY],
)

RAY = (["cluster", HISTORY],) if find_spec("ray") else ()
if not RAY:
    print("== cluster: left out, ray is not installed (`make cluster` installs it)", flush=True)

CLONE = os.environ.get("AIL_BENCH_CLONE")  # a bare clone of pytest: HISTORY has its messages and paths, and no code
ON_CLONE = (["precommit"], ["lsp"], ["related", "--seed", "7"], ["reviews", "--seed", "7"])

if not CLONE:
    print("== precommit, lsp, related, reviews: left out, AIL_BENCH_CLONE names no clone of a real project", flush=True)

for name, *arguments in (*RUNS, *RAY, *([name, CLONE, *more] for name, *more in ON_CLONE if CLONE)):
    print(f"== {name}", flush=True)
    subprocess.run([sys.executable, "-m", f"bench.{name}", *arguments], check=True)
