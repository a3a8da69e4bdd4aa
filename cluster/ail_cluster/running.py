"""The one place that knows Ray: sends repositories through the steps, here or on a cluster, and yields what comes back.

    from_items ── flat_map(plan) ── map(read) ── map(Encode), in a pool of actors

Every piece is a block, and so a task, of its own. Planning and reading ask for no processor, so that they go on while actors hold
them all: they take one per cent of the time. (`repartition` would ask for one, and wait for it for ever.)
Scheduling, retries and spilling are Ray's. What dies of its task each time is left out, and `publishing` says so.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import socket
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple, cast

from ail_daemon.settings import VARIABLES
from ail_rpc import VERSION
from ail_rpc.errors import NotInstalledError, UnavailableError, UsageError, VersionError

from . import steps
from .listing import Repository
from .steps import Job, Piece

_STUCK_S = 900
"""Without anything coming back for so long, a build ends: Ray tries a piece again for ever whose process dies each time."""

_THREADS = 4
_CONNECT_S = 10.0
_LOOK_S, _HEAD_S = 2.0, 45.0
"""Ray ends a process after its head was silent for 60 s."""

_LOST = "what was encoded is kept: see to the cluster (`ray status`), and run it again, for the rest"


class Cluster(NamedTuple):
    """Where to run. address: of a Ray cluster, None for this machine alone. actors: the most that encode, None: all that fit.

    threads: of each that encodes, None: up to four, as many as the smallest machine has processors.
    """

    address: str | None = None
    actors: int | None = None
    threads: int | None = None


@contextlib.contextmanager
def open_cluster(cluster: Cluster, tell: Callable[[str], None]) -> Iterator[None]:
    """Connect to Ray, or start it on this machine until the end; *tell* is called with a sentence where its head goes away.

    Raises UnavailableError, VersionError, NotInstalledError.
    """
    if cluster.address:
        _check_head(cluster.address)
    _prepare_environment(is_alone=cluster.address is None)
    import ray

    options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if cluster.address:
        options["address"] = cluster.address
    else:
        options |= {"address": "local", "include_dashboard": False, "_node_ip_address": "127.0.0.1"}
    try:
        with _without_stderr():
            ray.init(**options)
    except (ConnectionError, RuntimeError, ValueError, TimeoutError, OSError) as err:
        raise UnavailableError(
            f"Ray cannot be {'reached at ' + cluster.address if cluster.address else 'started'}: {_first_line(err)}",
            "is its head running (`ray status`)? its token goes into RAY_AUTH_TOKEN"
            if cluster.address
            else "see above",
        ) from err
    ended = threading.Event()
    watch = threading.Thread(target=_watch_head, args=(ray.get_runtime_context().gcs_address, ended, tell), daemon=True)
    watch.start()
    try:
        if cluster.address:
            _check_nodes()
        yield
    finally:
        ended.set()
        watch.join()
        with contextlib.suppress(Exception):
            ray.shutdown()


@contextlib.contextmanager
def _without_stderr() -> Iterator[None]:
    """Keep from the terminal what Ray's C++ writes there as it starts; what went wrong comes as an exception."""
    kept, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)


def _watch_head(address: str, ended: threading.Event, tell: Callable[[str], None]) -> None:
    """End this process, with a sentence, once the cluster's head has not answered for _HEAD_S.

    Ray itself would end it without a word, a little later: a call that waits for a head which is gone never returns.
    """
    host, _, port = address.rpartition(":")
    silent_since: float | None = None
    while not ended.wait(_LOOK_S):
        try:
            socket.create_connection((host.strip("[]"), int(port)), _LOOK_S).close()
        except OSError:
            if silent_since is None:
                tell(f"the head of the Ray cluster at {address} does not answer; it is waited for {_HEAD_S:.0f} s")
            silent_since = silent_since or time.monotonic()
        else:
            silent_since = None
        if silent_since is not None and time.monotonic() - silent_since > _HEAD_S:
            tell(f"ail-cluster: the Ray cluster at {address} went away\nhint: {_LOST}")
            os._exit(UnavailableError.exit_status)


def _check_head(address: str) -> None:
    """Raise UnavailableError where nothing listens at HOST:PORT: Ray would wait for it without a word and without an end."""
    if address.startswith("ray://"):
        raise UsageError(
            f"--address {address} names a client server", "run this on a machine of the cluster, with --address auto"
        )
    host, _, port = address.rpartition(":")
    if not port.isdigit():
        return  # `auto`, which Ray looks up
    try:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_S).close()
    except (OSError, OverflowError) as err:
        raise UnavailableError(
            f"Ray cannot be reached at {address}: {err}", "is its head running (`ray status`), and the port right?"
        ) from err


def _prepare_environment(*, is_alone: bool) -> None:
    """Set what Ray reads as it is imported: nothing of a build leaves the cluster, and a Ray of its own asks for a secret."""
    for variable, one in VARIABLES.items():
        if one.metadata["is_secret"]:
            os.environ.pop(variable, None)  # workers inherit this environment
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # of its C++, on stderr
    os.environ.setdefault("RAY_DATA_DISABLE_PROGRESS_BARS", "1")
    if is_alone:
        os.environ["RAY_AUTH_MODE"], os.environ["RAY_AUTH_TOKEN"] = "token", secrets.token_hex(32)
        os.environ.setdefault("RAY_worker_niceness", "10")  # as the daemon's worker
        os.environ.pop("RAY_ADDRESS", None)


def _check_nodes() -> None:
    """Ask every machine of the cluster for its version of AIL. Raises VersionError, NotInstalledError."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    nodes = [node for node in ray.nodes() if node["Alive"]]
    probe = ray.remote(num_cpus=0, max_retries=0)(steps.get_version)
    asked = [
        probe.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=True)).remote()
        for node in nodes
    ]
    for node, ref in zip(nodes, asked, strict=True):
        try:
            version = ray.get(ref, timeout=120)
        except Exception as err:  # what a module that is missing there comes as is Ray's affair
            raise NotInstalledError(
                f"AIL does not run on {node['NodeManagerHostname']}, a machine of the cluster: {_first_line(err)}",
                f"install 'archaeological-intelligence[cluster]=={VERSION}' on every machine, for Ray's own Python",
            ) from err
        if version != VERSION:
            raise VersionError(
                f"{node['NodeManagerHostname']}, a machine of the cluster, has AIL {version}, and this one {VERSION}",
                "install the same version on every machine",
            )


def run_steps(job: Job, repositories: Sequence[Repository], model: bytes, cluster: Cluster) -> Iterator[Piece]:
    """Yield every piece once it went through the steps, in any order; see `steps`. To be used within `open_cluster`.

    model: the exported prepared model, which machines get that lack it. Raises UnavailableError where the cluster goes away.
    """
    import ray.data.exceptions
    import ray.exceptions

    _configure_data()
    job = replace(job, threads=cluster.threads or _choose_threads())
    units = _count_units(job, cluster.actors)
    items = [steps.start(number, one.root, one.out) for number, one in enumerate(repositories)]
    try:
        for row in _send(job, items, model, max(2, units // 4), cluster.actors or units).iter_rows():
            yield cast(Piece, row)
    except ray.data.exceptions.ExecutionTimeoutError:
        return  # what did not come back is said by `publishing`
    except (ray.exceptions.RayError, ConnectionError, TimeoutError, RuntimeError) as err:
        raise UnavailableError(f"the Ray cluster went away, or cannot go on: {_first_line(err)}", _LOST) from err


def _configure_data() -> None:
    import ray.data

    warnings.filterwarnings("ignore", module=r"ray\.")  # advice for whoever wrote a pipeline
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.target_max_block_size = 1  # byte: each row is a block
    context.max_errored_blocks = -1  # a task that dies each time does not end the others
    context.execution_no_progress_timeout_s = _STUCK_S
    for handler in logging.getLogger("ray.data").handlers:
        if type(handler).__name__ == "PlainRayHandler":  # the terminal; the file goes on
            handler.setLevel(logging.CRITICAL + 1)


def _send(job: Job, items: list[Piece], model: bytes, readers: int, actors: int) -> Any:
    """Return Ray's data set of what comes back of *items*."""
    import ray
    import ray.data

    return (
        ray.data.from_items(items, override_num_blocks=len(items))
        .flat_map(partial(steps.plan, job), compute=ray.data.TaskPoolStrategy(size=readers), num_cpus=0)
        # one more, or Ray would make one task of planning a repository and reading all of it
        .map(partial(steps.read, job), compute=ray.data.TaskPoolStrategy(size=readers + 1), num_cpus=0)
        .map(
            _Encode,
            fn_constructor_args=(job, ray.put(model)),
            compute=ray.data.ActorPoolStrategy(min_size=1, max_size=actors),
            num_cpus=0 if job.has_gpu else job.threads,
            num_gpus=1 if job.has_gpu else 0,
        )
    )


class _Encode:
    """`steps.Encode`, as an actor is made."""

    def __init__(self, job: Job, model: Any) -> None:
        import ray

        self._encode = steps.Encode(job, ray.get(model))

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        return cast(dict[str, Any], self._encode(cast(Piece, row)))


def _choose_threads() -> int:
    """Return how many threads an actor is to have. They share the model's weights, 22 MB, and so the processor's cache."""
    import ray

    given = [node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"]]
    return max(1, min([_THREADS, *(int(cpus) for cpus in given if cpus)]))


def _count_units(job: Job, actors: int | None) -> int:
    """Return how many actors the machines have room for now. Raises UnavailableError for none, unless *actors* are asked for."""
    import ray

    wanted, needed = ("GPU", 1) if job.has_gpu else ("CPU", job.threads)
    given = [node["Resources"].get(wanted, 0) for node in ray.nodes() if node["Alive"]]
    units = sum(int(one // needed) for one in given)
    if not units and not actors:
        raise UnavailableError(
            f"no machine has {'a GPU' if job.has_gpu else f'{needed} processors'} for Ray to give",
            "leave out --gpu, or give fewer --threads; on a cluster that grows by itself, say how far with --actors",
        )
    return units or 1


def _first_line(err: BaseException) -> str:
    lines = [line for line in str(err).splitlines() if line.strip()]
    return f"{lines[0] if lines else type(err).__name__:.300}"
