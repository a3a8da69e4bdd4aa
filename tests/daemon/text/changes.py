"""A change as the tests of passages write it, and the passages that are found in it."""

from __future__ import annotations

from ail_daemon.text.passages import FileChange, Hunk, Passage, find_passages

SAID = "We wait here because the peer may still send its last frame."


def read(path: str, added: str = "", removed: str = "", start: int = 40) -> list[Passage]:
    sides = [text.split("\n") if text else [] for text in (removed, added)]
    return find_passages([FileChange(path, [Hunk(start, start, *sides)])])


def texts(path: str, added: str, start: int = 40) -> list[str]:
    return [one.text for one in read(path, added, start=start)]
