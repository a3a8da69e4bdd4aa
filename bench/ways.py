"""How many modules a question's text, and a commit's sha, pass through on their ways through the daemon.

    python -m bench.ways

The domain is served in this process, and every call is looked at: a module counts when one of its functions is called with
something that holds the text (the sha), in itself, in a mapping, a list or a field. The question goes from a call's bytes to
the reply's; the commit from `git commit` to the settled index.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Self

from tests.running import prepare_models, sealed_home

from ail_daemon.flags import Flags
from ail_daemon.server.dispatch import Dispatcher
from ail_daemon.services import archaeology
from ail_daemon.settings import read_settings
from ail_rpc.framing import REQUEST_LIMITS, FrameReader
from ail_rpc.messages import encode_request, parse_call

from .figures import show

TEXT = "why does the quetzal parser wait for the socket?"
_DEPTH = 3


class Tracer:
    """Notes which modules are called with something that holds *needle*, in every thread, while it is entered."""

    def __init__(self, needle: Callable[[], str]) -> None:
        self._needle = needle
        self.modules: set[str] = set()

    def __enter__(self) -> Self:
        threading.setprofile(self._look)  # of threads made from here on
        sys.setprofile(self._look)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)
        threading.setprofile(None)

    def _look(self, frame: FrameType, event: str, _: object) -> None:
        name = frame.f_globals.get("__name__", "")
        if event != "call" or not name.startswith(("ail_daemon", "ail_rpc")) or name in self.modules:
            return
        code, needle = frame.f_code, self._needle()
        given = [frame.f_locals.get(name) for name in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]]
        if needle and any(_holds(one, needle, _DEPTH) for one in given):
            self.modules.add(name)


def _holds(value: object, needle: str, depth: int) -> bool:
    if isinstance(value, str):
        return needle in value
    if isinstance(value, bytes):
        return needle.encode() in value
    if depth == 0:
        return False
    inner: list[Any] = []
    if isinstance(value, dict):
        inner = list(value.values())[:50]
    elif isinstance(value, list | tuple | set | frozenset):
        inner = list(value)[:50]
    elif is_dataclass(value) and not isinstance(value, type):
        inner = [getattr(value, field.name, None) for field in fields(value)]
    return any(_holds(one, needle, depth - 1) for one in inner)


def main() -> None:
    """Print both counts, with the modules."""
    with tempfile.TemporaryDirectory() as directory, sealed_home(prepare_models()) as home:
        repo = Path(directory) / "repo"
        subprocess.run(["git", "init", "-q", "-b", "main", str(repo)], check=True)
        _commit(repo, "Wait for the quetzal parser\n\nThe socket closed before it was read, so reports were lost.")
        os.environ.update(home.env)
        asyncio.run(_walk(repo))


async def _walk(repo: Path) -> None:
    found: list[str] = []
    question, commit = Tracer(lambda: TEXT), Tracer(lambda: found[0] if found else "")
    with commit:
        async with archaeology(Flags(read_settings())) as offer:
            dispatcher = Dispatcher(offer.methods)
            await dispatcher.answer(_call("repo.add", {"repo": str(repo)}))
            await _settle(offer.methods)
            found.append(
                _commit(repo, "Read the quetzal parser's answer twice\n\nIt came in two parts, since it is long.")
            )
            await _settle(offer.methods)
    with question:
        async with archaeology(Flags(read_settings())) as offer:
            await _settle(offer.methods)
            await Dispatcher(offer.methods).answer(_call("ask", {"repo": str(repo), "question": TEXT}))
    for name, tracer, bar in (("a question's text", question, "<= 28"), ("a commit's sha", commit, "<= 20")):
        show(f"modules entered by {name}", len(tracer.modules), "", bar, digits=0)
        print("   " + ", ".join(sorted(tracer.modules)))


def _call(method: str, params: dict[str, Any]) -> Any:
    (frame,) = FrameReader(REQUEST_LIMITS).feed(encode_request(1, method, params))
    return parse_call(frame)


async def _settle(methods: Any) -> None:
    for _ in range(600):
        repos = (await methods["repo.list"]({}))["repos"]
        await asyncio.sleep(0.1)
        if all(repo.get("complete") and not repo.get("pending") for repo in repos):
            return


def _commit(repo: Path, message: str) -> str:
    git = ["git", "-C", str(repo), "-c", "user.name=Ann", "-c", "user.email=ann@example.org"]
    (repo / "parser.py").write_text(f"# {message}\n")
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", message], check=True)
    return subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    main()
