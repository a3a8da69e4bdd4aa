"""Globs over git's paths. Pure.

As in git's own pathspecs and `.gitignore`: `*` and `?` stop at a slash, `**` does not, `[a-z]` is one of these; a pattern
without a slash is looked for at any depth; what matches a directory matches all below it.
"""

from __future__ import annotations

import re

_SPECIAL = re.compile(r"[*?\[]")


def to_pattern(glob: str) -> re.Pattern[str]:
    """Return what matches, from the beginning, the paths that *glob* means: relative to the root, / between names."""
    told = re.sub(r"^(?:\./)+|^/+", "", glob)
    anywhere = "(?:.*/)?" if _SPECIAL.search(told) and "/" not in told.rstrip("/") and not glob.startswith("/") else ""
    return re.compile(f"{anywhere}{_translate(told.rstrip('/'))}(?:/.*)?\\Z", re.DOTALL)


def _translate(glob: str) -> str:
    parts: list[str] = []
    at = 0
    while at < len(glob):
        piece, at = _translate_one(glob, at)
        parts.append(piece)
    return "".join(parts)


def _translate_one(glob: str, at: int) -> tuple[str, int]:
    """Return the expression of what stands at *at*, and where the next begins."""
    if glob.startswith("**/", at):
        return "(?:.*/)?", at + 3
    if glob.startswith("**", at):
        return ".*", at + 2
    if glob[at] == "[" and (end := glob.find("]", at + 2)) > 0:
        return _translate_set(glob[at + 1 : end]), end + 1
    if glob[at] == "\\" and at + 1 < len(glob):
        return re.escape(glob[at + 1]), at + 2
    return {"*": "[^/]*", "?": "[^/]"}.get(glob[at], re.escape(glob[at])), at + 1


def _translate_set(inside: str) -> str:
    negated = inside[0] in "!^"
    listed = re.sub(r"([\\\[\]^&~|])", r"\\\1", inside[negated:])
    expression = f"(?!/)[{'^' if negated else ''}{listed}]"
    try:
        re.compile(expression)
    except re.error:  # [z-a]: git finds nothing by it
        return "(?!)"
    return expression
