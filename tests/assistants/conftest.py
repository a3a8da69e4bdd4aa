"""`ail-mcp` as an assistant starts it: a process on stdio, spoken to by the official SDK's own client."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from mcp import Client, StdioServerParameters, stdio_client
from mcp.types import CallToolResult, TextContent
from tests.integration.conftest import Repository, repo
from tests.outside import home, scripted
from tests.running import BIN, Home

__all__ = ["home", "repo", "scripted"]

T = TypeVar("T")


class Assistant:
    """Starts `ail-mcp` and calls its tools."""

    def __init__(self, home: Home) -> None:
        self.home = home

    def within(self, use: Callable[[Client], Awaitable[T]], *arguments: str, cwd: Path | None = None, **env: str) -> T:
        """Return what *use* makes of a connected client."""
        server = StdioServerParameters(
            command=str(BIN / "ail-mcp"), args=list(arguments), env=self.home.env | env, cwd=cwd or self.home.directory
        )

        async def connected() -> T:
            async with Client(stdio_client(server, errlog=open(os.devnull, "w"))) as client:  # until the end
                return await use(client)

        return asyncio.run(asyncio.wait_for(connected(), 60))

    def call(self, tool: str, cwd: Path | None = None, **arguments: object) -> CallToolResult:
        """Return the result of one tool called in *cwd*."""
        return self.within(lambda client: client.call_tool(tool, arguments), cwd=cwd)

    def fail(self, tool: str, cwd: Path | None = None, **arguments: object) -> str:
        """Return what the model is told of a call that goes wrong."""
        result = self.call(tool, cwd, **arguments)
        assert result.is_error, result
        return get_text(result)


def get_text(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


def get_fields(result: CallToolResult) -> dict[str, Any]:
    """Return a result's structured form, known to be small enough together with its text."""
    assert not result.is_error, get_text(result)
    assert isinstance(result.structured_content, dict)
    size_bytes = len(json.dumps(result.structured_content, ensure_ascii=False).encode()) + len(
        get_text(result).encode()
    )
    assert size_bytes < 20_000
    return result.structured_content


@pytest.fixture
def assistant(home: Home) -> Assistant:
    return Assistant(home)


@pytest.fixture
def enrolled(home: Home, repo: Repository) -> Repository:
    """A repository that was added."""
    done = home.client("add", str(repo.path), "--wait")
    assert done.returncode == 0, done.stderr
    return repo
