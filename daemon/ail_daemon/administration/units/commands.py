"""`ail-daemon install-service` and `uninstall-service`: from arguments to the manager of this system."""

from __future__ import annotations

import argparse
import os
import shutil
import sys

from ail_rpc.errors import NotInstalledError

from . import launchd, systemd


def run(args: argparse.Namespace) -> int:
    """Do what was asked, say what was done; return the exit status. Raises AilError."""
    if args.command == "uninstall-service":
        lines = remove_service()
    elif _has_launchd():
        lines = launchd.install(find_own_program())
    else:
        lines = systemd.install(find_own_program(), is_hardened=args.hardened)
    sys.stdout.write("\n".join([*lines, *_warn_of_socket()]) + "\n")
    return 0


def remove_service() -> list[str]:
    """Stop the service and remove what `install-service` wrote; return lines for the user. Raises AilError."""
    return launchd.uninstall() if _has_launchd() else systemd.uninstall()


def find_own_program() -> str:
    """Return the absolute path of this installation's `ail-daemon`, links and all: what they lead to may move.

    Raises NotInstalledError where there is none, as in a checkout that was never installed.
    """
    beside = os.path.join(os.path.dirname(os.path.abspath(sys.executable)), "ail-daemon")
    found = beside if os.access(beside, os.X_OK) else shutil.which("ail-daemon")
    if found is None:
        raise NotInstalledError("there is no program `ail-daemon` beside this Python", "pip install it, then try again")
    return os.path.abspath(found)


def _has_launchd() -> bool:
    return sys.platform == "darwin"


def _warn_of_socket() -> list[str]:
    named = os.environ.get("AIL_SOCKET")
    return [f"note: AIL_SOCKET names {named}; the service listens at the user's own socket: unset it"] if named else []
