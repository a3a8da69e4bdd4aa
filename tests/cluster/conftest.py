"""A job for the steps of a build, with the real model; a build in this process, without Ray."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from bench.bulk import make_history
from tests.running import prepare_models

from ail_cluster.listing import Repository
from ail_cluster.publishing import Publishing, Totals
from ail_cluster.steps import Encode, Job, Piece, plan, read, start
from ail_daemon.encoding import DEFAULT_MODEL, find_prepared
from ail_daemon.history.limits import USUAL
from ail_daemon.model import REF_KINDS

Pick = Callable[[list[Piece]], Iterable[Piece]]


@pytest.fixture(scope="session")
def models() -> Path:
    """A directory with the default model, prepared."""
    return prepare_models()


@pytest.fixture
def job(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    """A job of pieces of 20 texts; this process finds the model where a node of a cluster would."""
    state = tmp_path / "state" / "ail"
    state.mkdir(parents=True, mode=0o700)
    (state / "models").symlink_to(models)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    prepared = find_prepared(models, DEFAULT_MODEL)
    assert prepared
    return Job(DEFAULT_MODEL, prepared.model_id, prepared.manifest.dimension, REF_KINDS, USUAL, piece_rows=20)


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """A repository of 50 commits."""
    make_history(tmp_path / "history", 50)
    return tmp_path / "history"


class Builder:
    """Builds in this process; what it said is in `told`."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.told: list[str] = []

    def build(self, repositories: list[Repository], pick: Pick = list) -> Totals:
        """Send *repositories* through the steps; of all pieces, those that *pick* returns come back, in its order."""
        publishing = Publishing(self.job, repositories, None, self.told.append)
        encode = Encode(self.job, b"")
        planned = [
            piece
            for number, one in enumerate(repositories)
            for piece in plan(self.job, start(number, one.root, one.out))
        ]
        for piece in pick(planned):
            publishing.take(encode(read(self.job, piece)))
        return publishing.end()


@pytest.fixture
def builder(job: Job) -> Builder:
    return Builder(job)


def one_thousand(job: Job) -> Job:
    """Return *job* with pieces of 1,000 texts."""
    return replace(job, piece_rows=1000)
