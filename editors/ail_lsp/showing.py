"""Shows a page in whatever the editor has: its own extension, a document of a temporary file, or a message."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from ail_rpc.errors import AilError

from .results import write_message
from .scratch import Scratch

if TYPE_CHECKING:
    from .server import Server

_log = logging.getLogger(__name__)
_MESSAGE_MAX_CHARS = 900
_KEPT_PAGES = 20


class Pages:
    """Writes pages to files that end with this process."""

    def __init__(self, server: Server, scratch: Scratch) -> None:
        self._server = server
        self._scratch = scratch
        self._count = 0

    async def present(self, result: dict[str, Any]) -> None:
        """Show a result of a command, unless the editor's extension does that itself."""
        if self._server.settings.presents:
            return
        if await self._show("why", ".md", result["markdown"]):
            return
        kind = types.MessageType.Warning if result["error"] else types.MessageType.Info
        self._server.window_show_message(types.ShowMessageParams(kind, write_message(result)))

    async def show_commit(self, uri: str, text: str) -> None:
        """Show a commit, unless the editor's extension does: by its URI where the editor asks for contents, else its text."""
        if self._server.settings.presents:
            return
        workspace = self._server.client_capabilities.workspace
        is_virtual = bool(workspace and workspace.text_document_content)
        sha = uri.removeprefix("ail://commit/")[:10]
        if not await (self._open(uri) if is_virtual else self._show(f"commit-{sha}", ".diff", text)):
            head = text[:_MESSAGE_MAX_CHARS].rpartition("\n")[0]
            self._server.window_show_message(types.ShowMessageParams(types.MessageType.Info, head))

    async def _show(self, name: str, ending: str, text: str) -> bool:
        """Open *text* as a document; return whether the editor could."""
        window = self._server.client_capabilities.window
        if not (window and window.show_document and window.show_document.support):
            return False
        try:
            page = self._write(name, ending, text)
        except (OSError, AilError) as err:
            _log.warning("no page could be written: %s", err)
            return False
        return await self._open(page.as_uri())

    async def _open(self, uri: str) -> bool:
        """Have the editor open a document; return whether it could."""
        try:
            return (
                await self._server.window_show_document_async(types.ShowDocumentParams(uri, take_focus=True))
            ).success
        except JsonRpcException:
            return False

    def _write(self, name: str, ending: str, text: str) -> Path:
        self._count = self._count % _KEPT_PAGES + 1
        path = Path(self._scratch.get_directory(), f"{name}-{self._count}{ending}")
        path.write_text(text, encoding="utf-8", errors="replace")
        os.chmod(path, 0o400)  # an edit would lead nowhere
        return path
