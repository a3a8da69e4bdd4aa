"""Whether the daemon is ready: what a probe asks, for how long, and how many ask at once."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ail_daemon.asking import probing
from ail_daemon.asking.probing import Probing
from ail_daemon.process.underway import begin, get_request
from ail_daemon.repos.repos import Repos
from ail_daemon.server.params import Handler
from ail_rpc.errors import AilError, OutOfTimeError, RepoUnreadableError, StorageError


@pytest.fixture
def repos(tmp_path: Path) -> Repos:
    """Four enrolled repositories."""
    enrolled = Repos(tmp_path / "repos")
    for number in range(4):
        subprocess.run(["git", "init", "-q", str(tmp_path / str(number))], check=True)
        enrolled.add(str(tmp_path / str(number)))
    return enrolled


async def encode() -> None:
    raise StorageError("the model is damaged")


def find_faults(repos: Repos, ask: Handler, times: int = 1) -> list[AilError | None]:
    async def probe() -> list[AilError | None]:
        probes = Probing(repos, encode, ask)
        return await asyncio.gather(*(probes.find_fault() for _ in range(times)))

    return asyncio.run(probe())


def test_many_probes_at_once_ask_one_question_that_no_cache_answers(repos: Repos) -> None:
    asked: list[dict[str, Any]] = []

    async def ask(params: dict[str, Any]) -> None:
        asked.append(params)
        await asyncio.sleep(0)

    assert find_faults(repos, ask, times=50) == [None] * 50
    [params] = asked
    assert params["no_cache"] is True


def test_a_question_without_an_answer_in_time_is_a_fault(repos: Repos, monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask(params: dict[str, Any]) -> None:
        del params
        await asyncio.Event().wait()

    monkeypatch.setattr(probing, "LIMIT_S", 0.01)
    [fault] = find_faults(repos, ask)
    assert isinstance(fault, OutOfTimeError)


def test_a_repository_that_cannot_be_read_is_no_fault_while_another_can(repos: Repos) -> None:
    asked: list[str] = []

    async def ask(params: dict[str, Any]) -> None:
        asked.append(params["repo"])
        if len(asked) < 3:
            raise RepoUnreadableError("it vanished")

    assert find_faults(repos, ask) == [None]
    assert len(set(asked)) == 3


def test_what_is_wrong_with_the_daemon_is_a_fault_at_once(repos: Repos) -> None:
    asked: list[str] = []

    async def ask(params: dict[str, Any]) -> None:
        asked.append(params["repo"])
        raise StorageError("the disk is full")

    [fault] = find_faults(repos, ask)
    assert isinstance(fault, StorageError)
    assert len(asked) == 1


def test_without_a_repository_the_encoder_is_tried(tmp_path: Path) -> None:
    async def ask(params: dict[str, Any]) -> None:
        del params
        pytest.fail("there is nothing to ask about")

    [fault] = find_faults(Repos(tmp_path / "none"), ask)
    assert fault is not None
    assert fault.message == "the model is damaged"


def test_a_probe_is_no_request_of_anybody(repos: Repos) -> None:
    async def ask(params: dict[str, Any]) -> None:
        del params
        assert get_request() is None

    async def probe() -> AilError | None:
        begin("0000aa")
        return await Probing(repos, encode, ask).find_fault()

    assert asyncio.run(probe()) is None
