"""What is done on the cluster, one repository or one piece of it at a time. Knows nothing of Ray.

    plan    a repository  -> the pieces of it that have to be encoded
    read    a piece       -> with its texts
    Encode  a piece       -> its embeddings, written as a part

A step never raises for what a repository is like: the error travels in the piece, and the others go on.
"""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from ail_daemon.encoding.archive import import_model
from ail_daemon.encoding.prepared import Prepared, load_prepared
from ail_daemon.encoding.serving import load_encoder
from ail_daemon.history.limits import HistoryLimits
from ail_daemon.history.opening import History, open_history
from ail_daemon.index.store import hash_text
from ail_daemon.indexing.reading import check_commits
from ail_daemon.indexing.skipping import encode_around
from ail_daemon.model import Encoder
from ail_daemon.repos.places import get_main_place
from ail_rpc import VERSION
from ail_rpc.discovery import find_repository
from ail_rpc.errors import AilError, InternalError, ModelError, from_wire
from ail_rpc.paths import get_state_dir

from .output import open_output
from .parts import PIECE, Parts, find_listed, split_keys, write_part


@dataclass(frozen=True, slots=True)
class Job:
    """What every step knows, the same for all repositories.

    model: its name, for an encoder on a GPU. threads: of an encoder on processors. has_gpu: encode on a GPU, by the original of
    the prepared model. piece_rows: texts of a piece, at most.
    """

    model: str
    model_id: str
    dimension: int
    ref_kinds: tuple[str, ...]
    limits: HistoryLimits
    threads: int = 1
    batch: int = 32
    has_gpu: bool = False
    piece_rows: int = PIECE


class Piece(TypedDict):
    """A piece of a repository on its way through the steps; of plain types, which Arrow carries.

    number: of the repository in the list; path, out: its directory and its bundle, as bytes of the file system. piece: its
    number, of so many *pieces*; a repository with nothing to encode has 0 and comes once. With piece 0 come *order* and *listed*:
    the hashes of all texts that the bundle lacks, in the order in which they are published, and how many it has. shas: commits,
    with spaces between; keys: the hashes of their messages; texts: JSON, "" until they are read. encoded, failed: how many could
    be encoded, or not. problem: JSON of an error's wire form, "" for none; is_fatal: it would meet every other piece as well.
    """

    number: int
    path: bytes
    out: bytes
    piece: int
    pieces: int
    order: bytes
    listed: int
    shas: str
    keys: bytes
    texts: str
    encoded: int
    failed: int
    problem: str
    is_fatal: bool


def start(number: int, root: str, out: str) -> Piece:
    """Return what `plan` begins with."""
    return Piece(
        number=number, path=os.fsencode(root), out=os.fsencode(out), piece=0, pieces=0, order=b"", listed=0, shas="",
        keys=b"", texts="", encoded=0, failed=0, problem="", is_fatal=False,
    )  # fmt: skip


def get_version() -> str:
    """Return this machine's version of AIL."""
    return VERSION


def plan(job: Job, repository: Piece) -> list[Piece]:
    """Return the pieces of a repository that the output does not have; one without commits where nothing is left to encode."""
    try:
        return list(_iter_pieces(job, repository))
    except AilError as err:
        return [fail(repository, err)]


def _iter_pieces(job: Job, repository: Piece) -> Iterator[Piece]:
    output = open_output(os.fsdecode(repository["out"]), job.model_id)
    listed = find_listed(output, job.model_id)
    found = find_texts(_open(job, repository), job)
    order = [key for key in found if key not in listed]
    parts = Parts(output, job.model_id, job.dimension)
    todo = [key for key in order if key not in parts]
    first = repository | {"order": b"".join(order), "listed": len(found) - len(order)}
    ranges = [todo[begin : begin + job.piece_rows] for begin in range(0, len(todo), job.piece_rows)]
    for number, keys in enumerate(ranges or [[]]):
        piece = repository if number else first
        shas = " ".join(found[key] for key in keys)
        yield Piece(**piece | {"piece": number, "pieces": len(ranges), "keys": b"".join(keys), "shas": shas})


def find_texts(history: History, job: Job) -> dict[bytes, str]:
    """Return, for the hash of each message of the repository, a commit that has it.

    In the order of `ail-daemon bundle create`: by the oldest commit's time, then by hash. Some 400 bytes of memory a commit.
    """
    shas = list(history.iter_shas(sorted(history.read_tips(job.ref_kinds).shas)))
    check_commits(len(shas), job.limits.commits)
    oldest: dict[bytes, tuple[int, str]] = {}
    for commit in history.iter_messages(shas):
        key = hash_text(commit.message)
        if key not in oldest or commit.commit_time < oldest[key][0]:
            oldest[key] = (commit.commit_time, commit.sha)
    return {key: oldest[key][1] for key in sorted(oldest, key=lambda key: (oldest[key][0], key))}


def read(job: Job, piece: Piece) -> Piece:
    """Return *piece* with its texts; those that cannot be read any more are left out."""
    if not piece["shas"]:
        return piece
    wanted = set(split_keys(piece["keys"]))
    try:
        messages = [commit.message for commit in _open(job, piece).iter_messages(piece["shas"].split(" "))]
    except AilError as err:
        return fail(piece, err)
    texts = {key: text for text in messages if (key := hash_text(text)) in wanted}
    return Piece(**piece | {"shas": "", "keys": b"".join(texts), "texts": json.dumps([*texts.values()])})


def _open(job: Job, piece: Piece) -> History:
    return open_history(get_main_place(find_repository(os.fsdecode(piece["path"]))), limits=job.limits)


class Encode:
    """Encodes pieces. model: the exported prepared model, for a machine that does not have it."""

    def __init__(self, job: Job, model: bytes) -> None:
        self._job = job
        self._encoder: Encoder | None = None
        self._problem: AilError | None = None
        try:
            self._encoder = open_bulk_encoder(job, model)
        except AilError as err:
            self._problem = err

    def __call__(self, piece: Piece) -> Piece:
        """Return *piece* without its texts, once their embeddings are on the output."""
        if not piece["texts"]:
            return piece
        if self._encoder is None:
            return fail(piece, self._problem or ModelError("there is no encoder"), is_fatal=True)
        keys, texts = list(split_keys(piece["keys"])), json.loads(piece["texts"])
        try:
            embeddings, failed = encode_around(self._encoder.encode, texts)
            done = [key for place, key in enumerate(keys) if place not in failed]
            if done:
                output = open_output(os.fsdecode(piece["out"]), self._job.model_id)
                write_part(output, self._job.model_id, done, embeddings)
        except AilError as err:
            return fail(piece, err, is_fatal=True)
        return Piece(**piece | {"keys": b"", "texts": "", "encoded": len(done), "failed": len(failed)})


def open_bulk_encoder(job: Job, model: bytes) -> Encoder:
    """Load the encoder of *job*; a prepared model that this machine lacks is taken from its export *model*. Raises ModelError."""
    prepared = _get_prepared(Path(get_state_dir()) / "models", job.model_id, model)
    if not job.has_gpu:
        return load_encoder(prepared, job.threads, job.batch)
    from ail_daemon.encoding.reference import load_reference  # torch: 5 s

    encoder = load_reference(job.model, batch=job.batch, device="cuda")
    if encoder.model_id != f"sentence-transformers-{prepared.manifest.source_sha256}":
        raise ModelError(
            f"the {job.model} of this machine is not the one that {job.model_id:.12}… was prepared from",
            "install the same weights on every machine",
        )
    return encoder


def _get_prepared(models_dir: Path, model_id: str, model: bytes) -> Prepared:
    for directory in (models_dir.parent, models_dir):  # a daemon takes no state directory that others may enter
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(models_dir / ".cluster.lock", "ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several actors begin at once, and importing replaces a model that is there
        if not (models_dir / model_id).is_dir():
            with tempfile.NamedTemporaryFile(suffix=".tar") as file:
                file.write(model)
                file.flush()
                import_model(Path(file.name), models_dir)
        return load_prepared(models_dir, model_id)


def fail(piece: Piece, err: AilError, *, is_fatal: bool = False) -> Piece:
    """Return *piece* with the error that ended it."""
    told = json.dumps(err.to_wire())
    return Piece(**piece | {"shas": "", "keys": b"", "texts": "", "problem": told, "is_fatal": is_fatal})


def get_problem(piece: Piece) -> AilError | None:
    """Return the error that ended *piece*, None where there is none."""
    if not piece["problem"]:
        return None
    try:
        return from_wire(json.loads(piece["problem"]))
    except ValueError:
        return InternalError("a piece came back damaged")
