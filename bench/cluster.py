"""Builds on a cluster: rate by nodes, overhead against a build without Ray, and what a node that is killed costs.

python -m bench.cluster REPO ... [--nodes 1 2 4] [--pairs N]

The nodes are Ray's own (`ray.cluster_utils`), each with processes of its own and one processor to give, beside a head with none.
They share this machine: with more nodes than processors the rate cannot grow, so that Ray's cost is given by processor time, too.
"""

from __future__ import annotations

import argparse
import filecmp
import os
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, Self

import psutil
from tests.running import BIN, Home, prepare_models, sealed_home

from ail_cluster.listing import list_repositories
from ail_cluster.publishing import Publishing
from ail_cluster.steps import Encode, Job, plan, read, start
from ail_daemon.bundles.manifest import MANIFEST_FILE, parse_manifest
from ail_daemon.bundles.publishing import iter_rows
from ail_daemon.bundles.shelves import DirectoryShelf
from ail_daemon.encoding import DEFAULT_MODEL, find_prepared
from ail_daemon.history.limits import USUAL
from ail_daemon.model import REF_KINDS

from .figures import show

_LOOK_S = 0.25


class Built(NamedTuple):
    """A build: seconds on the clock, seconds of processors, texts."""

    wall_s: float
    cpu_s: float
    texts: int


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("repos", nargs="+")
    parser.add_argument("--nodes", type=int, nargs="*", default=[1, 2, 4])
    parser.add_argument("--pairs", type=int, default=1, help="builds without and with Ray, one after the other")
    given = parser.parse_args()
    models = prepare_models()
    os.environ |= {"RAY_worker_niceness": str(os.nice(0)), "RAY_USAGE_STATS_ENABLED": "0"}  # all builds alike
    with sealed_home(models) as home, tempfile.TemporaryDirectory(prefix="ailb", dir="/tmp") as directory:
        os.environ |= {"XDG_STATE_HOME": home.env["XDG_STATE_HOME"], "HF_HUB_OFFLINE": "1"}  # the nodes inherit them
        place = Path(directory)
        repos = place / "repos.txt"
        repos.write_text("\n".join(map(os.path.realpath, given.repos)))
        whole = compare(home, models, repos, place, given.pairs)
        for count in given.nodes:
            with nodes(count) as (address, _):
                built = build(home, repos, place / f"nodes-{count}", address)
            show(f"{count} nodes of one processor", built.texts / built.wall_s, "/s", digits=0)
            show(
                "  files that differ from those of the build without Ray",
                count_different(whole, place / f"nodes-{count}"),
                "",
                "0",
            )
        if given.nodes:
            show_killed(home, repos, place / "killed", whole)


def compare(home: Home, models: Path, repos: Path, place: Path, pairs: int) -> Path:
    """Build without Ray, in this process, and with it, on one node of two processors; return where the first lies."""
    ratios = []
    for number in range(pairs):
        alone = build_alone(models, repos, place / f"alone-{number}")
        with nodes(1, 2) as (address, _):
            ray = build(home, repos, place / f"ray-{number}", address)
            empty = build(home, repos, place / f"ray-{number}", address)
        show(f"{alone.texts:,} texts without Ray, two threads", alone.wall_s, "s")
        show("  processor time", alone.cpu_s, "s")
        show("with Ray, an actor of two threads, connecting included", ray.wall_s, "s")
        show("  processor time, Ray's own processes included", ray.cpu_s, "s")
        show("with Ray once more, nothing to encode", empty.wall_s, "s")
        show("  processor time", empty.cpu_s, "s")
        ratios.append(
            [ray.wall_s / alone.wall_s, ray.cpu_s / alone.cpu_s,
             (ray.wall_s - empty.wall_s) / alone.wall_s, (ray.cpu_s - empty.cpu_s) / alone.cpu_s]
        )  # fmt: skip
    names = ("by the clock", "by processor time", "by the clock, less an empty build", "by processor time, less that")
    for name, values in zip(names, zip(*ratios, strict=True), strict=True):
        show(f"with Ray to without, {name}", sum(values) / pairs, "x", "<= 1.15")
    return place / "alone-0"


def build_alone(models: Path, repos: Path, out: Path) -> Built:
    """Send the repositories through the same steps without Ray."""
    prepared = find_prepared(models, DEFAULT_MODEL)
    assert prepared
    job = Job(DEFAULT_MODEL, prepared.model_id, prepared.manifest.dimension, REF_KINDS, USUAL, threads=2)
    repositories = list_repositories(repos, f"{out}/{{name}}").repositories
    cpu, began = time.process_time(), time.perf_counter()
    publishing = Publishing(job, repositories, None, lambda _: None)
    encode = Encode(job, b"")
    for number, one in enumerate(repositories):
        for piece in plan(job, start(number, one.root, one.out)):
            publishing.take(encode(read(job, piece)))
    encoded = publishing.end().encoded
    return Built(time.perf_counter() - began, time.process_time() - cpu, encoded)


def build(home: Home, repos: Path, out: Path, address: str) -> Built:
    """Build by the program, on a cluster that runs."""
    began = time.perf_counter()
    with Meter() as meter:
        done = home.run(
            str(BIN / "ail-cluster"), "build", "--repos", str(repos), "--out", f"{out}/{{name}}", "--address", address
        )
    wall_s = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(done.stderr)
    added = int(done.stderr.splitlines()[-1].split()[0].replace(",", ""))
    return Built(wall_s, meter.cpu_s, added)


def show_killed(home: Home, repos: Path, out: Path, whole: Path) -> None:
    """Kill a node of two by SIGKILL once a third of the parts is there; print what is lost or doubled, and what differs."""
    rows = sum(count_rows(whole).values())
    with nodes(2) as (address, pids):
        killer = threading.Thread(target=kill_when, args=(out, rows // 3, pids[-1]))
        killer.start()
        built = build(home, repos, out, address)
        killer.join()
    found, wanted = count_rows(out), count_rows(whole)
    show(
        f"a node of two killed after a third of {rows:,} rows: rows lost",
        len(wanted.keys() - found.keys()),
        "",
        "0",
        digits=0,
    )
    show("  doubled", sum(found.values()) - len(found), "", "0", digits=0)
    show("  files that differ from those of a build without Ray", count_different(whole, out), "", "0", digits=0)
    show("  time", built.wall_s, "s")


def kill_when(out: Path, rows: int, pid: int) -> None:
    """Kill *pid* and its children by SIGKILL once the parts and segments at *out* hold so many rows."""
    while sum(path.stat().st_size for path in out.glob("*/*/*") if len(path.name) >= 64) < rows * 784:
        time.sleep(_LOOK_S)
    processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    for process in processes:
        os.kill(process.pid, signal.SIGKILL)
    print(f"killed {len(processes)} processes of a node", flush=True)


@contextmanager
def nodes(count: int, cpus: int = 1) -> Iterator[tuple[str, list[int]]]:
    """Run a cluster of so many nodes beside a head without processors; yield its address, and each node's process."""
    from ray.cluster_utils import Cluster

    cluster: Any = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    try:
        added = [cluster.add_node(num_cpus=cpus) for _ in range(count)]
        cluster.wait_for_nodes()
        yield cluster.address, [node.all_processes["raylet"][0].process.pid for node in added]
    finally:
        cluster.shutdown()


class Meter:
    """Adds up the processor seconds of this process's children and theirs; Ray's end without being waited for."""

    def __init__(self) -> None:
        self._used: dict[tuple[int, float], float] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._look()
        self._before = sum(self._used.values())
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._look()
        self._ended.set()
        self._thread.join()

    @property
    def cpu_s(self) -> float:
        """What was used since the beginning."""
        return sum(self._used.values()) - self._before

    def _run(self) -> None:
        while not self._ended.wait(_LOOK_S):
            self._look()

    def _look(self) -> None:
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):
                used = process.cpu_times()
                self._used[process.pid, process.create_time()] = used.user + used.system


def count_rows(out: Path) -> Counter[tuple[str, bytes]]:
    """Return how often each row is in the bundles below *out*."""
    rows: Counter[tuple[str, bytes]] = Counter()
    for path in out.glob(f"*/*/{MANIFEST_FILE}"):
        manifest = parse_manifest(path.read_bytes(), path.parent.name)
        for entry in manifest.segments:
            for key, _ in iter_rows(DirectoryShelf(path.parent), entry, manifest.dimension):
                rows[path.parent.parent.name, key] += 1
    return rows


def count_different(one: Path, other: Path) -> int:
    """Return how many files of the bundles are not the same in both places."""
    names = {str(path.relative_to(out)) for out in (one, other) for path in out.glob("*/*/*") if path.name != ".lock"}
    return len(names) - len(filecmp.cmpfiles(one, other, names, shallow=False)[0])


if __name__ == "__main__":
    main()
