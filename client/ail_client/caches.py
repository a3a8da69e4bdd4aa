"""`cache stats|clear|warm`: the daemon's caches of answers."""

from __future__ import annotations

import os
import sys

from ail_rpc.errors import UsageError

from .deadline import Deadline
from .output import write_answer, write_json, write_note
from .sanitise import to_line, to_path
from .session import ask_daemon, call, with_daemon
from .target import name_repository

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator
    from typing import Any

    from .connection import Connection
    from .session import Reach

_WARMED_NOTHING = 1
_STDIN = "-"
_LINES, _BYTES = 50, 1 << 18  # of one request: far below its limits; Ctrl-C ends a long list soon
_LIMIT_S = 600.0  # of one request: each of its questions has its own


def run_cache(options: Namespace, reach: Reach) -> int:
    """Show, empty or fill the answer caches."""
    if (options.action == "warm") != (options.file is not None):
        raise UsageError("`warm`, and nothing else, takes a FILE of questions", "ail-client cache warm questions.txt")
    if options.action == "warm":
        return _warm(options, reach)
    params = {}
    if options.action == "clear" and options.repo is not None:
        params["repo"] = name_repository(options.repo)
    reply = ask_daemon(reach, f"cache.{options.action}", params)
    if options.json:
        write_json(reply)
    else:
        write_answer(render_stats(reply) if options.action == "stats" else _render_cleared(reply))
    return 0


def render_stats(reply: dict[str, Any]) -> str:
    """Render the reply of `cache.stats`, a line a cache."""
    from .layout import make_table

    rows = [_make_row(name, reply[tier]) for name, tier in (("exact (L1)", "exact"), ("similar (L2)", "similar"))]
    heads = ("CACHE", "ENTRIES", "OF", "HITS", "MISSES", "HIT RATE", "EVICTED", "MEMORY")
    texts = reply["embeddings"]
    reused, encoded = texts["hits"], texts["misses"]
    return "\n".join(
        [*make_table(heads, rows), f"embeddings: {reused:,} of {reused + encoded:,} texts were not encoded anew"]
    )


def _make_row(name: str, stats: dict[str, Any]) -> tuple[str, ...]:
    asked = stats["hits"] + stats["misses"]
    rate = f"{100 * stats['hits'] / asked:.0f} %" if asked else "-"
    counts = (f"{stats[key]:,}" for key in ("entries", "size", "hits", "misses"))
    return (name, *counts, rate, f"{stats['evictions']:,}", f"{stats['bytes'] / 1e3:,.0f} kB")


def _render_cleared(reply: dict[str, Any]) -> str:
    return f"forgotten: {reply['exact']:,} answers, and {reply['similar']:,} to similar questions"


def _warm(options: Namespace, reach: Reach) -> int:
    """Ask every line of a file; report failures with their line numbers."""
    lines = _read_lines(options.file)
    repo = name_repository(options.repo)
    limit_s = options.timeout if options.timeout_given else _LIMIT_S
    warmed, failed = 0, []

    def warm(connection: Connection, _: Deadline) -> None:
        nonlocal warmed
        for before, part in _cut(lines):
            reply = call(connection, "cache.warm", {"repo": repo, "questions": part}, Deadline(limit_s))
            warmed += reply["warmed"]
            for one in reply["failures"]:
                failed.append({"line": before + one["line"], "reason": one["reason"]})
                if not options.json:
                    write_note(f"{to_path(options.file)}:{failed[-1]['line']}: {to_line(one['reason'])}")

    with_daemon(reach, warm)
    if options.json:
        write_json({"warmed": warmed, "failed": len(failed), "failures": failed})
    else:
        write_answer(f"warmed: {warmed:,}" + (f", failed: {len(failed):,}" if failed else ""))
    return _WARMED_NOTHING if failed and not warmed else 0


def _read_lines(file: str) -> list[str]:
    try:
        if file == _STDIN:
            content = sys.stdin.buffer.read()
        else:
            with open(file, "rb") as opened:
                content = opened.read()
    except OSError as err:
        raise UsageError(f"{to_path(os.path.abspath(file))} cannot be read: {err.strerror}", "") from err
    return content.decode("utf-8", "replace").removeprefix("\ufeff").split("\n")


def _cut(lines: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield parts of *lines* that fit a request, each with how many lines came before it."""
    part: list[str] = []
    size = begin = 0
    for number, line in enumerate(lines):
        if part and (len(part) >= _LINES or size + len(line) * 4 > _BYTES):
            yield begin, part
            part, size, begin = [], 0, number
        part.append(line.rstrip("\r")[:_BYTES])
        size += 4 * len(line)
    if part:
        yield begin, part
