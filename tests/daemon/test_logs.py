"""The log: JSON lines of fixed fields, no text from outside."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ail_daemon.logs import log, start_logging


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
