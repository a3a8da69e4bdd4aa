"""Damaged state files: one of each repository's is changed, cut short, lost or replaced while no daemon runs; then it is asked.

The daemon's service runs in this process, with all its rooms but the socket, over twenty repositories at a time, so that ten
thousand rounds take minutes. What is damaged must be noticed: the answer is that of an index built from nothing, or the reply
says what is missing; and in the end it is the answer, unless the enrolment itself is lost, which is said.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from tests.running import prepare_models, sealed_home

from ail_daemon.daemon import Offer
from ail_daemon.flags import Flags
from ail_daemon.process.logs import start_logging
from ail_daemon.services import archaeology
from ail_daemon.settings import Loaded, Settings
from ail_rpc.errors import AilError, NotEnrolledError

from .outcome import Outcome, none
from .subject import QUESTIONS, make_repository

_COPIES = 20
_LIMIT_S = 30.0
_STATES = ("closed", "killed")  # how the daemon had ended: the second left a write-ahead log

Damage = Callable[[random.Random, Path], None]
Answer = list[Any]


def run(rounds: int, seed: int) -> Outcome:
    """Damage a file *rounds* times, each time of a state that was whole."""
    start_logging("ERROR", None)
    with sealed_home(prepare_models()) as home:
        os.environ |= {name: home.env[name] for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "AIL_SOCKET")}
        bench = _Bench(home.directory, home.state / "repos", random.Random(seed))
        asyncio.run(bench.run(rounds))
    told = f"{bench.done} damaged files ({dict(bench.kinds)})"
    return Outcome(
        (
            none(f"answers different from a fresh build, of {told}", len(bench.wrong)),
            none("crashes", len(bench.crashed)),
            none("not healed, and not said", len(bench.unhealed)),
        ),
        tuple(f"seed {seed}: {fault}" for fault in (*bench.wrong, *bench.crashed, *bench.unhealed)),
    )


class _Bench:
    """Twenty repositories, their state as it was left by a daemon that ended in either way, and what was found."""

    def __init__(self, top: Path, state: Path, dice: random.Random) -> None:
        self._top, self._state, self._dice = top, state, dice
        self._repos = [top / f"{number}.git" for number in range(_COPIES)]
        self._keys: dict[Path, str] = {}
        self._expected: list[Answer] = []
        self.done = 0
        self.kinds: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.crashed: list[str] = []
        self.unhealed: list[str] = []

    async def run(self, rounds: int) -> None:
        await self._prepare()
        while self.done < rounds and not (self.wrong or self.crashed or self.unhealed):
            self._restore(self._dice.choice(_STATES))
            damaged = [self._damage(repo) for repo in self._repos[: rounds - self.done]]
            try:
                async with _serve() as offer:
                    await asyncio.gather(*(self._judge(offer, *one) for one in damaged))
            except Exception as err:  # noqa: BLE001 - the service did not start, or did not stop
                self.crashed.append(f"{err!r} after {[damage for _, damage in damaged]}")
            self.done += len(damaged)

    async def _prepare(self) -> None:
        """Build every index from nothing; keep the state as it is on the disk meanwhile, and after the end."""
        make_repository(self._repos[0])
        for copy in self._repos[1:]:
            shutil.copytree(self._repos[0], copy)
        for repo in self._repos:
            (repo / "refs" / "heads" / "main").write_bytes((repo / "refs" / "tips" / "grown").read_bytes())
        async with _serve() as offer:
            for repo in self._repos:
                self._keys[repo] = (await offer.methods["repo.add"]({"repo": str(repo)}))["repo"]
            for repo in self._repos:
                await _wait_complete(offer, repo)
            self._expected = await _ask(offer, self._repos[0])
            shutil.copytree(self._state, self._top / "killed")
        shutil.copytree(self._state, self._top / "closed")

    def _restore(self, state: str) -> None:
        shutil.rmtree(self._state)
        shutil.copytree(self._top / state, self._state)

    def _damage(self, repo: Path) -> tuple[Path, str]:
        """Damage one file of *repo*'s state; return both, in words."""
        directory = self._state / self._keys[repo]
        files = [path for path in directory.rglob("*") if path.is_file() and path.stat().st_size]
        path, kind = self._dice.choice(files), self._dice.choice(list(_DAMAGES))
        _DAMAGES[kind](self._dice, path)
        self.kinds[kind] += 1
        return repo, f"{kind} of {path.relative_to(directory)}, {path.parent.name}"

    async def _judge(self, offer: Offer, repo: Path, damage: str) -> None:
        """Ask at once, and again when it has settled."""
        try:
            with contextlib.suppress(AilError):  # said
                self._compare(damage, await _ask(offer, repo), is_settled=False)
            await _wait_complete(offer, repo)
            self._compare(damage, await _ask(offer, repo), is_settled=True)
        except NotEnrolledError:
            if "repo.json" not in damage:
                self.unhealed.append(f"{damage}: not enrolled any more")
        except (AilError, TimeoutError) as err:
            self.unhealed.append(f"{damage}: {err!r}")
        except Exception as err:  # noqa: BLE001 - a bug in one request is what is looked for
            self.crashed.append(f"{damage}: {err!r}")

    def _compare(self, damage: str, answers: list[Answer], *, is_settled: bool) -> None:
        """Note what is answered otherwise than by an index built from nothing; before it has settled, unless that is said."""
        for answer, expected in zip(answers, self._expected, strict=True):
            if answer != expected and (is_settled or not answer[1]):
                self.wrong.append(f"{damage}: {answer}, {'in the end' if is_settled else 'at once'}")


@contextlib.asynccontextmanager
async def _serve() -> AsyncIterator[Offer]:
    """Run the daemon's domain, whose model is loaded when this returns."""
    async with archaeology(Flags(Loaded(Settings(reconcile_s=1.0), {}))) as offer:
        while offer.get_model() is None:
            await asyncio.sleep(0.005)
        yield offer


async def _ask(offer: Offer, repo: Path) -> list[Answer]:
    """Return (outcome, what is said to be missing, first citation) of every question."""
    answers = []
    for question in QUESTIONS:
        told = await offer.methods["ask"]({"repo": str(repo), "question": question, "no_cache": True})
        lack = told["degraded"] or (None if told["index"]["complete"] else "the index is not complete")
        answers.append([told["outcome"], lack, [one["sha"] for one in told["citations"][:1]]])
    return answers


async def _wait_complete(offer: Offer, repo: Path) -> None:
    """Return when all is searchable. Raises TimeoutError with what `status` says."""
    assert offer.get_status
    told: Any = None
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LIMIT_S):
            while True:
                (told,) = (await offer.get_status(str(repo)))["repos"]
                if told["complete"] and told["embedded"] in (None, told["commits"]):
                    return
                await asyncio.sleep(0.02)
    raise TimeoutError(str(told))


def _flip(dice: random.Random, path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    path.write_bytes(data)


def _scribble(dice: random.Random, path: Path) -> None:
    data = bytearray(path.read_bytes())
    at, length = dice.randrange(len(data)), dice.randint(1, 200)
    data[at : at + length] = dice.randbytes(min(length, len(data) - at))
    path.write_bytes(data)


def _zero_page(dice: random.Random, path: Path) -> None:
    data = bytearray(path.read_bytes())
    at = dice.randrange(len(data)) // 4096 * 4096
    end = min(at + 4096, len(data))
    data[at:end] = bytes(end - at)
    path.write_bytes(data)


def _cut(dice: random.Random, path: Path) -> None:
    os.truncate(path, dice.randrange(path.stat().st_size))


def _append(dice: random.Random, path: Path) -> None:
    with path.open("ab") as file:
        file.write(dice.randbytes(dice.randint(1, 5000)))


def _replace(dice: random.Random, path: Path) -> None:
    path.write_bytes(dice.randbytes(path.stat().st_size))


_DAMAGES: dict[str, Damage] = {
    "flipped bit": _flip,
    "scribble": _scribble,
    "zeroed page": _zero_page,
    "cut": _cut,
    "appended junk": _append,
    "replaced by junk": _replace,
    "lost file": lambda _, path: path.unlink(),
}
