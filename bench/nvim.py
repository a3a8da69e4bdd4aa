"""How long a question blocks Neovim at most: with a fast, a slow (3 s), a dead and a stopped daemon, and a large unsaved buffer.

    python -m bench.nvim [--starts N] [--rounds N]

A libuv timer in a headless Neovim ticks every millisecond, from the command to 0.2 s after the answer. Between two ticks the
editor's loop waits for events, when it would take a key, or works, or waits for something else: the block is the longest of the
latter two. Not in it is how long the editor's thread was ready and waited for a processor (schedstat), which on a machine that
is busy with other things is most of a gap between two ticks. What the plugin does it does at every question, so the median over
questions is its own; the longest, and the same of waits without a question, show the rest. `work`: the processor time.
"""

from __future__ import annotations

import argparse
import socket
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgpack

from ail_rpc.framing import REQUEST_LIMITS, FrameReader
from ail_rpc.messages import encode_reply, parse_call

from .client import CITATION, RESULTS
from .figures import show

PLUGIN = Path(__file__).resolve().parents[1] / "editors" / "ail.nvim"
SLOW_S = 3.0
LUA = """
local uv = vim.uv or vim.loop
local ffi = require('ffi')
ffi.cdef('typedef struct { long sec; long nsec; } ail_time; int clock_gettime(int clock, ail_time *time);')
local spent = ffi.new('ail_time')
local function get_work()
  ffi.C.clock_gettime(3, spent) -- CLOCK_THREAD_CPUTIME_ID
  return tonumber(spent.sec) * 1e9 + tonumber(spent.nsec)
end
local function get_delay()
  local file = io.open('/proc/self/schedstat')
  local told = file and file:read('*a') or '0 0'
  if file then file:close() end
  return tonumber(told:match('^%d+ (%d+)'))
end
pcall(uv.loop_configure, 'metrics_idle_time')
local timer = uv.new_timer()
local function measure(act, condition, limit_ms)
  local gap, block, work = 0, 0, 0
  local last, worked, free = uv.hrtime(), get_work(), uv.metrics_idle_time() + get_delay()
  timer:start(1, 1, function()
    local now, done, left = uv.hrtime(), get_work(), uv.metrics_idle_time() + get_delay()
    gap, work = math.max(gap, now - last), math.max(work, done - worked)
    block = math.max(block, done - worked, (now - last) - (left - free))
    last, worked, free = now, done, left
  end)
  act()
  vim.wait(limit_ms, condition, 1)
  vim.wait(200)
  timer:stop()
  return {gap / 1e6, block / 1e6, work / 1e6}
end
vim.schedule(function()
  local float, out = require('ail.float'), {idle = {}, asked = {}}
  local function shown() return float.window and vim.api.nvim_win_is_valid(float.window) end
  for _ = 1, ROUNDS do
    table.insert(out.idle, measure(function() end, function() return false end, 300))
    table.insert(out.asked, measure(function() vim.cmd('Ail why the retry?') end, shown, 10000))
    float.close()
  end
  local file = assert(io.open(OUT, 'wb')) file:write(vim.mpack.encode(out)) file:close()
  vim.cmd('qall!')
end)
"""


class Measured(NamedTuple):
    """Of each first question, each further one, and each wait without: gap, block and work in ms, the longest each."""

    first: list[list[float]]
    asked: list[list[float]]
    idle: list[list[float]]


def answer_after(seconds: float) -> Callable[[socket.socket], None]:
    """Return what serves one connection: `hello` at once, a question after *seconds*."""

    def serve(connection: socket.socket) -> None:
        reader = FrameReader(REQUEST_LIMITS)
        citations = [CITATION | {"excerpt": "Proxies drop idle connections. " * 25}] * 5
        with connection:
            while data := connection.recv(65536):
                for call in map(parse_call, reader.feed(data)):
                    time.sleep(seconds if call.method == "ask" else 0)
                    result = RESULTS[call.method] | ({"citations": citations} if call.method == "ask" else {})
                    connection.sendall(encode_reply(call.request_id or 0, None, result))

    return serve


def listen(path: Path, serve: Callable[[socket.socket], None] | None) -> socket.socket:
    """Listen at *path*; *serve* None: take connections and say nothing, as a stopped daemon does."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    if serve is not None:
        threading.Thread(target=accept, args=(listener, serve), daemon=True).start()
    return listener


def accept(listener: socket.socket, serve: Callable[[socket.socket], None]) -> None:
    """Serve every connection in a thread of its own until the listener is closed."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


def measure(directory: Path, file: Path, rounds: int, before: str = "") -> dict[str, list[list[float]]]:
    """Return the longest gaps in ms, of each round without and with a question; *before*: Lua to begin with."""
    script, out = directory / "bench.lua", directory / "out.mpack"
    script.write_text(
        f"local ROUNDS, OUT = {rounds}, {str(out)!r}\nrequire('ail').setup{{timeout_s = 4}}\n{before}\n{LUA}"
    )
    begin = f"let g:loaded_python3_provider = 0 | set rtp^={PLUGIN}"
    command = ["nvim", "--headless", "--clean", "-n", "-i", "NONE", "--cmd", begin, "-S", str(script), "--", str(file)]
    env = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(directory),
        "AIL_SOCKET": str(directory / "ail.sock"),
        "LC_ALL": "C.UTF-8",
    }
    subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=600)
    found: dict[str, list[list[float]]] = msgpack.unpackb(out.read_bytes())
    return found


def make_repository(directory: Path, lines: int) -> Path:
    """Return a committed file of so many lines."""
    file = directory / "project" / "upload.py"
    file.parent.mkdir()
    file.write_text("".join(f"line_{number} = {number}\n" for number in range(lines)))
    git = ["git", "-C", str(file.parent), "-c", "user.name=A", "-c", "user.email=a@example.org"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "Begin"]):
        subprocess.run([*git, *arguments], check=True)
    return file


def measure_starts(directory: Path, file: Path, options: argparse.Namespace, before: str = "") -> Measured:
    """Return what several editors measured, each with a first question, which loads the plugin, and further ones."""
    first, asked, idle = [], [], []
    for _ in range(options.starts):
        found = measure(directory, file, options.rounds, before)
        first.append(found["asked"][0])
        asked += found["asked"][1:]
        idle += found["idle"]
    return Measured(first, asked, idle)


def report(name: str, found: Measured) -> None:
    """Print the blocks of one kind of daemon."""
    gap, block, work = (sorted(column) for column in zip(*found.asked, strict=True))
    show(f"{name}: block of Neovim, median of {len(block)}", statistics.median(block), "ms", "≤ 5")
    show(
        f"{name}: … of first questions, which load the plugin",
        statistics.median(one[1] for one in found.first),
        "ms",
        "≤ 5",
    )
    show(f"{name}: … and work in it, median and longest", statistics.median(work), f"ms, {work[-1]:.2f}", "≤ 5")
    _, idle_block, _ = (sorted(column) for column in zip(*found.idle, strict=True))
    show(
        f"{name}: … without a question, median and longest", statistics.median(idle_block), f"ms, {idle_block[-1]:.2f}"
    )
    show(f"{name}: … longest; and the longest gap", block[-1], f"ms, {gap[-1]:.2f}")


def main() -> None:
    """Measure every kind of daemon."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=4)
    options = parser.parse_args()
    unsaved = "vim.api.nvim_buf_set_lines(0, 0, 0, false, {'# new'}) vim.cmd('5000')"
    with tempfile.TemporaryDirectory(prefix="ail") as name:
        directory = Path(name)
        path, file = directory / "ail.sock", make_repository(directory, 10_000)
        report("dead (no daemon, none to start)", measure_starts(directory, file, options))
        for kind, serve in (("fast", answer_after(0)), ("slow, 3 s", answer_after(SLOW_S)), ("stopped", None)):
            with listen(path, serve):
                report(kind, measure_starts(directory, file, options))
                if kind == "fast":
                    report("fast, unsaved buffer of 10,000 lines", measure_starts(directory, file, options, unsaved))
            path.unlink()


if __name__ == "__main__":
    main()
