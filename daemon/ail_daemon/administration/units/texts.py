"""The units' texts: the shipped ones, adapted to this installation. Writes no file."""

from __future__ import annotations

import plistlib
from collections.abc import Mapping
from pathlib import Path

from ail_rpc.errors import UsageError

SERVICE, SOCKET, HARDENING, PLIST = "ail.service", "ail.socket", "hardening.conf", "ail.daemon.plist"
LABEL = "ail.daemon"
MARK = "Written by `ail-daemon install-service`; `ail-daemon uninstall-service` takes it away."
_START, _ENV = "ExecStart=", "/usr/bin/env "
_SHIPPED = Path(__file__).parent / "shipped"
_MARKED = f"# {MARK}\n# To change something: `systemctl --user edit ail`, which makes a file of its own beside.\n"


def make_service(program: str, environment: Mapping[str, str]) -> str:
    """Return ail.service, which runs *program* (an absolute path) with *environment* beside the manager's own."""
    text = _read("systemd", SERVICE)
    _, start, units = text.partition("[Unit]")  # the words before it are for those who copy it by hand
    lines = [_fit(line, program, environment) for line in (start + units).splitlines()]
    return _MARKED + "\n".join(lines) + "\n"


def make_socket() -> str:
    """Return ail.socket."""
    return _MARKED + _read("systemd", SOCKET)


def make_hardening(state_dir: str) -> str:
    """Return the drop-in under which only *state_dir* can be written."""
    text = _read("systemd", HARDENING).replace("-%h/.local/state/ail", quote("-" + state_dir))
    return _MARKED + text


def make_plist(program: str, environment: Mapping[str, str], log: str) -> str:
    """Return the agent for launchd; *log* is where its stderr goes."""
    agent = plistlib.loads(_read("launchd", PLIST).encode())
    agent["ProgramArguments"] = [program, "run"]
    agent["StandardErrorPath"] = log
    if environment:
        agent["EnvironmentVariables"] = dict(environment)
    return plistlib.dumps(agent).decode().replace("<plist", f"<!-- {MARK} -->\n<plist", 1)


def quote(word: str) -> str:
    r"""Return *word* as one word of a unit's line (systemd.syntax(7)): in quotes where need be, specifiers doubled.

    Raises UsageError for a control character.
    """
    if not word.isprintable():
        raise UsageError(f"the path {word!r} cannot be written into a unit", "install AIL in another directory")
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"' if set(word) & set(" '\"\\;") else escaped


def make_command(program: str) -> str:
    """Return the value of ExecStart=. systemd runs no program with a quote or backslash in its path, so env(1) runs it.

    `$` means something in every word but the first.
    """
    if set(program) & set("'\"\\"):
        return f"{_ENV}{quote(program).replace('$', '$$')} run"
    return f"{quote(program)} run"


def find_program(text: str) -> str | None:
    """Return the program that a unit or agent of ours runs, None for any other text."""
    if MARK not in text:
        return None
    if text.startswith("<?xml"):
        return str(plistlib.loads(text.encode())["ProgramArguments"][0])
    line = next(line for line in text.splitlines() if line.startswith(_START))
    return _parse_command(line.removeprefix(_START))


def _fit(line: str, program: str, environment: Mapping[str, str]) -> str:
    if not line.startswith(_START):
        return line
    lines = [f"Environment={quote(f'{name}={value}')}" for name, value in environment.items()]
    return "\n".join([*lines, f"{_START}{make_command(program)}"])


def _parse_command(line: str) -> str:
    """Return the program that `make_command` was given."""
    word = line.removesuffix(" run")
    if word.startswith(_ENV):
        word = word.removeprefix(_ENV).replace("$$", "$")
    if word.startswith('"'):
        word = word[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return word.replace("%%", "%")


def _read(manager: str, name: str) -> str:
    return (_SHIPPED / manager / name).read_text(encoding="utf-8")
