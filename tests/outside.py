"""Fixtures for what talks to a daemon from outside: a home without a model, and a daemon that says what a test has written."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.client.conftest import ScriptedDaemon
from tests.running import Home, sealed_home


@pytest.fixture
def home() -> Iterator[Home]:
    """A home without a model: words answer, and nothing waits for one to load."""
    with sealed_home() as made:
        yield made


@pytest.fixture
def scripted(home: Home) -> Iterator[ScriptedDaemon]:
    """A daemon that answers what a test has written, at the home's socket."""
    served = ScriptedDaemon(str(home.socket), {})
    yield served
    served.close()
