"""Programs of other people that tests drive: editors, shells, a terminal multiplexer. `.ci/packages` installs them."""

from __future__ import annotations

import os
import shutil

import pytest


def require(program: str) -> str:
    """Return the path of *program*. Where it is absent the test is skipped; with $AIL_REQUIRE_TOOLS set, it fails."""
    path = shutil.which(program)
    if path is not None:
        return path
    said = f"{program} is not installed: .ci/packages installs what the tests drive"
    if os.environ.get("AIL_REQUIRE_TOOLS"):
        pytest.fail(said)
    pytest.skip(said)
