"""How this process ends where the editor does not end it as the protocol has it: by a signal, or with the editor.

An editor that dies closes its end of stdin, and so ends this process; but another of its children may hold that end open. The
protocol therefore has a server watch the process that `initialize` names.
"""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType

_GRACE_S = 1.0
"""How long the end of stdin, which says the same, has to end this process first."""

_POLL_S = 2.0
_EXIT_LEFT_ALONE = 1
_EXIT_INTERRUPTED = 130


def leave_on_signals(clean: Callable[[], None]) -> None:
    """Have SIGTERM, SIGHUP and SIGINT call *clean* and end this process at once: a thread that reads stdin cannot be joined."""

    def leave(number: int, _frame: FrameType | None) -> None:
        clean()
        if number == signal.SIGINT:
            os._exit(_EXIT_INTERRUPTED)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            signal.signal(number, leave)


def leave_with(editor: int, clean: Callable[[], None]) -> None:
    """Have a thread call *clean* and end this process once the process *editor* has ended; nothing where there is none."""
    try:
        ended = _open(editor)
    except (OSError, OverflowError):  # none, or none that can be seen from this process's container
        return

    def watch() -> None:
        _wait_for_end(editor, ended)
        time.sleep(_GRACE_S)
        clean()
        os._exit(_EXIT_LEFT_ALONE)

    threading.Thread(target=watch, daemon=True, name="ail-editor").start()


def _open(process: int) -> int:
    """Return a descriptor that becomes readable when *process* ends, -1 where there are none (macOS). Raises OSError for none."""
    if hasattr(os, "pidfd_open"):
        return os.pidfd_open(process)
    if process <= 0:
        raise ProcessLookupError(process)
    os.kill(process, 0)
    return -1


def _wait_for_end(editor: int, ended: int) -> None:
    """Wait for the end of a process. ended: as `_open` returns it; it tells also while nobody reaps the process."""
    if ended >= 0:
        select.select([ended], [], [])
        return
    while True:
        time.sleep(_POLL_S)
        try:
            os.kill(editor, 0)
        except OSError:
            return
