"""What a reviewer is told of a change, and what he is spared: each kind was read and found not worth saying (docs/reviews.md)."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.daemon.search.conftest import build_index, write_history

from ail_daemon.index.repoindex import RepoIndex
from ail_daemon.relating.cochange import holds_version, is_setup
from ail_daemon.relating.overlap import is_comment, is_import
from ail_daemon.relating.patches import parse_patch
from ail_daemon.relating.reasons import is_fix, is_retiring, is_wording
from ail_daemon.relating.relate import relate
from ail_daemon.relating.tracing import Surroundings, Touching

HISTORY = r"""
git init -q r; cd r
printf 'def send(request):\n    return request\n' > upload.py; commit -m 'Add uploads'
cat >> upload.py <<'EOF'
def retry(request):
    # a proxy may hang up between two of the requests
    for attempt in range(3, 9):
        if attempt and request.was_lost():
            return send_again(request)
EOF
commit -m 'Fix lost uploads'
cat > guard.py <<'EOF'
from telling.modules import first, second
def check(owner, path):
    if owner.name != path.owner.name:
        raise PermissionError(owner.name)
EOF
commit -m 'Check the owner' -m 'Otherwise another user of the machine could put his files into the directory.'
cat > tool.py <<'EOF'
def convert(source, target):
    result = read_all_of(source)
    write_all_of(target, result)
EOF
commit -m 'Add a tool' -m 'It is needed because the old format cannot be read any more.'
printf 'passenv = LANG HOME TERM\ndeps = one two three\ncommands = run all tests\n' > tox.ini
commit -m 'Run in the same locale' -m 'The tests fail otherwise, because the words are sorted in another order.'
mkdir tests; printf 'def test_upload_is_sent():\n    assert send(one_request) is one_request\n' > tests/test_upload.py
commit -m 'Test uploads'
cat > wait.py <<'EOF'
def wait(seconds, longest, clock):
    until = clock.now() + min(seconds, longest)
    # waits for so many seconds at the least
    while clock.now() < until and not clock.stopped():
        clock.sleep_until(until, or_stopped=True)
EOF
commit -m 'Fix documentation of wait'
"""


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("reviewed")
    write_history(directory, HISTORY)
    return directory / "r"


@pytest.fixture(scope="module")
def index(origin: Path) -> Iterator[RepoIndex]:
    opened = build_index(origin)
    yield opened
    opened.close()


@pytest.fixture
def repo(origin: Path, tmp_path: Path) -> Path:
    """A clone with a work tree to be changed."""
    subprocess.run(["git", "clone", "-q", origin, tmp_path / "copy"], check=True)
    return tmp_path / "copy"


def review(index: RepoIndex, repo: Path, **around: object) -> list[str]:
    """Return the subjects of what is said of the work tree's change."""
    shown = subprocess.run(["git", "-C", repo, "diff", "-U0", "-w", "HEAD"], capture_output=True, text=True, check=True)
    here = Surroundings(2e9, is_review=True, **around)  # type: ignore[arg-type]
    return [one.commit.subject for one in relate(index, parse_patch(shown.stdout), Touching(index, here), here)]


def edit(file: Path, *changes: tuple[str, str]) -> None:
    text = file.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    file.write_text(text)


def keep(file: Path, lines: int) -> None:
    """Leave the first *lines* alone."""
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:lines]))


def test_removed_lines_of_a_fix_and_of_a_reason_are_spoken_of(index: RepoIndex, repo: Path) -> None:
    keep(repo / "upload.py", 4)
    assert review(index, repo) == ["Fix lost uploads"]
    keep(repo / "guard.py", 2)
    assert set(review(index, repo)) == {"Fix lost uploads", "Check the owner"}


def test_of_lines_written_anew_a_bare_title_says_too_little(index: RepoIndex, repo: Path) -> None:
    edit(
        repo / "upload.py",
        ("for attempt in range(3, 9):", "while not self.policy.is_exhausted():"),
        ("if attempt and request.was_lost():", "self.policy.count_one_more_try()"),
        ("return send_again(request)", "yield self.policy.next_wait_in_seconds()"),
    )
    assert review(index, repo) == []


def test_what_is_only_reworded_is_still_there(index: RepoIndex, repo: Path) -> None:
    edit(
        repo / "guard.py",
        ("if owner.name != path.owner.name:", "if owner.name != path.owner.name():"),
        ("raise PermissionError(owner.name)", "raise PermissionError(str(owner.name))"),
    )
    assert review(index, repo) == []


def test_a_file_that_goes_as_a_whole_is_seen_by_everybody(index: RepoIndex, repo: Path) -> None:
    (repo / "tool.py").unlink()
    assert review(index, repo) == []


def test_configuration_and_tests_go_as_they_came(index: RepoIndex, repo: Path) -> None:
    keep(repo / "tox.ini", 0)
    keep(repo / "tests/test_upload.py", 0)
    assert review(index, repo) == []


def test_a_fix_of_documentation_is_no_reason_of_code(index: RepoIndex, repo: Path) -> None:
    keep(repo / "wait.py", 3)
    assert review(index, repo) == []


def test_a_change_that_drops_what_is_deprecated_says_so_itself(index: RepoIndex, repo: Path) -> None:
    keep(repo / "upload.py", 5)
    assert review(index, repo) == ["Fix lost uploads"]
    assert review(index, repo, is_retiring=True) == []


def test_one_s_own_commits_of_two_weeks_are_known(index: RepoIndex, repo: Path) -> None:
    keep(repo / "upload.py", 4)
    shown = subprocess.run(["git", "-C", repo, "diff", "-U0", "HEAD"], capture_output=True, text=True, check=True)
    for by, said in ((frozenset(["ada@example.org"]), 0), (frozenset(["bo@example.org"]), 1)):
        here = Surroundings(1700000000 + 10 * 86_400, by=by, is_review=True)
        assert len(relate(index, parse_patch(shown.stdout), Touching(index, here), here)) == said


def test_files_that_hold_the_version_and_configuration_are_told_by_their_names() -> None:
    assert all(map(holds_version, ("setup.py", "src/x/__init__.py", "pyproject.toml", "docs/conf.py", "Cargo.lock")))
    assert not any(map(holds_version, ("setup/x.py", "x/init.py", "conversion.py", "reversion.c")))
    assert all(map(is_setup, (".github/workflows/ci.yml", "tox.ini", ".coveragerc", "setup.py", "a/Makefile")))
    assert not any(map(is_setup, ("src/config/__init__.py", "yaml.py", "github.py", "x.json.py")))


def test_imports_and_comments_are_told_by_their_begin() -> None:
    assert all(map(is_import, ("from .x import y", "import os, sys", "#include <stdio.h>", "use std::io;")))
    assert not any(map(is_import, ("from_x = import_y()", "important = 1", "used = use(x)")))
    assert all(map(is_comment, ("# a", "// a", "/* a", "* a", "-- a", "<!-- a", "#: a")))
    assert not any(map(is_comment, ("#include <a>", "#ifdef A", "# define A", "a # b", "x = 1")))


def test_titles_about_wording_features_and_what_is_dropped() -> None:
    assert all(
        map(is_wording, ("Fix docstring", "doc: fix links", "Fix Application annotations", "Fix documentation of x"))
    )
    assert not is_wording("Fix doctests of a module")
    assert not is_fix("Fix #987: implement client timeouts")
    assert is_fix("Fix #987: client timeouts are ignored")
    assert is_retiring(["Drop Python 3.7 (#7336)"])
    assert is_retiring(["Remove deprecated x", "Update the changelog"])
    assert not is_retiring(["Remove the lock", "Drop the guard"])
    assert not is_retiring([])
