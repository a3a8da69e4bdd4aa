from __future__ import annotations

import subprocess
import sys

import pytest

LOADING_AND_TRIMMING = """
import re
from pathlib import Path
import numpy as np
from ail_daemon.process import heap

def count_code():
    maps = re.split(r"^(?=[0-9a-f]+-[0-9a-f]+ )", Path("/proc/self/smaps").read_text(), flags=re.MULTILINE)
    return sum(int(re.search(r"Rss: +(\\d+)", one)[1]) for one in maps if " r-xp " in one.split("\\n")[0])

before = count_code()
heap.trim()
after = count_code()
assert np.linalg.inv(np.eye(3) * 2)[0, 0] == 0.5
print(before, after)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads and advises as Linux does")
def test_code_that_only_loading_ran_is_let_go_of_and_comes_back_when_it_runs() -> None:
    done = subprocess.run([sys.executable, "-c", LOADING_AND_TRIMMING], capture_output=True, text=True, check=True)
    before_kb, after_kb = map(int, done.stdout.split())
    assert after_kb < before_kb / 2


FREEING_BETWEEN = """
from pathlib import Path
from ail_daemon.process import heap

def get_resident_mb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 >> 20

heap.keep_small()
texts = [bytes(3000) for _ in range(20_000)]
texts = texts[::100]
before = get_resident_mb()
heap.give_back()
print(before, get_resident_mb())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks as Linux tells, and glibc's allocator")
def test_what_is_free_between_what_is_in_use_is_given_back() -> None:
    done = subprocess.run([sys.executable, "-c", FREEING_BETWEEN], capture_output=True, text=True, check=True)
    before_mb, after_mb = map(int, done.stdout.split())
    assert after_mb < before_mb - 20
