"""A question in words alone, read without argparse: that takes a third of a client's own time, and most questions need none.

Whatever begins with a dash, and a time limit from the environment, is left to `arguments`.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence

DEFAULT_TIMEOUT_S = 5.0
TIMEOUT_VARIABLE = "AIL_MAX_QUERY_TIME_S"


class _Options:
    """What argparse would have made of the same words."""

    def __init__(self, words: list[str]) -> None:
        self.command = "ask"
        self.words = words
        self.timeout = DEFAULT_TIMEOUT_S
        self.timeout_given = self.is_limit_told = False
        self.color = "auto"
        self.pager = True
        self.log = self.interactive = self.all = self.no_cache = self.json = self.no_start = False
        self.range_of = self.repos = self.limit = self.format = self.mode = self.repo = self.socket = None
        self.author = self.since = self.until = self.path = self.ref = None


def parse_plain(words: Sequence[str]) -> Namespace | None:
    """Return the options of `ask` with *words*; None where argparse is to read them."""
    if os.environ.get(TIMEOUT_VARIABLE) or any(word.startswith("-") for word in words):
        return None
    return _Options(list(words))  # type: ignore[return-value]  # read like one, and never otherwise
