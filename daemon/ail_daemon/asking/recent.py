"""The questions of late, in memory and never on disk: what is asked again after an index changed, and what checks may sample.

Knows no repository and answers nothing. Any thread may call.
"""

from __future__ import annotations

import random
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from ail_rpc.framing import pack, unpack

SIZE = 512
"""Questions that are kept; the one that was not asked for the longest time goes first."""

LONGEST_BYTES = 2_000
"""Of a question with its params; longer ones are not kept, so that all take 1 MB at the most."""

_OF_THE_CALL = ("timeout", "no_cache")  # how somebody asked, not what


class RecentQuestions:
    """Params of `ask` as they came, without those that do not change the answer, and how often each came."""

    def __init__(self, size: int = SIZE) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._counts: OrderedDict[bytes, int] = OrderedDict()  # packed params; the latest last

    def __len__(self) -> int:
        return len(self._counts)

    def note(self, params: Mapping[str, Any]) -> None:
        """Count one more call of `ask` with *params* that was answered."""
        key = pack({name: value for name, value in params.items() if value is not None and name not in _OF_THE_CALL})
        if len(key) > LONGEST_BYTES:
            return
        with self._lock:
            self._counts[key] = self._counts.pop(key, 0) + 1
            if len(self._counts) > self._size:
                self._counts.popitem(last=False)

    def sample(self, n: int) -> list[dict[str, Any]]:
        """Return the params of at most *n* questions, chosen by chance; `repo` is the directory that was asked from."""
        with self._lock:
            chosen = random.sample([*self._counts], min(n, len(self._counts)))
        return [unpack(key) for key in chosen]

    def find_hottest(
        self, n: int, at_least: int = 2, among: Callable[[str], bool] = lambda _: True
    ) -> list[dict[str, Any]]:
        """Return the params of the *n* that were asked most, *at_least* so often; the latest first among equals.

        among: tells of a directory whether questions from there count.
        """
        with self._lock:
            rows = [(unpack(key), count) for key, count in reversed(self._counts.items()) if count >= at_least]
        counting = {repo for repo in {str(params["repo"]) for params, _ in rows} if among(repo)}
        rows = [row for row in rows if row[0]["repo"] in counting]
        rows.sort(key=lambda row: -row[1])
        return [params for params, _ in rows[:n]]

    def forget(self, is_forgotten: Callable[[str], bool] = lambda _: True) -> int:
        """Forget the questions from directories that *is_forgotten*, all by default; return how many they were."""
        with self._lock:
            repos = {key: str(unpack(key)["repo"]) for key in self._counts}
            gone = {repo for repo in set(repos.values()) if is_forgotten(repo)}
            for key, repo in repos.items():
                if repo in gone:
                    del self._counts[key]
        return sum(repo in gone for repo in repos.values())
