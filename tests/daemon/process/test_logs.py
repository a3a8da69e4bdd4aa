"""The log: JSON lines of fixed fields, no text from outside."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ail_daemon.process.logs import log, start_logging
from ail_daemon.process.underway import begin, note_repo
from ail_daemon.server.dispatch import Dispatcher
from ail_rpc.errors import NotFoundError
from ail_rpc.messages import Call


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    """A log's file; what the daemon set up for it is taken back, for the sake of other tests."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    root.handlers.clear()
    yield tmp_path / "log"
    for handler in root.handlers[:]:
        root.removeHandler(handler)
        handler.close()
    root.handlers[:] = before
    root.setLevel(level)


def read_lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_a_line_has_the_fields_that_were_given_and_no_other(file: Path) -> None:
    start_logging("INFO", str(file))
    log("request", method="ask", outcome="done", duration_ms=1.23456, code=0)
    [line] = read_lines(file)
    assert line.pop("at").startswith("20")
    assert line == {
        "event": "request",
        "level": "info",
        "method": "ask",
        "outcome": "done",
        "duration_ms": 1.235,
        "code": 0,
    }


def test_there_is_no_place_for_free_text(file: Path) -> None:
    start_logging("INFO", str(file))
    with pytest.raises(TypeError):
        log("request", question="why?")  # type: ignore[call-arg]


def test_lines_below_the_level_are_left_out(file: Path) -> None:
    start_logging("WARNING", str(file))
    log("small", level="info")
    log("large", level="warning")
    assert [line["event"] for line in read_lines(file)] == ["large"]


def test_an_error_is_told_by_type_and_place_without_its_text(file: Path) -> None:
    start_logging("INFO", str(file))
    try:
        try:
            int("the secret")
        except ValueError as err:
            raise KeyError("another secret") from err
    except KeyError as err:
        log("failed", level="error", error=err)
    [line] = read_lines(file)
    kinds = [word for word in line["error"] if not word.startswith("/")]
    assert kinds == ["KeyError", "caused by", "ValueError"]
    assert "secret" not in file.read_text()


def test_what_a_library_says_is_cut_down_to_where_it_came_from(file: Path) -> None:
    start_logging("INFO", str(file))
    logging.getLogger("asyncio").error("Task exception was never retrieved: %s", "the question")
    [line] = read_lines(file)
    assert (line["event"], line["logger"], line["level"]) == ("library", "asyncio", "error")
    assert "question" not in file.read_text()


def test_starting_again_replaces_file_and_level(file: Path) -> None:
    start_logging("ERROR", str(file))
    start_logging("INFO", str(file) + "2")
    log("second")
    assert file.read_text() == ""
    assert len(read_lines(Path(str(file) + "2"))) == 1


def test_a_line_written_for_a_request_names_it_and_its_repository(file: Path) -> None:
    start_logging("INFO", str(file))

    async def serve(request_id: str) -> None:
        begin(request_id)
        await asyncio.sleep(0)
        note_repo(f"repo of {request_id}")
        await asyncio.to_thread(log, "in_a_thread")
        log("about_another", repo_id="other")

    async def serve_two() -> None:
        await asyncio.gather(asyncio.create_task(serve("0000aa")), asyncio.create_task(serve("0000bb")))

    asyncio.run(serve_two())
    log("of_nobody")
    found = sorted((line["event"], line.get("request_id", ""), line.get("repo_id", "")) for line in read_lines(file))
    assert found == [
        ("about_another", "0000aa", "other"),
        ("about_another", "0000bb", "other"),
        ("in_a_thread", "0000aa", "repo of 0000aa"),
        ("in_a_thread", "0000bb", "repo of 0000bb"),
        ("of_nobody", "", ""),
    ]


def test_the_file_is_rotated_at_ten_megabytes_and_ten_are_kept(file: Path) -> None:
    for number in range(1, 10):
        file.with_name(f"log.{number}").write_text(f"{number}\n")
    with file.open("wb") as full:
        full.truncate(10_000_000)
    start_logging("INFO", str(file))
    log("one_more")
    assert [line["event"] for line in read_lines(file)] == ["one_more"]
    assert file.with_name("log.1").stat().st_size == 10_000_000
    assert file.with_name("log.9").read_text() == "8\n"
    assert len(list(file.parent.iterdir())) == 10


def test_what_is_answered_fast_is_told_at_debug_what_fails_or_is_slow_at_info(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answer(params: dict[str, Any]) -> dict[str, Any]:
        if params:
            raise NotFoundError("the secret")
        return {"citations": [{}, {}], "mode": "lexical", "cached": "exact", "answer": "the secret"}

    dispatcher = Dispatcher({"ask": answer})

    def ask(**params: object) -> None:
        asyncio.run(dispatcher.answer(Call(1, "ask", params)))

    start_logging("INFO", str(file))
    ask()
    ask(fails=True)
    monkeypatch.setattr("ail_daemon.server.dispatch.SLOW_S", 0.0)
    ask()
    monkeypatch.undo()
    start_logging("DEBUG", str(file))
    ask()
    failed, slow, quick = read_lines(file)
    assert (failed["outcome"], failed["code"], failed["level"]) == ("failed", NotFoundError.code, "info")
    told = {"method": "ask", "outcome": "done", "mode": "lexical", "tier": "exact", "count": 2}
    assert {**slow, **told, "level": "info"} == slow
    assert {**quick, **told, "level": "debug"} == quick
    assert len({line["request_id"] for line in (failed, slow, quick)}) == 3
    assert "secret" not in file.read_text()
