"""The question sets, each over a bare repository of its project.

They are release notes, questions in people's own words, and titles of pull requests.

Without code: pytest and aiohttp, as `history_to_git.py` of the evaluation data builds them. With code: those two and four
more, from clones, with the files of release notes taken out by git-filter-repo, so that no note answers itself; and eleven as
they are. Everything is built once, below `.bench`. The own-words questions have answers in the histories with code alone.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ail_daemon.model import Scope
from bench.evaluation import BUILT, EVAL, load_set, read_lines

from .titles import find_titles

Kind = Literal["note", "own", "title", "none"]
QUESTIONS = Path(__file__).parent / "questions"
NOTES_OF = ("aiohttp", "attrs", "setuptools", "tox", "twisted")
"""Projects whose release notes are fitted to, with questions in people's own words about two of them."""

REASONS_OF = (
    "fzf", "tokio", "okhttp", "vue", "svelte", "tmux", "libgit2", "sqlalchemy", "meson", "prometheus", "cargo",
)  # fmt: skip
"""Projects of questions whose reasons are known by key words, asked of their histories as they are."""

FITTED_ON = (*NOTES_OF, *REASONS_OF)
READ_ON = "pytest"
TITLES = {READ_ON: 500}
MOST_TITLES = 150
"""Titles of pull requests asked about a project."""
CODE = BUILT / "code"
STRANGERS = 160

_STRIPPED = {
    "pytest": ["doc/en/changelog.rst", "CHANGELOG.rst", "CHANGELOG", "doc/en/announce", "changelog"],
    "aiohttp": ["CHANGES.rst", "CHANGES.txt", "docs/changes.rst", "HISTORY.rst", "CHANGES"],
}
_MINED = {
    "twisted": (
        ["src/twisted/newsfragments", "src/twisted/web/newsfragments", "src/twisted/conch/newsfragments"],
        ["NEWS.rst", "NEWS"],
    ),
    "setuptools": (["newsfragments", "changelog.d"], ["NEWS.rst", "CHANGES.rst", "docs/history.rst"]),
    "attrs": (["changelog.d"], ["CHANGELOG.md", "CHANGELOG.rst"]),
    "tox": (["docs/changelog"], ["docs/changelog.rst", "CHANGELOG.rst"]),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One question; answers: shas, none where the history has no answer."""

    kind: Kind
    text: str
    scope: Scope
    answers: frozenset[str]


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """One project's history as a bare repository, and what is asked about it."""

    name: str
    repo: Path
    rows: list[Row]


def load_without_code(name: str) -> QuestionSet:
    """Return the set *name* (pytest, aiohttp) without code. Ends the program where the evaluation data is absent."""
    measured = load_set(name)
    return QuestionSet(name, measured.repo, [*_notes(measured.questions), *_unanswerable(measured.unanswerable)])


def load_with_code(name: str, clones: Path | None) -> QuestionSet:
    """Return the set *name* with code, built from the clone `NAME` or `NAME.git` in *clones* where it is not yet."""
    if not EVAL.is_dir():
        sys.exit("the evaluation data is not here: the shared directory beside this checkout")
    repo, notes = CODE / f"{name}.git", CODE / f"{name}.queries.jsonl"
    if not repo.exists() or not (notes.exists() or name in REASONS_OF):
        _build(name, _find_clone(name, clones))
    none = EVAL / f"{name}.noevidence.jsonl"
    unanswerable = [row["question"] for row in read_lines(none)] if none.exists() else []
    noted = _notes(read_lines(notes)) if notes.exists() else []
    titles = [Row("title", title, Scope(), shas) for title, shas in find_titles(repo, TITLES.get(name, MOST_TITLES))]
    return QuestionSet(name, repo, [*noted, *_own(name), *titles, *_unanswerable(unanswerable)])


def load_strangers(name: str, clones: Path | None) -> QuestionSet:
    """Return notes and own-words questions of other projects, which the history of *name* has no answer to.

    Asked open and about a file of *name*: notes of the project after it, questions of those that have any.
    """
    if name in REASONS_OF:
        return QuestionSet(name, CODE / f"{name}.git", [])  # a fifth of its questions has no answer
    other = NOTES_OF[(NOTES_OF.index(name) + 1) % len(NOTES_OF)]
    measured = load_with_code(name, clones)
    notes = [row.text for row in load_with_code(other, clones).rows if row.kind == "note" and row.scope.file is None]
    own = [row.text for other in NOTES_OF if other != name for row in _own(other) if row.scope.file is None]
    files = [row.scope for row in measured.rows if row.kind == "note" and row.scope.file is not None]
    asked = [
        Row("none", text, scope, frozenset())
        for texts in (notes[: STRANGERS // 2], own[:: max(2 * len(own) // STRANGERS, 1)])
        for text, file in zip(texts, files, strict=False)
        for scope in (Scope(), file)
    ]
    return QuestionSet(name, measured.repo, asked)


def _notes(rows: list[dict[str, Any]]) -> list[Row]:
    """Return each note asked open and, where it names a file, about that."""
    scopes = [(row, Scope(file)) for row in rows for file in dict.fromkeys((None, row["file"]))]
    return [Row("note", row["question"], scope, frozenset(row["answers"])) for row, scope in scopes]


def _own(name: str) -> list[Row]:
    """Return each question asked open and, where it has a file or lines, about those."""
    path = QUESTIONS / f"{name}.jsonl"
    rows: list[Row] = []
    for row in read_lines(path) if path.exists() else []:
        lines = tuple(row["lines"]) if row["lines"] else None
        scopes = dict.fromkeys((Scope(), Scope(row["file"], lines)))
        rows += [Row("own", row["question"], scope, frozenset(row["answers"])) for scope in scopes]
    return rows


def _unanswerable(questions: list[str]) -> list[Row]:
    return [Row("none", question, Scope(), frozenset()) for question in questions]


def _find_clone(name: str, clones: Path | None) -> Path:
    for path in (clones / f"{name}.git", clones / name) if clones else ():
        if path.is_dir():
            return path
    sys.exit(f"no clone of {name}: name a directory that has {name} or {name}.git")


def _build(name: str, clone: Path) -> None:
    """Take the notes out of a copy of *clone*; mine its questions where none are given."""
    if shutil.which("git-filter-repo") is None:
        sys.exit("git-filter-repo is not on PATH: `pip install git-filter-repo`")
    CODE.mkdir(parents=True, exist_ok=True)
    repo = CODE / f"{name}.git"
    if name in REASONS_OF:
        subprocess.run(["git", "clone", "-q", "--bare", "--single-branch", clone.resolve().as_uri(), repo], check=True)
        return
    if name in _MINED:
        fragments, stripped = _MINED[name]
        mine = [EVAL / "mine_notes.py", clone, CODE, name, "--fragments", *fragments, "--strip", *stripped]
        subprocess.run([sys.executable, *map(str, mine)], check=True)
        return
    shutil.rmtree(repo, ignore_errors=True)
    subprocess.run(["git", "clone", "-q", "--bare", "--single-branch", clone.resolve().as_uri(), repo], check=True)
    paths = [word for path in _STRIPPED[name] for word in ("--path", path)]
    subprocess.run(["git", "filter-repo", "--force", "--quiet", "--invert-paths", *paths], cwd=repo, check=True)
    shutil.copy(EVAL / f"{name}.queries.jsonl", CODE / f"{name}.queries.jsonl")
