"""Run scenarios, in their long form unless told otherwise; exit 1 where a figure does not hold.

    python -m bench.torture [NAME ...] [--rounds N] [--seed S]

--frames and --kills are other words for --rounds. Without a name, all are run, each in a process of its own.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

from bench.figures import seconds

from .outcome import Outcome
from .table import SCENARIOS, SEED


def main() -> int:
    """Run what is named and return the exit status."""
    options = _parse()
    if len(options.names) == 1:
        return _run(options.names[0], options.rounds, options.seed)
    more = ["--seed", str(options.seed), *([] if options.rounds is None else ["--rounds", str(options.rounds)])]
    each = [[sys.executable, "-m", "bench.torture", name, *more] for name in options.names or SCENARIOS]
    return max(subprocess.run(command, check=False).returncode for command in each)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.torture", description="Try to break it.")
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[[], *SCENARIOS], help=", ".join(SCENARIOS))
    parser.add_argument("--rounds", "--frames", "--kills", type=int, metavar="N", help="instead of the long form's")
    parser.add_argument("--seed", type=int, default=SEED, metavar="S", help="equal seeds do equal things")
    return parser.parse_args()


def _run(name: str, rounds: int | None, seed: int) -> int:
    scenario = SCENARIOS[name]
    print(f"== {name}: {scenario.rounds if rounds is None else rounds:,} {scenario.of}, seed {seed}", flush=True)
    found: list[Outcome] = []
    spent_s = seconds(lambda: found.append(scenario.run(rounds, seed)))
    found[0].show()
    print(f"   {spent_s:.0f} s", flush=True)
    return 0 if found[0].holds else 1


if __name__ == "__main__":
    sys.exit(main())
