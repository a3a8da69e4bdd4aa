"""The parameters of `ask`: declared for the wire, and parsed once into one frozen value."""

from __future__ import annotations

import os
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

from ail_rpc import WHY
from ail_rpc.discovery import RepoPlace
from ail_rpc.errors import UsageError

from ..history.worktree import identify
from ..model import Mode, Scope
from ..search.filters import NAMES, Filters
from ..search.linehistory import hash_text
from ..server.params import check_file, flag, lines, number, raw, text, whole

_HOW = (
    number("timeout", 0.001, 3600, default=None), whole("limit", 1, 100, default=5),
    text("mode", "auto", "semantic", "lexical", default="auto"), flag("no_cache"), *(text(name, default=None) for name in NAMES),
)  # fmt: skip
ASK = (
    text("repo"), text("question", default=""), text("file", default=None), lines("lines"), raw("contents", default=None),
    text("at", default=None), text("function", default=None), *_HOW,
)  # fmt: skip
"""The parameters of `ask`, for `Method`."""

ASK_ALL = (text("question"), text("repos", default=None), *_HOW)
"""The parameters of `ask.all`. repos: a pattern for the path of a repository, or the name of its directory; None: all."""

CONTENTS_MAX_BYTES = 768 << 10
"""Of an unsaved text; a request may have 1 MiB."""


@dataclass(frozen=True, slots=True)
class AskParams:
    """A call of `ask`.

    repo: the directory that was asked from. question: without the space around it. file: as it was given, None for none;
    lines: (first, last), counted from 1. timeout_s: None: as the settings say. contents: the text that the lines are
    counted in, None: the file on the disk. at: a commit that is asked about. filters: which commits may answer.
    function: of the file, in place of lines.
    """

    repo: str
    question: str
    file: str | None = None
    lines: tuple[int, int] | None = None
    limit: int = 5
    mode: Mode = "auto"
    timeout_s: float | None = None
    no_cache: bool = False
    contents: str | None = None
    at: str | None = None
    filters: Filters = Filters()  # noqa: RUF009 - immutable
    function: str | None = None

    @classmethod
    def parse(cls, params: dict[str, Any]) -> AskParams:
        """Parse *params*, which hold a value for each of ASK."""
        asked = params["lines"]
        return cls(
            params["repo"], params["question"].strip() or (WHY if params["file"] else ""), params["file"] or None,
            (asked[0], asked[1]) if asked else None, params["limit"], params["mode"], params["timeout"], params["no_cache"],
            params["contents"], params["at"] or None, Filters.of(params), params["function"] or None,
        )  # fmt: skip

    @classmethod
    def of_lines(cls, params: dict[str, Any]) -> AskParams:
        """Parse *params* of `log`, which ask the one question about lines, without filters."""
        asked = params["lines"]
        return cls(
            params["repo"], WHY, params["file"], (asked[0], asked[1]) if asked else None, params["limit"],
            timeout_s=params["timeout"], contents=params["contents"], at=params["at"] or None,
            function=params["function"] or None,
        )  # fmt: skip

    @classmethod
    def of_all(cls, params: dict[str, Any]) -> AskParams:
        """Parse *params*, of ASK_ALL; whose repository it is about is to be filled in."""
        return cls(
            "", params["question"].strip(), None, None, params["limit"], params["mode"], params["timeout"], params["no_cache"],
            filters=Filters.of(params),
        )  # fmt: skip

    @property
    def levelled(self) -> str:
        """The question with normalised spacing, which changes no question."""
        return " ".join(self.question.split())

    def describe(self) -> dict[str, Any]:
        """Return the params that say what is asked, as in a call, without the time limit and `no_cache`."""
        lines = list(self.lines) if self.lines else None
        params = {"repo": self.repo, "question": self.question, "file": self.file, "lines": lines, "limit": self.limit}
        params |= {"contents": self.contents, "at": self.at, "function": self.function}
        params |= {"mode": self.mode, **self.filters._asdict()}
        return {name: value for name, value in params.items() if value is not None}

    def check(self, most_bytes: int) -> None:
        """Raise UsageError where the question is empty or has more than *most_bytes*."""
        if not self.question:
            raise UsageError("the question is empty", "ask something, for example: why do we retry?")
        if len(self.question.encode("utf-8", "surrogatepass")) > most_bytes:
            raise UsageError(
                f"the question is longer than {most_bytes:,} bytes",
                "ask in fewer words, or allow more with AIL_MAX_QUESTION_BYTES",
            )

    def identify_text(self, scope: Scope, place: RepoPlace) -> Hashable:
        """Return what identifies the text in which the lines are counted; no file is read. Raises UsageError."""
        if scope.file is None or scope.lines is None:
            return None
        if self.contents is None:
            return identify(place, scope.file)
        if len(self.contents) > CONTENTS_MAX_BYTES:
            raise UsageError(
                f"the contents are larger than {CONTENTS_MAX_BYTES >> 10} KiB", "leave them out: the file is read"
            )
        return hash_text(self.contents.encode("utf-8", "surrogateescape"))

    def get_scope(self, file: str | None, place: RepoPlace) -> Scope:
        """Return which lines of *file*, of the repository at *place*, are asked about. Raises UsageError."""
        return Scope(locate(file, place) if file else None, self.lines)


def locate(file: str, place: RepoPlace) -> str:
    """Return *file* relative to the repository's root. Raises UsageError for a path outside it, or too long for one."""
    check_file(file)
    inside = os.path.relpath(file, place.root) if os.path.isabs(file) else os.path.normpath(file)
    if inside.startswith("..") or "\0" in file:
        raise UsageError(f"{file!r:.200} lies outside {place.root}", "name a file of the repository")
    return inside
