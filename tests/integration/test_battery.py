"""On battery: words and changed lines go on, many texts wait for mains power or the setting, a few new commits do not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.integration.conftest import Repository

from ail_daemon.flags import Flags
from ail_daemon.services import archaeology
from ail_daemon.settings import read_settings

pytestmark = [pytest.mark.model, pytest.mark.usefixtures("sealed")]

COMMITS = 80  # more than the daemon embeds itself
WAITS = "meaning waits for mains power: AIL_EMBED_ON_BATTERY=true embeds on battery too"


class Power:
    """The machine's, as the test has it."""

    def __init__(self) -> None:
        self.is_on_battery = True
        self.looks = 0

    def look(self) -> bool:
        self.looks += 1
        return self.is_on_battery


@pytest.fixture
def sealed(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = tmp_path / "state" / "ail"
    state.mkdir(parents=True)
    (state / "models").symlink_to(models)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("AIL_RECONCILE_S", "1")
    monkeypatch.delenv("AIL_EMBED_ON_BATTERY", raising=False)


@pytest.fixture
def long_repo(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "long")
    for number in range(COMMITS):
        made.commit(
            f"Raise limit {number}\n\nBecause customer {number} asked for it.", limits__py=f"LIMIT = {number}\n"
        )
    return made


class Service:
    """The domain's service in this process, with one repository."""

    def __init__(self, methods: Any, repo: Repository) -> None:
        self._methods = methods
        self.repo = repo

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        told: dict[str, Any] = await self._methods[method](params)
        return told

    async def look(self) -> dict[str, Any]:
        (told,) = (await self.call("repo.list"))["repos"]
        return dict(told)

    async def wait(self, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        end = time.monotonic() + 60
        while not holds(told := await self.look()):
            assert time.monotonic() < end, told
            await asyncio.sleep(0.02)
        return told

    async def wait_idle(self, commits: int = COMMITS) -> dict[str, Any]:
        return await self.wait(lambda told: told["phase"] == "idle" and told["commits"] == commits)


@asynccontextmanager
async def serve(repo: Repository, power: Power) -> AsyncIterator[Service]:
    flags = Flags(read_settings())
    async with archaeology(flags, power.look) as offer:
        service = Service(offer.methods, repo)
        await service.call("repo.add", repo=str(repo.path))
        yield service


def test_words_answer_while_meaning_waits_and_mains_power_ends_the_wait(long_repo: Repository) -> None:
    async def run() -> None:
        power = Power()
        async with serve(long_repo, power) as service:
            told = await service.wait_idle()
            assert (told["embedded"], told["complete"], told["notice"]) == (0, False, WAITS)
            answer = await service.call("ask", repo=str(long_repo.path), question="why limit 41?")
            assert (answer["mode"], answer["degraded"], answer["index"]["pending"]) == ("lexical", WAITS, COMMITS)
            assert answer["citations"][0]["subject"] == "Raise limit 41"
            looks = power.looks
            await asyncio.sleep(2.5)
            assert power.looks > looks  # the timer's
            told = await service.look()
            assert (told["embedded"], told["phase"]) == (0, "idle")
            power.is_on_battery = False
            told = await service.wait(lambda told: bool(told["complete"]))
            assert (told["embedded"], told["notice"]) == (COMMITS, None)

    asyncio.run(run())


def test_the_setting_ends_the_wait_at_once(long_repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIL_RECONCILE_S", "3600")

    async def run() -> None:
        async with serve(long_repo, Power()) as service:
            assert (await service.wait_idle())["embedded"] == 0
            await service.call("flags", set={"AIL_EMBED_ON_BATTERY": "true"})
            assert (await service.wait(lambda told: bool(told["complete"])))["embedded"] == COMMITS

    asyncio.run(run())


def test_a_new_commit_is_embedded_on_battery_beside_what_waits_and_without(long_repo: Repository) -> None:
    async def run() -> None:
        power = Power()
        async with serve(long_repo, power) as service:
            await service.wait_idle()
            sha = long_repo.commit("Paint the page\n\nThe designers asked for it.", page__css="blue")
            told = await service.wait(lambda told: told["head"] == sha and told["phase"] == "idle")
            assert (told["embedded"], told["encoded"], told["notice"]) == (1, 1, WAITS)
            power.is_on_battery = False
            await service.wait(lambda told: bool(told["complete"]))
            power.is_on_battery = True
            sha = long_repo.commit("Paint it red\n\nNobody saw the blue one.", page__css="red")
            told = await service.wait(lambda told: told["head"] == sha and bool(told["complete"]))
            assert (told["embedded"], told["notice"]) == (COMMITS + 2, None)

    asyncio.run(run())


def test_what_waited_is_remembered_over_a_restart_and_no_fault_of_the_index(long_repo: Repository) -> None:
    async def run() -> None:
        power = Power()
        async with serve(long_repo, power) as service:
            await service.wait_idle()
            checked = await service.call("check.index", repo=str(long_repo.path))
            assert (checked["ok"], checked["repos"][0]["notice"]) == (True, WAITS)
        power.is_on_battery = False
        async with archaeology(Flags(read_settings()), power.look) as offer:
            told = await Service(offer.methods, long_repo).wait(
                lambda told: bool(told["embedded"]) and told["complete"]
            )
            assert told["embedded"] == COMMITS

    asyncio.run(run())
