"""The Python API at a scripted daemon: what it asks, what it makes of replies, errors, time limits, threads and loops."""

from __future__ import annotations

import asyncio
import dataclasses
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from tests.client.conftest import ROOT, Runner, ScriptedDaemon

import ail_client
from ail_client import ArchaeologyContextProvider
from ail_rpc.errors import NotARepositoryError, NotEnrolledError, OutOfTimeError, UsageError

make_reply = ScriptedDaemon.make_reply


def make_provider(repo: Path, daemon: ScriptedDaemon, **options: Any) -> ArchaeologyContextProvider:
    daemon.script.setdefault("ask", make_reply())
    return ArchaeologyContextProvider(repo, socket=daemon.path, **options)


def test_a_reply_becomes_a_context_that_cannot_change(repo: Path, daemon: ScriptedDaemon) -> None:
    context = make_provider(repo, daemon).get_context_sync("src/http.py", "why the retry?")
    assert (context.answer, context.confidence, context.cached, context.query_time_ms, context.outcome) == (
        "Proxies drop idle connections (4f1c2d9e).", 0.83, None, 7.4, "answered",
    )  # fmt: skip
    [citation] = context.citations
    assert (citation.commit_sha, citation.reasons) == ("4f1c2d9e" * 5, ("meaning", "touches_lines"))
    with pytest.raises(dataclasses.FrozenInstanceError):
        context.answer = ""  # type: ignore[misc]


@pytest.mark.parametrize(
    ("file", "asked"),
    [("src/http.py", "src/http.py"), ("gone/long.ago", "gone/long.ago"), (Path("top.py"), "top.py"), (None, None)],
)
def test_a_file_counts_from_the_root_wherever_the_program_runs(
    repo: Path, daemon: ScriptedDaemon, file: str | None, asked: str | None
) -> None:
    provider = make_provider(repo / "sub", daemon)
    provider.get_context_sync(file, "why?", lines=(3, 5), limit=2)
    params = daemon.get_params("ask")
    assert (params.get("file"), params["lines"], params["limit"], params["repo"]) == (asked, [3, 5], 2, str(repo))
    if file:
        provider.get_context_sync(repo / file, "why?")
        assert daemon.get_params("ask")["file"] == asked


def test_a_file_outside_is_refused(repo: Path, daemon: ScriptedDaemon) -> None:
    with pytest.raises(UsageError, match="is no file of the repository"):
        make_provider(repo, daemon).get_context_sync("../other", "why?")


def test_an_error_of_the_daemon_is_raised_with_its_hint(repo: Path, daemon: ScriptedDaemon) -> None:
    daemon.script["ask"] = NotEnrolledError("not enrolled", "ail-client add")
    with pytest.raises(NotEnrolledError) as caught:
        asyncio.run(make_provider(repo, daemon).get_context(None, "why?"))
    assert caught.value.hint == "ail-client add"


def test_the_loop_goes_on_and_questions_run_beside_each_other(repo: Path, daemon: ScriptedDaemon) -> None:
    together = threading.Barrier(8, timeout=30)  # eight questions have arrived before one is answered

    def answer(params: dict[str, Any]) -> dict[str, Any]:
        together.wait()
        return make_reply(answer=params["question"])

    daemon.script["ask"] = answer
    provider = make_provider(repo, daemon, max_query_time_s=30)

    async def ask_all() -> list[str]:
        ticks = asyncio.create_task(tick())
        contexts = await asyncio.gather(*(provider.get_context(None, f"why {n}?") for n in range(8)))
        assert await ticks == 3
        return [context.answer for context in contexts]

    async def tick() -> int:
        for _ in range(3):
            await asyncio.sleep(0)
        return 3

    assert asyncio.run(ask_all()) == [f"why {n}?" for n in range(8)]


def test_the_blocking_call_works_inside_a_running_loop_and_keeps_its_time(repo: Path, daemon: ScriptedDaemon) -> None:
    released = threading.Event()

    def hang(params: dict[str, Any]) -> dict[str, Any]:
        released.wait(30)
        return make_reply(question=params["question"])

    provider = make_provider(repo, daemon)

    async def ask() -> str:
        first = provider.get_context_sync(None, "why?").answer
        daemon.script["ask"] = hang
        with pytest.raises(OutOfTimeError):
            provider.get_context_sync(None, "why?", timeout=0.2)
        return first

    assert asyncio.run(ask()).startswith("Proxies")
    released.set()
    assert daemon.get_params("ask")["timeout"] <= 0.2


def test_a_cache_size_of_0_takes_nothing_from_the_cache(repo: Path, daemon: ScriptedDaemon) -> None:
    make_provider(repo, daemon, cache_size=0).get_context_sync(None, "why?")
    assert daemon.get_params("ask")["no_cache"] is True
    assert "flags" not in [method for method, _ in daemon.calls]


@pytest.mark.parametrize(("size", "asked"), [(5000, [{}, {"AIL_CACHE_SIZE": "5000"}]), (10, [{}])])
def test_a_larger_cache_is_asked_for_once_and_a_smaller_never(
    repo: Path, daemon: ScriptedDaemon, size: int, asked: list[dict[str, str]]
) -> None:
    daemon.script["flags"] = {"flags": [{"name": "AIL_CACHE_SIZE", "value": 1000, "origin": "default"}]}
    provider = make_provider(repo, daemon, cache_size=size)
    for _ in range(2):
        provider.get_context_sync(None, "why?")
    assert [params["set"] for method, params in daemon.calls if method == "flags"] == asked


def test_caches_are_the_daemon_s(repo: Path, daemon: ScriptedDaemon) -> None:
    daemon.script |= {"cache.stats": {"exact": {"hits": 3}}, "cache.clear": {"exact": 1}}
    provider = make_provider(repo, daemon)
    assert provider.get_cache_stats() == {"exact": {"hits": 3}}
    provider.clear_cache()
    assert daemon.get_params("cache.clear") == {"repo": str(repo)}


def test_it_is_initialized_once_the_daemon_can_answer(repo: Path, daemon: ScriptedDaemon) -> None:
    provider = make_provider(repo, daemon)
    for told, is_so in (({"complete": False, "commits": 0}, False), ({"complete": False, "commits": 9}, True)):
        daemon.script["status"] = {"repos": [told]}
        assert provider.is_initialized() is is_so
    daemon.script["status"] = NotEnrolledError("not enrolled")
    assert provider.is_initialized() is False
    daemon.stop_listening()
    assert provider.is_initialized() is False, "and none was started"


def test_a_token_for_github_is_handed_to_the_daemon_once_and_not_kept(repo: Path, daemon: ScriptedDaemon) -> None:
    daemon.script["flags"] = {"flags": []}
    provider = make_provider(repo, daemon, github_token="ghp_secret", github_owner="o")  # noqa: S106
    for _ in range(2):
        provider.get_context_sync(None, "why?")
    assert [params["set"] for method, params in daemon.calls if method == "flags"] == [
        {"GITHUB_TOKEN": "ghp_secret", "GITHUB_OWNER": "o"}
    ]
    assert "ghp_secret" not in repr(vars(provider))


def test_a_project_on_github_without_a_token_is_told_nobody(repo: Path, daemon: ScriptedDaemon) -> None:
    make_provider(repo, daemon, github_owner="o", github_repo="r").get_context_sync(None, "why?")
    assert "flags" not in [method for method, _ in daemon.calls]


@pytest.mark.parametrize("options", [{"max_query_time_s": 0}, {"cache_size": -1}])
def test_what_cannot_be_is_refused(repo: Path, options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        ArchaeologyContextProvider(repo, **options)


def test_a_directory_without_a_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotARepositoryError):
        ArchaeologyContextProvider(tmp_path)


def test_importing_the_package_imports_nothing_of_it(client: Runner) -> None:
    code = "import sys, ail_client; print([name for name in sys.modules if name.startswith('ail_client.')], dir(ail_client))"
    done = subprocess.run([sys.executable, "-c", code], env=client.env, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("[] ")
    with pytest.raises(AttributeError):
        ail_client.nothing  # noqa: B018


@pytest.mark.slow
def test_a_checker_sees_the_types(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "from ail_client import ArchaeologyContextProvider\n"
        "context = ArchaeologyContextProvider('.').get_context_sync(None, 'why?')\n"
        "reveal_type(context.citations[0].commit_sha)\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file=", "--strict", str(program)],
        cwd=tmp_path, env={"MYPYPATH": str(ROOT / "client"), "HOME": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert 'Revealed type is "str"' in done.stdout.replace("builtins.", ""), done.stdout
