"""What a person asks for: the commands, and the text of a commit. Each ends with an answer or a sentence that says what is wrong.

A command returns its result as plain values, for an extension that shows it; for every other editor the server shows it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from ail_rpc.errors import AilError, NotEnrolledError

from .documents import Document
from .questions import Answer
from .results import make_commit_uri, make_failure, make_result
from .server import Server

RELATED = "What bears on this change?"
WHY_SO = "Why is this so?"


async def text_document_content(ls: Server, params: types.TextDocumentContentParams) -> types.TextDocumentContentResult:
    """Return the text of a commit."""
    try:
        return types.TextDocumentContentResult(await ls.questions.show(params.uri, ls.get_open()))
    except AilError as err:
        return types.TextDocumentContentResult(f"{err.message}\n{err.hint}\n")


async def why(ls: Server, *arguments: Any) -> Any:
    """Answer `ail.why`: [uri, [first, last] or null, question or null]."""
    match arguments:
        case [str(uri), *rest] if all(one is None or isinstance(one, list | str) for one in rest) and len(rest) < 3:
            lines, question = _read_about(rest)
            document = _get_document(ls, uri)
            return await _answer(ls, uri, question or WHY_SO, lambda: ls.questions.ask(document, lines, question))
    raise JsonRpcInvalidParams("ail.why takes [uri, [first, last] or null, question or null]")


def _read_about(rest: Sequence[Any]) -> tuple[tuple[int, int] | None, str | None]:
    lines, question = [*rest, None, None][:2]
    match lines:
        case None:
            pass
        case [int(first), int(last)] if 1 <= first <= last:
            return (first, last), question
        case _:
            raise JsonRpcInvalidParams("lines are [first, last], counted from 1")
    return None, question


def _get_document(ls: Server, uri: str) -> Document:
    """Return the open document, or one that stands for the file on the disk."""
    return ls.documents.get(uri) or Document(uri, "", is_open=False)


async def related(ls: Server, *arguments: Any) -> Any:
    """Answer `ail.related`: [uri]."""
    match arguments:
        case [str(uri)] if uri in ls.documents:
            return await _answer(ls, uri, RELATED, lambda: ls.questions.find_related(ls.documents[uri]))
    raise JsonRpcInvalidParams("ail.related takes [uri], of an open document")


async def ask(ls: Server, *arguments: Any) -> Any:
    """Answer `ail.ask`: [question, uri or null]: about the repository of the file, or of the workspace."""
    match arguments:
        case [str(question)] | [str(question), None]:
            uri = None
        case [str(question), str(uri)]:
            pass
        case _:
            raise JsonRpcInvalidParams("ail.ask takes [question, uri or null]")
    folders = ls.get_folders()
    return await _answer(ls, uri, question, lambda: ls.questions.ask_repository(question, uri, folders))


async def show_commit(ls: Server, *arguments: Any) -> Any:
    """Show a commit: `ail.showCommit` with [sha, uri of a file or null] or [the URI of the virtual document]."""
    match arguments:
        case [str(uri)] if uri.startswith("ail:"):
            pass
        case [str(sha)] | [str(sha), None]:
            uri = make_commit_uri(sha.lower(), await _find_repository(ls, None))
        case [str(sha), str(about)]:
            uri = make_commit_uri(sha.lower(), await _find_repository(ls, about))
        case _:
            raise JsonRpcInvalidParams("ail.showCommit takes [sha, uri or null] or [ail://commit/…]")
    try:
        text = await ls.questions.show(uri, ls.get_open())
    except AilError as err:
        return await _fail(ls, "commit", err)
    await ls.pages.show_commit(uri, text)
    return {"uri": uri, "text": text, "error": None}


async def add(ls: Server, *arguments: Any) -> Any:
    """Enrol the repository of a file: `ail.add` with [uri or null]."""
    match arguments:
        case [] | [None]:
            uri = None
        case [str(uri)]:
            pass
        case _:
            raise JsonRpcInvalidParams("ail.add takes [uri or null]")
    try:
        await ls.indexing.add(await _find_repository(ls, uri))
    except AilError as err:
        return await _fail(ls, "add", err)
    return {"error": None}


async def _find_repository(ls: Server, uri: str | None) -> str:
    try:
        return ls.questions.find_repository(uri, ls.get_folders())
    except AilError as err:
        raise JsonRpcInvalidParams(err.message) from err


async def _answer(
    ls: Server, uri: str | None, question: str, ask_it: Callable[[], Awaitable[Answer]]
) -> dict[str, Any]:
    """Ask, offer to add the repository if it must be, and show what came of it. Never raises an AilError."""
    try:
        try:
            answer = await ask_it()
        except NotEnrolledError:
            if not await ls.indexing.offer(ls.questions.find_repository(uri, ls.get_folders())):
                raise
            answer = await ask_it()
    except AilError as err:
        return await _fail(ls, question, err)
    ls.watch_if_incomplete(answer)
    result = make_result(question, answer.reply, answer.where)
    result["notes"] += [answer.note] if answer.note else []
    await ls.pages.present(result)
    return result


async def _fail(ls: Server, question: str, err: AilError) -> dict[str, Any]:
    result = make_failure(question, err.message, err.hint)
    await ls.pages.present(result)
    return result
