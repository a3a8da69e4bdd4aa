"""On which line of a file a passage stands today. Caches the files that were looked at last: reading one starts a git."""

from __future__ import annotations

import threading
from collections import OrderedDict

from ail_rpc.discovery import RepoPlace

from ..text.passages import get_key
from .filehistory import read_standing

_KEPT = 16


class StandingFiles:
    """The passages of a few files, by commit. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str, str], dict[bytes, int]] = OrderedDict()  # the latest last

    def find_line(self, place: RepoPlace, file: str, text: str, commit: str) -> int | None:
        """Return the line in *file* of *commit* (a sha) on which the passage *text* begins; None: it does not stand there."""
        key = place.git_dir, commit, file
        with self._lock:
            lines = self._kept.get(key)
        if lines is None:
            passages = reversed(read_standing(place, file, commit)[0])
            lines = {get_key(one.text): one.line for one in passages if one.line is not None}
            with self._lock:
                self._kept[key] = lines
                while len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
        return lines.get(get_key(text))

    def forget(self) -> None:
        """Forget all."""
        with self._lock:
            self._kept.clear()
