"""What the operating system says of this process and its machine: memory, children, power.

psutil is imported at the first call that needs it: 25 ms, and 1.4 MB that stays. Resident memory is read at every scrape,
so where there is a /proc it needs none of that.
"""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from pathlib import Path

_STATM = "/proc/self/statm"
_SUPPLIES = "/sys/class/power_supply"


def get_rss_bytes(statm: str = _STATM) -> int:
    """Return the memory that is resident now, what is shared with other processes included; never the peak."""
    try:
        with open(statm, encoding="ascii") as figures:
            return int(figures.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:  # another system than Linux
        import psutil

        return int(psutil.Process().memory_info().rss)


def give_way(niceness: int) -> None:
    """Give this thread, and the processes that it starts, a lower priority where a thread has one of its own: on Linux.

    One that is low already stays: a process that was started with `nice` may not raise it.
    """
    if sys.platform == "linux":
        own = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, own, max(niceness, os.getpriority(os.PRIO_PROCESS, own)))


def get_uss_bytes() -> int | None:
    """Return the memory that is this process's alone, and would be free without it; None where the system does not say.

    The kernel walks every page for it: 15 ms of a daemon of 117 MB on a busy machine, so for `status` alone.
    """
    import psutil

    try:
        return int(psutil.Process().memory_full_info().uss)
    except (psutil.Error, OSError):
        return None


def kill_children() -> None:
    """Kill this process's children, at once and without waiting for them."""
    import psutil

    with suppress(psutil.Error, OSError):
        for child in psutil.Process().children():
            with suppress(psutil.Error):
                child.kill()


def is_on_battery(supplies: str = _SUPPLIES) -> bool:
    """Whether this machine runs on its battery; False also where it has none, or the system does not say."""
    import psutil

    find = getattr(psutil, "sensors_battery", None)  # not on every system
    try:
        battery = find() if find else None
        if battery is None or battery.power_plugged is not False:
            return False
        return not psutil.LINUX or _is_own_battery_used(Path(supplies))
    except (psutil.Error, OSError):  # no /sys, as in some containers
        return False


def _is_own_battery_used(supplies: Path) -> bool:
    """Whether a battery of the machine itself is discharging: psutil takes a wireless mouse's for it where there is no other."""
    found = [(_read(supply / "scope"), _read(supply / "status")) for supply in supplies.iterdir()]
    return any(scope != "Device" and status == "Discharging" for scope, status in found)


def _read(file: Path) -> str:
    try:
        return file.read_text("ascii", "replace").strip()
    except OSError:
        return ""
