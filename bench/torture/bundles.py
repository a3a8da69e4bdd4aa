"""Bundles from dice: bytes flipped, cut, doubled and spliced, and lies whose hashes are right. None may be used."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
from tests.daemon.index.making import make_commit

from ail_daemon.bundles.__main__ import FileCarrier, ProblemError, save
from ail_daemon.bundles.fetching import Files, Order, make_error
from ail_daemon.bundles.manifest import MANIFEST_FILE, Manifest
from ail_daemon.bundles.publishing import Row, publish
from ail_daemon.bundles.segments import pack_segment
from ail_daemon.bundles.shelves import locked_directory
from ail_daemon.index.repoindex import RepoIndex
from ail_daemon.index.store import hash_text
from ail_daemon.indexing.bundled import Bundled
from ail_daemon.model import Embeddings
from ail_daemon.process.logs import start_logging
from ail_daemon.repos.repo import Repo
from ail_daemon.settings import Settings
from ail_rpc.discovery import RepoPlace

from .outcome import Figure, Outcome, none

COMMITS, SEGMENTS = 240, 3
MODEL, DIMENSION = "directions-64", 64


class Directions:
    """An encoder that gives every text a direction of its own, by its hash: no two are near."""

    model_id, dimension = MODEL, DIMENSION

    def encode(self, texts: list[str]) -> Embeddings:
        """See Encoder."""
        seeds = [int.from_bytes(hash_text(text)[:8], "big") for text in texts]
        rows = np.stack([np.random.default_rng(seed).standard_normal(DIMENSION) for seed in seeds])
        unit: Embeddings = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
        return unit


class Direct:
    """Files read by what the child process runs, without a process for each of 10,000 bundles."""

    def __init__(self, order: Order) -> None:
        self._order = order

    def read(self, name: str, most: int) -> Path:
        """See Files."""
        try:
            save(FileCarrier(self._order.base).read(name), self._order.into / name, most)
        except ProblemError as err:
            raise make_error(str(err)) from err
        return self._order.into / name


@contextmanager
def read_directly(order: Order, _is_cancelled: Callable[[], bool]) -> Iterator[Files]:
    """See OpenFiles."""
    yield Direct(order)


class Scene:
    """An index without embeddings, and a sound bundle of all of its texts, in *directory*."""

    def __init__(self, directory: Path) -> None:
        self.texts = [f"Change {number}: mend the queue" for number in range(COMMITS)]
        self.rows = make_rows(self.texts)
        self.bundle = directory / "bundle" / MODEL
        place = RepoPlace(str(directory), str(directory), str(directory), True)
        (directory / "repo").mkdir()
        self.repo = Repo(directory / "repo", place)
        self.index = RepoIndex(self.repo.directory, Directions())
        self.index.change(commits=[make_commit(number, text) for number, text in enumerate(self.texts)])
        self._settings = Settings(bundles=(str(self.bundle.parent),))
        for start in range(0, COMMITS, COMMITS // SEGMENTS):
            with locked_directory(self.bundle) as shelf:
                publish(shelf, MODEL, DIMENSION, self.rows[: start + COMMITS // SEGMENTS])
        self._sound = {path.name: path.read_bytes() for path in self.bundle.iterdir()}

    def count_used(self) -> int:
        """Return how many rows of the bundle, as it lies there now, are used."""
        self.repo.bundle_notice = None
        bundled = Bundled(self._settings, self.repo, self.index, Directions().encode, read_directly)
        try:
            return len(bundled.find([key for key, _ in self.rows]))
        finally:
            bundled.close()
            shutil.rmtree(self.repo.directory / "bundle-keys", ignore_errors=True)

    def sign_by(self, signers: str) -> None:
        """Have only bundles used that one of *signers*, a file, signed."""
        self._settings = replace(self._settings, bundle_signers=signers)

    def reset(self) -> dict[str, bytes]:
        """Make the bundle sound again, and return its files."""
        self.write(self._sound)
        return dict(self._sound)

    def write(self, files: dict[str, bytes]) -> None:
        """Replace the bundle by *files*."""
        shutil.rmtree(self.bundle)
        self.bundle.mkdir()
        for name, content in files.items():
            (self.bundle / name).write_bytes(content)

    def close(self) -> None:
        """Close the index."""
        self.index.close()


def make_rows(texts: Sequence[str]) -> list[Row]:
    """Return what a bundle holds of *texts*."""
    halves = Directions().encode(list(texts)).astype(np.float16)
    return [(hash_text(text), half.tobytes()) for text, half in zip(texts, halves, strict=True)]


def harm(content: bytes, other: bytes, dice: random.Random) -> bytes:
    """Return *content* with some of its bytes changed, cut off, doubled, or taken from *other*."""
    at, size = dice.randrange(len(content)), dice.randint(1, 64)
    match dice.randrange(6):
        case 0:
            return content[:at] + bytes([content[at] ^ 1 << dice.randrange(8)]) + content[at + 1 :]
        case 1:
            return content[:at] + dice.randbytes(size) + content[at + size :]
        case 2:
            return content[:at]
        case 3:
            return content[:at] + content[at : at + size] * 2 + content[at + size :]
        case 4:
            return content[:at] + other[at:]
        case _:
            return content + dice.randbytes(size)


def lie(rows: list[Row], dice: random.Random) -> tuple[str, int, dict[bytes, bytes]]:
    """Return model id, dimension and rows of a segment that is in order, and not what the model makes of the texts."""
    keys, vectors = [key for key, _ in rows], np.stack([np.frombuffer(half, np.float16) for _, half in rows])
    model_id, dimension = MODEL, DIMENSION
    match dice.randrange(6):
        case 0:
            vectors = np.roll(vectors, dice.randint(1, len(rows) - 1), axis=0)
        case 1:
            vectors = -vectors
        case 2:
            vectors = vectors[:, ::-1]
        case 3:
            vectors = vectors * np.float16(dice.choice((0, 0.5, 2, float("nan"), float("inf"))))
        case 4:
            model_id = "directions-65"
        case _:
            dimension, vectors = DIMENSION // 2, vectors[:, ::2]
    return model_id, dimension, {key: row.tobytes() for key, row in zip(keys, vectors, strict=True)}


def make_mutant(scene: Scene, dice: random.Random) -> None:
    """Leave a bundle that is not sound."""
    files = scene.reset()
    if dice.random() < 0.25:
        pieces = [pack_segment(*lie(scene.rows[place::SEGMENTS], dice)) for place in range(SEGMENTS)]
        manifest = Manifest(MODEL, DIMENSION, tuple(entry for entry, _ in pieces))
        files = {entry.sha256: content for entry, content in pieces} | {MANIFEST_FILE: manifest.to_bytes()}
    elif dice.random() < 0.25:
        files[MANIFEST_FILE] = rewrite(json.loads(files[MANIFEST_FILE]), dice)
    else:
        name, other = dice.sample(sorted(name for name in files if not name.startswith(".")), 2)
        while (harmed := harm(files[name], files[other], dice)) == files[name]:
            pass
        files[name] = harmed
    scene.write(files)


def rewrite(values: dict[str, object], dice: random.Random) -> bytes:
    """Return a manifest with the right checksum and one impossible value."""
    segments = values["segments"]
    assert isinstance(segments, list)
    name, rows = segments[0]
    wrong: tuple[tuple[str, object], ...] = (
        ("format", dice.choice((0, 2, 99, -1, "1", None, 1.0, True))),
        ("model_id", dice.choice(("other-64", "../../etc", "", 7))),
        ("dimension", dice.choice((0, -64, 32, 65, 1 << 40, None))), ("segments", [*segments, segments[0]]),
        ("segments", [[dice.choice(("../x", "/etc/passwd", "x", name.upper(), f"{name}/..", name[:-1])), rows], *segments[1:]]),
        ("segments", [[name, dice.choice((0, -1, rows - 1, rows + 1, 1 << 50, True, "9"))], *segments[1:]]),
        ("segments", dice.choice(({}, None, [[]], [[name]], [name], "x"))), ("more", 1),
    )  # fmt: skip
    values = {key: value for key, value in values.items() if key != "sum"}
    values |= dict([dice.choice(wrong)])
    values["sum"] = hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
    return (json.dumps(values, sort_keys=True, indent=0) + "\n").encode()


def run(rounds: int, seed: int) -> Outcome:
    """Have *rounds* mutated bundles taken."""
    start_logging("ERROR", os.devnull)  # each refusal is a warning
    dice, accepted, silent, wrong = random.Random(seed), 0, 0, []
    with tempfile.TemporaryDirectory() as directory:
        scene = Scene(Path(directory))
        sound = scene.count_used()
        for number in range(rounds):
            make_mutant(scene, dice)
            if used := scene.count_used():
                accepted += 1
                wrong.append(f"mutant {number} of seed {seed}: {used} rows were used")
            silent += scene.repo.bundle_notice is None
        scene.close()
    return Outcome(
        (
            Figure("rows used of the sound bundle", sound, at_least=COMMITS),
            Figure("mutated bundles", rounds),
            none("of them used, in part or whole", accepted),
            none("of them refused without a word", silent),
        ),
        tuple(wrong[:10]),
    )
