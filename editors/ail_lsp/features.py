"""What an editor asks by itself: hover, actions, lenses, hints, diagnostics. Whatever fails here fails silently.

Nothing is asked of the daemon when a text changes.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import wraps
from typing import Any, TypeVar

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from ail_rpc.errors import AilError, NotEnrolledError

from .commands import RELATED, WHY_SO
from .documents import Document, count_units
from .leaving import leave_with
from .lenses import find_blocks
from .questions import Answer
from .results import make_result, write_hint, write_hover, write_title
from .server import Server

T = TypeVar("T")

CURSOR = "ail/cursor"
"""A notification that says where the cursor rests: {textDocument: {uri}, position}. For the inlay hint."""

_REST_S = 0.3
_SOURCE = "AIL"
_offers: set[asyncio.Future[None]] = set()
_log = logging.getLogger(__name__)


def _unasked(default: Any) -> Callable[[Callable[..., Awaitable[T]]], Callable[..., Awaitable[T]]]:
    """Let a handler return *default* for every error a daemon or a repository can bring about; a bug is logged as one."""

    def decorate(handle: Callable[..., Awaitable[T]]) -> Callable[..., Awaitable[T]]:
        fallback: T = default

        @wraps(handle)
        async def guarded(ls: Server, *arguments: Any) -> T:
            try:
                return await handle(ls, *arguments)
            except NotEnrolledError as err:
                _offer_later(ls, arguments, err)
                return fallback
            except AilError as err:
                _log.info("%s: %s", handle.__name__, err.message)
                return fallback
            except Exception as err:
                _log.exception("%s failed", handle.__name__)
                raise JsonRpcException("a bug of ail-lsp; `ail-lsp --verbose` logs more") from err

        return guarded

    return decorate


def _offer_later(ls: Server, arguments: Sequence[Any], err: NotEnrolledError) -> None:
    """Offer to add the repository that a request was about, without keeping the request waiting."""
    uri = _get_uri(arguments[0]) if arguments else None
    if uri is None:
        return

    async def offer() -> None:
        with contextlib.suppress(AilError, JsonRpcException):
            await ls.indexing.offer(ls.questions.find_repository(uri, ()))

    offering = asyncio.ensure_future(offer())
    _offers.add(offering)  # the loop itself keeps no task alive
    offering.add_done_callback(_offers.discard)
    _log.info("%s", err.message)


def _get_uri(params: Any) -> str | None:
    """Return the document's URI of any request's params."""
    if isinstance(params, types.CodeLens):
        return str(params.data["uri"]) if isinstance(params.data, dict) and "uri" in params.data else None
    document = getattr(params, "text_document", None)
    return document.uri if document else None


@_unasked(None)
async def initialize(ls: Server, params: types.InitializeParams) -> None:
    """Take the settings that come with it, and watch the editor's process."""
    ls.set(params.initialization_options)
    if params.process_id is not None:
        leave_with(params.process_id, ls.scratch.close)


@_unasked(None)
async def did_change_configuration(ls: Server, params: types.DidChangeConfigurationParams) -> None:
    """Take the settings under `ail`; what they switch on or off is drawn anew."""
    given = params.settings
    before = ls.settings
    ls.set(given.get("ail", given) if isinstance(given, dict) else None)
    workspace = ls.client_capabilities.workspace
    if before.code_lens != ls.settings.code_lens and workspace and workspace.code_lens:
        ls.workspace_code_lens_refresh(None)
    if before.inlay_hint != ls.settings.inlay_hint and workspace and workspace.inlay_hint:
        ls.workspace_inlay_hint_refresh(None)
    if before.diagnostics and not ls.settings.diagnostics:
        for uri in ls.documents:
            ls.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))


@_unasked(None)
async def hover(ls: Server, params: types.HoverParams) -> types.Hover | None:
    """Return why the line is so, nothing where that is not sure enough, or is what the line itself says."""
    document, number = ls.documents.get(params.text_document.uri), params.position.line + 1
    if document is None or ls.settings.hover == "off":
        return None
    may_ask = ls.settings.hover == "auto"
    reason, where = await ls.questions.find_reason(document, (number, number), "hover", may_ask=may_ask)
    if reason is None or reason.repeats(document.get_line(number)):
        return None
    formats = _get_hover_formats(ls)
    is_markdown = not formats or types.MarkupKind.Markdown in formats
    kind = types.MarkupKind.Markdown if is_markdown else types.MarkupKind.PlainText
    text = write_hover(reason, where, is_markdown=is_markdown)
    return types.Hover(types.MarkupContent(kind, text), _span(document, number))


def _get_hover_formats(ls: Server) -> Sequence[Any]:
    able = ls.client_capabilities.text_document
    return (able.hover.content_format if able and able.hover else None) or ()


def _span(document: Document, number: int) -> types.Range:
    line = document.get_line(number)
    indent = len(line) - len(line.lstrip())
    return types.Range(types.Position(number - 1, indent), types.Position(number - 1, count_units(line)))


@_unasked([])
async def code_action(ls: Server, params: types.CodeActionParams) -> list[types.CodeAction]:
    """Offer both questions where somebody looks for actions: not by a lamp on every line that the cursor comes to."""
    uri, context = params.text_document.uri, params.context
    document = ls.documents.get(uri)
    if document is None:
        return []
    _rest_at(ls, uri, params.range.end.line + 1)
    kinds = [str(getattr(kind, "value", kind)) for kind in context.only or ()]
    if context.trigger_kind == types.CodeActionTriggerKind.Automatic or (
        kinds and "ail" not in kinds and "" not in kinds
    ):
        return []
    lines = _to_lines(params.range)
    asked = types.Command(WHY_SO, "ail.why", arguments=[uri, list(lines)])
    related = types.Command(RELATED, "ail.related", arguments=[uri])
    return [types.CodeAction(command.title, kind="ail", command=command) for command in (asked, related)]


def _to_lines(span: types.Range) -> tuple[int, int]:
    """Return the lines of a selection, from 1; one that ends before a line's first character does not reach into it."""
    first, last = span.start.line + 1, span.end.line + 1
    return first, max(first, last - (span.end.character == 0 and last > first))


@_unasked([])
async def code_lens(ls: Server, params: types.CodeLensParams) -> list[types.CodeLens]:
    """Return a lens without a title at each function and class, if lenses are on."""
    document = ls.documents.get(params.text_document.uri)
    if document is None or not ls.settings.code_lens:
        return []
    blocks = find_blocks(document.lines, document.language)
    return [
        types.CodeLens(_span(document, first), data={"uri": document.uri, "lines": [first, last]}) for first, last in blocks
    ]  # fmt: skip


async def resolve_code_lens(ls: Server, params: types.CodeLens) -> types.CodeLens:
    """Add the title: how many reasons history has."""
    params.command = types.Command(write_title(None), "ail.why", arguments=[])
    match params.data:
        case {"uri": str(uri), "lines": [int(first), int(last)]}:
            title = await _count_reasons(ls, params, uri, (first, last))
            params.command = types.Command(title, "ail.why", arguments=[uri, [first, last]])
    return params


@_unasked("")
async def _count_reasons(ls: Server, _lens: types.CodeLens, uri: str, lines: tuple[int, int]) -> str:
    document = ls.documents.get(uri)
    if document is None:
        return ""
    reason, _ = await ls.questions.find_reason(document, lines, f"lens:{lines[0]}")
    return write_title(reason)


@_unasked([])
async def inlay_hint(ls: Server, params: types.InlayHintParams) -> list[types.InlayHint]:
    """Return the hint of the line that the cursor rests on, if hints are on."""
    document = ls.documents.get(params.text_document.uri)
    number = ls.cursors.get(params.text_document.uri)
    if document is None or number is None or not ls.settings.inlay_hint:
        return []
    if not params.range.start.line < number <= params.range.end.line + 1:
        return []
    reason, where = await ls.questions.find_reason(document, (number, number), "hint")
    if reason is None:
        return []
    tooltip = types.MarkupContent(types.MarkupKind.Markdown, write_hover(reason, where, is_markdown=True))
    at = types.Position(number - 1, count_units(document.get_line(number)))
    return [types.InlayHint(at, write_hint(reason), padding_left=True, tooltip=tooltip)]


@_unasked(None)
async def cursor(ls: Server, params: Any) -> None:
    """Note where the cursor is."""
    _rest_at(ls, str(params.textDocument.uri), int(params.position.line) + 1)


def _rest_at(ls: Server, uri: str, number: int) -> None:
    """Note the cursor's line; once it rests there, have the hints drawn anew."""
    workspace = ls.client_capabilities.workspace
    has_moved = ls.cursors.get(uri) != number
    ls.cursors[uri] = number
    if (
        has_moved
        and ls.settings.inlay_hint
        and workspace
        and workspace.inlay_hint
        and workspace.inlay_hint.refresh_support
    ):

        def refresh() -> None:
            if ls.cursors.get(uri) == number:
                ls.workspace_inlay_hint_refresh(None)

        asyncio.get_running_loop().call_later(_REST_S, refresh)


async def did_open(ls: Server, params: types.DidOpenTextDocumentParams) -> None:
    """Have the daemon read ahead what hovers on the file will need; where there is none, nobody is told."""
    if ls.settings.hover != "auto":
        return
    try:
        await ls.questions.prefetch(params.text_document.uri)
    except AilError as err:
        _log.info("prefetch: %s", err.message)


@_unasked(None)
async def did_save(ls: Server, params: types.DidSaveTextDocumentParams) -> None:
    """Say in diagnostics what bears on the saved change, if they are on."""
    document = ls.documents.get(params.text_document.uri)
    if document is None:
        return
    document.is_changed = False
    if not ls.settings.diagnostics:
        return
    found: list[types.Diagnostic] = []
    try:
        answer = await ls.questions.find_related(document, "diagnostics")
        found = _make_diagnostics(document, answer)
        ls.watch_if_incomplete(answer)
    finally:
        ls.text_document_publish_diagnostics(types.PublishDiagnosticsParams(document.uri, found, document.version))


def _make_diagnostics(document: Document, answer: Answer) -> list[types.Diagnostic]:
    """Return a hint for each commit that bears on the change, at its line, and for each file that is missing from it."""
    made = make_result(RELATED, answer.reply, answer.where)
    found = []
    for citation in made["citations"]:
        line = citation["line"] if citation["path"] == answer.where.name and citation["line"] else 1
        said = types.Diagnostic(
            _span(document, line), citation["relation"], types.DiagnosticSeverity.Hint, source=_SOURCE
        )
        if citation["url"]:
            said.code, said.code_description = citation["short"], types.CodeDescription(citation["url"])
        found.append(said)
    hint, first = types.DiagnosticSeverity.Hint, _span(document, 1)
    return found + [types.Diagnostic(first, one, hint, source=_SOURCE) for one in made["companions"]]


def did_close(ls: Server, params: types.DidCloseTextDocumentParams) -> None:
    """Forget what was said of it."""
    uri = params.text_document.uri
    ls.questions.forget(uri)
    ls.cursors.pop(uri, None)
    if ls.settings.diagnostics:
        ls.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))
