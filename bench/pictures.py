"""The pictures of the documentation: real questions about a real history, in a real terminal (tmux), drawn as SVG.

python -m bench.pictures DIR [--out docs/pictures]        DIR: a clone of pytest with its code

Needs tmux. Every picture is what `tmux capture-pane` gave for a pane of that width, on a dark and a light ground.
"""

from __future__ import annotations

import argparse
import html
import re
import shlex
import time
import unicodedata
from pathlib import Path
from typing import NamedTuple

from tests.running import ROOT, Home, prepare_models, sealed_home

QUESTION = ("src/_pytest/tmpdir.py:154", "why must the temporary directory belong to the user?")
SHOWN = "1278f8b97e"
WIDTHS = (60, 80, 160)
GROUNDS = {  # background, foreground, dim, red, magenta: those of GNOME's terminal
    "dark": ("#171421", "#d0cfcc", "#8b8a88", "#f66151", "#c061cb"),
    "light": ("#ffffff", "#171421", "#77767b", "#c01c28", "#a347ba"),
}
CELL, LINE, SIZE, EDGE = 8.43, 18, 14, 12
_COLOURS = frozenset({"31", "35", "39"})
_ENDED = {"0": frozenset({"0", "1", "2", "22"}) | _COLOURS, "22": frozenset({"1", "2", "22"}), "39": _COLOURS}
"""What an attribute ends, itself among it."""
_SGR = re.compile("\x1b\\[([0-9;]*)m")


class Span(NamedTuple):
    """Some text that looks alike, and the column it begins in."""

    column: int
    text: str
    codes: frozenset[str]


def main() -> None:
    """Ask, capture and draw."""
    parser = argparse.ArgumentParser()
    parser.add_argument("directory")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "pictures")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with sealed_home(prepare_models()) as home:
        clone = str(home.directory / "pytest")
        home.run("git", "clone", "-q", "--local", options.directory, clone)
        home.run("git", "-C", clone, "remote", "set-url", "origin", "https://github.com/pytest-dev/pytest")
        print(home.client("add", clone, "--wait").stderr)
        make_pictures(home, clone, options.out)


def make_pictures(home: Home, directory: str, out: Path) -> None:
    """Capture and draw every picture of the documentation."""
    for width in WIDTHS:
        draw("why", capture(home, directory, width, ["git", "why", "--limit", "3", *QUESTION]), width, out)
    draw("show", capture(home, directory, 80, ["ail-client", "show", SHOWN]), 80, out)
    draw("status", capture(home, directory, 80, ["ail-client", "status"]), 80, out)
    draw("help", capture(home, directory, 80, ["ail-client", "ask", "--help"]), 80, out)


def capture(home: Home, directory: str, width: int, command: list[str]) -> str:
    """Return what *command* shows in a terminal of *width* columns, with its escape sequences."""
    tmux = ["tmux", "-L", f"ail{home.directory.name}", "-f", "/dev/null"]
    shown = f"PS1='$ '; cd {shlex.quote(directory)}; {shlex.join(command)}; tmux wait-for -S shown; sleep 99"
    env = {"TERM": "xterm-256color", "LANG": "C.UTF-8", "GIT_PAGER": "cat"}
    started = home.run(*tmux, "new-session", "-d", "-x", str(width), "-y", "200", "sh", "-c", shown, env=env)
    assert started.returncode == 0, started.stderr
    home.run(*tmux, "wait-for", "shown", env=env)
    time.sleep(0.2)  # tmux draws what it has read when it comes to it
    screen = home.run(*tmux, "capture-pane", "-e", "-p", env=env).stdout
    home.run(*tmux, "kill-server", env=env)
    typed = f"$ {shlex.join(command)}"
    echoed = [f"\x1b[2m{typed[at : at + width]}\x1b[0m" for at in range(0, len(typed), width)]
    return "\n".join([*echoed, screen.rstrip()])


def draw(name: str, screen: str, width: int, out: Path) -> None:
    """Write the screen as a picture on each ground, and as text."""
    (out / f"{name}-{width}.txt").write_text(_SGR.sub("", screen) + "\n")
    for ground in GROUNDS:
        (out / f"{name}-{width}-{ground}.svg").write_text(to_svg(screen, width, ground))


def to_svg(screen: str, width: int, ground: str) -> str:
    """Return an SVG document of *screen*, every span at its column."""
    lines = screen.split("\n")
    back, fore = GROUNDS[ground][:2]
    across, down = 2 * EDGE + width * CELL, 2 * EDGE + len(lines) * LINE
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{across:.0f}" height="{down}" viewBox="0 0 {across:.0f} {down}">',
        f'<rect width="100%" height="100%" rx="6" fill="{back}"/>',
        f'<g font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="{SIZE}" fill="{fore}" xml:space="preserve">',
    ]
    codes: frozenset[str] = frozenset()
    for number, line in enumerate(lines):
        spans, codes = read_spans(line, codes)
        drawn += [_draw_span(span, EDGE + (number + 0.75) * LINE, ground) for span in spans if span.text.strip()]
    return "\n".join([*drawn, "</g>", "</svg>", ""])


def read_spans(line: str, codes: frozenset[str]) -> tuple[list[Span], frozenset[str]]:
    """Return the spans of *line*, which begins with the attributes *codes*, and those it ends with."""
    spans, column = [], 0
    for number, part in enumerate(_SGR.split(line)):
        if number % 2:
            for code in (part or "0").split(";"):
                codes = (codes | {code}) - _ENDED.get(code, frozenset())
        elif part:
            spans.append(Span(column, part, codes))
            column += sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in part)
    return spans, codes


def _draw_span(span: Span, y: float, ground: str) -> str:
    _, _, dim, red, magenta = GROUNDS[ground]
    colour = red if "31" in span.codes else magenta if "35" in span.codes else dim if "2" in span.codes else ""
    look = (f' fill="{colour}"' if colour else "") + (' font-weight="bold"' if "1" in span.codes else "")
    body = span.text.lstrip(" ")
    x = EDGE + (span.column + len(span.text) - len(body)) * CELL
    length = len(body.rstrip()) * CELL
    return f'<text x="{x:.1f}" y="{y:.1f}" textLength="{length:.1f}"{look}>{html.escape(body.rstrip(), quote=False)}</text>'


if __name__ == "__main__":
    main()
