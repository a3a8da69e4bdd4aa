"""Removes from changed lines what looks like a key, a token or a password, before they are stored or shown. Pure.

Known forms are recognised by their beginning, passwords by the name they are assigned to, others by being long and mixed.
Messages are left as people wrote them: answers quote their sentences.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_LONG = re.compile(r"\b(?=[A-Za-z+/_-]{0,64}\d)(?=[0-9+/_-]{0,64}[A-Za-z])[A-Za-z0-9+/_-]{32,}={0,2}")
# The bounds keep it linear: without them 64 KiB of "a-a-a-…" took minutes.

_RUN = re.compile(r"[A-Za-z0-9+/_-]{32,}={0,2}")
"""What can hold such a key. To look for these first, and for keys in them alone, takes a third of the time."""

_PIECE = re.compile(
    r"(?:[a-z]{1,24}|[A-Z]{1,24}|(?:[a-z]{2,24})?(?:[A-Z][a-z]{2,24}){1,4}(?:[A-Z]{2,5})?)\d{0,4}|\d{1,10}"
)
"""A word with its number behind it, or a number: `fileio`, `HTTP2`, `retryUploads`, `FileIO`, `517`."""

_BETWEEN = re.compile(r"[/_+=-]+")

_NAMED = "password|passwd|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential"
_MARKED: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...] = (
    (("private key",), re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----[A-Za-z0-9+/=:,\s\\-]{0,20000}")),
    (("akia", "asia"), re.compile(r"\bA(?:KIA|SIA)[A-Z0-9]{12,}\b")),
    (("eyj",), re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?")),
    (("://",), re.compile(r"(?<=://)[^\s/@:'\"<>]{0,100}:[^\s/@'\"<>]{1,200}(?=@)")),
    (
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "gldt-", "glrt-", "xox", "k_live_", "k_test_",
         "aiza", "pypi-age", "sg.", "ya29."),
        re.compile(
            r"\b(?:gh[opusr]_|github_pat_|gl(?:pat|dt|rt)-|xox[abeoprs]-|[prs]k_(?:live|test)_|AIza|pypi-AgE|ya29\.)"
            r"[\w.-]{10,}|\bSG\.[\w-]{16,}\.[\w-]{16,}"
        ),
    ),
)  # fmt: skip
"""What stands in a text (in lower case) that can hold the form, and the form: a search of the text is cheaper."""

_MARKS = tuple(mark for marks, _ in _MARKED for mark in marks)
_NAMES = ("passw", "passphrase", "pwd", "secret", "token", "key", "credential")
_QUOTED = re.compile(
    rf"((?i:{_NAMED})[\w.-]{{0,20}}[\"'\]]{{0,2}}\s{{0,4}}(?:=>|:=|=|:|,)\s{{0,4}}[\"'])([^\"'\s]{{8,200}})(?=[\"'])"
)
_BARE = re.compile(rf"((?i:{_NAMED})[\w.-]{{0,20}}(?:=|:\s))([^\s\"'();,$<>{{}}]{{8,200}})(?=\s|$)")
_LINE_END = re.compile(r"(?<!:)\n(?!\s{0,4}[\"'=:,])")
"""An end of line; not one that may stand between a name and its value."""


def without_secrets(text: str) -> str:
    """Return *text* without what looks like a key, a token or a password; a space stands where it stood."""
    low = text.lower()
    if any(map(low.__contains__, _MARKS)):
        for marks, form in _MARKED:
            if any(map(low.__contains__, marks)):
                text = form.sub(" ", text)
    if any(map(low.__contains__, _NAMES)):
        text = _without_named(text)
    return _RUN.sub(_without_keys, text)


def _without_keys(run: re.Match[str]) -> str:
    return _LONG.sub(lambda found: found[0] if _is_made_of_words(found[0]) else " ", run[0])


def _is_made_of_words(token: str) -> bool:
    """Whether *token* is a path, a slug or a long name: `com/en-us/windows/win32/fileio`, `test_issue_517_on_windows`.

    Of 200,000 random keys of 32 characters none was taken for one.
    """
    return all(_PIECE.fullmatch(piece) for piece in _BETWEEN.split(token) if piece)


def _without_named(text: str) -> str:
    """Return *text* without the values of passwords; lines without such a name are passed over, being most."""
    return "\n".join(map(_without_value, _LINE_END.split(text)))


def _without_value(line: str) -> str:
    low = line.lower()
    if any(map(low.__contains__, _NAMES)):
        line = _BARE.sub(_if(_is_mixed), _QUOTED.sub(_if(_is_mixed), line))
    return line


def _if(is_secret: Callable[[str], bool]) -> Callable[[re.Match[str]], str]:
    return lambda found: f"{found[1]} " if is_secret(found[2]) else found[0]


def _is_mixed(value: str) -> bool:
    """Whether *value* has letters and digits: `changeme` and `get_password` tell a reader something, and are no secret."""
    return any(char.isdigit() for char in value) and any(char.isalpha() for char in value)
