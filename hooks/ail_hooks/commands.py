"""The commands of `ail-hook` except `run`: their arguments, calls and output. A new one is a line in COMMANDS."""

from __future__ import annotations

import argparse
import os

from ail_client.output import write_answer, write_json, write_note
from ail_rpc import VERSION
from ail_rpc.errors import UsageError

from . import installing, words
from .repository import Repository

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable
    from typing import Any, NoReturn

    Run = Callable[[Namespace], int]

_EVERYTHING_ELSE = """\
run EVENT ARGUMENTS leaves a hint as the installed hooks do, for other hook tools; it always exits 0.

examples:
  ail-hook install ~/src/project
  ail-hook status --json
"""


_EXAMPLES = {
    "install": (
        "ail-hook install                  the repository of this directory",
        "ail-hook install --pre-commit     also print at a commit which earlier ones bear on it",
        "ail-hook install --global         all your repositories, with git 2.54 or newer",
    ),
    "uninstall": ("ail-hook uninstall ~/src/project", "ail-hook uninstall --global"),
    "status": ("ail-hook status", "ail-hook status --json | jq .events"),
}


class _Parser(argparse.ArgumentParser):
    """Raises mistakes as UsageError, so that one place turns every error into text."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, f"`{self.prog} --help` shows how")


def make_parser() -> argparse.ArgumentParser:
    """Return the parser; the options it returns have `run`, which takes them and returns an exit status."""
    parser = _Parser(
        "ail-hook",
        description="Git hooks that tell AIL's daemon which repository moved, at no cost and whether it runs or not.",
        epilog=_EVERYTHING_ELSE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"ail-hook {VERSION}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)
    for name, (summary, add_arguments, run) in COMMANDS.items():
        one = commands.add_parser(
            name, help=summary, description=summary, allow_abbrev=False,
            epilog="examples:\n" + "\n".join(f"  {example}" for example in _EXAMPLES[name]),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )  # fmt: skip
        add_arguments(one)
        one.set_defaults(run=run)
    return parser


def _add_place(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", nargs="?", metavar="DIR", help="a directory of the repository (default: this one)")
    parser.add_argument("--json", action="store_true", help="print the report as one JSON document")
    parser.add_argument("--global", dest="is_global", action="store_true", help="for all your repositories (git 2.54)")


def _add_install(parser: argparse.ArgumentParser) -> None:
    _add_place(parser)
    parser.add_argument(
        "--shim",
        action="store_true",
        help="put files into the hooks directory, also where a hook tool looks after it or git's configuration would do",
    )
    parser.add_argument(
        "--pre-commit",
        dest="asks",
        action="store_true",
        help="also print at each commit, in at most five lines, which earlier ones bear on it (AIL_RELATED=0: quiet)",
    )
    parser.add_argument(
        "--post-commit",
        dest="per_commit",
        action="store_true",
        help="install post-commit also where file system events tell the daemon of commits: it makes rebases slower",
    )


def _install(options: Namespace) -> int:
    if _is_global(options) and options.shim:
        raise UsageError("--shim is about one repository, --global about all", "leave one of them out")
    if options.is_global:
        status, report = installing.install_globally(asks=options.asks, per_commit=options.per_commit)
    else:
        status, report = installing.install(
            options.directory, in_shim=options.shim, asks=options.asks, per_commit=options.per_commit
        )
    if "snippet" in report:
        write_note(words.render_refusal(report))
    return _print(options, report, report.get("snippet") or words.render_report(report), status)


def _uninstall(options: Namespace) -> int:
    is_global = _is_global(options)
    status, report = installing.uninstall_globally() if is_global else installing.uninstall(options.directory)
    return _print(options, report, words.render_removal(report), status)


def _status(options: Namespace) -> int:
    report = installing.report(None if _is_global(options) else Repository(options.directory))
    return _print(options, report, words.render_report(report), 0 if installing.is_whole(report) else 1)


COMMANDS: dict[str, tuple[str, Callable[[argparse.ArgumentParser], None], Run]] = {
    "install": ("have git tell the daemon of commits, merges, rewrites and checkouts", _add_install, _install),
    "uninstall": ("remove what install did, and give back what was there before", _add_place, _uninstall),
    "status": ("say how each hook stands; 0: git runs all of them, 1: it does not", _add_place, _status),
}
"""Name -> (its line in the overview, what adds its arguments, what runs it)."""


def _is_global(options: Namespace) -> bool:
    if options.is_global and options.directory is not None:
        raise UsageError("--global takes no DIR", "leave one of them out")
    return bool(options.is_global)


def _print(options: Namespace, report: dict[str, Any], text: str, status: int) -> int:
    if options.json:
        write_json(report)
    else:
        write_answer(_safe(text))
    return status


def _safe(text: str) -> str:
    from ail_client.sanitise import to_block

    return os.linesep.join(to_block(text))
