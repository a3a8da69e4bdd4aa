"""Each part taken away for real, in turn: every question gets an answer that says what it lacks, or a clear error, in time."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.integration.conftest import Repository, fill
from tests.running import Calling, Home
from tests.tools import one_fast

from ail_rpc.errors import AilError, InternalError, StorageError, UnavailableError

pytestmark = pytest.mark.model

QUESTIONS = (
    {"question": "why is the start page blue?"},
    {"question": "why do we retry uploads?", "file": "upload.py"},
    {"question": "why so long?", "file": "db.py", "lines": [1, 1]},
    {"question": "why does the ledger lock?", "mode": "semantic"},
    {"question": "designers"},
)
LIMIT_S = 4.0
GRACE_S = 6.0
"""What a reply may be late by on a busy machine; a client waits 0.2 s longer than it allows, a test for longer."""


class Got(NamedTuple):
    """What a question got: its reply or its error, and in how many seconds."""

    reply: dict[str, Any] | None
    error: AilError | None
    spent_s: float

    @property
    def is_clear(self) -> bool:
        """Whether it is an answer, with what it lacks where words alone gave it, or an error that is no bug; in time."""
        if self.spent_s > LIMIT_S + GRACE_S or isinstance(self.error, InternalError):
            return False
        if self.reply is None:
            return bool(self.error and self.error.message and self.error.hint)
        return self.reply["mode"] == "semantic" or bool(self.reply["degraded"])


def ask_all(call: Calling, repo: Repository, limit_s: float = LIMIT_S) -> list[Got]:
    """Ask QUESTIONS, none of them from the cache; all must be clear."""
    got = [ask(call, repo, question, limit_s) for question in QUESTIONS]
    assert [one for one in got if not one.is_clear] == []
    return got


def ask(call: Calling, repo: Repository, question: dict[str, Any], limit_s: float = LIMIT_S) -> Got:
    began = time.monotonic()
    try:
        reply = call("ask", repo=str(repo.path), timeout=limit_s, no_cache=True, **question)
    except AilError as error:
        return Got(None, error, time.monotonic() - began)
    return Got(reply, None, time.monotonic() - began)


def get_lacks(got: list[Got]) -> set[str | None]:
    return {one.reply["degraded"] if one.reply else None for one in got}


def get_errors(got: list[Got]) -> list[AilError]:
    return [one.error for one in got if one.error]


@pytest.fixture
def added(home: Home, repo: Repository) -> Repository:
    """The repository, indexed, and no daemon running."""
    home.client("add", str(repo.path), "--wait")
    home.stop()
    return repo


@pytest.fixture
def own_model(home: Home, added: Repository, models: Path) -> Path:
    """A copy of the model that may be damaged: its directory."""
    (home.state / "models").unlink()
    shutil.copytree(models, home.state / "models")
    assert added
    (directory,) = (path for path in (home.state / "models").iterdir() if path.is_dir())
    return directory


def plant(home: Home, program: str) -> dict[str, str]:
    """Return the environment of a daemon that runs *program* first, in every process of it."""
    directory = home.directory / "planted"
    directory.mkdir()
    (directory / "sitecustomize.py").write_text(program)
    return {"PYTHONPATH": str(directory)}


NO_FAISS = "import sys\nsys.modules['faiss'] = None\n"
FAILING_FAISS = """
import faiss

def fail(*_args, **_named):
    raise RuntimeError("Error in virtual void faiss::IndexFlat::search: it is planted")

faiss.IndexIDMap2.search = fail
"""
HANGING_FAISS = """
import time
import faiss

faiss.IndexIDMap2.search = lambda *_args, **_named: time.sleep(3)
"""


# --- the model --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "damage", one_fast(["gone", "no graph", "cut", "another hash", "no manifest", "no names"], "gone")
)
def test_without_a_sound_model_words_answer_and_say_why(
    home: Home, added: Repository, own_model: Path, damage: str
) -> None:
    graph = own_model / "model.onnx"
    match damage:
        case "gone":
            shutil.rmtree(home.state / "models")
        case "no graph":
            graph.unlink()
        case "cut":
            os.truncate(graph, 4096)
        case "another hash":
            graph.write_bytes(graph.read_bytes()[:-9] + b"X" + graph.read_bytes()[-8:])
        case "no manifest":
            (own_model / "manifest.json").write_text("{")
        case "no names":
            (own_model.parent / "names.json").write_text("[")
    with home.daemon(), home.connected() as call:
        got = ask_all(call, added)
    assert all(lack and "model" in lack for lack in get_lacks(got))
    assert get_errors(got) == []


@pytest.mark.slow
def test_a_model_that_vanishes_from_the_disk_goes_on_serving(home: Home, added: Repository, own_model: Path) -> None:
    with home.daemon(), home.connected() as call:
        ask_all(call, added)
        shutil.rmtree(own_model)
        assert get_lacks(ask_all(call, added)) == {None}


# --- FAISS ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (NO_FAISS, "FAISS is missing"),
        pytest.param(FAILING_FAISS, "meaning failed", marks=pytest.mark.slow),
        pytest.param(HANGING_FAISS, "meaning took longer", marks=pytest.mark.slow),
    ],
    ids=["missing", "failing", "hanging"],
)
def test_without_faiss_words_answer_and_say_why(home: Home, added: Repository, program: str, said: str) -> None:
    limit_s = LIMIT_S / 2 if program is HANGING_FAISS else LIMIT_S
    with home.daemon(**plant(home, program)), home.connected() as call:
        got = ask_all(call, added, limit_s)
        assert get_errors(got) == []
        assert all(lack and said in lack for lack in get_lacks(got))
        lexical = ask(call, added, QUESTIONS[0] | {"mode": "lexical"})
        assert lexical.reply is not None
        assert lexical.reply["degraded"] is None


def test_a_daemon_without_faiss_indexes_by_words(home: Home, repo: Repository) -> None:
    with home.daemon(**plant(home, NO_FAISS)), home.connected() as call:
        call("repo.add", repo=str(repo.path))
        assert call.wait_complete(str(repo.path), 60)["commits"] == 3
        got = ask_all(call, repo)
    assert all(lack and "FAISS is missing" in lack for lack in get_lacks(got))


@pytest.mark.parametrize(
    "program", one_fast([NO_FAISS, FAILING_FAISS, HANGING_FAISS], NO_FAISS), ids=["missing", "failing", "hanging"]
)
def test_where_words_may_not_step_in_the_error_says_what_to_do(home: Home, added: Repository, program: str) -> None:
    with home.daemon(AIL_FAISS_FALLBACK="false", **plant(home, program)), home.connected() as call:
        errors = get_errors(ask_all(call, added, LIMIT_S / 2 if program is HANGING_FAISS else LIMIT_S))
        assert [type(error) for error in errors] == [UnavailableError] * len(QUESTIONS)
        assert all("mode lexical" in error.hint for error in errors)
        assert ask(call, added, QUESTIONS[0] | {"mode": "lexical"}).reply


@pytest.mark.parametrize("size", one_fast([100, 767, 0], 767))
def test_embeddings_of_another_length_are_not_searched(home: Home, added: Repository, size: int) -> None:
    with sqlite3.connect(get_store(home)) as db:
        db.execute("UPDATE embeddings SET vector = substr(vector, 1, ?)", (size,))
    db.close()
    get_store(home).with_suffix(".seal").unlink()  # with it, the database would be made anew
    with home.daemon(), home.connected() as call:
        got = ask_all(call, added)
    assert get_errors(got) == []
    assert None not in get_lacks(got)


def get_store(home: Home) -> Path:
    (path,) = home.state.glob("repos/*/store.sqlite")
    return path


# --- the word index ---------------------------------------------------------------------------------------------------


def damage_words(home: Home, how: str) -> None:
    (words,) = home.state.glob("repos/*/words")
    if how == "gone":
        shutil.rmtree(words)
        return
    for path in words.iterdir():
        if how == "cut":
            os.truncate(path, path.stat().st_size // 2)
        elif path.stat().st_size:
            path.write_bytes(os.urandom(path.stat().st_size))


@pytest.mark.parametrize("how", one_fast(["gone", "cut", "noise"], "cut"))
def test_a_word_index_that_was_damaged_is_built_anew_at_the_next_start(home: Home, added: Repository, how: str) -> None:
    damage_words(home, how)
    with home.daemon(), home.connected() as call:
        got = ask_all(call, added)
    assert get_lacks(got) == {None}
    assert get_errors(got) == []


@pytest.mark.parametrize("how", one_fast(["gone", "cut", "noise"], "cut"))
def test_a_word_index_that_is_damaged_under_a_running_daemon_is_built_anew(
    home: Home, added: Repository, how: str
) -> None:
    with home.daemon(), home.connected() as call:
        ask_all(call, added)
        added.commit("Change one thing because another changed", more="x")
        home.client("add", str(added.path), "--wait")  # an update ends with letting go of the open index
        damage_words(home, how)
        got = ask_all(call, added)
        assert "the word index is damaged or gone" in {error.message for error in get_errors(got)}
        until = time.monotonic() + 30
        while get_errors(got) and time.monotonic() < until:
            got = ask_all(call, added)
        words = ask(call, added, QUESTIONS[0] | {"mode": "lexical"}).reply
        assert words
        assert words["citations"][0]["sha"] == added.shas["paint"]


# --- the database, the disk -------------------------------------------------------------------------------------------


@pytest.fixture
def locked(home: Home, added: Repository) -> Iterator[sqlite3.Connection]:
    """Another program's exclusive lock on the database."""
    assert added
    db = sqlite3.connect(get_store(home), isolation_level=None)
    db.execute("PRAGMA locking_mode = EXCLUSIVE")
    db.execute("BEGIN EXCLUSIVE")
    yield db
    db.close()


@pytest.mark.slow
def test_a_database_that_another_program_has_locked_is_a_clear_error_and_then_none(
    home: Home, added: Repository, locked: sqlite3.Connection
) -> None:
    with home.daemon(), home.connected() as call:
        assert len(get_errors(ask_all(call, added))) == len(QUESTIONS)
        with pytest.raises(StorageError, match="locked by another program"):
            call("ask", repo=str(added.path), timeout=20, question="why?")
        locked.close()
        until = time.monotonic() + 20
        while get_errors(got := [ask(call, added, question) for question in QUESTIONS]) and time.monotonic() < until:
            pass
        assert get_lacks(got) == {None}


@pytest.mark.slow
def test_a_database_that_is_locked_under_a_running_daemon_is_read_all_the_same(home: Home, added: Repository) -> None:
    with home.daemon(), home.connected() as call:
        ask_all(call, added)
        db = sqlite3.connect(get_store(home), isolation_level=None)
        db.execute("BEGIN EXCLUSIVE")
        assert get_errors(ask_all(call, added)) == []
        added.commit("Change one thing because another changed", more="x")
        ask_all(call, added)  # what is gone cannot be told: an error that says so, or the answer
        db.close()


def test_on_a_full_disk_every_question_is_answered(home: Home, repo: Repository, small_disk: Path) -> None:
    home.client("add", str(repo.path), "--wait")
    fill(small_disk)
    with home.connected() as call:
        repo.commit("Change one thing because another changed", more="x" * 100_000)
        got = ask_all(call, repo)
    home.stop()
    with home.daemon(), home.connected() as call:
        got += ask_all(call, repo)
    assert [repr(error) for error in get_errors(got) if not isinstance(error, StorageError)] == []
