"""The examples of docs/python.md, run as they stand there against a real daemon."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from tests.integration.conftest import Repository
from tests.running import ROOT, Home

from ail_client import ArchaeologyContextProvider

pytestmark = pytest.mark.model


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch, home: Home) -> dict[str, Any]:
    """What the page's blocks of Python define, in this home's environment."""
    for name, value in home.env.items():
        monkeypatch.setenv(name, value)
    defined: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "python.md").read_text(), re.DOTALL):
        exec(compile(block, "docs/python.md", "exec"), defined)  # noqa: S102 - the page is ours
    return defined


def test_the_page_s_example_says_why(
    home: Home, repo: Repository, example: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert home.client("add", str(repo.path), "--wait").returncode == 0
    asyncio.run(example["explain"](str(repo.path)))
    answer, sure, first, *_ = capsys.readouterr().out.splitlines()
    assert "the second attempt" in answer
    assert "% sure, answered" in sure
    assert first.startswith(f"{repo.shas['retry'][:10]} Retry uploads once on idle connections")


@pytest.mark.slow
def test_the_page_s_handling_of_errors_tells_what_to_do(
    repo: Repository, example: dict[str, Any], tmp_path: Path
) -> None:
    assert example["explain_or_not"](str(repo.path)) == f"ail-client add {repo.path}"
    assert "lies in no git repository" in example["explain_or_not"](str(tmp_path))


@pytest.mark.slow
@pytest.mark.usefixtures("example")
def test_the_daemon_s_cache_is_enlarged_told_of_and_cleared(home: Home, repo: Repository) -> None:
    assert home.client("add", str(repo.path), "--wait").returncode == 0
    provider = ArchaeologyContextProvider(repo.path, cache_size=5000)
    assert [provider.get_context_sync(None, "why do we retry uploads?").cached for _ in range(2)] == [None, "exact"]
    stats = provider.get_cache_stats()["exact"]
    assert (stats["size"], stats["hits"], stats["entries"]) == (5000, 1, 1)
    provider.clear_cache()
    assert provider.get_cache_stats()["exact"]["entries"] == 0
    assert provider.is_initialized()
