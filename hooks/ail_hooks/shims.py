"""The shell scripts that git runs as hooks: they append a hint to a file.

Where starting `/bin/true` takes .89 ms, a shim takes 1.08: an interpreter would take ten times that at every commit. So it
starts nothing and uses only built-ins of every POSIX shell; it does not affect the rest of the hook chain, and whatever
fails (a full disk, a deleted state directory) fails silently.

`ulimit -f` bounds the file in case no daemon ever reads it: the write beyond the bound fails, in this process only.
"""

from __future__ import annotations

import hashlib
import os
import shlex

from ail_rpc.hints import HINTS_MAX_BYTES, PAIRS_MAX, REWRITTEN

from .related import EVENTS as ASKING

KEPT_SUFFIX = ".before-ail"
"""What is added to the name of a hook that was there first."""

_VERSION = 1
_MARK = b"# ail-hook "
_BLOCK_BYTES = 512  # POSIX's unit of `ulimit -f`

_LIMITS = f"ulimit -f {HINTS_MAX_BYTES // _BLOCK_BYTES}; trap '' XFSZ"
# git enters the worktree, or a bare repository, before it runs a hook, and sets GIT_DIR where that would not tell which
# repository it is: in linked worktrees, and where the user set it. It may be relative.
_WHERE = "case ${GIT_DIR-} in '') where=$PWD;; /*) where=$GIT_DIR;; *) where=$PWD/$GIT_DIR;; esac"

_KEPT = """\
kept=${{0%/*}}/{event}{suffix}
status=0
if [ -x "$kept" ]; then
  "$kept" "$@"
  status=$?
fi
"""
_KEPT_WITH_PAIRS = """\
kept=${{0%/*}}/{event}{suffix}
status=0
pairs=$(cat; printf x) # without the x the last newline would be lost
pairs=${{pairs%x}}
if [ -x "$kept" ]; then
  printf '%s' "$pairs" 2>/dev/null | "$kept" "$@"
  status=$?
fi
"""


# A program that is gone must not stop a commit, nor may its exit status.
_ASK = 'command -v ail-hook >/dev/null 2>&1 && ail-hook run {event} "$@"'
_ASK_FOR = {  # a rebase prepares every message, and starts no interpreter for it
    "pre-commit": _ASK.format(event="pre-commit"),
    "prepare-commit-msg": "case ${2-} in ''|template) " + _ASK.format(event="prepare-commit-msg") + ";; esac",
}


_UNLESS = {
    "post-checkout": b'[ "${3-1}" = 0 ] || ',  # files were checked out, and no ref moved
    # a rebase runs it for each commit that it picks, and post-rewrite at its end
    "post-commit": b'[ -d "$where/rebase-merge" ] || [ -d "$where/.git/rebase-merge" ] || ',
}


def make_shim(event: str, hints_file: str, *, is_chained: bool) -> bytes:
    """Return a hook for *event* that appends to *hints_file*, or asks the daemon; chained, it first runs the former hook."""
    if event in ASKING:
        return _make_asking_shim(event, is_chained=is_chained)
    has_pairs = event == "post-rewrite"
    source = "printf '%s' \"$pairs\" | " if is_chained and has_pairs else ""
    kept = _KEPT_WITH_PAIRS if has_pairs else _KEPT
    first = os.fsencode(kept.format(event=event, suffix=KEPT_SUFFIX)) if is_chained else b""
    body = b"\n  ".join(_statements(event, hints_file, source))
    last = b'exit "$status"\n' if is_chained else b"exit 0\n"
    return _mark(event, first + b"{\n  " + body + b"\n} >/dev/null 2>&1\n" + last)


def _make_asking_shim(event: str, *, is_chained: bool) -> bytes:
    """Return a hook that asks the daemon, unless the former hook stops the commit."""
    first = (
        _KEPT.format(event=event, suffix=KEPT_SUFFIX) + '[ "$status" = 0 ] || exit "$status"\n' if is_chained else ""
    )
    return _mark(event, os.fsencode(f"{first}{_ASK_FOR[event]}\nexit 0\n"), _ABOUT_ASKING)


def make_command(event: str, hints_file: str) -> bytes:
    """Return the same as one line for `hook.<name>.command`, which git completes with the hook's arguments."""
    if event in ASKING:
        return f"ask() {{ {_ASK_FOR[event]}; :; }}; ask".encode()
    return b"{ " + b"; ".join(_statements(event, hints_file)) + b"; } >/dev/null 2>&1; :"


def is_shim(content: bytes) -> bool:
    """Whether *content* is an unchanged hook of ours, of any version."""
    _shell, _newline, rest = content.partition(b"\n")
    mark, _newline, after = rest.partition(b"\n")
    _about, _newline, body = after.partition(b"\n")
    return mark.startswith(_MARK) and mark.split()[-1] == _digest(body)


def _statements(event: str, hints_file: str, source: str = "") -> list[bytes]:
    quoted = os.fsencode(shlex.quote(hints_file))
    append = b' "$where" >>' + quoted
    statements = [_LIMITS.encode(), _WHERE.encode()]
    if event == "post-rewrite":
        loop = f'n=0; {source}while [ "$n" -lt {PAIRS_MAX} ] && read -r old new _; do n=$((n + 1)); '
        pair = f'printf \'{REWRITTEN}\\t%s\\t%s\\t%s\\n\' "$old" "$new"'
        statements.append(loop.encode() + pair.encode() + append + b"; done")
    note = f"printf '{event}\\t%s\\n'".encode() + append
    statements.append(_UNLESS.get(event, b"") + note)
    return statements


_ABOUT = "Tells AIL that {event} ran here."
_ABOUT_ASKING = "Has AIL say, at {event}, what the history knows about the change. AIL_RELATED=0 silences it."


def _mark(event: str, body: bytes, about: str = _ABOUT) -> bytes:
    line = f"# {about.format(event=event)} `ail-hook uninstall` removes it; changed, it is taken for yours.\n"
    return b"#!/bin/sh\n" + _MARK + b"%d " % _VERSION + _digest(body) + b"\n" + line.encode() + body


def _digest(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=8).hexdigest().encode()
