"""The pager, by git's rules: which one, with what environment. Imported only where stdout is a terminal.

$GIT_PAGER, core.pager, $PAGER, less: `git var GIT_PAGER` knows. It runs outside every repository, because what a
repository configures is never run, and only for text longer than the screen.
"""

from __future__ import annotations

import os
import re
import signal
import sys

from .output import encode, get_size
from .wrapping import count_columns

_ESCAPES = re.compile("\x1b\\[[0-9;]*m|\x1b\\]8;;[^\x1b]*\x1b\\\\")
"""The only ones that we write: colours and links."""
_LINKS = re.compile("\x1b\\]8;;[^\x1b]*\x1b\\\\")
_LESS_WITH_LINKS = 566
_NAMES_A_REPOSITORY = ("GIT_DIR", "GIT_COMMON_DIR", "GIT_WORK_TREE")
_NOT_FOUND = (126, 127)  # what sh says of a command that is not there


def write_paged(text: str) -> bool:
    """Show *text* in the pager and return when it is closed; False where it should be written directly."""
    if not _is_longer_than_screen(text):
        return False
    command = _find_pager()
    return bool(command) and _show(command, text)


def _is_longer_than_screen(text: str) -> bool:
    columns, lines = get_size()
    if not columns or not lines:
        return False
    shown = _ESCAPES.sub("", text).split("\n")
    return sum(max(1, -(-count_columns(line) // columns)) for line in shown) >= lines  # the prompt needs a line too


def _find_pager() -> str:
    """Return the pager's shell command, "" for none."""
    import subprocess

    try:
        asked = subprocess.run(
            ["git", "var", "GIT_PAGER"], cwd="/", env=_make_environment(), capture_output=True, check=False
        )
    except OSError:
        return ""
    named = os.fsdecode(asked.stdout).strip()
    return "" if asked.returncode or named == "cat" else named


def _make_environment() -> dict[str, str]:
    """Return this process's environment with git's defaults for pagers, and without a repository."""
    env = {name: value for name, value in os.environ.items() if name not in _NAMES_A_REPOSITORY}
    return {"LESS": "FRX", "LV": "-c"} | env


def _show(command: str, text: str) -> bool:
    """Return whether the pager showed *text*; leaving it early counts."""
    import subprocess

    if not _takes_links(command):
        text = _LINKS.sub("", text)
    sys.stdout.flush()
    pager = subprocess.Popen(["sh", "-c", command], stdin=subprocess.PIPE, env=_make_environment())
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the pager: it restores the terminal
    try:
        pager.communicate(encode(text + "\n", sys.stdout.encoding))  # a closed pipe is not an error to it
    finally:
        signal.signal(signal.SIGINT, before)
    return pager.returncode not in _NOT_FOUND


def _takes_links(command: str) -> bool:
    """Whether the pager supports OSC 8: less does from version 566 on, and shows it as garbage before."""
    import subprocess

    program = command.split()[0]
    if os.path.basename(program) != "less":
        return os.environ.get("AIL_HYPERLINKS") == "always"
    said = subprocess.run([program, "--version"], stdin=subprocess.DEVNULL, capture_output=True, check=False).stdout
    version = re.match(rb"less (\d+)", said)
    return version is not None and int(version[1]) >= _LESS_WITH_LINKS
