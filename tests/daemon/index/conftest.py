"""An index in a temporary directory, and an encoder for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.daemon.index.making import HashEncoder

from ail_daemon.index.repoindex import RepoIndex


@pytest.fixture
def encoder() -> HashEncoder:
    return HashEncoder()


@pytest.fixture
def index(tmp_path: Path, encoder: HashEncoder) -> Iterator[RepoIndex]:
    opened = RepoIndex(tmp_path / "index", encoder)
    yield opened
    opened.close()
