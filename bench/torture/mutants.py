"""Hostile frames from dice: calls with values that no client sends, and bytes flipped, cut, doubled and spliced. Pure.

Left out are methods that would rightly be obeyed and end the run or change what it compares: stop, repo.remove, restore and
their like. `frame` never returns one that names `stop`.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from ail_rpc.framing import pack

_ATOMS: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**32, 2**63 - 1, -(2**63), 2**64 - 1, 0.0, -0.0, 1e308, float("inf"), float("nan"),
    "", "x", "x" * 31, "x" * 32, "x" * 255, "x" * 256, "\0", "a\0b", "\udc80\udcff", "\u202e\u2066", "\x1b]0;x\x07",
    "../../../etc/passwd",
    "-", "--upload-pack=touch x", "HEAD", "/", "/proc/self/mem", "/dev/zero", "%s%n", "'\";--", "\U0001f600" * 8, "NaN",
    "AND OR NOT (",
    [], [[]], [None] * 15, [None] * 16, {}, {"": ""}, {"a": {"b": {"c": []}}}, [{"repo": 1}], [1, 2], [2, 1], [0, 0],
    ["a.py", "\0"],
)  # fmt: skip
_BAD_BYTES = (
    b"\xc1", b"\xdd\xff\xff\xff\xff", b"\xdf\x7f\xff\xff\xff", b"\xdb\xff\xff\xff\xff", b"\xc6\x00\x00\x00\x01x",
    b"\xd4\x00\x00", b"\xd6\xff\x00\x00\x00\x00", b"\x91" * 20, b"\xdc\x10\x01", b"\xdc\x10\x00", b"\x81\x01\x02",
    b"\xca\x7f\xc0\x00\x00", b"\x00", b"\xff",
)  # fmt: skip
_STOP = pack("stop")


class Mutants:
    """Makes frames from *dice*; *repo* and *sha* are real, so that what is otherwise right goes deep."""

    def __init__(self, dice: random.Random, repo: str, sha: str) -> None:
        self._dice = dice
        at = {"repo": repo}
        self._calls: tuple[tuple[str, dict[str, Any]], ...] = (
            ("hello", {"protocol": 1, "version": "0.1.0"}), ("health", {"kind": "live"}), ("health", {"kind": "ready"}),
            ("echo", {}), ("related", {"repo": "/nonexistent"}),
            ("show", {"repo": "/nonexistent", "sha": sha[:6], "timeout": 5.0}), ("repo.list", {}), ("metrics", {}),
            ("repo.notify", {"repo": "/nonexistent"}), ("cache.stats", {}), ("flags", {}), ("status", {"repo": repo}),
            ("repo.add", {"repo": "/nonexistent"}), ("check.index", {"repo": "/nonexistent"}),
            ("ask", {"repo": "/nonexistent", "question": "why?", "limit": 5, "mode": "auto", "no_cache": True}),
        )  # fmt: skip
        self._costly: tuple[tuple[str, dict[str, Any]], ...] = (
            ("show", {**at, "sha": sha}),
            ("ask", {**at, "question": "why is part 7 said twice?", "file": "part7.txt", "lines": [1, 1], "since": "2020-01-01"}),
            ("related", {**at, "files": ["part7.txt"], "limit": 3}),
            ("related", {**at, "staged":
              "diff --git a/part7.txt b/part7.txt\n--- a/part7.txt\n+++ b/part7.txt\n@@ -1 +1 @@\n-a\n+b\n"}),
        )  # fmt: skip
        self._harms: tuple[Callable[[bytearray], bytearray], ...] = (
            self._flip, self._flip, self._flip, self._overwrite, self._insert, self._cut, self._double, self._drop
        )  # fmt: skip

    def frame(self, number: int) -> bytes:
        """Return one frame; if it still is a request, *number* is most likely its id."""
        while True:
            made = self._make(number)
            if _STOP not in made:
                return made

    def _make(self, number: int) -> bytes:
        roll = self._dice.random()
        if roll < 0.0005:
            return self._huge(number)
        made = pack(self._call(number, self._costly if roll < 0.01 else self._calls))
        if roll < 0.45:
            return made
        harmed = bytearray(made)
        for _ in range(1 if roll < 0.9 else self._dice.randint(2, 6)):
            harmed = self._dice.choice(self._harms)(harmed)
        return bytes(harmed)

    def _call(self, number: int, calls: tuple[tuple[str, dict[str, Any]], ...]) -> list[Any]:
        method, params = self._dice.choice(calls)
        params = dict(params)
        for _ in range(self._dice.randint(0, 2)):
            names = (*params, "repo", "timeout", "limit", "x" * 40, "")
            params[self._dice.choice(names)] = self._dice.choice(_ATOMS)
        if self._dice.random() < 0.15:
            return [2, method, [params]]
        return [0, number, method, [params] if params or number % 2 else []]

    def _huge(self, number: int) -> bytes:
        """Return a frame about as large as a limit allows, or a little larger."""
        kind = self._dice.randrange(6)
        if kind == 0:
            return pack([0, number, "ask", [{"question": "x" * ((1 << 20) - self._dice.randint(-9, 99))}]])
        if kind == 1:
            return pack([0, number, "related", [{"files": ["x"] * self._dice.randint(4090, 4100)}]])
        if kind == 2:
            value: Any = 1
            for _ in range(self._dice.randint(12, 16)):
                value = [value]
            return pack([0, number, "echo", [{"a": value}]])
        if kind == 3:
            return pack([0, number, "echo", [{"a": [[0] * 999] * self._dice.randint(18, 21)}]])
        if kind == 4:
            return b"\x94\x00" + pack(number) + pack("echo") + b"\xdc\x10\x00" * 1700
        return pack([0, number, "x" * self._dice.randint(1, 100_000), [{}]])

    def _flip(self, frame: bytearray) -> bytearray:
        frame[self._dice.randrange(len(frame))] ^= 1 << self._dice.randrange(8)
        return frame

    def _overwrite(self, frame: bytearray) -> bytearray:
        frame[self._dice.randrange(len(frame))] = self._dice.randrange(256)
        return frame

    def _insert(self, frame: bytearray) -> bytearray:
        at = self._dice.randrange(len(frame) + 1)
        frame[at:at] = self._dice.choice(_BAD_BYTES)
        return frame

    def _cut(self, frame: bytearray) -> bytearray:
        return frame[: self._dice.randint(1, len(frame))]

    def _double(self, frame: bytearray) -> bytearray:
        start, end = sorted(self._dice.randrange(len(frame) + 1) for _ in range(2))
        return frame[:end] + frame[start:]

    def _drop(self, frame: bytearray) -> bytearray:
        if len(frame) > 1:
            del frame[self._dice.randrange(len(frame))]
        return frame
