"""Completions for bash, zsh and fish, made by shtab from the same parsers that read the command line.

`git why` is completed by what git's own completion of each shell looks for: in bash a function `_git_why` in a file
`git-why`, in zsh a function `_git-why`, in fish the completion of the program `git-why`.
"""

from __future__ import annotations

import argparse

import shtab

from ail_client.arguments import COMMANDS, add_common, make_parser

_FILES = {
    "bash": "bash-completion/completions/{program}",
    "zsh": "zsh/site-functions/_{program}",
    "fish": "fish/vendor_completions.d/{program}.fish",
}
_GIT_WHY_IN_BASH = """
# git's completion calls this for `git why`, with words and cword where bash has COMP_WORDS and COMP_CWORD.
_git_why() {
  local COMP_WORDS=(git-why "${words[@]:__git_cmd_idx+1}") COMP_CWORD=$((cword - __git_cmd_idx))
  _shtab_git_why
}
"""
_GIT_WHY_IN_FISH = """\
# fish 3.6 asks for git-git-why where it means git-why; later ones find the completions of git-why by themselves.
complete -c git -f -n '__fish_git_using_command why' -a '(__fish_git_complete_custom_command why)'
"""


def make_completions() -> dict[str, str]:
    """Return what each file below the data directory is to hold, by its name."""
    made = {"fish/vendor_conf.d/git-why.fish": _GIT_WHY_IN_FISH}
    for program, parser in (
        ("ail-client", make_client_parser()),
        ("git-why", make_parser("ask", "git-why", explain=False)),
    ):
        _mark_files(parser)
        for shell, name in _FILES.items():
            text = shtab.complete(parser, shell)
            text += _GIT_WHY_IN_BASH if (program, shell) == ("git-why", "bash") else ""
            made[name.format(program=program)] = "\n".join(map(str.rstrip, text.strip().split("\n"))) + "\n"
    return made


def make_client_parser() -> argparse.ArgumentParser:
    """Return one parser of all commands, as shtab wants it; the client itself builds that of one."""
    parser = argparse.ArgumentParser("ail-client")
    add_common(parser)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name, command in COMMANDS.items():
        one = commands.add_parser(name, help=command.summary, description=command.summary)
        command.add_arguments(one)
        add_common(one)
    return parser


def _mark_files(parser: argparse.ArgumentParser) -> None:
    """Say which arguments are files: their metavars do."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for one in action.choices.values():
                _mark_files(one)
        elif isinstance(action.metavar, str) and (
            action.metavar in ("FILE", "PATH") or action.metavar.startswith("[FILE")
        ):
            action.complete = shtab.FILE  # type: ignore[attr-defined]  # where shtab looks
        elif action.metavar == "DIR":
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
