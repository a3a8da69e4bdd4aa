"""Histories of which a part cannot be read or encoded: the rest is indexed, what is missing is told, and tried again."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from tests.daemon.daemon_process import wait_until
from tests.integration.conftest import Repository
from tests.running import Home

pytestmark = pytest.mark.model


@pytest.fixture
def history(tmp_path: Path) -> Repository:
    """Five commits; every object is a file of its own."""
    made = Repository(tmp_path / "history")
    for number in range(5):
        made.shas[str(number)] = made.commit(
            f"Turn knob {number}\n\nBecause meter {number} was off.", **{f"knob{number}__txt": f"{number}\n"}
        )
    return made


def object_file(repo: Repository, name: str) -> Path:
    sha = repo.git("rev-parse", name)
    return repo.path / ".git" / "objects" / sha[:2] / sha[2:]


def get_told(home: Home) -> dict[str, Any]:
    (told,) = json.loads(home.client("status", "--json").stdout)["repos"]
    return dict(told)


def add(home: Home, repo: Repository) -> str:
    done = home.client("add", str(repo.path), "--wait", "--timeout", "30")
    assert done.returncode == 0, done.stderr
    return done.stderr


def find(home: Home, repo: Repository, question: str) -> list[str]:
    done = home.client("ask", "--json", "--no-cache", "--repo", str(repo.path), question)
    return [cited["sha"] for cited in json.loads(done.stdout)["citations"]]


@pytest.mark.slow
def test_a_missing_commit_is_told_and_taken_in_once_it_is_back(home: Home, history: Repository, tmp_path: Path) -> None:
    history.git("tag", "older", f"{history.shas['2']}^")  # what the missing one alone leads to would be lost to git too
    lost = object_file(history, history.shas["2"])
    kept = shutil.move(lost, tmp_path / "kept")
    assert "2 commits could not be read" in add(home, history)  # the one after it cannot be compared with it
    told = get_told(home)
    assert (told["commits"], told["skipped"], told["complete"]) == (4, 2, True)
    assert find(home, history, "why turn knob 4?")[0] == history.shas["4"]
    assert find(home, history, "why turn knob 1?")[0] == history.shas["1"]
    shutil.move(kept, lost)
    assert "could not" not in add(home, history)
    told = get_told(home)
    assert (told["commits"], told["skipped"], told["notice"]) == (5, 0, None)
    assert find(home, history, "why turn knob 2?")[0] == history.shas["2"]


@pytest.mark.slow
def test_what_is_missing_stays_told_over_later_commits_and_restarts(
    home: Home, history: Repository, tmp_path: Path
) -> None:
    shutil.move(object_file(history, history.shas["2"]), tmp_path / "kept")
    add(home, history)
    history.commit("Turn knob 5", knob5__txt="5\n")
    assert "2 commits could not be read" in add(
        home, history
    )  # while the watcher's update of the same commit may be running
    told = get_told(home)
    assert (told["commits"], told["skipped"]) == (3, 2)
    home.stop()

    def is_told() -> bool:
        told = get_told(home)
        return (told["commits"], told["skipped"]) == (3, 2)

    wait_until(is_told)


@pytest.mark.slow
def test_a_damaged_newest_commit_takes_nothing_with_it(home: Home, history: Repository) -> None:
    add(home, history)
    home.stop()
    newest = history.commit("Turn knob 5", knob5__txt="5\n")
    damaged = object_file(history, newest)
    whole = damaged.read_bytes()
    damaged.chmod(0o644)
    damaged.write_bytes(b"")
    assert "1 commit could not be read" in add(home, history)
    assert get_told(home)["skipped"] == 1
    assert find(home, history, "why turn knob 4?")[0] == history.shas["4"]
    damaged.write_bytes(whole)
    assert "could not" not in add(home, history)
    assert get_told(home)["commits"] == 6


@pytest.mark.slow
@pytest.mark.parametrize(("name", "part"), [("{}^{{tree}}", "paths"), ("{}:knob2.txt", "changes")])
def test_a_commit_without_its_tree_or_blob_is_in_the_index_and_told_as_lacking(
    home: Home, history: Repository, tmp_path: Path, name: str, part: str
) -> None:
    lost = object_file(history, name.format(history.shas["2"]))
    kept = shutil.move(lost, tmp_path / part)
    assert "could not be read" in add(home, history)
    assert get_told(home)["commits"] == 5
    assert find(home, history, "why turn knob 2?")[0] == history.shas["2"]
    shutil.move(kept, lost)
    assert "could not" not in add(home, history)
    assert find(home, history, "why turn knob 2?")[0] == history.shas["2"]
    shown = json.loads(home.client("show", "--json", "--repo", str(history.path), history.shas["2"]).stdout)
    assert shown["paths"] == ["knob2.txt"]


@pytest.mark.slow
@pytest.mark.parametrize("failure", ["os.abort()", "raise RuntimeError('no such word')"])
def test_a_text_that_the_encoder_fails_at_is_found_by_words_and_the_rest_by_meaning(
    home: Home, tmp_path: Path, failure: str
) -> None:
    """A message for which the encoder, in the worker, is made to fail: none is known that does so by itself."""
    made = Repository(tmp_path / "many")
    messages = [f"Turn knob {number}" + " POISON" * (number == 33) for number in range(80)]
    stream = "".join(
        f"commit refs/heads/main\ncommitter A <a@example.org> {n} +0000\ndata {len(message)}\n{message}\n"
        for n, message in enumerate(messages)
    )
    subprocess.run(["git", "fast-import", "--quiet"], cwd=made.path, input=stream.encode(), check=True)
    poisoned = made.git("rev-parse", "main~46")
    planted = tmp_path / "planted"
    planted.mkdir()
    (planted / "sitecustomize.py").write_text(PLANT.replace("FAIL", failure))
    with home.daemon(PYTHONPATH=str(planted)), home.connected() as call:
        call("repo.add", repo=str(made.path))
        call("health", kind="ready")
        while not (told := call("status")["repos"][0])["complete"]:
            assert "set aside" not in (told["notice"] or "")
        assert (told["commits"], told["embedded"], told["skipped"]) == (80, 79, 1)
        assert "could not be read or encoded" in told["notice"]
        found = call("ask", repo=str(made.path), question="knob poison", mode="lexical")
        assert found["citations"][0]["sha"] == poisoned
        assert call("ask", repo=str(made.path), question="why turn knob 7?")["degraded"] is None
    with home.daemon(), home.connected() as call:  # an encoder that can
        call("repo.add", repo=str(made.path))
        while (told := call("status")["repos"][0])["skipped"] or not told["complete"]:
            time.sleep(0.01)
        assert (told["embedded"], told["notice"]) == (80, None)


PLANT = """
import os, sys
if sys.orig_argv[-1] == "ail_daemon.indexing.worker":
    from ail_daemon.encoding import serving
    encode = serving.OnnxEncoder._encode_one
    def encode_one(self, text):
        if "POISON" in text:
            FAIL
        return encode(self, text)
    serving.OnnxEncoder._encode_one = encode_one
"""


def test_a_missing_blob_costs_its_commit_s_lines_alone_and_doctor_names_it(home: Home, history: Repository) -> None:
    blob = object_file(history, f"{history.shas['2']}:knob2.txt")
    content = blob.read_bytes()
    blob.unlink()
    assert "1 commit could not be read" in add(home, history)
    blob.write_bytes(
        content
    )  # git itself wants every blob of the tree that it writes, unless it knows the tree already
    history.commit("Turn knob 5\n\nBecause meter 5 was off.", knob5__txt="5\n")
    blob.unlink()
    started = time.monotonic()
    assert find(home, history, "why turn knob 2?")[0] == history.shas["2"]
    assert time.monotonic() - started < 3
    told = get_told(home)
    assert (told["commits"], told["skipped"]) == (6, 1)
    checks = json.loads(home.client("doctor", "--json").stdout)["checks"]
    (found,) = [one for one in checks if one["name"].startswith("repository ")]
    assert found["state"] == "warn"
    assert f"{history.shas['2'][:12]} (changes)" in found["said"]
    started = time.monotonic()
    assert home.client("stop").returncode == 0
    assert time.monotonic() - started < 2
