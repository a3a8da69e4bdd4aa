"""What an editor asks, as requests to the daemon: the reason of lines, an answer in full, what bears on a change, a commit.

Reasons are kept a minute by document, version and lines, so that a mouse that comes back asks nothing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from ail_client.target import to_wire_path
from ail_rpc import WHY
from ail_rpc.errors import NotARepositoryError, NotFoundError, UsageError

from .asking import Asker, run_in_thread
from .documents import Document, to_whole_text
from .git import read_commit_diff, read_working_diff
from .places import Place, find_directory, find_file, read_contents, to_path
from .results import Reason, Where, find_reason, write_commit
from .scratch import Scratch

_KEPT_S = 60.0
_KEPT_MAX = 500
_SHA_DIGITS = frozenset("0123456789abcdef")
Lines = tuple[int, int]


class Answer(NamedTuple):
    """A reply of the daemon, and what it is about. note: why it may be less than was asked for, "" for no such reason."""

    reply: dict[str, Any]
    where: Where
    note: str = ""


class NothingChangedError(NotFoundError):
    """The buffer is as HEAD has it: there is no change to ask about."""


class Questions:
    """Asks for an editor. seen: the repositories that its files lie in; only their commits are shown."""

    def __init__(self, asker: Asker, scratch: Scratch) -> None:
        self.asker = asker
        self._scratch = scratch
        self.seen: set[str] = set()
        self._kept: dict[tuple[str, int, Lines], tuple[float, Reason | None, Where]] = {}

    async def find_reason(
        self, document: Document, lines: Lines, kind: str, *, may_ask: bool = True
    ) -> tuple[Reason | None, Where]:
        """Return the reason of *lines*, None where nothing is sure enough, and what it is about.

        kind, as of `Asker.ask`. may_ask: else only what is kept. Raises as `Asker.ask` does.
        """
        blank, key = Where("", ""), (document.uri, document.version, lines)
        if is_blank(document, lines):
            return None, blank
        kept = self._kept.get(key)
        if kept is not None and time.monotonic() - kept[0] < _KEPT_S:
            return kept[1], kept[2]
        if not may_ask:
            return None, blank
        try:
            answer = await self.ask(document, lines, None, kind=kind)
        except NotFoundError:  # not committed yet: nothing to say of this version
            return self.keep(key, None, blank)
        return self.keep(key, find_reason(answer.reply, self.asker.settings.hover_confidence), answer.where)

    async def ask(self, document: Document, lines: Lines | None, question: str | None, *, kind: str = "") -> Answer:
        """Return the answer to *question* (None: why it is so) about *lines* (None: the file). Raises as `Asker.ask` does."""
        copy, found = document.copy(), _Found()

        def prepare() -> tuple[str, dict[str, Any]]:
            place = found.take(find_file(document.uri), self.seen)
            params: dict[str, Any] = self._make_params(place, question)
            if lines is not None:
                contents, found.note = read_contents(copy)
                if found.note and kind:
                    raise UsageError(found.note)
                params |= {"lines": list(lines)} | ({} if contents is None else {"contents": contents})
            return "ask", params

        reply = await self.asker.ask(document.uri, prepare, kind=kind)
        answer = Answer(reply, found.get_where(lines), found.note)
        if lines is not None and not kind and question is None:
            reason = find_reason(reply, self.asker.settings.hover_confidence)
            self.keep((copy.uri, copy.version, lines), reason, answer.where)
        return answer

    async def ask_repository(self, question: str, uri: str | None, folders: Sequence[str]) -> Answer:
        """Return the answer to *question* about the repository of *uri*, None: of the one that the *folders*' URIs lie in."""
        found = _Found()

        def prepare() -> tuple[str, dict[str, Any]]:
            place = (find_file(uri) if uri else find_only(folders))._replace(file=None)
            return "ask", self._make_params(found.take(place, self.seen), question)

        reply = await self.asker.ask(uri or "", prepare)
        return Answer(reply, found.get_where(None))

    async def find_related(self, document: Document, kind: str = "") -> Answer:
        """Return what bears on the buffer's change against HEAD; if there is none, on its file.

        With a *kind*, NothingChangedError instead. Raises as `Asker.ask` does.
        """
        text, found = to_whole_text(document.text), _Found()

        def prepare() -> tuple[str, dict[str, Any]]:
            place = found.take(find_file(document.uri), self.seen)
            if place.file is None:
                raise UsageError("a directory has no change", "open a file")
            diff = read_working_diff(place.root, place.file, text, self._scratch, self.asker.limit_s)
            if not diff and kind:
                raise NothingChangedError("the buffer is as HEAD has it")
            about: dict[str, Any] = {"staged": diff} if diff else {"files": [place.file]}
            return "related", {"repo": to_wire_path(place.root), "limit": self.asker.settings.limit, **about}

        reply = await self.asker.ask(document.uri, prepare, kind=kind)
        return Answer(reply, found.get_where(None))

    async def prefetch(self, uri: str) -> None:
        """Have the daemon read ahead what questions about lines of a file need. Raises as `Asker.tell` does."""

        def prepare() -> tuple[str, dict[str, Any]]:
            place = find_file(uri)
            if place.file is None:
                raise UsageError("a directory has no lines")
            return "prefetch", {"repo": to_wire_path(place.root), "file": place.file}

        await self.asker.tell(prepare)

    async def show(self, uri: str, around: Iterable[str]) -> str:
        """Return the text of the virtual document `ail://commit/SHA?repo=…`. Raises UsageError, as `Asker.ask` does.

        around: the URIs of what is open; the commit may be of a repository that nothing was asked about yet, as after a restart.
        """
        sha, repo, path = parse_commit_uri(uri)
        if repo not in self.seen:
            self.seen |= {place.root for place in map(_find_or_none, filter(None, map(to_path, around))) if place}
        if repo not in self.seen:
            raise UsageError("no file of that repository is open", "open one, then the commit")
        shown = await self.asker.ask(f"commit:{repo}", lambda: ("show", {"repo": to_wire_path(repo), "sha": sha}))
        full = str(shown["sha"])
        diff = await run_in_thread(lambda: read_commit_diff(repo, full, path, self.asker.limit_s))
        return write_commit(shown, diff)

    def find_repository(self, uri: str | None, folders: Sequence[str]) -> str:
        """Return the root of the repository of *uri*, None: of the folders. Raises NotARepositoryError, UsageError."""
        return _Found().take(find_file(uri) if uri else find_only(folders), self.seen).root

    def forget(self, uri: str) -> None:
        """Forget what was said of a document."""
        self._kept = {key: kept for key, kept in self._kept.items() if key[0] != uri}
        self.asker.forget(uri)

    def forget_reasons(self) -> None:
        """Forget every reason: what was sure enough may not be so any more."""
        self._kept.clear()

    def keep(self, key: tuple[str, int, Lines], reason: Reason | None, where: Where) -> tuple[Reason | None, Where]:
        """Keep a reason, and return it."""
        if len(self._kept) >= _KEPT_MAX:
            self._kept.pop(next(iter(self._kept)))
        self._kept[key] = time.monotonic(), reason, where
        return reason, where

    def _make_params(self, place: Place, question: str | None) -> dict[str, Any]:
        params = {
            "repo": to_wire_path(place.root), "question": to_whole_text(question or "") or WHY,
            "limit": self.asker.settings.limit,
        }  # fmt: skip
        return params | ({"file": place.file} if place.file else {})


class _Found:
    """What a thread finds out about a question while it prepares it."""

    def __init__(self) -> None:
        self.place = Place("", None, "")
        self.note = ""

    def take(self, place: Place, seen: set[str]) -> Place:
        self.place = place
        seen.add(place.root)
        return place

    def get_where(self, lines: Lines | None) -> Where:
        return Where(self.place.root, self.place.commit_url, self.place.file, lines)


def is_blank(document: Document, lines: Lines) -> bool:
    """Whether *lines* have nothing to ask about: white space alone, or what no text has."""
    text = [document.get_line(number) for number in range(lines[0], min(lines[1], lines[0] + 1000) + 1)]
    return not any(line.strip() for line in text) or any("\0" in line for line in text)


def find_only(folders: Sequence[str]) -> Place:
    """Return the repository that all *folders*, URIs, lie in. Raises UsageError where they lie in none or in several."""
    places = {}
    for path in filter(None, map(to_path, folders)):
        place = _find_or_none(path)
        if place is not None:
            places[place.root] = place
    if len(places) == 1:
        return next(iter(places.values()))
    if places:
        raise UsageError(f"the workspace has {len(places)} repositories", "open a file of the one that is meant")
    raise UsageError("the workspace has no git repository", "open a folder of one")


def parse_commit_uri(uri: str) -> tuple[str, str, str | None]:
    """Return (sha, repository, path or None) of an `ail://commit/` URI. Raises UsageError for any other."""
    parts = urlsplit(uri)
    sha, about = parts.path.strip("/"), parse_qs(parts.query, errors="surrogateescape")
    is_sha = 4 <= len(sha) <= 64 and not set(sha) - _SHA_DIGITS
    if parts.scheme != "ail" or parts.netloc != "commit" or not is_sha or "repo" not in about:
        raise UsageError(f"{uri[:200]!r} names no commit", "ail://commit/SHA?repo=DIRECTORY does")
    return sha, about["repo"][0], about.get("path", [None])[0]


def _find_or_none(path: str) -> Place | None:
    """Return the repository around a file or directory, None for none."""
    try:
        return find_directory(path if os.path.isdir(path) else os.path.dirname(path))
    except NotARepositoryError:
        return None
