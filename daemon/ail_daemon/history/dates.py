"""Reads dates as people write them: ISO 8601 and years here; "2 weeks ago" and the like are read by git."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from ail_rpc.errors import UsageError

from .command import GitCommand

_MONTH = re.compile(r"(\d{4})(?:-(\d{1,2}))?")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}|\d{8}")
_KNOWN_WORDS = """
january february march april may june july august september october november december sept monday tuesday wednesday
thursday friday saturday sunday second minute hour day week month year ago last yesterday today now midnight noon tea
never am pm one two three four five six seven eight nine ten a an and at on of the utc gmt z t st nd rd th
"""
_KNOWN = frozenset(_KNOWN_WORDS.split())
_LONGEST = 100


def read_date(git: GitCommand, name: str, text: str) -> int:
    """Return the time that *text* means, in seconds since 1970, for the option *name*, "since" or "until".

    A day, a month or a year alone counts from its beginning for "since", to its end for "until"; local time where no zone
    is given. Raises UsageError for anything else: git itself reads any word as "now".
    """
    text = text.strip()
    is_end = name == "until"
    try:
        return _read_iso(text, is_end=is_end) or _ask_git(git, text)
    except (ValueError, OverflowError, OSError) as err:
        raise UsageError(
            f"{text:.80} is no date for --{name}", 'for example 2024-05-01, 2024, yesterday, "2 weeks ago"'
        ) from err


def _read_iso(text: str, *, is_end: bool) -> int | None:
    """Return the time of an ISO date, None for anything else. Raises ValueError for an impossible month or day."""
    if match := _MONTH.fullmatch(text):
        first = datetime(int(match[1]), int(match[2] or 1), 1)
        after = (
            first.replace(day=28) + timedelta(days=4) if match[2] else first.replace(month=12, day=31) + timedelta(1)
        )
        return _seconds(after.replace(day=1)) - 1 if is_end else _seconds(first)
    if _DAY.fullmatch(text):
        day = datetime.fromisoformat(text)
        return _seconds(day + timedelta(days=1)) - 1 if is_end else _seconds(day)
    try:
        return _seconds(datetime.fromisoformat(text))
    except ValueError:
        return None


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _ask_git(git: GitCommand, text: str) -> int:
    """Return git's reading. Raises ValueError if a word cannot be part of a date."""
    words = re.findall(r"[^\W\d_]+", text.lower())
    if len(text) > _LONGEST or not text.isprintable() or not re.search(r"\w", text) or not all(map(_is_known, words)):
        raise ValueError(text)
    printed = git.read(["rev-parse", f"--since={text}"]).strip()
    return int(printed.removeprefix(b"--max-age="))


def _is_known(word: str) -> bool:
    """Whether *word* can be part of a date: git accepts the first three letters of a name, and plurals."""
    return word in _KNOWN or word.removesuffix("s") in _KNOWN or (
        len(word) >= 3 and any(known.startswith(word) for known in _KNOWN)
    )  # fmt: skip
