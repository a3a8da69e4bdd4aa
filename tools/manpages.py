"""Man pages of `ail-client` and `git why`, from the same table and texts as `--help`.

argparse-manpage was tried: it folds examples into prose and repeats the usage of every command. Those of `ail-daemon` and
`ail-hook` are short and written by hand; a test compares their commands with what the programs have.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from ail_client.arguments import COMMANDS, make_parser
from ail_client.manual import SUBJECT, begin, describe, exemplify
from ail_rpc import VERSION

EXITS = {
    "0": "done; for ask and related: something was found",
    "1": "nothing found, or a check did not hold",
    "2": "the command line is wrong",
    "3": "the daemon cannot be reached or started",
    "4": "out of time",
    "5": "not a repository, or not enrolled",
    "69": "a part is not installed",
    "70": "a bug of AIL",
    "130": "interrupted",
}
VARIABLES = {
    "AIL_SOCKET": "the daemon's socket",
    "AIL_MAX_QUERY_TIME_S": "the default of --timeout, in seconds",
    "NO_COLOR": "no colour, if it holds anything",
    "CLICOLOR_FORCE": "colour, even where no terminal is; CLICOLOR=0: none",
    "AIL_HYPERLINKS": "always or never; otherwise commits are linked on a terminal, if the remote is a known host's",
    "GIT_PAGER, PAGER, LESS": "as in git: what shows an answer that is longer than the screen; cat: nothing does",
    "AIL_DEBUG": "show where a bug happened",
}


def make_manpages() -> dict[str, str]:
    """Return the pages by their name below the data directory."""
    return {
        f"man/man1/{name}.1": _finish(lines) for name, lines in {"ail-client": _client(), "git-why": _why()}.items()
    }


def _client() -> list[str]:
    lines = _begin("ail-client", 'ask "why is this so?" about code')
    lines += [".SH SYNOPSIS", r".B ail\-client", r"\fICOMMAND\fR [options]", ".SH DESCRIPTION", _escape(SUBJECT)]
    lines += [".SH EXAMPLES", *_verbatim(begin("ail-client").split("\n\n")[0].split("\n")[1:]), ".SH COMMANDS"]
    for name, command in COMMANDS.items():
        parser = make_parser(name, f"ail-client {name}", explain=False)
        lines += [f".SS {_escape(name)}", _escape(describe(name, command.summary)), *_usage(parser), *_options(parser)]
        lines += _verbatim(exemplify(name, command.example, f"ail-client {name}").split("\n")[1:])
    parser = make_parser("stop", "ail-client", explain=False)
    return [
        *lines,
        ".SH OPTIONS OF EVERY COMMAND",
        *_options(parser, common=True),
        *_end("git-why", "ail-daemon", "ail-hook"),
    ]


def _why() -> list[str]:
    lines = _begin("git-why", "say from the history why code is as it is")
    parser = make_parser("ask", "git why", explain=False)
    lines += [".SH SYNOPSIS", *_usage(parser), ".SH DESCRIPTION", _escape(SUBJECT), ".PP"]
    lines += [_escape(describe("ask", "")), ".PP", r"The same as \fBail\-client ask\fR."]
    lines += [".SH OPTIONS", *_options(parser), *_options(parser, common=True)]
    lines += [".SH EXAMPLES", *_verbatim(exemplify("ask", "", "git why").split("\n")[1:])]
    return [*lines, *_end("ail-client", "git-log", "git-blame")]


def _begin(name: str, summary: str) -> list[str]:
    """Return the head of a page; no date, so that it changes only when its text does."""
    title = f'.TH {name.upper()} 1 "" "AIL {VERSION}" "AIL"'
    return [title.replace("-", r"\-"), ".nh", ".ad l", ".SH NAME", rf"{_escape(name)} \- {_escape(summary)}"]


def _end(*see: str) -> list[str]:
    lines = [".SH EXIT STATUS", *_list(EXITS.items()), ".SH ENVIRONMENT", *_list(VARIABLES.items())]
    return [*lines, ".SH SEE ALSO", ",\n".join(rf"\fB{_escape(name)}\fR(1)" for name in see)]


def _usage(parser: argparse.ArgumentParser) -> list[str]:
    words = [action.metavar or f"{{{','.join(action.choices or ())}}}" for action in parser._get_positional_actions()]
    optional = [action.nargs in ("?", "*") for action in parser._get_positional_actions()]
    shown = [f"[{word}]" if is_left_out else word for word, is_left_out in zip(map(str, words), optional, strict=True)]
    given = parser.usage.removeprefix("%(prog)s").removesuffix("[options]").strip() if parser.usage else " ".join(shown)
    return [".PP", rf"\fB{_escape(parser.prog)}\fR \fI{_escape(given)}\fR [options]".replace(r"\fI\fR ", "")]


def _options(parser: argparse.ArgumentParser, *, common: bool = False) -> list[str]:
    """Return the options that are the command's own, or those that every command has."""
    everywhere = [
        action for group in parser._action_groups if group.title == "everywhere" for action in group._group_actions
    ]
    actions = everywhere if common else [action for action in parser._actions if action not in everywhere]
    return _list(
        (_name(action), action.help or "") for action in actions if action.dest != "help" and action.option_strings
    )


def _name(action: argparse.Action) -> str:
    value = "" if action.nargs == 0 else f" {action.metavar or '|'.join(map(str, action.choices or ()))}"
    return ", ".join(action.option_strings) + value


def _list(pairs: Iterable[tuple[str, str]]) -> list[str]:
    return [line for name, text in pairs for line in (".TP", rf"\fB{_escape(name)}\fR", _escape(text))]


def _verbatim(lines: list[str]) -> list[str]:
    return [".PP", ".RS 4", ".nf", *map(_escape, (line.removeprefix("  ") for line in lines)), ".fi", ".RE"]


def _escape(text: str) -> str:
    r"""Return *text* as roff prints it: `-` as the character people type, no line that begins a request."""
    text = text.replace("\\", r"\e").replace("-", r"\-").replace("…", "...").replace("—", r"\(em")
    return rf"\&{text}" if text.startswith((".", "'")) else text


def _finish(lines: list[str]) -> str:
    return "\n".join(['.\\" made by `python -m tools`', *lines]) + "\n"
