"""The session: its programs see the signals and the environment of a terminal, whatever started pytest."""

from __future__ import annotations

import os
import signal

import pytest

SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGCHLD)
"""What nohup, a shell's `&` and some services leave ignored: an ignored signal stays ignored in every program started below."""


def pytest_configure(config: pytest.Config) -> None:
    """Prepare the process that runs the tests: a worker where pytest-xdist has some, else this one."""
    is_controller = not hasattr(config, "workerinput") and config.getoption("numprocesses", None)
    if is_controller:
        return
    give_programs_default_signals()
    forget_settings()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest: a worker that came to one of them last would keep the run from its end for minutes."""
    items.sort(key=lambda item: item.path.parent.name != "torture")


def give_programs_default_signals() -> None:
    """Let programs that tests start begin with each signal's default, while pytest itself goes on ignoring what it did.

    A handler that does nothing serves both: exec gives the default back where there was a handler, and only there.
    """
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    for number in SIGNALS:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda _number, _frame: None)


def forget_settings() -> None:
    """Forget what a git hook or a developer's settings would tell git and AIL; what is meant for the tests stays."""
    for name in list(os.environ):
        if name.startswith(("GIT_", "AIL_")) and not name.startswith(("AIL_TEST_", "AIL_REQUIRE_")):
            del os.environ[name]
