from __future__ import annotations

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ail_daemon.index.store import ClosedError
from ail_daemon.index.words import MESSAGE_FIELDS, Words

DOCUMENTS = {
    1: ("Retries were counted twice", ["net/client.py"], "+retry_budget = 3"),
    2: ("retryBudget is spent", [], ""),
    3: ("Tidy", ["src/retry/BUDGET.py"], "-retries -= 1"),
    4: ("a subretry of budgetarianism", [], ""),
}


@pytest.fixture
def words(tmp_path: Path) -> Words:
    made = Words(tmp_path)
    for commit_id, (message, paths, changed) in DOCUMENTS.items():
        made.add_message(commit_id, message, message, paths)
        made.commit()  # a segment each
        if changed:
            made.add_changed(commit_id, changed)
    made.commit()
    return made


def test_a_commit_holds_a_term_as_a_word_as_a_part_of_a_name_and_in_its_paths(words: Words) -> None:
    assert words.cover([4, 3, 2, 1], ["retri", "budget"])[0].tolist() == [
        [False, False], [True, True], [True, True], [True, False]
    ]  # fmt: skip


def test_more_terms_than_a_score_has_bits_are_all_looked_for(words: Words) -> None:
    terms = [f"absent{n}" for n in range(60)] + ["retri"]
    assert words.cover([2], terms)[0].tolist() == [[False] * 60 + [True]]
    assert words.cover([2], ["retri", *terms[:60], "spent"])[0].tolist() == [[True, *[False] * 60, True]]


def test_without_commits_or_terms_nothing_is_held(words: Words) -> None:
    assert words.cover([], ["retri"])[0].shape == (0, 1)
    assert words.cover([1, 2], [])[1].shape == (2, 0)


def test_what_changed_lines_hold_is_told_apart_from_what_the_message_holds(words: Words) -> None:
    in_message, in_changed = words.cover([1, 3, 4], ["budget"])
    assert in_message.tolist() == [[False], [True], [False]]
    assert in_changed.tolist() == [[True], [False], [False]]


def test_what_was_removed_holds_nothing(words: Words) -> None:
    words.remove(1)
    words.commit()
    assert words.cover([1, 2], ["retri"])[0].tolist() == [[False], [True]]


def test_what_was_found_before_is_found_anew_after_every_change(words: Words) -> None:
    """What one question asks for several times is kept, in tantivy's order, until the index changes."""

    def find(limit: int) -> list[int]:
        return list(words.find(["retri"], MESSAGE_FIELDS, limit))

    before, rarity = find(200), words.get_rarity(["retri"])
    assert (find(1), find(200)) == (before[:1], before)
    words.remove(before[0])  # not committed
    assert find(200) == before[1:]
    words.commit()
    assert find(200) == before[1:]
    words.add_message(9, "Retry", "Retry", [])
    words.commit()
    assert set(find(200)) == {9, *before[1:]}
    assert words.get_rarity(["retri"]) != rarity


@pytest.mark.slow
def test_a_rest_at_any_moment_of_a_change_or_a_question_leaves_all_of_it_findable(words: Words) -> None:
    def rest_on() -> None:
        while not is_over.is_set():
            words.rest()

    def ask_on() -> None:
        while not is_over.is_set():
            words.find(["retri"], {"all": 1.0}, 3)

    is_over = threading.Event()
    with ThreadPoolExecutor(2) as others:
        beside = [others.submit(rest_on), others.submit(ask_on)]
        try:
            for commit_id in range(10, 70):
                words.add_message(commit_id, "More retries", "More retries", [])
                words.commit()
                words.end_changes()
        finally:
            is_over.set()
        for one in beside:
            one.result()
    assert len(words) == 60 + len(DOCUMENTS) + 2, "two of them have changed lines"


def test_what_is_asked_of_a_closed_index_whose_files_were_replaced_is_told_so(words: Words, tmp_path: Path) -> None:
    """A restore takes the files of an index away under the questions that read it: they are to ask the one put in their place."""
    words.end_changes()
    words.rest()
    words.close()
    for file in tmp_path.iterdir():
        file.write_bytes(b"of another index")
    with pytest.raises(ClosedError):
        words.find(["retri"], MESSAGE_FIELDS, 3)
    assert all(file.read_bytes() == b"of another index" for file in tmp_path.iterdir())


def test_a_closed_index_makes_no_directory_where_its_own_was_removed(words: Words, tmp_path: Path) -> None:
    words.end_changes()
    words.rest()
    words.close()
    shutil.rmtree(tmp_path)
    with pytest.raises(ClosedError):
        words.find(["retri"], MESSAGE_FIELDS, 3)
    assert not tmp_path.exists()
