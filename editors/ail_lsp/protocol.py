"""What pygls leaves to be wished for: documents with LSP's own lines, a reply to every request.

A message that does not fit its type gets no reply from pygls 2.1, so that the editor waits for ever, and a pop-up on top.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from concurrent.futures import InvalidStateError
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.protocol import JsonRPCNotification, LanguageServerProtocol, lsp_method

from .documents import Document

SCHEME = "ail"
"""Of virtual documents."""


class Protocol(LanguageServerProtocol):
    """pygls's protocol with `documents`, by URI."""

    documents: dict[str, Document]

    @lsp_method(types.INITIALIZE)
    def lsp_initialize(self, params: types.InitializeParams) -> Generator[Any, Any, types.InitializeResult]:
        """Add what pygls does not: virtual documents. Columns are UTF-16, which every editor knows."""
        result = yield from super().lsp_initialize(params)
        result.capabilities.position_encoding = types.PositionEncodingKind.Utf16
        if result.capabilities.workspace is not None:
            content = types.TextDocumentContentOptions(schemes=[SCHEME])
            result.capabilities.workspace.text_document_content = content
        return result

    @lsp_method(types.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(self, params: types.DidOpenTextDocumentParams) -> Generator[Any, Any, None]:
        """Keep the document."""
        item = params.text_document
        self.documents[item.uri] = Document(item.uri, item.text, item.version, str(item.language_id))
        if (handler := self.fm.features.get(types.TEXT_DOCUMENT_DID_OPEN)) is not None:
            yield handler, (params,), None

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: types.DidChangeTextDocumentParams) -> None:
        """Apply the changes, in their order, to a document that is open."""
        document = self.documents.get(params.text_document.uri)
        if document is None:
            return
        for change in params.content_changes:
            span = getattr(change, "range", None)
            if span is None:
                document.replace_all(change.text)
            else:
                start, end = (span.start.line, span.start.character), (span.end.line, span.end.character)
                document.replace(start, end, change.text)
        document.version = params.text_document.version

    @lsp_method(types.TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(self, params: types.DidCloseTextDocumentParams) -> Generator[Any, Any, None]:
        """Forget the document."""
        self.documents.pop(params.text_document.uri, None)
        if (handler := self.fm.features.get(types.TEXT_DOCUMENT_DID_CLOSE)) is not None:
            yield handler, (params,), None

    def structure_message(self, data: dict[str, Any]) -> Any:
        """Return *data* as a message; a request that does not fit its type is answered with an error."""
        try:
            return super().structure_message(data)
        except JsonRpcException as err:
            self._settle(data, err)
            return JsonRPCNotification(method="$/unreadable", jsonrpc="2.0", params=None)

    def _settle(self, data: dict[str, Any], err: JsonRpcException) -> None:
        number = data.get("id")
        if not isinstance(number, str | int):
            return
        with contextlib.suppress(InvalidStateError):  # it was settled before
            if "method" in data:
                self._send_response(number, None, err.to_response_error())
            else:
                self._handle_response(number, None, err.to_response_error())
