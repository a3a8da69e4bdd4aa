"""Torture: scenarios that try to break a real daemon or client, each with figures that must hold. See docs/reliability.md.

A scenario is a module with `run(rounds, seed) -> Outcome` and a line in `table.SCENARIOS`. `python -m bench.torture NAME`
runs its long form; `tests/torture` calls the same `run` with fewer rounds.
"""
