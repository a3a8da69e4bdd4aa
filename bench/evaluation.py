"""The evaluation sets beside the checkout (`../shared/eval`), built into repositories below `.bench/`, once."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
EVAL = ROOT.parent / "shared" / "eval"
BUILT = ROOT / ".bench"


@dataclass(frozen=True, slots=True)
class EvalSet:
    """One project's history as a bare repository, its questions with answers, and questions it has no answer to."""

    name: str
    repo: Path
    questions: list[dict[str, Any]]
    unanswerable: list[str]


def load_set(name: str) -> EvalSet:
    """Return the set *name* (`pytest`, `aiohttp`), built where it is not yet. Ends the program where the data is absent."""
    repo = BUILT / f"{name}.git"
    if not EVAL.is_dir():
        sys.exit(f"the evaluation data is not here: {EVAL.name} of the shared directory beside this checkout")
    if not (repo / "queries.jsonl").is_file():
        BUILT.mkdir(exist_ok=True)
        source = [EVAL / f"{name}.history.jsonl.gz", EVAL / f"{name}.queries.jsonl"]
        subprocess.run([sys.executable, EVAL / "history_to_git.py", *source, repo], check=True)
    unanswerable = [row["question"] for row in read_lines(EVAL / f"{name}.noevidence.jsonl")]
    return EvalSet(name, repo, read_lines(repo / "queries.jsonl"), unanswerable)


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a JSON-lines file, gzipped or not."""
    data = path.read_bytes()
    text = gzip.decompress(data) if path.suffix == ".gz" else data
    return [json.loads(line) for line in text.decode().splitlines()]


def read_messages(name: str) -> list[str]:
    """Return every commit message of a set, oldest first."""
    return [row["message"] for row in read_lines(EVAL / f"{name}.history.jsonl.gz")]
