"""Recognises sentences of templates and trailers: what many commits repeat word for word states no reason."""

from __future__ import annotations

from ..index.repoindex import RepoIndex
from ..index.words import MESSAGE_FIELDS

MANY = 4
"""A sentence that so many commits of different subjects hold is ignored. (A cherry-picked commit keeps its
subject.)"""

_LOOKED_AT = 12  # the best by words: a commit that holds all of a sentence is among them


class Repeated:
    """Judges one sentence after the other; each is looked up once."""

    def __init__(self, index: RepoIndex) -> None:
        self._index = index
        self._known: dict[str, bool] = {}

    def __call__(self, sentence: str) -> bool:
        """Return whether MANY commits hold *sentence*."""
        levelled = _level(sentence)
        if levelled not in self._known:
            self._known[levelled] = self._count(levelled) >= MANY
        return self._known[levelled]

    def _count(self, levelled: str) -> int:
        words = self._index.words
        ids = list(words.find(words.analyze(levelled), MESSAGE_FIELDS, _LOOKED_AT))
        commits = self._index.store.get_commits(ids).values()
        return len({commit.subject for commit in commits if levelled in _level(commit.message)})


def _level(text: str) -> str:
    return " ".join(text.split()).lower()
