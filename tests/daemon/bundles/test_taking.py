"""What an update takes of a bundle: only what it lacks, and nothing where the disk is full."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from bench.torture.bundles import DIMENSION, MODEL, Direct, Directions, Scene, make_rows
from tests.daemon.index.making import make_commit

from ail_daemon.bundles.fetching import Files, Order
from ail_daemon.bundles.publishing import publish
from ail_daemon.bundles.shelves import locked_directory
from ail_daemon.indexing.bundled import Bundled
from ail_daemon.settings import Settings


class Noting(Direct):
    """Notes which files are read."""

    names: list[str]

    def read(self, name: str, most: int) -> Path:
        self.names.append(name)
        return super().read(name, most)


@contextmanager
def note(order: Order, _is_cancelled: Callable[[], bool]) -> Iterator[Files]:
    yield Noting(order)


def take(scene: Scene) -> tuple[int, int]:
    """Embed what a bundle has; return how many rows that were, and how many files were read."""
    Noting.names = []
    settings = Settings(bundles=(str(scene.bundle.parent),))
    bundled = Bundled(settings, scene.repo, scene.index, Directions().encode, note)
    texts, _ = scene.index.store.find_unembedded(1000)
    found = bundled.find(list(texts))
    bundled.close()
    if found:
        scene.index.add_embeddings(list(found), Directions().encode([texts[key] for key in found]))
    return len(found), len(Noting.names)


def test_only_segments_that_bring_something_are_fetched(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    count = len(scene.texts)
    assert take(scene) == (count, 4)  # the manifest and three segments
    new = [f"New text {number}" for number in range(10)]
    scene.index.change(commits=[make_commit(1000 + number, text) for number, text in enumerate(new)])
    assert take(scene) == (0, 1)  # the manifest alone: what the segments hold is known
    with locked_directory(scene.bundle) as shelf:
        publish(shelf, MODEL, DIMENSION, make_rows(new[:6]))
    assert take(scene) == (6, 2)
    assert take(scene) == (0, 1)
    scene.close()


def test_rows_whose_commits_are_not_here_are_dropped(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    with locked_directory(scene.bundle) as shelf:
        publish(shelf, MODEL, DIMENSION, make_rows([f"Somebody else's {number}" for number in range(50)]))
    assert take(scene) == (len(scene.texts), 5)
    assert scene.index.store.count_embedded() == len(scene.texts)
    scene.close()


def test_a_disk_that_fills_while_a_bundle_is_taken_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(1 << 20))
    into = tmp_path / "into"
    into.mkdir()
    mounted = f'mount -t tmpfs -o size=64k none "{into}" && exec "{sys.executable}" -m ail_daemon.bundles'
    orders = [{"into": str(into), "base": str(tmp_path)}, {"name": "file", "most": 2 << 20}]
    done = subprocess.run(
        ["unshare", "--mount", "--map-root-user", "sh", "-c", mounted],
        input="".join(f"{json.dumps(order)}\n" for order in orders), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode and not done.stdout:
        pytest.skip(f"this machine lets nobody mount: {done.stderr.strip()[-100:]}")
    assert json.loads(done.stdout) == {"problem": "disk_full"}
