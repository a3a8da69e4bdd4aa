"""Text from outside as CommonMark that holds none of its own markup, for what is pasted into a pull request or an issue.

Three means, so that a text reads as it was written: characters of markup get a backslash, `<` and `&` become character
references, and a word that GitHub or GitLab act upon (`@name` notifies, `#12` refers, an address is linked, `$` sets formulas)
stands in a code span, in which they act upon nothing. Every line begins with something of ours or with an escaped sign: neither
a list, a fence, a heading, a table nor a command of GitLab (`/close`) can begin there.
"""

from __future__ import annotations

import re

from .sanitise import to_block, to_line, to_path
from .wrapping import reflow

_SIGNS = re.compile(r"[\\`*\[\]<>&|~{}]|_(?![0-9A-Za-z])|(?<![0-9A-Za-z])_")  # an underscore within a word is no markup
_REFERENCES = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
_AT_START = re.compile(r"(\d{1,9})([.)])|[!-/:-@\[-`{-~]")
_ACTED_UPON = re.compile(
    r"@|//\S|(?i:\bwww\.|\b(?:mailto|xmpp):|\bGH-\d)|\$|[#!&]\d|[~%][\w\"]|:[\w+-]+:|\[!|\[\w+:|\b[A-Z][A-Z0-9]+-\d|\bGHSA-|"
    r"\b(?=[a-f]*\d)[0-9a-f]{7,64}\b"
)
"""Mentions, references of GitHub and GitLab, autolinks, formulas, emoji, alerts, keys of trackers and advisories, shas."""

_BEFORE, _BEHIND = "(\"'[{", ")\"'],;:.!?}"
_RUNS = re.compile(r"`+")
_URL = re.compile(r"https?://[A-Za-z0-9][A-Za-z0-9.-]*(?::\d+)?(?:/[A-Za-z0-9_.~%#?=&+-]*)*")


def escape(text: str, *, at_start: bool = True) -> str:
    """Return *text* on one line as literal text, wherever in a line it is put; not at_start: behind something else."""
    words = [_escape_word(word) for word in to_line(text).split(" ") if word]
    if words and at_start:
        words[0] = _escape_start(words[0])
    return " ".join(words)


def quote(text: str, most_chars: int) -> list[str]:
    """Return *text*, at most *most_chars* of it, as a block quote's lines; paragraphs stay, lists and code keep their lines."""
    kept = text.strip("\n")
    kept = kept if len(kept) <= most_chars else kept[:most_chars].rstrip() + " …"
    lines: list[str] = []
    for paragraph in re.split(r"\n[ \t\r]*\n", kept):
        shown = [_indent(line) for line in reflow(to_block(paragraph)) if line.strip()]
        if shown:
            lines += [">"] if lines else []
            lines += [f"> {line}\\" for line in shown[:-1]] + [f"> {shown[-1]}"]
    return lines


def code(text: str) -> str:
    """Return *text*, safe already and on one line, as a code span that shows exactly it."""
    fence = "`" * (1 + max(map(len, _RUNS.findall(text)), default=0))
    # GitHub takes $` and `$ for a formula's ends.
    pad = " " if text[:1] in ("`", "$", " ") or text[-1:] in ("`", "$", " ") else ""
    return f"{fence}{pad}{text}{pad}{fence}" if text.strip() else ""


def code_path(path: str, line: object = None) -> str:
    """Return a path, with a line's number if there is one, as a code span."""
    return code(to_path(path) + (f":{line}" if line else ""))


def link(shown: str, url: str) -> str:
    """Return *shown*, Markdown already, linked to *url* where that is a plain web address; else *shown* alone."""
    return f"[{shown}]({url})" if _URL.fullmatch(url) else shown


def fold(summary: str, lines: list[str]) -> list[str]:
    """Return *lines* folded under *summary*, which must be words of ours."""
    return ["<details>", f"<summary>{summary}</summary>", "", *lines, "", "</details>"]


def _escape_word(word: str) -> str:
    if not _ACTED_UPON.search(word):
        return _SIGNS.sub(lambda found: _REFERENCES.get(found[0]) or f"\\{found[0]}", word)
    core = word.lstrip(_BEFORE).rstrip(_BEHIND)
    if not _ACTED_UPON.search(core):  # the sign is among what stands around it
        return code(word)
    at = word.index(core)
    return _escape_plain(word[:at]) + code(core) + _escape_plain(word[at + len(core) :])


def _escape_plain(signs: str) -> str:
    return "".join(f"\\{sign}" if sign in "[]{}" else sign for sign in signs)


def _escape_start(word: str) -> str:
    """Return an escaped *word* so that no block begins with it; a code span, closed on its line, begins none."""
    found = None if word.startswith(("\\", "&", "`")) else _AT_START.match(word)
    if not found:
        return word
    return f"{found[1]}\\{word[len(found[1]) :]}" if found[1] else f"\\{word}"


def _indent(line: str) -> str:
    """Return a line of a quotation; its indentation, which would make it code, as spaces that do not break."""
    body = line.lstrip(" ")
    return "&nbsp;" * min(len(line) - len(body), 16) + escape(body)
