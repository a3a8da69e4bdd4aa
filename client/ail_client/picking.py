"""`ask -i`: one of the cited commits is picked, in fzf where that is installed, else by its number, and shown whole."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile

from ail_rpc.errors import AilError, UsageError

from .citations import cut_subject
from .layout import describe_age, get_page, shorten
from .output import is_terminal, write_answer, write_error_text, write_note
from .sanitise import to_block, to_line
from .session import Reach, ask_daemon
from .tables import render_commit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from typing import Any

    from ail_rpc.discovery import RepoPlace

_NOTHING_PICKED = 1
_INTERRUPTED = 130
_PREVIEWED = "cat {1}"  # fzf quotes what it puts in
_SIGNS = {"+": "32", "-": "31"}


def check_terminal(options: Namespace) -> None:
    """Raise UsageError where nobody can pick, or where the answer is for a program."""
    if options.json or options.format not in (None, "text"):
        raise UsageError("-i shows commits to a person", "leave out --json and --format")
    if not all(map(is_terminal, (sys.stdin, sys.stderr))):
        raise UsageError("-i needs a terminal", "leave it out: the answer lists the commits")


def pick(reply: dict[str, Any], aimed: dict[str, Any], place: RepoPlace, reach: Reach) -> int:
    """Let a person pick one of the reply's commits and print it; 1 where none is picked. aimed: the place's params."""
    cited = reply["citations"]
    fzf = shutil.which("fzf")
    chosen = _pick_in_fzf(fzf, cited, _collect_previews(cited, aimed, reach)) if fzf else _pick_by_number(cited)
    if chosen is None:
        return _INTERRUPTED if fzf else _NOTHING_PICKED
    shown = ask_daemon(reach, "show", {"repo": aimed["repo"], "sha": cited[chosen]["sha"]})
    write_answer(render_commit(shown, _make_page(place)), may_page=True)
    return 0


def _make_page(place: RepoPlace) -> Any:
    from .remotes import find_commit_url

    return get_page(find_commit_url(place.common_dir))


def _pick_by_number(cited: list[dict[str, Any]]) -> int | None:
    for number, line in enumerate(map(_describe, cited), 1):
        write_note(f"{number}. {line}")
    write_error_text(f"Which one? [1-{len(cited)}] ")
    said = sys.stdin.readline().strip()
    is_one = said.isascii() and said.isdigit() and 1 <= int(said) <= len(cited)
    return int(said) - 1 if is_one else None


def _pick_in_fzf(fzf: str, cited: list[dict[str, Any]], previews: list[str]) -> int | None:
    """Return the place of the commit that was picked, None for none; Escape is one way to pick none."""
    with tempfile.TemporaryDirectory(prefix="ail-pick-") as directory:
        for number, text in enumerate(previews):
            with open(os.path.join(directory, str(number)), "w", encoding="utf-8", errors="replace") as file:
                file.write(text)
        lines = "".join(f"{number}\t{_describe(citation)}\n" for number, citation in enumerate(cited))
        options = ["--no-multi", "--delimiter=\t", "--with-nth=2..", "--layout=reverse", "--prompt=why> ", "--ansi"]
        done = subprocess.run(
            [fzf, *options, f"--preview={_PREVIEWED}", "--preview-window=down,60%,wrap"],
            input=lines.encode("utf-8", "replace"), stdout=subprocess.PIPE, cwd=directory, check=False,
        )  # fmt: skip
    picked = done.stdout.partition(b"\t")[0]
    return int(picked) if picked.isdigit() else None


def _collect_previews(cited: list[dict[str, Any]], aimed: dict[str, Any], reach: Reach) -> list[str]:
    """Return for each commit what it did to the asked lines, else (no lines are asked about, or it left them) its text."""
    diffs = _find_diffs(aimed, reach)
    return ["\n".join([*_head(one), *(diffs.get(one["sha"]) or _to_text(one))]) for one in cited]


def _find_diffs(aimed: dict[str, Any], reach: Reach) -> dict[str, list[str]]:
    if not (aimed.get("lines") or aimed.get("function")):
        return {}
    try:
        told = ask_daemon(reach, "log", {**aimed, "limit": 200})
    except AilError:  # the answer is there all the same
        return {}
    return {one["sha"]: [_paint(line) for line in one.get("diff") or ()] for one in told["citations"]}


def _head(citation: dict[str, Any]) -> list[str]:
    return [f"{to_line(citation['sha'])}  {to_line(citation.get('author') or '')}", cut_subject(citation), ""]


def _to_text(citation: dict[str, Any]) -> list[str]:
    """Return the lines of what a commit says, safe for a terminal."""
    return to_block(citation.get("excerpt") or "")


def _describe(citation: dict[str, Any]) -> str:
    age = describe_age(to_line(citation.get("author_time") or ""))
    return f"{shorten(to_line(citation['sha']))}  {cut_subject(citation)}  ({age or '?'})"


def _paint(line: str) -> str:
    safe = "".join(to_block(line))
    style = _SIGNS.get(line[:1])
    return f"\x1b[{style}m{safe}\x1b[0m" if style else safe
