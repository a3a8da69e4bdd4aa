"""The main job: a build by Ray over a list of repositories, a fresh user who takes its output and encodes nothing, an answer.

Ray is started once, by the program, and sees two processors.
"""

from __future__ import annotations

import filecmp
import os
import socket
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from bench.bulk import make_history
from tests.integration.conftest import RETRY
from tests.integration.conftest import Repository as GitRepository
from tests.running import BIN, Home, sealed_home

COMMITS = 70
"""A daemon takes fewer than 65 without asking for bundles."""

needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="ray")


def build(home: Home, repos: Path, out: str) -> subprocess.CompletedProcess[str]:
    return home.run(
        str(BIN / "ail-cluster"),
        "build",
        "--repos",
        str(repos),
        "--out",
        out,
        env={"RAY_worker_niceness": "0"},
        timeout=280,
    )


@needs_ray
@pytest.mark.model
@pytest.mark.slow
def test_a_fresh_user_takes_what_a_cluster_built_encodes_nothing_and_gets_an_answer(
    models: Path, tmp_path: Path
) -> None:
    make_history(tmp_path / "project", COMMITS)
    repository = GitRepository(tmp_path / "project")
    repository.commit(RETRY, upload__py="retry(1)\n")
    other = GitRepository(tmp_path / "other")
    other.commit("Begin")
    listed = tmp_path / "repos.txt"
    listed.write_text(f"{repository.path}\n{other.path}\n{tmp_path}/gone.git\n{repository.path}/\n")
    with sealed_home(models) as home:
        built = build(home, listed, f"{tmp_path}/out/{{name}}")
        assert f"{COMMITS + 2} embeddings added, {COMMITS + 2} texts encoded" in built.stderr, built.stderr
        assert "gone.git is not there" in built.stderr
        assert built.returncode == 5
        for one in (repository.path, other.path):
            assert home.run(str(BIN / "ail-daemon"), "build", str(one)).returncode == 0
            home.run(str(BIN / "ail-daemon"), "bundle", "create", str(one), f"{tmp_path}/local/{one.name}")
            assert_same(tmp_path / "local" / one.name, tmp_path / "out" / one.name)
    with sealed_home(models) as fresh:
        with fresh.daemon(AIL_BUNDLES=f"{tmp_path}/out/{{name}}"), fresh.connected() as call:
            added = fresh.client("add", str(repository.path), "--wait", "--timeout", "60")
            (told,) = call("status")["repos"]
            asked = fresh.client("ask", "--repo", str(repository.path), "upload.py:1", "why the retry?")
        assert (added.returncode, told["encoded"], told["notice"]) == (0, 0, None), added.stderr
        assert "Proxies drop" in asked.stdout


def assert_same(one: Path, other: Path) -> None:
    """Two bundles have the same files, byte by byte."""
    (model,) = (path.name for path in one.iterdir())
    names = [[path.name for path in sorted((out / model).iterdir()) if path.name != ".lock"] for out in (one, other)]
    assert names[0] == names[1]
    assert filecmp.cmpfiles(one / model, other / model, names[0], shallow=False)[0] == names[0]


def test_without_the_extra_it_is_said_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['ray'] = None\n")
    done = subprocess.run(
        [str(BIN / "ail-cluster"), "build", "--repos", str(tmp_path), "--out", str(tmp_path)],
        env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, "archaeological-intelligence[cluster]" in done.stderr) == (69, True), done.stderr


@needs_ray
def test_a_cluster_that_is_not_there_is_said(models: Path, tmp_path: Path) -> None:
    repository = GitRepository(tmp_path / "project")
    repository.commit("Begin")
    with sealed_home(models) as home:
        done = home.run(
            str(BIN / "ail-cluster"), "build", "--repos", str(repository.path), "--out", str(tmp_path / "out"),
            "--address", "127.0.0.1:1", timeout=200,
        )  # fmt: skip
    assert (done.returncode, "Ray cannot be reached at 127.0.0.1:1" in done.stderr) == (3, True), done.stderr
    assert not (tmp_path / "out").exists()


def test_a_build_whose_head_goes_away_ends_with_a_sentence_and_not_in_silence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as head:
        host, port = head.getsockname()
        watching = subprocess.Popen(
            [sys.executable, "-c", WATCH, f"{host}:{port}"], stdout=subprocess.PIPE, text=True, env=os.environ
        )
        head.accept()  # it is looked at
    said, _ = watching.communicate(timeout=60)
    assert watching.returncode == 3
    assert "does not answer; it is waited for 1 s" in said
    assert f"the Ray cluster at {host}:{port} went away" in said
    assert "run it again, for the rest" in said


WATCH = """
import sys, threading
from functools import partial
from ail_cluster import running
running._LOOK_S, running._HEAD_S = 0.1, 1.0
running._watch_head(sys.argv[1], threading.Event(), partial(print, flush=True))
"""
