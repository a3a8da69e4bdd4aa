"""A daemon without a model, where the extra `model` is installed: it prepares one itself, and what is damaged anew."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.conftest import Repository
from tests.running import Calling, Home, find_children, sealed_home

from ail_daemon.encoding import DEFAULT_MODEL
from ail_daemon.encoding.prepared import find_prepared, verify

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def new_home() -> Iterator[Home]:
    """A home as it is after an installation: no model was prepared, and the default one's weights are installed."""
    with sealed_home() as made:
        made.model = DEFAULT_MODEL
        yield made


def ask(home: Home, repo: Repository) -> tuple[str, str | None]:
    done = home.client("ask", "--json", "--no-cache", "--repo", str(repo.path), "why is the page blue?")
    reply = json.loads(done.stdout)
    assert reply["citations"][0]["sha"] == repo.shas["paint"]
    return reply["mode"], reply["degraded"]


def wait_for_preparing(call: Calling) -> None:
    """Return once the daemon has begun to prepare a model and done so."""
    has_begun, end = False, time.monotonic() + 800
    while (is_preparing := call("status")["preparing_s"] is not None) or not has_begun:
        has_begun = has_begun or is_preparing
        assert time.monotonic() < end
        time.sleep(0.1)


def test_words_answer_until_add_wait_returns_and_meaning_from_then_on(new_home: Home, repo: Repository) -> None:
    added = new_home.client("add", str(repo.path))
    assert added.stderr.startswith("note: the model is being prepared: words alone until then")
    assert ask(new_home, repo) == ("lexical", "the model is being prepared")
    status = json.loads(new_home.client("status", "--json").stdout)
    assert status["preparing_s"] > 0
    assert "preparing the model, " in new_home.client("status").stdout
    waited = new_home.client("add", str(repo.path), "--wait", "--json")
    assert json.loads(waited.stdout)["embedded"] == 3
    assert ask(new_home, repo) == ("semantic", None)
    assert json.loads(new_home.client("status", "--json").stdout)["pid"] == status["pid"]


def test_files_that_are_damaged_while_it_serves_are_prepared_anew_by_the_timer(
    new_home: Home, repo: Repository, models: Path
) -> None:
    own = new_home.own_models(models, name=DEFAULT_MODEL)
    with new_home.daemon(AIL_RECONCILE_S="1"):
        new_home.client("add", str(repo.path), "--wait")
        assert ask(new_home, repo) == ("semantic", None)
        (graph,) = own.glob("*/model.onnx")
        graph.write_bytes(graph.read_bytes()[:1000])
        with new_home.connected() as call:
            wait_for_preparing(call)
        assert ask(new_home, repo) == ("semantic", None)
    prepared = find_prepared(own, DEFAULT_MODEL)
    assert prepared is not None
    verify(prepared)


def test_a_damaged_model_is_prepared_anew_at_start(new_home: Home, repo: Repository, models: Path) -> None:
    own = new_home.own_models(models, name=DEFAULT_MODEL)
    (own / "names.json").write_text("{")
    new_home.client("add", str(repo.path), "--wait")
    assert ask(new_home, repo) == ("semantic", None)


def test_a_stopped_daemon_leaves_no_child(new_home: Home, repo: Repository) -> None:
    new_home.client("add", str(repo.path))
    daemon = json.loads(new_home.client("status", "--json").stdout)["pid"]
    (child,) = find_children(daemon, "prepare")
    new_home.client("stop")
    child.wait(10)
    assert not find_prepared(new_home.state / "models", DEFAULT_MODEL)
