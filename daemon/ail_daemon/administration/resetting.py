"""`ail-daemon reset`: back to nothing. Removes what the daemon made in its state directory, by name, and nothing else."""

from __future__ import annotations

import os
import shutil
import stat
import sys

from ail_rpc.errors import StorageError, UsageError

from ..process.locks import open_private_dir

_MADE = ("repos", "hints", "daemon.json", "daemon.json.new", "daemon.log")
_MODELS = "models"


def confirm(state_dir: str, *, with_models: bool) -> bool:
    """Ask on the terminal whether all is to be removed; only "yes" confirms. Raises UsageError without a terminal."""
    if not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask on", "add --yes if every index is to be removed")
    what = "every index and every prepared model" if with_models else "every index"
    sys.stderr.write(f"This removes {what} in {state_dir}. Settings and backups stay.\nType yes to go on: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip() == "yes"


def reset(state_dir: str, *, with_models: bool) -> list[str]:
    """Remove what the daemon made in *state_dir*, prepared models only *with_models*; return the names that were removed.

    Kept: lock files (a lock on a removed file guards nothing), `backups`, and whatever else is there. No link is followed, not
    even the directory's own. To be called with the daemon's locks held. Raises UnavailableError, StorageError.
    """
    directory = open_private_dir(state_dir)
    try:
        names = (*_MADE, _MODELS) if with_models else _MADE
        return [name for name in names if _remove(directory, name)]
    except OSError as err:
        raise StorageError(
            f"{state_dir} could not be emptied: {err.strerror}",
            "see whose it is, and whether it can be written; then reset again",
        ) from err
    finally:
        os.close(directory)


def _remove(directory: int, name: str) -> bool:
    try:
        found = os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return False
    if stat.S_ISDIR(found.st_mode):
        shutil.rmtree(name, dir_fd=directory)
    else:
        os.unlink(name, dir_fd=directory)
    return True
