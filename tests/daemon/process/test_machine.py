"""Memory and power, as the kernel and psutil tell of them: resident and not the peak, the machine's battery and not a mouse's."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from ail_daemon.daemon import Daemon
from ail_daemon.process.machine import get_rss_bytes, get_uss_bytes, give_way, is_on_battery

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="compares with what Linux tells")

NOWHERE = "/nonexistent"
AFTER_A_PEAK = """
import resource, sys
from ail_daemon.process.machine import get_rss_bytes
block = bytearray(b"x" * (200 << 20))
del block
own = get_rss_bytes()
assert "psutil" not in sys.modules
print(own, get_rss_bytes("/nonexistent"), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


def test_resident_memory_is_not_the_peak_with_and_without_proc_and_needs_psutil_only_there() -> None:
    done = subprocess.run([sys.executable, "-c", AFTER_A_PEAK], capture_output=True, text=True, check=True)
    own, by_psutil, peak = map(int, done.stdout.split())
    assert peak > 200 << 20
    assert own < 100 << 20
    assert abs(own - by_psutil) < 10 << 20  # importing psutil lies between


def test_what_is_ours_alone_grows_with_what_we_write_and_is_resident() -> None:
    before = get_uss_bytes()
    block = bytearray(b"x" * (50 << 20))
    after = get_uss_bytes()
    assert before is not None
    assert after is not None
    assert len(block) * 0.9 < after - before < len(block) * 3  # other threads of a long run of tests write, too
    assert after < get_rss_bytes()


def test_status_tells_it_but_not_to_who_watches_one_repository() -> None:
    daemon = Daemon("/s", [], lambda: None)
    told = asyncio.run(daemon.status({"repo": None}))
    assert 0 < told["uss_bytes"] < told["rss_bytes"]
    assert asyncio.run(daemon.status({"repo": "/r"}))["uss_bytes"] is None


def test_no_figure_where_the_system_does_not_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "PROCFS_PATH", NOWHERE)
    assert get_uss_bytes() is None


LAPTOP = {
    "type": "Battery",
    "present": "1",
    "capacity": "50",
    "energy_now": "25",
    "energy_full": "50",
    "power_now": "5",
}
MOUSE = {"type": "Battery", "scope": "Device", "capacity": "55", "status": "Discharging"}


@pytest.mark.parametrize(
    ("supplies", "expected"),
    [
        ({}, False),
        ({"BAT0": LAPTOP | {"status": "Discharging"}}, True),
        ({"BAT0": LAPTOP | {"status": "Discharging"}, "AC": {"type": "Mains", "online": "0"}}, True),
        ({"BAT0": LAPTOP | {"status": "Charging"}, "AC": {"type": "Mains", "online": "1"}}, False),
        ({"BAT1": LAPTOP | {"status": "Not charging"}, "ADP1": {"type": "Mains", "online": "1"}}, False),
        ({"hidpp_battery_0": MOUSE}, False),
        ({"hidpp_battery_0": MOUSE, "macsmc-battery": LAPTOP | {"status": "Full"}}, False),
        ({"hidpp_battery_0": MOUSE, "BAT0": LAPTOP | {"status": "Discharging"}}, True),
    ],
)
def test_only_the_machine_s_own_battery_counts(
    supplies: dict[str, dict[str, str]], expected: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, files in supplies.items():
        (tmp_path / name).mkdir()
        for file, text in files.items():
            (tmp_path / name / file).write_text(f"{text}\n")
    monkeypatch.setattr("psutil._pslinux.POWER_SUPPLY_PATH", str(tmp_path))
    assert is_on_battery(str(tmp_path)) is expected


def test_a_machine_that_tells_nothing_of_power_is_not_on_battery(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("psutil._pslinux.POWER_SUPPLY_PATH", NOWHERE)
    assert not is_on_battery(NOWHERE)
    monkeypatch.delattr(psutil, "sensors_battery")  # as on systems that psutil knows no batteries of
    assert not is_on_battery(NOWHERE)


def test_a_thread_gives_way_and_never_to_a_higher_priority_than_it_had() -> None:
    seen: list[int] = []

    def run() -> None:
        for niceness in (12, 5, 15):
            give_way(niceness)
            seen.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert seen == [max(12, own), max(12, own), max(15, own)]
