"""`ail-lsp`: from its start to the reply to `initialize`, hovers that nobody asked before, its memory.

    python -m bench.lsp [CLONE] [--hovers N] [--starts N]

Without a CLONE, the daemon is a server that answers at once: the figures are the program's alone. With one (a work tree, as of
pytest), it is enrolled in a home of its own, and hovers are on random lines of its Python files that are not blank, each
asked once: half of them in files that the daemon did not know to be open, half once it has read ahead what git says of the
file, in turn, so that a busy machine slows both. Every second line is asked of the daemon alone, on an open connection: the
difference is the server's. How long the reading ahead took is counted apart. Beside the wall clock stands the processor
time, which a busy machine changes less.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import random
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
from tests.editors.lsp import Editor
from tests.running import BIN, Calling, Home, prepare_models, sealed_home

from ail_rpc import WHY

from .client import serve
from .figures import percentile, show

START_MS, HOVER_MS, MEMORY_MB = 300, 80, 60
FILES = 40


@contextlib.contextmanager
def running(home: Home) -> Iterator[tuple[Editor, float, float]]:
    """Yield a server, the ms from its start to its first reply, and the ms of processor time that it took."""
    begin = time.perf_counter()
    with Editor(home.env) as editor:
        editor.initialize()
        wall_ms = (time.perf_counter() - begin) * 1000
        spent = psutil.Process(editor.process.pid).cpu_times()
        yield editor, wall_ms, (spent.user + spent.system) * 1000


def measure_starts(home: Home, starts: int) -> None:
    """Print how long it takes to start, and its memory then."""
    walls, works, sizes = [], [], []
    for _ in range(starts):
        with running(home) as (editor, wall_ms, work_ms):
            walls.append(wall_ms)
            works.append(work_ms)
            sizes.append(psutil.Process(editor.process.pid).memory_info().rss / 1e6)
    show(
        "ail-lsp: from its start to the reply to `initialize`, median", statistics.median(walls), "ms", f"≤ {START_MS}"
    )
    show("… the fastest of them", min(walls), "ms")
    show("… processor time, median", statistics.median(works), "ms")
    show("memory then", statistics.median(sizes), "MB", f"≤ {MEMORY_MB}")


def choose_lines(clone: Path, count: int, seed: int) -> list[tuple[Path, int]]:
    """Return (file, line) of *count* lines that are not blank, of at most FILES files."""
    dice = random.Random(seed)
    files = sorted(path for path in clone.rglob("*.py") if ".git" not in path.parts and path.stat().st_size < 200_000)
    lines = [
        (path, number)
        for path in dice.sample(files, min(FILES, len(files)))
        for number, line in enumerate(path.read_text(errors="replace").split("\n"), 1)
        if line.strip()
    ]
    return dice.sample(lines, min(count, len(lines)))


def measure_hovers(home: Home, lines: list[tuple[Path, int]], repo: Path | None = None) -> None:
    """Print how long hovers take, how many say something, and the memory after them. repo: enrolled, as its lines are."""
    asking = home.connected() if repo else contextlib.nullcontext()
    with running(home) as (editor, _, _), asking as call:
        _switch(editor, hover="off")  # nothing is read ahead of what is opened meanwhile
        uris = {path: editor.open(path) for path, _ in lines}
        _switch(editor, hover="auto")
        for _ in range(3):  # the daemon loads the index and the model once
            editor.execute("ail.why", uris[lines[0][0]], [1, 1])
        found, ahead = _Found(), []
        for path, those in itertools.groupby(sorted(lines), key=lambda one: one[0]):
            numbers = [number for _, number in those]
            half = len(numbers) // 2 if repo else len(numbers)
            found.add("not asked before", editor, call, repo, path, numbers[:half])
            if repo and call and numbers[half:]:
                ahead.append(_read_ahead(call, repo, path))
                found.add("of a file that was read ahead", editor, call, repo, path, numbers[half:])
        found.show()
        if ahead:
            show(f"reading {len(ahead)} files ahead: median of one", statistics.median(ahead), "s", digits=1)
            show("… p95", percentile(ahead, 0.95), "s", digits=1)
        begin = time.perf_counter()
        for path, number in lines[:50]:
            editor.hover(uris[path], number)
        show("the same again, mean", (time.perf_counter() - begin) * 1000 / len(lines[:50]), "ms")
        show("memory after them", psutil.Process(editor.process.pid).memory_info().rss / 1e6, "MB", f"≤ {MEMORY_MB}")


class _Found:
    """How many ms hovers took, and the same question to the daemon alone on every second line, by kind of file."""

    def __init__(self) -> None:
        self.hovers: dict[str, list[float]] = {}
        self.questions: dict[str, list[float]] = {}
        self.said: list[bool] = []

    def add(
        self, kind: str, editor: Editor, call: Calling | None, repo: Path | None, path: Path, numbers: list[int]
    ) -> None:
        """Hover on lines of a file and, where there is a daemon to compare with, ask it, in turn: a busy machine slows both."""
        for number in numbers:
            hovers, questions = self.hovers.setdefault(kind, []), self.questions.setdefault(kind, [])
            begin = time.perf_counter()
            if repo and call and len(hovers) > len(questions):
                file = str(path.relative_to(repo))
                call("ask", repo=str(repo), question=WHY, limit=5, file=file, lines=[number, number])
                questions.append((time.perf_counter() - begin) * 1000)
            else:
                self.said.append(editor.hover(path.as_uri(), number) is not None)
                hovers.append((time.perf_counter() - begin) * 1000)

    def show(self) -> None:
        """Print them."""
        for kind, hovers in sorted(self.hovers.items()):
            show(f"hover, {kind}, {len(hovers)} lines: median", statistics.median(hovers), "ms")
            show("… p95", percentile(hovers, 0.95), "ms", f"≤ {HOVER_MS}")
            if questions := self.questions[kind]:
                show(f"the daemon alone, {len(questions)} other lines: median", statistics.median(questions), "ms")
                show("… p95", percentile(questions, 0.95), "ms")
        show("hovers that say something", 100 * statistics.mean(self.said), "%")


def _switch(editor: Editor, **settings: str) -> None:
    editor.notify("workspace/didChangeConfiguration", {"settings": {"ail": settings}})


def _read_ahead(call: Calling, repo: Path, path: Path) -> float:
    """Have the daemon read *path* ahead; return how many seconds that took."""
    begin = time.perf_counter()
    while not call("prefetch", repo=str(repo), file=str(path.relative_to(repo)))["ready"]:
        time.sleep(0.02)
    return time.perf_counter() - begin


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("clone", nargs="?", type=Path)
    parser.add_argument("--hovers", type=int, default=200)
    parser.add_argument("--starts", type=int, default=9)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    subprocess.run([BIN / "ail-lsp", "--version"], check=True, stdout=subprocess.DEVNULL)  # compiles it
    if options.clone is None:
        with tempfile.TemporaryDirectory(prefix="ail") as directory:
            Path(directory, "home").mkdir(0o700)  # no daemon is asked in a directory that others can enter
            home = Home(Path(directory, "home"))
            measure_starts(home, options.starts)
            serve(str(home.socket))
            file = Path(directory, "a.py")
            subprocess.run(["git", "init", "-q", directory], check=True)
            file.write_text("x = 1\n" * options.hovers)
            measure_hovers(home, [(file, number) for number in range(1, options.hovers + 1)])
        return
    with sealed_home(prepare_models()) as home:
        measure_starts(home, options.starts)
        done = home.client("add", str(options.clone), "--wait")
        assert done.returncode == 0, done.stderr
        repo = options.clone.resolve()
        measure_hovers(home, choose_lines(repo, options.hovers, options.seed), repo)


if __name__ == "__main__":
    main()
