"""`--author`, `--since`, `--until`, `--path`, `--ref`: which commits a question may be answered from.

They apply before ranking, so that a narrow filter still finds its best commits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ail_rpc.discovery import RepoPlace
from ail_rpc.errors import NotFoundError

from ..history.limits import ASKED
from ..history.opening import History, open_history
from ..index import lookups
from ..index.repoindex import RepoIndex

NAMES = ("author", "since", "until", "path", "ref")
"""The options' names, on the wire too."""


class Filters(NamedTuple):
    """The options as they were given; None or empty: not given."""

    author: str | None = None
    since: str | None = None
    until: str | None = None
    path: str | None = None
    ref: str | None = None

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Filters:
        """Return the options among a call's *params*."""
        return cls(*(params.get(name) or None for name in NAMES))


_ABSOLUTE = re.compile(r"\d{4}(?:-\d\d(?:-\d\d(?:[T ][\d:.]+(?:Z|[+-][\d:]+)?)?)?)?")


@dataclass(frozen=True, slots=True)
class Filter:
    """The ids of the commits that pass."""

    ids: frozenset[int]

    def allows(self, ids: Iterable[int]) -> set[int]:
        """Return those of *ids* that pass."""
        return set(self.ids.intersection(ids))


def get_key(given: Filters, now_s: float) -> tuple[str | None, ...]:
    """Return the filters' part of a cache's key: "yesterday" is a different one a minute later."""
    if not any(given):
        return given
    dates = filter(None, (given.since, given.until))
    return given if all(map(_ABSOLUTE.fullmatch, dates)) else (*given, str(now_s // 60))


def compile(options: Filters, index: RepoIndex, place: RepoPlace) -> Filter | None:  # noqa: A001 - as re.compile
    """Return the filter that *options* make, None where none is given. Empty text counts as not given.

    All that are given must hold. REF is resolved in the worktree *place*. Raises UsageError for an invalid date,
    NotFoundError for an unknown REF, RepoUnreadableError.
    """
    given = {name: value for name, value in options._asdict().items() if value}
    if not given:
        return None
    history = open_history(place, limits=ASKED) if given.keys() & {"since", "until", "ref", "author"} else None
    first, *others = [find() for find in _finders(given, index, history)]
    first.intersection_update(*others)
    return Filter(frozenset(first))


def _finders(given: dict[str, str], index: RepoIndex, history: History | None) -> list[Callable[[], set[int]]]:
    """Return a search for each option, the dates as one."""
    store = index.store
    finders: list[Callable[[], set[int]]] = []
    if history is not None and given.keys() & {"since", "until"}:
        since, until = (history.read_date(name, given[name]) if name in given else None for name in ("since", "until"))
        finders.append(lambda: lookups.find_between(store, since, until))
    if history is not None and "ref" in given:
        finders.append(lambda: _find_in_range(index, history, given["ref"]))
    if history is not None and "author" in given:
        finders.append(
            lambda: lookups.find_by_author(store, given["author"], history.map_authors(lookups.list_authors(store)))
        )
    if "path" in given:
        finders.append(lambda: lookups.find_by_path(store, to_pattern(given["path"])))
    return finders


def _find_in_range(index: RepoIndex, history: History, named: str) -> set[int]:
    """Return the ids of what a ref reaches; of `A..B`, as git has it, what B reaches and A does not; a side left out is HEAD."""
    base, dots, tip = named.partition("..")
    if not dots:
        return _find_reachable(index, history, named)
    return _find_reachable(index, history, tip or "HEAD") - _find_reachable(index, history, base or "HEAD")


def _find_reachable(index: RepoIndex, history: History, ref: str) -> set[int]:
    """Return the ids of indexed commits that *ref* reaches.

    All but those that it does not reach: git walks these faster, as they are usually fewer. An index that is still being
    built lacks tips to walk from: then git walks all that *ref* reaches.
    """
    sha = history.find_commit(ref)
    if sha is None:
        raise NotFoundError(f"the ref {ref:.200} was not found", "`git branch -a` and `git tag` list the refs")
    if not index.tips.shas:
        return lookups.find_by_sha(index.store, history.iter_shas([sha]))
    return lookups.find_all(index.store) - lookups.find_by_sha(index.store, history.iter_shas(index.tips.shas, [sha]))


_SPECIAL = re.compile(r"[*?\[]")


def to_pattern(glob: str) -> re.Pattern[str]:
    """Return what matches, from the start, the paths that *glob* means: relative to the root, / between names."""
    path = re.sub(r"^(?:\./)+|^/+", "", glob)
    anywhere = "(?:.*/)?" if _SPECIAL.search(path) and "/" not in path.rstrip("/") and not glob.startswith("/") else ""
    return re.compile(f"{anywhere}{_translate(path.rstrip('/'))}(?:/.*)?\\Z", re.DOTALL)


def _translate(glob: str) -> str:
    parts: list[str] = []
    at = 0
    while at < len(glob):
        piece, at = _translate_one(glob, at)
        parts.append(piece)
    return "".join(parts)


def _translate_one(glob: str, at: int) -> tuple[str, int]:
    """Return the expression for the token at *at*, and where the next begins."""
    if glob.startswith("**/", at):
        return "(?:.*/)?", at + 3
    if glob.startswith("**", at):
        return ".*", at + 2
    if glob[at] == "[" and (end := glob.find("]", at + 2)) > 0:
        return _translate_set(glob[at + 1 : end]), end + 1
    if glob[at] == "\\" and at + 1 < len(glob):
        return re.escape(glob[at + 1]), at + 2
    return {"*": "[^/]*", "?": "[^/]"}.get(glob[at], re.escape(glob[at])), at + 1


def _translate_set(inside: str) -> str:
    negated = inside[0] in "!^"
    listed = re.sub(r"([\\\[\]^&~|])", r"\\\1", inside[negated:])
    expression = f"(?!/)[{'^' if negated else ''}{listed}]"
    try:
        re.compile(expression)
    except re.error:  # [z-a]: in git it matches nothing
        return "(?!)"
    return expression
