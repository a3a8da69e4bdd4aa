"""A user for each test: every directory a daemon looks at is fresh and short; nothing of the developer's is seen."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator

import pytest
from tests.daemon.daemon_process import User


@pytest.fixture
def user() -> Iterator[User]:
    """A sealed user in a directory short enough for a socket's path; what it started is ended with it."""
    home = tempfile.mkdtemp(prefix="ail", dir="/tmp")
    user = User(home)
    yield user
    user.end()
    shutil.rmtree(home, ignore_errors=True)
