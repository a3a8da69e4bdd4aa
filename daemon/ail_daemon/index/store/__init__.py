"""A repository's commits, embeddings and tips in SQLite, from which words and vectors can be built anew.

    kept ── commits, paths, changes, embeddings, tips, pullrequests ── database ── readers, seal

Each module holds the queries of its own tables; `kept` combines them into `Store`.
"""

from __future__ import annotations

from .commits import JoinedLinks
from .copies import copy_store, inspect_store
from .database import (
    NEWEST,
    SCHEMA_VERSION,
    SQLITE_VERSION,
    DamagedError,
    Reading,
    Writing,
    open_reader,
)
from .embeddings import hash_text
from .kept import STORE_FILE, Store, join_prose
from .pullrequests import KnownRequest
from .readers import ClosedError
from .seal import break_seal, check_seal

__all__ = [
    "NEWEST",
    "SCHEMA_VERSION",
    "SQLITE_VERSION",
    "STORE_FILE",
    "ClosedError",
    "DamagedError",
    "JoinedLinks",
    "KnownRequest",
    "Reading",
    "Store",
    "Writing",
    "break_seal",
    "check_seal",
    "copy_store",
    "hash_text",
    "inspect_store",
    "join_prose",
    "open_reader",
]
