"""The daemon's end of the process that reads a bundle's files: starts it, asks for one file at a time, ends it."""

from __future__ import annotations

import json
import select
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, Protocol, Self

from ail_rpc.discovery import RepoPlace

from ..settings import get_child_environment
from .manifest import BundleError

REF_SOURCE = "ref:"
"""The source that is the repository's own `refs/ail/*`."""

NAME = "{name}"
"""In a source: the name of the repository's directory."""

WHOLE_S = 840.0
"""For all files of a bundle; a million embeddings are 784 MB, at 1 MB a second."""
_FILE_S = 30.0
_SLOWEST = 50_000
"""Bytes a second; a file may take _FILE_S, and as long as it takes at this rate."""
_LOOK_MS = 200
_ROOM_BYTES = 64 << 20
"""So much of the disk is left free."""

PROBLEMS: Mapping[str, tuple[str, str]] = {
    "missing": (
        "it is not there",
        "publish one with `ail-daemon bundle create`; until then the texts are encoded here",
    ),
    "forbidden": ("its server forbids it", "let this machine read it"),
    "redirected": ("its address leads to another place, which is not followed", "set the address it leads to"),
    "too_large": ("a file of it is larger than it may be", "publish it anew with `ail-daemon bundle create`"),
    "unreachable": ("it cannot be reached", "the texts are encoded here instead; a hardened service has no network"),
    "failing": ("its server answers with errors", "the texts are encoded here instead"),
    "late": ("it came too slowly", "the texts are encoded here instead"),
    "disk_full": ("there is no room for it on the disk", "free some space in the state directory"),
    "unwritable": ("it could not be kept on the disk", "check the state directory"),
    "not_installed": ("what fetches it is not installed", "pip install 'archaeological-intelligence[bundles]'"),
    "died": ("the process that fetches it ended too soon", "the texts are encoded here instead"),
}
"""Why a file could not be had: a word, what happened, what to do."""


@dataclass(frozen=True, slots=True)
class Order:
    """Where a bundle is read, and the directory its files are written to. Either ref, of the repository at place, or base."""

    into: Path
    base: str = ""
    ref: str = ""
    place: RepoPlace | None = None

    def describe(self) -> dict[str, Any]:
        """Return the order as the child takes it."""
        told: dict[str, Any] = {"into": str(self.into)}
        if self.ref and (place := self.place):
            return told | {"ref": self.ref, "place": [place.root, place.git_dir, place.common_dir, place.is_bare]}
        return told | {"base": self.base}


def make_order(source: str, model_id: str, place: RepoPlace, into: Path) -> Order:
    """Return the order for a bundle of *model_id* at *source*, as AIL_BUNDLES names it, for the repository at *place*."""
    if source == REF_SOURCE:
        return Order(into, ref=f"refs/ail/{model_id}", place=place)
    named = source.replace(NAME, Path(place.root).name.removesuffix(".git"))
    return Order(into, base=f"{named.rstrip('/')}/{model_id}")


class Files(Protocol):
    """Brings the files of one bundle here."""

    def read(self, name: str, most: int) -> Path:
        """Return the path of the file *name*, of *most* bytes at the most, once it is here. Raises BundleError."""


OpenFiles = Callable[[Order, Callable[[], bool]], AbstractContextManager[Files]]
"""Takes an order, and what says whether to give up."""


class Fetching:
    """One child, for one bundle; a context manager. While it is waited for, *is_cancelled* is asked whether to give up."""

    def __init__(self, order: Order, is_cancelled: Callable[[], bool] = lambda: False) -> None:
        self._order = order
        self._is_cancelled = is_cancelled
        self._end = monotonic() + WHOLE_S

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ail_daemon.bundles"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            cwd="/", start_new_session=True, env=get_child_environment(),
        )  # fmt: skip
        try:
            self._tell(self._order.describe())
        except BundleError:
            self.kill()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def kill(self) -> None:
        """End the child at once."""
        self._process.kill()
        self._process.communicate()

    def read(self, name: str, most: int) -> Path:
        """See Files."""
        if shutil.disk_usage(self._order.into).free < most + _ROOM_BYTES:
            raise make_error("disk_full")
        self._tell({"name": name, "most": most})
        if problem := self._hear(_FILE_S + most / _SLOWEST):
            raise make_error(problem)
        return self._order.into / name

    def _tell(self, line: dict[str, Any]) -> None:
        assert self._process.stdin  # noqa: S101 - Popen was given pipes
        try:
            self._process.stdin.write(json.dumps(line).encode() + b"\n")
            self._process.stdin.flush()
        except OSError as err:
            raise make_error("died") from err

    def _hear(self, limit_s: float) -> str | None:
        """Return the problem that the child names, None for none. It writes a line at once, so that one read is enough."""
        assert self._process.stdout  # noqa: S101
        poll = select.poll()
        poll.register(self._process.stdout.fileno())
        end = min(monotonic() + limit_s, self._end)
        while not poll.poll(_LOOK_MS):
            if monotonic() > end or self._is_cancelled():
                return "late"
        try:
            problem = json.loads(self._process.stdout.readline(1000))["problem"]
        except (ValueError, LookupError, TypeError):
            return "died"
        return None if problem is None else str(problem)


class MissingError(BundleError):
    """There is no such file: no bundle of this model, where it is the manifest."""


def make_error(problem: str) -> BundleError:
    """Return the error for a word of PROBLEMS."""
    kind = MissingError if problem == "missing" else BundleError
    return kind(*PROBLEMS.get(problem, PROBLEMS["died"]))
