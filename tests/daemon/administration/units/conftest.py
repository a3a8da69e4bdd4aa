"""A home, and a user manager of systemd's for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.outside import home  # noqa: F401 - a fixture
from tests.running import Home
from tests.session import Session, started_session


@pytest.fixture
def session(home: Home) -> Iterator[Session]:  # noqa: F811
    """A user manager of systemd's, for a home without a model."""
    with started_session(home) as made:
        yield made
