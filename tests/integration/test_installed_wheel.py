"""The wheel alone, installed into an environment that knows nothing of the sources, does the main job."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from tests.integration.conftest import Repository
from tests.running import ROOT, sealed_home

pytestmark = pytest.mark.skipif(
    find_spec("hatchling") is None or find_spec("pip") is None, reason="hatchling builds the wheel, pip installs it"
)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs' directory of a fresh environment: our wheel, and beside it the libraries that the tests run with."""
    directory = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = directory.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(directory / "env")], check=True)
    python = directory / "env" / "bin" / "python"
    install = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "-q",
        "--no-deps",
        "--no-index",
        str(wheel),
    ]
    subprocess.run(install, check=True, capture_output=True)
    (site,) = (directory / "env" / "lib").glob("python3*/site-packages")
    libraries = [entry for entry in sys.path if entry.endswith("site-packages")]
    (site / "libraries.pth").write_text(
        "\n".join(libraries)
    )  # their own .pth files, which lead to the sources, are not read
    return python.parent


def test_the_wheel_alone_does_the_main_job(installed: Path, models: Path, tmp_path: Path) -> None:
    with sealed_home(models) as home:
        env = {"PATH": f"{installed}{os.pathsep}{os.environ['PATH']}"}
        where = home.run(
            str(installed / "python"), "-c", "import ail_daemon; print(ail_daemon.__file__)", env=env, cwd=tmp_path
        )
        assert where.stdout.startswith(str(installed.parent))

        repo = Repository(tmp_path / "project")
        repo.commit(
            "Retry once\n\nProxies drop idle connections, so that the first upload failed.", upload__py="retry(1)\n"
        )
        added = home.run(str(installed / "ail-client"), "add", "--wait", env=env, cwd=repo.path)
        assert added.returncode == 0, added.stderr
        asked = home.run(str(installed / "git-why"), "upload.py:1", "why the retry?", env=env, cwd=repo.path)
        assert "Proxies drop idle connections" in asked.stdout, asked.stderr
        assert home.run(str(installed / "ail-hook"), "install", env=env, cwd=repo.path).returncode == 0
        home.run(str(installed / "ail-client"), "stop", env=env)
