"""`ail-hook run EVENT`: does what an installed hook does, in little time. It prints nothing and never fails.

Imports at the top only what every hook needs: with another hook tool this runs at each commit.
"""

from __future__ import annotations

import os
import sys

from ail_rpc.hints import EVENTS, PAIRS_MAX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_QUIET_S = 0.5
"""How long to wait for standard input: git writes all pairs before it waits for the hook, and closes it."""

_PAIRS_MAX_BYTES = PAIRS_MAX * 256
_FILES_ONLY = "0"


def run(words: Sequence[str]) -> int:
    """Run the hook that *words* names (event, then git's own arguments); return 0."""
    try:
        _run(words)
    except (OSError, ValueError):  # a full disk, a deleted directory: git must not fail because of it
        return 0
    return 0


def _run(words: Sequence[str]) -> None:
    event = words[0] if words else ""
    if event not in EVENTS or (event == "post-checkout" and words[3:4] == [_FILES_ONLY]):
        return
    from .hints import leave

    leave(event, _get_repository(), _iter_pairs() if event == "post-rewrite" else ())


def _get_repository() -> str:
    """Return $GIT_DIR, which git sets if the current directory does not determine the repository, else that directory."""
    here, named = os.getcwd(), os.environ.get("GIT_DIR")
    return os.path.join(here, named) if named else here


def _iter_pairs() -> Iterator[tuple[str, str]]:
    """Yield the pairs of shas that git writes to standard input; lines of any other form are ignored."""
    from ail_rpc.hints import is_sha

    for line in _read_input().split(b"\n"):
        old, _space, rest = line.partition(b" ")
        new = rest.partition(b" ")[0]
        if is_sha(old) and is_sha(new):
            yield old.decode(), new.decode()


def _read_input() -> bytes:
    """Return standard input up to the first pause: a hook tool may leave it open and write nothing."""
    import select

    if sys.stdin is None or sys.stdin.isatty():
        return b""
    descriptor, said = sys.stdin.fileno(), b""
    while len(said) < _PAIRS_MAX_BYTES and select.select([descriptor], [], [], _QUIET_S)[0]:
        if not (chunk := os.read(descriptor, 1 << 16)):
            break
        said += chunk
    return said
