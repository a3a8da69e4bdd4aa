"""Which requests and commands are answered, and by what; the way from stdin to stdout."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable
from typing import Any

from lsprotocol import types
from pygls.io_ import StdoutWriter

from . import commands, features
from .leaving import leave_on_signals
from .reading import take_messages
from .server import Server

_FEATURES: tuple[tuple[str, Callable[..., Any], Any], ...] = (
    (types.INITIALIZE, features.initialize, None),
    (types.WORKSPACE_DID_CHANGE_CONFIGURATION, features.did_change_configuration, None),
    (types.TEXT_DOCUMENT_HOVER, features.hover, None),
    (types.TEXT_DOCUMENT_CODE_ACTION, features.code_action, types.CodeActionOptions(code_action_kinds=["ail"])),
    (types.TEXT_DOCUMENT_CODE_LENS, features.code_lens, types.CodeLensOptions(resolve_provider=True)),
    (types.CODE_LENS_RESOLVE, features.resolve_code_lens, None),
    (types.TEXT_DOCUMENT_INLAY_HINT, features.inlay_hint, None),
    (types.TEXT_DOCUMENT_DID_OPEN, features.did_open, None),
    (types.TEXT_DOCUMENT_DID_SAVE, features.did_save, None),
    (types.TEXT_DOCUMENT_DID_CLOSE, features.did_close, None),
    (types.WORKSPACE_TEXT_DOCUMENT_CONTENT, commands.text_document_content, None),
    (features.CURSOR, features.cursor, None),
)
_COMMANDS: tuple[tuple[str, Callable[..., Any]], ...] = (
    ("ail.why", commands.why), ("ail.related", commands.related), ("ail.ask", commands.ask),
    ("ail.showCommit", commands.show_commit), ("ail.add", commands.add),
)  # fmt: skip


def serve(*, is_verbose: bool) -> int:
    """Serve on stdin and stdout until they end; return the exit status: 0 after `shutdown`."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO if is_verbose else logging.CRITICAL)
    server = make_server()
    server.scratch.sweep()
    leave_on_signals(server.scratch.close)
    server.protocol.set_writer(StdoutWriter(sys.stdout.buffer))
    source = open(sys.stdin.fileno(), "rb", closefd=False)  # noqa: SIM115 - a thread reads it until this process ends
    try:
        asyncio.run(take_messages(source, server.handle))
    except (BrokenPipeError, SystemExit):
        pass  # the editor left, or said that it leaves
    finally:
        server.scratch.close()
    return 0 if server.protocol._shutdown else 1


def make_server() -> Server:
    """Return the server, every feature registered."""
    server = Server()
    for name, handle, options in _FEATURES:
        server.feature(name, options)(handle)
    for name, run in _COMMANDS:
        server.command(name)(run)
    return server
