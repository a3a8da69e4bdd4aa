"""The suite passes whatever started it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
INTERRUPTING = "tests/client/test_interrupts.py::test_ctrl_c_while_waiting_for_the_answer_ends_at_once"


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["0", "2"])
def test_an_interrupt_reaches_programs_also_where_the_parent_ignores_it(workers: str) -> None:
    pytest_ = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--numprocesses", workers, INTERRUPTING]
    deaf = ["sh", "-c", "trap '' HUP INT QUIT; exec \"$@\"", "sh"]
    done = subprocess.run([*deaf, *pytest_], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout
