"""Questions in the words of a commit's title: "why was dark mode removed from the settings?".

Many who ask know what was done, for they have read the code or its log; questions that were written from reasons are asked in
other words. The commit is easily found then, and what is learned is whether something that it wrote tells why, or nothing does.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Collection
from typing import Any

from ail_daemon.index.repoindex import RepoIndex
from ail_daemon.model import Commit
from ail_daemon.search.evidence import Found, read_message
from ail_daemon.text.passages import Passage
from ail_daemon.text.reasons import Worth

from .sets import QUESTIONS

MESSAGES = QUESTIONS / "messages.jsonl"
"""Commits whose message has no word of a reason, and whether it says why all the same: 148, read beside their titles."""

MOST = 60
STRANGERS = 40
"""Questions about other projects that are asked of each, and have no answer there."""

_TELLING = 0.5
"""Share of the question's rarity that a comment or page must hold to be about the title: most that a commit writes is not."""

_LABEL = re.compile(r"^(?:\w+(?:\([^)]*\))?!?:\s*|\[[^\]]*\]\s*)")
_NUMBER = re.compile(r"\s*\(?#\d+\)?\.?$")
_CHORE = re.compile(r"(?:bump|merge|release|version|update|upgrade|fix typo)\b", re.IGNORECASE)
_BEHIND = re.compile(
    r"(.+?)\s+((?:from|to|in|with|for|on|when|if|by|as|into|instead|before|after|at|of)\b.*)", re.IGNORECASE
)
_DONE = {
    "add": "added", "allow": "allowed", "avoid": "avoided", "cache": "cached", "change": "changed", "check": "checked",
    "deprecate": "deprecated", "disable": "disabled", "drop": "dropped", "enable": "enabled", "expose": "exposed",
    "forbid": "forbidden", "handle": "handled", "ignore": "ignored", "implement": "implemented", "increase": "increased",
    "introduce": "introduced", "limit": "limited", "merge": "merged", "move": "moved", "prevent": "prevented",
    "raise": "raised", "reduce": "reduced", "refactor": "refactored", "remove": "removed", "rename": "renamed",
    "replace": "replaced", "require": "required", "restore": "restored", "return": "returned", "revert": "reverted",
    "rework": "reworked", "simplify": "simplified", "skip": "skipped", "split": "split", "stop": "stopped",
    "store": "stored", "support": "supported", "wrap": "wrapped",
}  # fmt: skip
_READ_AT_ONCE = 300
_LEFT_OUT = (0.0, 0.15, 0.3, 0.5)
_KEPT_WORDS = 3  # besides the first


def choose_questions(index: RepoIndex, project: str) -> list[dict[str, Any]]:
    """Return up to MOST questions about commits of *index* that wrote something which states a reason, drawn with a fixed seed.

    A row has question, file (of every third: one that the commit touched), lines (None), answers (its sha) and title. Left out
    are commits whose message may say why without a word of a reason: only who reads them knows.
    """
    dice = random.Random(project)
    ids = list(range(1, index.store.get_newest_id() + 1))
    dice.shuffle(ids)
    rows: list[dict[str, Any]] = []
    for start in range(0, len(ids), _READ_AT_ONCE):
        some = ids[start : start + _READ_AT_ONCE]
        passages = index.store.get_passages(some)
        for commit_id, commit in index.store.get_commits(some).items():
            if len(rows) == MOST:
                return rows
            if _may_be_asked(commit) and (told := _find_reasons(commit, passages.get(commit_id, ()))):
                if "message" not in told and _may_tell_why(commit):
                    continue
                if "message" in told and dice.random() < 0.5:
                    continue  # or most of them would be told by a message
                paths = index.store.get_paths(commit_id)
                file = dice.choice(paths) if paths and dice.random() < 1 / 3 else None
                asked = ask(clean(commit.subject), dice)
                rows.append(
                    {"question": asked, "file": file, "lines": None, "answers": [commit.sha], "title": commit.subject}
                )
    return rows


def choose_read(index: RepoIndex, project: str) -> list[dict[str, Any]]:
    """Return a question about each commit of MESSAGES that *index* has; `tells` beside what rows of `choose_questions` have."""
    dice = random.Random(project)
    read = [json.loads(line) for line in MESSAGES.read_text().splitlines()]
    tells = {row["sha"]: row["tells"] for row in read if row["project"] == project}
    rows: list[dict[str, Any]] = []
    for commit in index.store.get_commits(list(index.store.get_ids(tells).values())).values():
        row = {"question": ask(clean(commit.subject), dice), "file": None, "lines": None, "answers": [commit.sha]}
        rows.append(row | {"title": commit.subject, "tells": tells[commit.sha]})
    return rows


def tells_why(one: Found, answers: Collection[int], message_tells: bool | None = None) -> bool:
    """Whether *one* is taken for the reason: a reason in the right commit's message, or elsewhere in words of the question.

    message_tells: whether that message, which has no word of a reason, says why all the same; None where nobody read it.
    """
    passage = one.passage
    if message_tells is not None:
        return message_tells and one.commit_id in answers and passage.kind == "message" and passage.worth >= Worth.STATE
    is_reason = one.commit_id in answers and passage.worth == Worth.REASON and not passage.is_removed
    return is_reason and (passage.kind == "message" or one.overlap >= _TELLING)


def clean(subject: str) -> str:
    """Return *subject* without its label ("fix:", "[docs]") and the number of its pull request."""
    return _NUMBER.sub("", _LABEL.sub("", subject).strip()).rstrip(".")


def ask(title: str, dice: random.Random) -> str:
    """Return *title* as a question; up to half of its words are left out, as nobody remembers a title whole."""
    words, left_out = title.split(), dice.choice(_LEFT_OUT)
    kept = [word for word in words[1:] if dice.random() >= left_out]
    words = [words[0], *(kept if len(kept) >= _KEPT_WORDS else words[1:])]
    done, rest = _DONE.get(words[0].lower()), " ".join(words[1:])
    if done and rest and dice.random() < 0.6:
        parted = _BEHIND.fullmatch(rest)
        return f"why was {parted[1]} {done} {parted[2]}?" if parted else f"why was {rest} {done}?"
    said = " ".join([words[0].lower() if words[0][1:].islower() else words[0], *words[1:]])
    return dice.choice([f"why {said}?", f"why did we {said}?", f"what was the reason to {said}?", f"why {said}"])


def _may_be_asked(commit: Commit) -> bool:
    title = clean(commit.subject)
    return 4 <= len(title.split()) <= 14 and len(commit.parents) < 2 and not _CHORE.match(title)


def _may_tell_why(commit: Commit) -> bool:
    return any(one.worth == Worth.STATE for one in read_message(commit.message) if one.line != 1)


def _find_reasons(commit: Commit, wrote: Collection[Passage]) -> set[str]:
    """Return the kinds of the passages that *commit* wrote beside its title and that state a reason."""
    said = [one for one in read_message(commit.message) if one.line != 1]
    prose = [one for one in wrote if one.kind != "test" and not one.is_removed]
    return {one.kind for one in (*said, *prose) if one.worth == Worth.REASON}
