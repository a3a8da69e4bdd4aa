"""The hooks as the pre-commit framework and prek install and run them, from this repository, with real commits."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.conftest import Repository
from tests.integration.lock_history import LOCKED, POOL, tell_of_the_lock
from tests.running import ROOT, Home, sealed_home
from tests.tools import alone

CONFIG = (ROOT / "docs" / "related.md").read_text().partition("```yaml\n")[2].partition("```")[0]
"""The example of the documentation, as it stands there."""
CHECKOUT = "/home/ann/src/AIL"
pytestmark = pytest.mark.slow
WARNED = "was tried before: Hold the big lock"
WHO = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org")
NEEDED = (".pre-commit-hooks.yaml", "pyproject.toml", "README.md", "LICENSE", "client", "hooks", "daemon", "assistants")
SIZE_MAX_BYTES = 20 << 20


class Desk:
    """A repository with the framework installed, and a daemon that knows it; the framework's environment lies in *cache*."""

    def __init__(self, tool: str, home: Home, repo: Repository, source: Repository, cache: Path) -> None:
        self.tool = tool
        self.home = home
        self.repo = repo
        self.source = source
        self.cache = cache
        pip = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_", "SSL_"))}
        settings = Path("~/.config/pip/pip.conf").expanduser()  # an index of packages of this machine's own
        if settings.is_file():
            pip.setdefault("PIP_CONFIG_FILE", str(settings))
        self.env = {**pip, "AIL_RELATED_LIMIT_S": "20", "PRE_COMMIT_COLOR": "never", "XDG_CACHE_HOME": str(cache)}

    def run(self, *command: str, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
        return self.home.run(*command, cwd=cwd or self.repo.path, env=self.env | env)

    def commit(self, *arguments: str, cwd: Path | None = None, **env: str) -> str:
        """Commit, and return what was said meanwhile."""
        done = self.run("git", *WHO, "commit", *arguments, cwd=cwd, **env)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def find_environment(self) -> Path:
        """Return the environment that the framework made for the hook."""
        (site,) = self.cache.glob("**/site-packages/ail_hooks")
        return site.parents[3]


@pytest.fixture(scope="module", params=["pre-commit", "prek"])
def desk(request: pytest.FixtureRequest, models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    directory = tmp_path_factory.mktemp("framework")
    base = tmp_path_factory.getbasetemp()  # a worker's own lies in that of the run
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "frameworks"
    with sealed_home(models) as home:
        with alone(shared / "lock"):  # by the first worker that comes
            source = Repository(shared / "source")
            take_this_checkout(source)
            assert CHECKOUT in CONFIG
            repo = tell_of_the_lock(Repository(directory / "project"))
            repo.commit("Check", **{"__pre-commit-config__yaml": CONFIG.replace(CHECKOUT, str(source.path))})
            repo.shas["base"] = repo.git("rev-parse", "HEAD")
            made = Desk(request.param, home, repo, source, shared / request.param)
            installed = made.run(made.tool, "install", "--install-hooks")
        assert installed.returncode == 0, installed.stdout + installed.stderr
        home.client("add", str(repo.path), "--wait")
        yield made


def take_this_checkout(source: Repository) -> None:
    """Commit what the frameworks install in *source*, unless it is there."""
    if (source.path / "README.md").exists():
        return
    for name in NEEDED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source.path / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif (ROOT / name).exists():
            shutil.copy(ROOT / name, source.path / name)
    source.commit("Take this checkout")


@pytest.fixture
def at(desk: Desk) -> Iterator[Desk]:
    """The desk, with the repository as it was."""
    yield desk
    desk.repo.git("checkout", "-q", "-f", "main")
    desk.repo.git("reset", "-q", "--hard", desk.repo.shas["base"])
    desk.repo.git("clean", "-q", "-d", "-f", "-x")


def lock(directory: Path) -> None:
    (directory / "pool.py").write_text(LOCKED)


def test_a_commit_is_told_and_made(at: Desk) -> None:
    lock(at.repo.path)
    at.repo.git("add", "-A")
    assert WARNED in at.commit("-m", "Lock again")
    assert at.repo.git("log", "-1", "--format=%B") == "Lock again"


def test_commit_all_is_told(at: Desk) -> None:
    lock(at.repo.path)
    assert WARNED in at.commit("-am", "Lock again")


def test_of_a_file_staged_in_part_that_part_counts(at: Desk) -> None:
    (at.repo.path / "pool.py").write_text(POOL + "\n\nEND = True\n")
    at.repo.git("add", "-A")
    lock(at.repo.path)
    assert WARNED not in at.commit("-m", "Mark the end")
    assert (at.repo.path / "pool.py").read_text() == LOCKED


def test_an_amend_is_told_of_what_it_adds(at: Desk) -> None:
    at.commit("--allow-empty", "-m", "First")
    lock(at.repo.path)
    at.repo.git("add", "-A")
    assert WARNED in at.commit("--amend", "--no-edit")


def test_a_linked_worktree_is_told(at: Desk) -> None:
    beside = at.repo.path.parent / "beside"
    at.repo.git("worktree", "add", "-q", "--detach", str(beside))
    lock(beside)
    said = at.commit("-am", "Lock again", cwd=beside)
    at.repo.git("worktree", "remove", "--force", str(beside))
    assert WARNED in said


def test_a_merge_is_left_in_peace_even_after_a_conflict(at: Desk) -> None:
    at.repo.git("checkout", "-q", "-b", "side")
    lock(at.repo.path)
    at.commit("-qam", "Lock again", AIL_RELATED="0")
    at.repo.git("checkout", "-q", "main")
    (at.repo.path / "pool.py").write_text(POOL.replace("take_idle", "take_any"))
    at.commit("-qam", "Take any", AIL_RELATED="0")
    assert at.run("git", *WHO, "merge", "-q", "side").returncode == 1
    lock(at.repo.path)
    assert WARNED not in at.commit("-qam", "Merge side")


def test_the_message_gets_comments_that_git_strips(at: Desk) -> None:
    lock(at.repo.path)
    at.repo.git("add", "-A")
    seen = at.home.directory / "seen"
    editor = f'sh -c \'cat "$1" >{seen}; printf "Lock again\\n" | cat - {seen} >"$1"\' --'
    at.commit(GIT_EDITOR=editor)
    assert f"# {at.repo.shas['lock'][:10]} {WARNED}" in seen.read_text()
    assert at.repo.git("log", "-1", "--format=%B") == "Lock again"


def test_a_message_given_with_m_stays_as_it_is(at: Desk) -> None:
    lock(at.repo.path)
    at.commit("-am", "Lock again")
    assert at.repo.git("log", "-1", "--format=%B") == "Lock again"


def test_try_repo_tries_it(at: Desk) -> None:
    lock(at.repo.path)
    at.repo.git("add", "-A")
    done = at.run(at.tool, "try-repo", str(at.source.path), "ail-related", "--verbose", "--all-files")
    assert done.returncode == 0, done.stdout + done.stderr
    assert WARNED in done.stdout


def test_the_environment_is_small_and_holds_msgpack_alone(at: Desk) -> None:
    environment = at.find_environment()
    metadata = environment.glob("lib/python*/site-packages/*.dist-info/METADATA")
    names = {
        line.split()[1] for file in metadata for line in file.read_text().splitlines() if line.startswith("Name: ")
    }
    assert names - {"pip", "setuptools", "wheel"} == {"archaeological-intelligence", "msgpack"}
    assert sum(path.lstat().st_size for path in environment.rglob("*") if path.is_file()) <= SIZE_MAX_BYTES
