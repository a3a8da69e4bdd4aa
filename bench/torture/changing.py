"""A repository that is repacked, pruned, cut short, deleted, put back and replaced by a link while it is read and asked about.

Repacking must never be seen by anybody. While the repository is broken a question is answered from the index, or says what is
wrong; once it is whole again the index is, too.
"""

from __future__ import annotations

import random
import shutil
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests.moving import run_git

from ail_rpc.errors import AilError

from .outcome import Figure, Outcome, none
from .subject import QUESTIONS, STATES, BrokenPromiseError, Subject, subject

_CLIENTS = 4
_GENTLE = ("repack", "gc", "pack refs", "loosen")
_ROUGH = ("cut pack", "deleted", "link", "file in its place")


def run(rounds: int, seed: int) -> Outcome:
    """Change the repository *rounds* times, nine of ten times gently, while four clients ask and its branch moves."""
    dice, done, faults = random.Random(seed), Counter[str](), list[str]()
    with subject() as tried, _Asking(tried) as asking:
        for number in range(rounds):
            kind = dice.choice(_GENTLE if dice.random() < 0.9 else _ROUGH)
            asking.is_gentle = kind in _GENTLE
            try:
                _CHANGES[kind](tried, dice)
            except (BrokenPromiseError, AilError) as err:
                faults.append(f"change {number} of seed {seed}, {kind}: {err}")
                break
            done[kind] += 1
    return Outcome(
        (
            Figure("questions asked meanwhile", float(asking.asked)),
            none("errors while it was only repacked", len(asking.errors)),
            none(f"promises broken by {sum(done.values())} changes ({dict(done)})", len(faults)),
        ),
        (*faults, *asking.errors),
    )


@dataclass
class _Asking:
    """Clients that ask all the while; what goes wrong while the repository is whole is an error."""

    tried: Subject
    is_gentle: bool = True
    asked: int = 0
    errors: list[str] = field(default_factory=list)
    _ended: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._threads = [threading.Thread(target=self._ask_on, args=(number,)) for number in range(_CLIENTS)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _ask_on(self, number: int) -> None:
        with self.tried.home.connected() as call:
            while not self._ended.wait(0.02):
                was_gentle = self.is_gentle
                try:
                    call("ask", repo=str(self.tried.repo), question=QUESTIONS[number % len(QUESTIONS)], no_cache=True)
                except AilError as err:
                    if was_gentle and self.is_gentle:
                        self.errors.append(repr(err))
                self.asked += 1


def _gently(*commands: tuple[str, ...]) -> Callable[[Subject, random.Random], None]:
    def change(tried: Subject, dice: random.Random) -> None:
        tried.move(dice.choice(STATES))
        for command in commands:
            run_git(tried.repo, *command)
        tried.wait_settled()

    return change


def _roughly(break_it: Callable[[Path], None]) -> Callable[[Subject, random.Random], None]:
    def change(tried: Subject, dice: random.Random) -> None:
        kept = tried.repo.with_suffix(".kept")
        shutil.copytree(tried.repo, kept)
        break_it(tried.repo)
        tried.notify()
        _remove(tried.repo)
        kept.rename(tried.repo)
        tried.move(dice.choice(STATES))
        tried.wait_settled()

    return change


def _cut_pack(repo: Path) -> None:
    run_git(repo, "repack", "-adq")
    for pack in (repo / "objects" / "pack").glob("*.pack"):
        pack.chmod(0o644)
        with pack.open("r+b") as file:
            file.truncate(pack.stat().st_size // 2)


def _remove(path: Path) -> None:
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)


def _put_link(repo: Path) -> None:
    _remove(repo)
    repo.symlink_to("/nonexistent")


def _put_file(repo: Path) -> None:
    _remove(repo)
    repo.write_text("no repository\n")


_CHANGES: dict[str, Callable[[Subject, random.Random], None]] = {
    "repack": _gently(("repack", "-adfq", "--window=1")),
    "gc": _gently(("gc", "-q", "--prune=now")),
    "pack refs": _gently(("pack-refs", "--all")),
    "loosen": _gently(("repack", "-Adq"), ("prune-packed", "-q")),
    "cut pack": _roughly(_cut_pack),
    "deleted": _roughly(_remove),
    "link": _roughly(_put_link),
    "file in its place": _roughly(_put_file),
}
