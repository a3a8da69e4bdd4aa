"""The command line: which commands there are, what each takes, and their help. Knows nothing of the daemon.

Only the named command's parser is built. Building all of them, and letting argparse import shutil to
find the terminal's width, would cost more than the question's round trip.
"""

from __future__ import annotations

import argparse
import os

from ail_rpc import VERSION
from ail_rpc.errors import UsageError

from .parsing import Parser, get_help_width, parse_count, parse_seconds
from .quick import DEFAULT_TIMEOUT_S, TIMEOUT_VARIABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_WITH_VALUE = ("--repo", "--timeout", "--socket")
_COMMON = (*_WITH_VALUE, "--json", "--no-start", "--no-pager", "--color", "--no-color")
_COLOURS = {"--color": "--color=always", "--no-color": "--color=never"}
"""As git has them: `--color` takes its value with `=` alone, so that it never swallows the next word."""


class Command:
    """One command: its line in the overview, an example, and what adds its own arguments to a parser."""

    __slots__ = ("add_arguments", "example", "summary")

    def __init__(self, summary: str, example: str, add_arguments: Callable[[argparse.ArgumentParser], None]) -> None:
        self.summary = summary
        self.example = example
        self.add_arguments = add_arguments


def parse(argv: Sequence[str], program: str = "ail-client") -> argparse.Namespace:
    """Return the options of the command in *argv*, its name as `command`, the limit in seconds as `timeout`.

    `--help` and `--version` print and raise SystemExit. Raises UsageError.
    """
    name, rest = _split(argv)
    if name is None:
        return _overview(program).parse_args(_spell_colours(rest))  # prints, or reports wrong options
    if name not in COMMANDS:
        from .suggestions import suggest_command  # difflib: 2 ms, only after a typo

        raise UsageError(f"there is no command {name!r}", suggest_command(name, COMMANDS, program))
    return parse_command(name, rest, f"{program} {name}")


def parse_command(name: str, argv: Sequence[str], program: str) -> argparse.Namespace:
    """Return the options of the command *name*. Raises UsageError; `--help` prints and raises SystemExit."""
    parser = make_parser(name, program, explain=any(word in ("-h", "--help") for word in argv))
    argv = _spell_colours(argv)
    options = _parse_words(parser, argv, WORDS[name]) if name in WORDS else parser.parse_args(argv)
    options.command = name
    options.timeout_given = options.timeout is not None
    options.is_limit_told = options.timeout_given or bool(os.environ.get(TIMEOUT_VARIABLE))
    options.timeout = get_timeout_s() if options.timeout is None else options.timeout
    return options


def make_parser(name: str, program: str, *, explain: bool) -> Parser:
    """Return the parser of the command *name*, with all of its help if it is to *explain*."""
    command = COMMANDS[name]
    parser = Parser(program, description=command.summary, formatter_class=_formatter, allow_abbrev=False)
    if explain:
        from .manual import describe, exemplify, fold  # pages of text

        parser.description = fold(describe(name, command.summary))
        parser.epilog = exemplify(name, command.example, program)
    command.add_arguments(parser)
    add_common(parser)
    return parser


def _spell_colours(argv: Sequence[str]) -> list[str]:
    end = argv.index("--") if "--" in argv else len(argv)
    return [*(_COLOURS.get(word, word) for word in argv[:end]), *argv[end:]]


def _parse_words(parser: Parser, argv: Sequence[str], into: str) -> argparse.Namespace:
    """Parse a command that takes a list of words, mixed with options; after `--` everything is a word.

    argparse has intermixed parsing, but up to 3.12 loses words after a leading `--`.
    """
    end = argv.index("--") if "--" in argv else len(argv)
    options = parser.parse_intermixed_args(list(argv[:end]))
    getattr(options, into).extend(argv[end + 1 :])
    return options


def _split(argv: Sequence[str]) -> tuple[str | None, list[str]]:
    """Return (the command, everything else): the common options may stand before it."""
    at = 0
    while at < len(argv) and argv[at].partition("=")[0] in _COMMON:
        at += 2 if argv[at] in _WITH_VALUE else 1
    if at >= len(argv) or argv[at].startswith("-"):
        return None, list(argv)
    return argv[at], [*argv[:at], *argv[at + 1 :]]


def _overview(program: str) -> Parser:
    from .manual import begin, list_commands

    parser = Parser(
        program,
        usage=f"{program} COMMAND [options]",
        description=list_commands(COMMANDS),
        epilog=begin(program),
        formatter_class=_formatter,
        allow_abbrev=False,
    )
    parser.add_argument("command", metavar="COMMAND", help=argparse.SUPPRESS)
    add_common(parser)
    return parser


def _formatter(prog: str) -> argparse.HelpFormatter:
    return argparse.RawDescriptionHelpFormatter(prog, width=get_help_width(), max_help_position=26)


def add_common(parser: argparse.ArgumentParser) -> None:
    """Add the options that every command has."""
    group = parser.add_argument_group("everywhere")
    group.add_argument("--repo", metavar="DIR", help="the repository (default: that of the current directory)")
    group.add_argument("--json", action="store_true", help="print the reply as one JSON document")
    group.add_argument(
        "--timeout",
        metavar="S",
        type=parse_seconds,
        help=f"seconds to wait for an answer (default: {DEFAULT_TIMEOUT_S:g}, or ${TIMEOUT_VARIABLE})",
    )
    group.add_argument("--socket", metavar="PATH", help="the daemon's socket (default: $AIL_SOCKET, or the user's own)")
    group.add_argument("--no-start", action="store_true", help="never start a daemon")
    group.add_argument("--no-pager", dest="pager", action="store_false", help="print long answers as they are")
    group.add_argument(
        "--color", choices=("auto", "always", "never"), default="auto", help="colour the answer (auto: on a terminal)"
    )
    group.add_argument("--version", action="version", version=f"ail-client {VERSION}")


def _add_question_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-n", "--limit", metavar="N", type=parse_count, help="at most so many commits (default: 5)")
    parser.add_argument(
        "--format",
        choices=("text", "json", "grep", "markdown"),
        help="grep: path:line:1: sha subject — sentence; markdown: for a pull request or an issue",
    )
    parser.add_argument("--mode", choices=("auto", "semantic", "lexical"), help="by meaning, by words, or both (auto)")
    parser.add_argument("--no-cache", action="store_true", help="do not take the answer from the cache")
    parser.add_argument("--author", metavar="NAME", help="only commits of this author")
    parser.add_argument("--since", metavar="DATE", help="only commits from this date on")
    parser.add_argument("--until", metavar="DATE", help="only commits up to this date")
    parser.add_argument("--path", metavar="GLOB", help="only commits that touch such a path")
    parser.add_argument("--ref", metavar="REF", help="only commits reachable from this ref, or in this range: A..B")


def _ask(parser: argparse.ArgumentParser) -> None:
    parser.usage = "%(prog)s [FILE[:LINE[-LINE]]] [QUESTION] [options]"
    parser.add_argument(
        "words",
        nargs="*",
        metavar="[FILE[:LINE[-LINE]]] [QUESTION]",
        help="FILE counts from here, else from the repository's root; without QUESTION: why it is so",
    )
    parser.add_argument(
        "-L",
        dest="range_of",
        metavar="RANGE:FILE",
        help="lines as git has them: 10,20:FILE, 10,+5:FILE, :function:FILE",
    )
    parser.add_argument(
        "--log", action="store_true", help="the commits that made the lines what they are, oldest first"
    )
    parser.add_argument(
        "-i", "--interactive", action="store_true", help="pick among the commits, with fzf where it is installed"
    )
    parser.add_argument("--all", action="store_true", help="ask every repository that was added, in one list")
    parser.add_argument("--repos", metavar="PATTERN", help="ask those whose directory or its name fits, as 'lib*'")
    _add_question_options(parser)


def _related(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files", nargs="*", metavar="FILE", help="files about to change; A..B alone is taken as --range A..B"
    )
    parser.add_argument("--staged", action="store_true", help="take what is staged")
    parser.add_argument(
        "--range", metavar="A..B", help="take what these commits change, as a reviewer sees it: main..HEAD"
    )
    _add_question_options(parser)


def _show(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sha", metavar="SHA", help="a commit: its sha or the beginning of it, a tag, a branch, HEAD~2")
    parser.add_argument(
        "--format", choices=("text", "json", "markdown"), help="markdown: for a pull request or an issue"
    )


def _add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", nargs="?", metavar="DIR", help="a directory of the repository (default: --repo)")
    parser.add_argument("--wait", action="store_true", help="show progress, return when everything is searchable")


def _remove(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", nargs="?", metavar="DIR", help="a directory of the repository (default: --repo)")
    parser.add_argument("--purge", action="store_true", help="delete its index too: no byte of it stays")


def _health(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("probe", choices=("live", "ready"), help="live: it answers; ready: it can answer questions")


def _cache(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("stats", "clear", "warm"))
    parser.add_argument(
        "file",
        nargs="?",
        metavar="FILE",
        help="for warm: questions, one a line, or FILE, a tab and a question; - is stdin",
    )


def _flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "assignments",
        nargs="*",
        metavar="NAME=VALUE",
        help="settings to change, all or none, until `reload` or the next start",
    )


def _check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("subject", choices=("index", "consistency"))
    parser.add_argument(
        "--sample", metavar="N", type=parse_count, help="consistency: ask so many questions (default: 50)"
    )


def _file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE")


def _mcp_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("host", choices=("claude", "cursor", "vscode"), help="whose configuration")


COMMANDS = {
    "ask": Command("answer a question from the history", '%(prog)s src/http.py:120-124 "why the retry?"', _ask),
    "related": Command(
        "find commits that bear on a change, staged, in review or planned", "%(prog)s --staged", _related
    ),
    "show": Command("show a commit as the index knows it", "%(prog)s 4f1c2d9", _show),
    "add": Command("enrol a repository: only what was added is ever read", "%(prog)s ~/src/project --wait", _add),
    "remove": Command("forget a repository", "%(prog)s ~/src/project --purge", _remove),
    "repos": Command("list the repositories that were added", "%(prog)s", lambda _parser: None),
    "status": Command("show what the daemon is and does", "%(prog)s --json", lambda _parser: None),
    "health": Command("exit 0 if the daemon is live or ready, 1 if not; never starts one", "%(prog)s ready", _health),
    "stop": Command("stop the daemon, and return when it is gone", "%(prog)s", lambda _parser: None),
    "metrics": Command("print the daemon's metrics", "%(prog)s", lambda _parser: None),
    "cache": Command("show, empty or fill the answer caches", "%(prog)s stats", _cache),
    "flags": Command("show or change settings of the running daemon", "%(prog)s AIL_FAISS_ENABLED=false", _flags),
    "reload": Command("have the daemon read its settings again", "%(prog)s", lambda _parser: None),
    "doctor": Command("look for what keeps AIL from working well here", "%(prog)s", lambda _parser: None),
    "check": Command(
        "check the index against git, or meaning against words", "%(prog)s consistency --sample 100", _check
    ),
    "backup": Command("write the index to a file", "%(prog)s index.bak", _file),
    "restore": Command("take the index from a backup", "%(prog)s index.bak", _file),
    "mcp-config": Command("print what makes an assistant use ail-mcp", "%(prog)s claude", _mcp_config),
}


WORDS = {"ask": "words", "related": "files", "flags": "assignments"}
"""The attribute of commands' list of words."""


def get_timeout_s() -> float:
    """Return $AIL_MAX_QUERY_TIME_S, else the default. Raises UsageError."""
    named = os.environ.get(TIMEOUT_VARIABLE)
    if not named:
        return DEFAULT_TIMEOUT_S
    try:
        return parse_seconds(named)
    except argparse.ArgumentTypeError as err:
        raise UsageError(f"{TIMEOUT_VARIABLE}: {err}", "for example 5.0") from err
