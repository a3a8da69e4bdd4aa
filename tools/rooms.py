"""The daemon's rooms, read from the imports themselves: which there are, which imports which, and a picture of it.

A room is a package or a module that lies directly below `ail_daemon`; packages within a package belong to it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DAEMON = ROOT / "daemon" / "ail_daemon"
PICTURE = ROOT / "docs" / "pictures" / "rooms.svg"

Arrows = Mapping[str, frozenset[str]]
"""For each room the rooms that it imports."""

_WIDTH, _MARGIN, _BOX_HEIGHT, _FLOOR_HEIGHT, _GAP = 900, 20, 46, 84, 14
_LETTER = 6.3  # pixels that a letter of the duty's line takes at most, measured on the fonts named in _STYLE
_STYLE = """<style>
  svg { font-family: system-ui, "Segoe UI", Helvetica, Arial, sans-serif; background: #fff }
  rect { fill: #f6f8fa; stroke: #8c959f } .name { font-weight: 600; font-size: 14px; fill: #1f2328 }
  .duty, .count { font-size: 11px; fill: #59636e } path { stroke: #afb8c1; fill: none }
  @media (prefers-color-scheme: dark) {
    svg { background: #0d1117 } rect { fill: #161b22; stroke: #6e7681 } .name { fill: #e6edf3 }
    .duty, .count { fill: #9198a1 } path { stroke: #3d444d }
  }
</style>"""

DUTIES = {
    "cli": "ail-daemon's command line",
    "app": "what starts, what stops",
    "services": "what is made of what",
    "measuring": "metrics gathered",
    "daemon": "hello, status, stop",
    "administration": "enrol, check, back up, doctor",
    "relating": "what bears on a change",
    "metrics": "figures and their port",
    "asking": "a question's way, caches",
    "github": "pull requests",
    "indexing": "refs to index, lanes, worker",
    "search": "candidates, ranking, answer",
    "repos": "what is enrolled",
    "index": "store, words, vectors",
    "encoding": "text to embeddings",
    "bundles": "embeddings to share",
    "server": "socket and dispatch",
    "history": "reads git",
    "flags": "settings in force",
    "settings": "what may be set",
    "process": "locks, files, logs",
    "text": "terms, prose, reasons",
    "model": "the domain's types",
}
"""What stands in each room's box."""


def iter_imports(file: Path, source: Path, *, at_run_time_alone: bool = False) -> Iterator[str]:
    """Yield the full names that *file*, below the directory *source* of packages, imports; relative ones resolved."""
    package = file.relative_to(source).with_suffix("").parts[:-1]
    tree = ast.parse(file.read_text())
    guards = [node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)]
    for guard in guards if at_run_time_alone else []:
        guard.body.clear()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(filter(None, (base, node.module)))
            yield from (f"{module}.{alias.name}" for alias in node.names)


def read_arrows(daemon: Path = DAEMON) -> Arrows:
    """Return which room imports which, from the sources of *daemon*."""
    names = {path.stem for path in [*daemon.glob("*.py"), *(inside.parent for inside in daemon.glob("*/*.py"))]}
    names -= {"__init__"}  # a directory with no source but its __pycache__ was a room once, and is left by a checkout
    found: dict[str, set[str]] = {name: set() for name in names}
    for file in daemon.rglob("*.py"):
        mine = file.relative_to(daemon).parts[0].removesuffix(".py")
        for name in iter_imports(file, daemon.parent):
            parts = name.split(".")
            if parts[0] == daemon.name and len(parts) > 1 and parts[1] in names and mine in names and parts[1] != mine:
                found[mine].add(parts[1])
    return {name: frozenset(below) for name, below in sorted(found.items())}


def find_floors(arrows: Arrows) -> dict[str, int]:
    """Return each room's floor: one above the highest that it imports. Raises ValueError where rooms import in a circle."""
    floors: dict[str, int] = {}

    def climb(room: str, above: tuple[str, ...]) -> int:
        if room in above:
            raise ValueError(f"a circle of imports: {' -> '.join((*above, room))}")
        if room not in floors:
            floors[room] = max((climb(below, (*above, room)) for below in sorted(arrows[room])), default=-1) + 1
        return floors[room]

    for room in arrows:
        climb(room, ())
    return floors


def reduce_arrows(arrows: Arrows) -> Arrows:
    """Return the arrows that do not follow from others: a room that a room below imports already is left out."""
    reached: dict[str, set[str]] = {}

    def reach(room: str) -> set[str]:
        if room not in reached:
            reached[room] = set().union(arrows[room], *(reach(below) for below in arrows[room]))
        return reached[room]

    return {
        room: frozenset(below for below in belows if not any(below in reach(other) for other in belows - {below}))
        for room, belows in arrows.items()
    }


def draw(arrows: Arrows) -> str:
    """Return the picture: a floor a line, what everything stands upon at the bottom."""
    floors = find_floors(arrows)
    top = max(floors.values())
    height = (top + 1) * _FLOOR_HEIGHT + 2 * _MARGIN + 20
    boxes: dict[str, tuple[float, float, float]] = {}
    for floor in range(top + 1):
        boxes |= _place([room for room in arrows if floors[room] == floor], _MARGIN + (top - floor) * _FLOOR_HEIGHT)
    count = sum(len(belows) for belows in arrows.values())
    told = f"{len(arrows)} rooms, {top + 1} floors, {count} arrows; an arrow that follows from others is not drawn"
    lines = [
        _draw_arrow(boxes[room], boxes[below])
        for room, belows in reduce_arrows(arrows).items()
        for below in sorted(belows)
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">',
            f"<title>The rooms of ail_daemon: {told}</title>", _STYLE, *lines,
            *(_draw_box(room, box) for room, box in boxes.items()),
            f'<text class="count" x="{_MARGIN}" y="{height - 10}">{told}</text>', "</svg>", "",
        ]
    )  # fmt: skip


def _place(rooms: list[str], top: float) -> dict[str, tuple[float, float, float]]:
    """Return left, top and width of each room's box on one floor, side by side around the middle."""
    widths = [max(len(DUTIES.get(room, "")) * _LETTER, len(room) * 9) + 20 for room in rooms]
    left = (_WIDTH - sum(widths) - _GAP * (len(rooms) - 1)) / 2
    placed = {}
    for room, width in zip(rooms, widths, strict=True):
        placed[room] = (round(left, 1), top, round(width, 1))
        left += width + _GAP
    return placed


def _draw_box(room: str, box: tuple[float, float, float]) -> str:
    left, top, width = box
    middle = round(left + width / 2, 1)
    return (
        f'<rect x="{left}" y="{top}" width="{width}" height="{_BOX_HEIGHT}" rx="6"/>'
        f'<text class="name" text-anchor="middle" x="{middle}" y="{top + 19}">{escape(room)}</text>'
        f'<text class="duty" text-anchor="middle" x="{middle}" y="{top + 36}">{escape(DUTIES.get(room, ""))}</text>'
    )


def _draw_arrow(above: tuple[float, float, float], below: tuple[float, float, float]) -> str:
    x1, y1 = round(above[0] + above[2] / 2, 1), above[1] + _BOX_HEIGHT
    x2, y2 = round(below[0] + below[2] / 2, 1), below[1]
    bend = round((y2 - y1) / 2, 1)
    return f'<path d="M{x1} {y1}C{x1} {y1 + bend} {x2} {y2 - bend} {x2} {y2}"/>'
