"""`ail-daemon doctor`: the same examination where no daemon answers. Changes nothing, and takes no lock."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from ail_daemon.encoding.encoders import ServingEncoder, make_bulk
from ail_daemon.process.logs import start_logging
from ail_daemon.repos.repos import Repos
from ail_daemon.settings import Settings, load_settings
from ail_rpc.errors import UsageError
from ail_rpc.paths import get_state_dir

from .examination import examine
from .finding import Finding, is_well


def run(args: argparse.Namespace) -> int:
    """Print what was found; 1 where something fails."""
    start_logging("ERROR", None)  # to stderr: stdout is for what was found
    state = Path(get_state_dir())
    settings = _load_settings()
    encoder = ServingEncoder(make_bulk(settings, str(state / "models")))
    found = examine(settings, encoder, list(Repos(state / "repos")), state / "models")
    sys.stdout.write(_as_json(found) if args.json else _as_text(found))
    return 0 if is_well(found) else 1


def _load_settings() -> Settings:
    """Return the settings, the defaults where they are wrong: the examination says so itself."""
    try:
        return load_settings()
    except UsageError:
        return Settings()


def _as_json(found: list[Finding]) -> str:
    return json.dumps({"ok": is_well(found), "checks": [one.describe() for one in found]}) + "\n"


def _as_text(found: list[Finding]) -> str:
    """Return plain lines, everything unprintable escaped; `ail-client doctor` has the fine ones."""
    lines = [f"{one.state:5} {one.name}: {one.said}{f' -> {one.todo}' if one.todo else ''}" for one in found]
    return "".join(f"{line.encode('unicode_escape').decode() if not line.isprintable() else line}\n" for line in lines)
