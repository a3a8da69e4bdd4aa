"""Run every benchmark, one after the other, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys

from .evaluation import load_set

HISTORY = str(load_set("pytest").repo)
RUNS = (
    ["encoding"],
    ["history", HISTORY],
    ["indexing"],
    ["questions"],
    ["quality"],
    ["client"],
    ["echo"],
    ["clone", HISTORY],
    ["crashes"],
)

for name, *arguments in RUNS:
    print(f"== {name}", flush=True)
    subprocess.run([sys.executable, "-m", f"bench.{name}", *arguments], check=True)
