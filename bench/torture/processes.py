"""Client processes by the hundred, all at the same moment: each prints the commit it asked for."""

from __future__ import annotations

import json
import random

from .nursery import run_at_once
from .outcome import Figure, Outcome, none
from .scene import served_scene

_TIMEOUT_S = "60"  # two cores for a thousand processes


def run(rounds: int, seed: int) -> Outcome:
    """Start *rounds* clients at once."""
    dice = random.Random(seed)
    with served_scene() as scene:
        asked = [dice.choice(scene.shas) for _ in range(rounds)]
        calls = [
            ["show", sha, "--json", "--repo", str(scene.repo), "--timeout", _TIMEOUT_S, "--no-start"] for sha in asked
        ]
        ended = run_at_once(calls, scene.home.env, scene.repo)
    failed = [f"exit {one.status}: {one.err.strip()}" for one in ended if one.status]
    wrong = sum(json.loads(one.out)["sha"] != sha for sha, one in zip(asked, ended, strict=True) if not one.status)
    return Outcome(
        (
            none("clients that got an error", len(failed)),
            none("clients that got another's answer", wrong),
            Figure("slowest client", max(one.spent_s for one in ended), unit="s", digits=2),
        ),
        tuple(failed),
    )
