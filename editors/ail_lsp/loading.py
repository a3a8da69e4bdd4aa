"""Imports lsprotocol in half of its time. The only importer of attrs.

lsprotocol makes 554 classes when it is imported. For each, attrs compiles `__init__`, `__eq__` and `__repr__` and builds the
class a second time for its slots: 310 of the 500 ms of processor time until the reply to `initialize`, measured with
lsprotocol 2025.0.0 and attrs 26.1.0. No message is compared or printed here, so both methods and the slots are left out: 180 ms.
This can go once lsprotocol makes its classes on demand.
"""

from __future__ import annotations

import gc
from typing import Any

import attrs


def load_types() -> None:
    """Import pygls and lsprotocol, whose classes then have neither `__eq__` nor `__repr__` of their own."""
    original: Any = attrs.define

    def define(maybe_cls: Any = None, **options: Any) -> Any:
        return original(maybe_cls, **{**options, "eq": False, "repr": False, "slots": False})

    gc.disable()  # everything made by these imports stays; looking for garbage among it costs 30 ms
    attrs.define = define
    try:
        import lsprotocol.types  # noqa: F401 - for its effect
    finally:
        attrs.define = original
    try:
        import pygls.lsp.server  # noqa: F401 - likewise
    finally:
        gc.freeze()
        gc.enable()
