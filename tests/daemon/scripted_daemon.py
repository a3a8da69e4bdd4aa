"""A whole daemon with a service for tests: `echo`, `wait` (until its file is gone), `block`, `spin`, `boom`, `environment`."""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from ail_daemon.app import run
from ail_daemon.daemon import Offer
from ail_daemon.flags import Flags
from ail_daemon.process import activation, isolation, locks
from ail_daemon.process.ready import ReadyPipe
from ail_daemon.server.limits import ServingLimits
from ail_daemon.settings import read_settings
from ail_rpc.paths import get_socket_path, get_state_dir


async def echo(params: dict[str, Any]) -> dict[str, Any]:
    return params


async def wait(params: dict[str, Any]) -> str:
    """Say that it runs by making `running`; end when that file is removed."""
    open(params["running"], "w").close()
    while os.path.exists(params["running"]):
        await asyncio.sleep(0.005)
    return "waited"


async def block(params: dict[str, Any]) -> None:
    """Say that it runs, then have the whole loop wait for a minute."""
    open(params["running"], "w").close()
    time.sleep(60)


async def spin(params: dict[str, Any]) -> None:
    """Say that it runs, then have the whole loop busy with nothing for a minute."""
    open(params["running"], "w").close()
    end = time.monotonic() + 60
    while time.monotonic() < end:
        pass


async def boom(params: dict[str, Any]) -> None:
    raise RuntimeError(params["secret"])


async def environment(params: dict[str, Any]) -> dict[str, Any]:
    pr_get_dumpable = 3
    dumpable = ctypes.CDLL(None).prctl(pr_get_dumpable, 0, 0, 0, 0)
    names = sorted(os.environ)
    return {"names": names, "cwd": os.getcwd(), "sid": os.getsid(0), "dumpable": dumpable, **params}


@asynccontextmanager
async def serve_tests(flags: Flags) -> AsyncIterator[Offer]:
    del flags
    yield Offer({"echo": echo, "wait": wait, "boom": boom, "block": block, "spin": spin, "environment": environment})


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--ready-fd", type=int)
    parser.add_argument("--limits", type=json.loads, default={})
    parser.add_argument("--detach", action="store_true")
    args = parser.parse_args()
    isolation.isolate()
    with ReadyPipe(args.ready_fd) as ready:
        listen = activation.take_listening_socket()
        if args.detach:
            isolation.detach(get_state_dir(), [args.ready_fd])
        held = locks.acquire(listen.getsockname() if listen else get_socket_path(), get_state_dir())
        assert not isinstance(held, str)
        with held:
            asyncio.run(
                run(
                    Flags(read_settings()),
                    held,
                    listen,
                    ready,
                    [serve_tests],
                    ServingLimits(**args.limits) if args.limits else None,
                )
            )


main()
