"""`ail-hook`: its name and exit statuses are there, so that hooks may already call it; what it will do is not."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_EXIT_USAGE = 2
_EXIT_NOT_INSTALLED = 69
_COMMANDS = ("install", "uninstall", "status", "run")
_USAGE = "usage: ail-hook install|uninstall|status|run [HOOK ...]"


def main(argv: Sequence[str] | None = None) -> int:
    """Run `ail-hook`; return 0 for `run`, whatever happens: a hook never stands in git's way."""
    words = sys.argv[1:] if argv is None else argv
    if words[:1] == ["run"]:
        return _run(words[1:])
    if words[:1] in (["-h"], ["--help"]):
        sys.stdout.write(f"{_USAGE}\nGit hooks are not there yet: they come with the next release.\n")
        return 0
    if not words or words[0] not in _COMMANDS:
        sys.stderr.write(f"{_USAGE}\n")
        return _EXIT_USAGE
    sys.stderr.write(
        "ail-hook: git hooks are not there yet\n"
        "hint: they come with the next release; the daemon finds new commits without them\n"
    )
    return _EXIT_NOT_INSTALLED


def _run(words: Sequence[str]) -> int:
    from . import related

    return related.main(words) if words[:1] and words[0] in related.EVENTS else 0
