"""Finds what a commit's message and changed lines say of other commits: reverts, replaces, is a copy of. Pure.

Reads git's own phrases (`git revert`, `git cherry-pick -x`), GitHub's, backport robots' and people's usual ones. "Partially
reverts" and the like are ignored.
"""

from __future__ import annotations

import hashlib
import heapq
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

Kind = Literal["reverts", "reverts_merge", "reapplies", "replaces"]

PATCH_KEYS = 4
_PATCH_LINES = 200  # of a commit's changed lines: enough to tell it by, and indexing stays fast
_LEAST_LINES = 3  # fewer lines that only come or only go are a coincidence: an import added, years later removed
_MESSAGE_CHARS = 20_000  # what is said of other commits is said before that
_SUBJECT_CHARS = 500  # patterns that begin with white space take the square of its length: a subject may have 100,000
_SHA = r"\b[0-9a-f]{7,64}\b"
_SHAS = rf"(?:(?:[\s,;:*+-]|and\b|commits?\b|changesets?\b)*{_SHA})+"
_TELLING = r"^[ \t]*(?:(?:this|it) (?:(?:commit|change|patch|pr) )?(?:also |fully )?)?"
_VERBS: tuple[tuple[Kind, str, str], ...] = (
    ("reverts", _TELLING, "reverts?|reverted|backs? out|backed out|undoes"),
    ("reapplies", _TELLING, "re-?appl(?:y|ies)|re-?lands?|revert of revert"),
    ("replaces", r"\b", "replaces|supersedes|obsoletes"),
)
_SAYS = [
    (kind, re.compile(rf"{begins}(?:{verb})(?P<shas>{_SHAS})", re.MULTILINE | re.IGNORECASE))
    for kind, begins, verb in _VERBS
]
_MERGE_REVERT = re.compile(rf"\breverts\s+commit\s+({_SHA})\s*,?\s+reversing\s+changes", re.IGNORECASE)
_PICKED = re.compile(
    rf"^[ \t]*\(?(?:cherry[- ]picked from|backport(?:ed)? (?:of|from)):?\s+(?:commit\s+)?({_SHA})|^\[PR #\d+/({_SHA}) backport\]",
    re.MULTILINE | re.IGNORECASE,
)
_NAMING = (
    "revert", "back out", "backs out", "backed out", "undoes", "appl", "land", "replaces", "supersedes", "obsoletes", "pick",
    "backport",
)  # fmt: skip
"""Every phrase below contains one of these: looking for them first takes a tenth of the full pattern's time."""
_PARTIAL = re.compile(r"partial(?:ly)? revert|revert part", re.IGNORECASE)
_UNDOING = re.compile(
    r"(?:partially |temporarily )?(?:revert(?:s|ed|ing)?|back(?:s|ed)? out|undo(?:es)?|roll(?:s|ed)? back)\b",
    re.IGNORECASE,
)
_QUOTING = re.compile(r"^(revert|reapply):?\s+[\"'\u201c](.*)[\"'\u201d]\W*$", re.IGNORECASE | re.DOTALL)
_NUMBERS = re.compile(r"(?:\s*\((?:backport of )?(?:pr |gh-)?#?\d+\))+\s*$", re.IGNORECASE)
_COPY = re.compile(
    r"^(?:\s*\[[^\]]*(?:backport|cherry-?pick|\d+\.[\dx]+|stable|release|maint)[^\]]*\]\s*)+"
    r"|^backport(?:ed)?(?: of)?(?: (?:pr|commit))?(?: #?\d+)?(?: (?:to|on|for) [\w./-]+)?\s*:?\s+"
    r"|\s*\(backport of [^)]*\)",
    re.IGNORECASE,
)
_MERGE = re.compile(r"^merge (?:pull request|branch|remote-tracking branch|pr|tag|commit)\b", re.IGNORECASE)


class Mention(NamedTuple):
    """One commit named in a message. key: what is looked up, 7 hex digits or a subject's key; target: the sha's digits, or ""."""

    key: str
    kind: Kind
    target: str


@dataclass(frozen=True, slots=True)
class Title:
    """A subject without what copies, reverts and merges put around it.

    core: what all commits of one change share, "" if nothing is left. numbers: of pull requests, at its end. turns: how often
    it is reverted or reapplied in quotes.
    """

    core: str
    numbers: frozenset[str]
    turns: int
    is_copy: bool
    is_merge: bool


def read_mentions(message: str) -> list[Mention]:
    """Return what *message* says of other commits, each once."""
    message = message.lstrip()[:_MESSAGE_CHARS]
    if not _may_name(message) or _PARTIAL.match(message):
        return []
    found = [
        Mention(sha[:7], kind, sha)
        for kind, pattern in _SAYS
        for said in pattern.finditer(message)
        for sha in re.findall(_SHA, said["shas"].lower())
    ]
    found += [Mention(sha.lower()[:7], "reverts_merge", sha.lower()) for sha in _MERGE_REVERT.findall(message)]
    if quoted := _match_quoting(message):
        kind: Kind = "reverts" if quoted[1].lower() == "revert" else "reapplies"
        found.append(Mention(to_subject_key(quoted[2]), kind, ""))
    return list(dict.fromkeys(found))


def is_undoing(message: str) -> bool:
    """Whether *message* says that it takes something back, in part or whole; not of a revert of a revert."""
    message = message.lstrip()
    quoted = _match_quoting(message)
    if quoted and _QUOTING.match(quoted[2]):
        return False
    return bool(_UNDOING.match(message)) or any(one.kind == "reverts" for one in read_mentions(message))


def read_undone(message: str) -> str | None:
    """Return the subject that *message* quotes as reverted, None where it quotes none."""
    quoted = _match_quoting(message.lstrip())
    return quoted[2] if quoted and quoted[1].lower() == "revert" else None


def read_picked(message: str) -> list[str]:
    """Return the shas that *message* says it was cherry-picked or backported from."""
    message = message[:_MESSAGE_CHARS]
    if "pick" not in message and "ackport" not in message:
        return []
    return [one.lower() or other.lower() for one, other in _PICKED.findall(message)]


def read_named(message: str) -> list[str]:
    """Return the shas of all commits that *message* says it reverts, replaces, makes again or copies."""
    message = message[:_MESSAGE_CHARS]
    if not _may_name(message):
        return []
    return [one.target for one in read_mentions(message) if one.target] + read_picked(message)


def to_subject_key(subject: str) -> str:
    """Return the key by which a subject, with its number, is looked up; unlike any sha's."""
    plain = " ".join(subject.casefold().split())
    return "s" + hashlib.blake2b(plain.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def read_title(subject: str, body: str) -> Title:
    """Return the title of the change that a commit makes; a merge's stands in its body's first line."""
    is_merge = bool(_MERGE.match(subject))
    text = next((line for line in body[:_MESSAGE_CHARS].splitlines() if line.strip()), "") if is_merge else subject
    text = text[:_SUBJECT_CHARS]
    turns, is_copy = 0, False
    while True:
        shorter = _without_numbers(text)
        if _COPY.search(text):
            is_copy, shorter = True, _COPY.sub("", shorter, count=1).strip()
        if quoted := _QUOTING.match(shorter):
            turns += 1
            shorter = quoted[2]
        if shorter == text:
            core = " ".join(text.casefold().rstrip(". ").split())
            return Title(core, frozenset(re.findall(r"\(#(\d+)\)", subject)), turns, is_copy, is_merge)
        text = shorter


def _may_name(message: str) -> bool:
    lowered = message.lower()
    return any(word in lowered for word in _NAMING)


def _match_quoting(message: str) -> re.Match[str] | None:
    return _QUOTING.match(_without_numbers(message.split("\n", 1)[0][:_SUBJECT_CHARS].strip()))


def _without_numbers(subject: str) -> str:
    return _NUMBERS.sub("", subject).strip()


def get_patch_keys(changed: str) -> list[int]:
    """Return up to PATCH_KEYS numbers that are the same for a change, its copy and its inverse."""
    lines = (line[1:].strip() for _, line in zip(range(_PATCH_LINES), _signed(changed), strict=False))
    hashes = {zlib.crc32(line.encode("utf-8", "surrogatepass")) for line in lines if len(line) > 3}
    return heapq.nsmallest(PATCH_KEYS, hashes)


def is_inverse(changed: str, later: str) -> bool:
    """Whether *later* takes back what *changed* did: all of it exactly, or nearly all with little else."""
    added, removed = _split(changed)
    its_added, its_removed = _split(later)
    if _share_enough(added, removed, its_added, its_removed):  # lines that only moved: as much a copy as an inverse
        return False
    return _share_enough(added, removed, its_removed, its_added)


def is_alike(changed: str, other: str) -> bool:
    """Whether both make one change: exactly, or nearly."""
    return _share_enough(*_split(changed), *_split(other))


def _share_enough(
    added: Counter[str], removed: Counter[str], its_added: Counter[str], its_removed: Counter[str]
) -> bool:
    mine, its = added.total() + removed.total(), its_added.total() + its_removed.total()
    shared = (added & its_added).total() + (removed & its_removed).total()
    is_replacing = bool(added and removed)
    if mine < (2 if is_replacing else _LEAST_LINES):
        return False
    return shared == mine == its or (mine >= 2 * _LEAST_LINES and shared >= 0.9 * mine and shared >= 0.6 * its)


def _split(changed: str) -> tuple[Counter[str], Counter[str]]:
    """Return the added and the removed lines, stripped, without those that are nearly empty."""
    added: Counter[str] = Counter()
    removed: Counter[str] = Counter()
    for line in _signed(changed):
        if len(text := line[1:].strip()) > 3:
            (added if line[0] == "+" else removed)[text] += 1
    return added, removed


def _signed(changed: str) -> Iterator[str]:
    return (line for line in changed.split("\n") if line[:1] in ("+", "-"))
