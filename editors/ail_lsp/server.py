"""pygls's server with what belongs to this one: documents, settings, the way to the daemon."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from ail_rpc import VERSION

from .asking import Asker
from .documents import Document
from .indexing import Indexing
from .protocol import Protocol
from .questions import Answer, Questions
from .scratch import Scratch
from .settings import Settings, read_settings
from .showing import Pages

_log = logging.getLogger(__name__)


class Server(LanguageServer):
    """pygls's server with what belongs to this one."""

    def __init__(self) -> None:
        super().__init__("ail-lsp", VERSION, protocol_cls=Protocol)
        self.documents: dict[str, Document] = {}
        assert isinstance(self.protocol, Protocol)  # noqa: S101 - as it was just made
        self.protocol.documents = self.documents
        self.asker = Asker(Settings())
        self.scratch = Scratch()
        self.questions = Questions(self.asker, self.scratch)
        self.indexing = Indexing(self, self.asker)
        self.pages = Pages(self, self.scratch)
        self.cursors: dict[str, int] = {}

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self.asker.settings

    def set(self, given: object) -> None:
        """Change settings; a wrong value is named in a message and changes nothing."""
        before = self.settings
        self.asker.settings, wrong = read_settings(given, before)
        if self.settings != before:
            self.questions.forget_reasons()
        for sentence in wrong:
            self.window_show_message(types.ShowMessageParams(types.MessageType.Warning, sentence))

    def get_folders(self) -> Sequence[str]:
        """Return the URIs of the workspace's folders."""
        folders = list(self.workspace.folders)
        return folders or [uri for uri in (self.workspace.root_uri,) if uri]

    def get_open(self) -> Sequence[str]:
        """Return the URIs of the workspace's folders and of the open documents."""
        return [*self.get_folders(), *self.documents]

    def handle(self, body: bytes) -> None:
        """Handle a message; one that cannot be read is logged."""
        try:
            self.protocol.handle_message(json.loads(body, object_hook=self.protocol.structure_message))
        except Exception as err:  # noqa: BLE001 - whatever an editor sends, the next message is read
            self.report_server_error(err, JsonRpcException)

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Log it: an editor's user cannot do anything about a message that could not be read."""
        _log.warning("%s: %s", getattr(source, "__name__", source), error)

    def watch_if_incomplete(self, answer: Answer) -> None:
        """Show the progress of a repository whose answer may be less than it will be."""
        index = answer.reply.get("index") or {}
        if index.get("complete") is False:
            self.indexing.watch(answer.where.repo)
