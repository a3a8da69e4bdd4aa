"""The questions in people's own words keep their form: what a fit and a reading rely on."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from bench.quality.near_pairs import QUESTIONS
from bench.quality.overlap import borrowed
from bench.quality.sets import FITTED_ON

Rows = list[dict[str, Any]]
FIELDS = {"question", "file", "lines", "answers", "note"}


def load(*names: str) -> Rows:
    return [json.loads(line) for name in names for line in (QUESTIONS / f"{name}.jsonl").read_text().splitlines()]


def share(rows: Rows, *, having: str) -> float:
    return sum(bool(row[having]) for row in rows) / len(rows)


@pytest.fixture(params=[("aiohttp", "twisted"), ("pytest",)], ids=["fit", "read"])
def rows(request: pytest.FixtureRequest) -> Rows:
    return load(*request.param)


def test_there_are_at_least_200_questions_to_fit_on_about_half_of_each_project() -> None:
    aiohttp, twisted = load("aiohttp"), load("twisted")
    assert len(aiohttp) + len(twisted) >= 200
    assert 0.8 < len(aiohttp) / len(twisted) < 1.25


def test_there_are_at_least_100_questions_to_read_on() -> None:
    assert len(load("pytest")) >= 100


def test_about_half_of_them_have_a_file_and_about_half_of_those_lines(rows: Rows) -> None:
    assert 0.45 <= share(rows, having="file") <= 0.6
    assert 0.4 <= share([row for row in rows if row["file"]], having="lines") <= 0.65


def test_a_fifth_of_them_has_no_answer(rows: Rows) -> None:
    assert 0.77 <= share(rows, having="answers") <= 0.83


def test_no_question_is_asked_twice() -> None:
    asked = [row["question"].casefold() for row in load("aiohttp", "twisted", "pytest")]
    assert len(set(asked)) == len(asked)


def test_every_row_has_the_same_fields_of_the_same_types(rows: Rows) -> None:
    for row in rows:
        assert set(row) == FIELDS
        assert isinstance(row["question"], str)
        assert len(row["question"].split()) >= 3
        assert row["file"] is None or isinstance(row["file"], str)
        assert row["note"]


def test_every_answer_is_a_whole_sha_and_named_once(rows: Rows) -> None:
    for row in rows:
        assert all(re.fullmatch(r"[0-9a-f]{40}", sha) for sha in row["answers"])
        assert len(set(row["answers"])) == len(row["answers"])


def test_lines_are_a_range_from_1_of_a_named_file(rows: Rows) -> None:
    for first, last in (row["lines"] for row in rows if row["lines"]):
        assert 1 <= first <= last
    assert all(row["file"] for row in rows if row["lines"])


def test_the_note_of_an_answered_question_names_its_commit_and_no_question_does(rows: Rows) -> None:
    for row in rows:
        named = re.match(r"[0-9a-f]{10}", row["note"])
        assert bool(named) == bool(row["answers"])
        assert not named or any(sha.startswith(named[0]) for sha in row["answers"])
        assert not re.search(r"\b[0-9a-f]{10,}\b", row["question"])


def test_the_questions_do_not_borrow_the_subjects_of_their_commits(rows: Rows) -> None:
    shares = sorted(borrowed(row["question"], row["note"]) for row in rows if row["answers"])
    assert shares[len(shares) // 2] <= 0.15


def test_plain_questions_name_their_project_and_the_passages_that_were_accepted() -> None:
    rows = load("plain")
    assert len({(row["project"], row["question"], row["file"]) for row in rows}) == len(rows) >= 300
    assert {row["project"] for row in rows} <= set(FITTED_ON)
    accepted = [one for row in rows for one in row["accepted"]]
    assert all(re.fullmatch("[0-9a-f]{40}", one["sha"]) and one["begins"] for one in accepted)
    assert 0.3 < share(rows, having="accepted") < 0.5


def test_messages_that_were_read_are_each_of_another_commit_of_a_project_that_is_fitted_to() -> None:
    rows = load("messages")
    assert len({row["sha"] for row in rows}) == len(rows) >= 140
    assert {row["project"] for row in rows} <= set(FITTED_ON)
    assert 0.5 < share(rows, having="tells") < 0.7
