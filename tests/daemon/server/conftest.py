"""A whole daemon with short limits, for all tests of a file."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator

import pytest
from tests.daemon.daemon_process import SCRIPTED, User

SHORT = {"frame_s": 0.25, "drain_s": 0.25}


@pytest.fixture(scope="module")
def served() -> Iterator[User]:
    """One daemon for the whole file, impatient: what it must survive, it must survive in a row."""
    user = User(tempfile.mkdtemp(prefix="ail", dir="/tmp"))
    user.start_ready("--limits", json.dumps(SHORT), program=SCRIPTED)
    yield user
    user.end()
    shutil.rmtree(user.home)
