"""What is installed: the completions and pages lie in the wheel where shells and man look for them."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest
from tools.__main__ import SHARE


@pytest.mark.skipif(find_spec("hatchling") is None, reason="hatchling, which builds the wheel, is not installed")
def test_the_wheel_holds_what_is_shipped(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=SHARE.parents[1], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for file in filter(Path.is_file, SHARE.rglob("*")):
        assert any(name.endswith(f".data/data/share/{file.relative_to(SHARE)}") for name in names), file
