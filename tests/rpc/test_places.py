from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import platformdirs.macos
import platformdirs.unix
import pytest

from ail_rpc.discovery import find_current, find_repository
from ail_rpc.errors import NotARepositoryError, UnavailableError
from ail_rpc.paths import get_config_file, get_lock_path, get_socket_path, get_state_dir

ENV = {
    "PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.org", "GIT_AUTHOR_DATE": "@1 +0000", "GIT_COMMITTER_DATE": "@1 +0000",
}  # fmt: skip


def git(cwd: Path, *args: str) -> str:
    done = subprocess.run(["git", *args], cwd=cwd, env=ENV, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = tmp_path.resolve() / "repo"
    (root / "deep" / "er").mkdir(parents=True)
    git(root, "init", "-q", "-b", "main")
    git(root, "commit", "-q", "--allow-empty", "-m", "Begin")
    return root


def ask_git(directory: Path) -> tuple[str, str, str]:
    """What git itself says: root, git directory, common directory."""
    said = git(directory, "rev-parse", "--path-format=absolute", "--git-dir", "--git-common-dir").splitlines()
    is_bare = git(directory, "rev-parse", "--is-bare-repository") == "true"
    return said[0] if is_bare else git(directory, "rev-parse", "--show-toplevel"), said[0], said[1]


def ask_us(directory: Path) -> tuple[str, str, str]:
    place = find_repository(str(directory))
    return place.root, place.git_dir, place.common_dir


def test_a_repository_is_found_from_every_directory_of_it(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(repo / "deep")
    for directory in (repo, repo / "deep" / "er", tmp_path / "link"):
        assert ask_us(directory) == ask_git(directory) == (str(repo), f"{repo}/.git", f"{repo}/.git")
    assert not find_repository(str(repo)).is_bare


def test_a_bare_repository_is_its_own_root(repo: Path) -> None:
    bare = repo.parent / "bare.git"
    git(repo, "clone", "-q", "--bare", ".", str(bare))
    assert ask_us(bare / "objects") == ask_git(bare) == (str(bare),) * 3
    assert find_repository(str(bare)).is_bare


@pytest.mark.parametrize("kind", ["normal", "bare"])
def test_a_linked_worktree_shares_the_common_directory(repo: Path, kind: str) -> None:
    origin = repo
    if kind == "bare":
        origin = repo.parent / "bare.git"
        git(repo, "clone", "-q", "--bare", ".", str(origin))
    tree = repo.parent / "tree"
    git(origin, "worktree", "add", "-q", "-b", "other", str(tree))
    assert ask_us(tree) == ask_git(tree)
    assert find_repository(str(tree)).common_dir == find_repository(str(origin)).common_dir
    assert not find_repository(str(tree)).is_bare


def test_a_submodule_is_a_repository_of_its_own(repo: Path) -> None:
    outer = repo.parent / "outer"
    outer.mkdir()
    git(outer, "init", "-q", "-b", "main")
    git(outer, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(repo), "inner")
    assert ask_us(outer / "inner") == ask_git(outer / "inner")
    assert find_repository(str(outer / "inner")).root == f"{outer}/inner"


def test_a_separate_git_directory_is_followed(repo: Path) -> None:
    git(repo, "init", "-q", "--separate-git-dir", str(repo.parent / "elsewhere"))
    assert ask_us(repo / "deep") == ask_git(repo / "deep")


@pytest.mark.parametrize("pointer", ["gitdir: /nonexistent\n", "gitdir: \n", "rubbish", "", "gitdir: .\n"])
def test_a_broken_git_file_is_an_error_and_never_the_repository_around_it(repo: Path, pointer: str) -> None:
    (repo / "deep" / ".git").write_text(pointer)
    with pytest.raises(subprocess.CalledProcessError):
        git(repo / "deep" / "er", "rev-parse", "--show-toplevel")
    with pytest.raises(NotARepositoryError, match="names no git directory"):
        find_repository(str(repo / "deep" / "er"))


def test_an_empty_git_directory_is_passed_over_as_git_does(repo: Path) -> None:
    (repo / "deep" / ".git").mkdir()
    assert ask_us(repo / "deep") == ask_git(repo / "deep")


def test_no_repository_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotARepositoryError, match="no git repository"):
        find_repository(str(tmp_path))


def test_a_path_with_a_nul_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(NotARepositoryError, match="NUL"):
        find_repository(f"{tmp_path}\0")


def test_git_dir_of_a_hook_is_not_listened_to(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", str(repo / ".git"))
    with pytest.raises(NotARepositoryError):
        find_repository(str(tmp_path))


@pytest.mark.parametrize("tree", [None, "home", "home/.config"])
@pytest.mark.parametrize("kind", ["bare", "configured", "plain", "linked", "pointed"])
def test_git_s_environment_is_listened_to_as_git_does(repo: Path, tmp_path: Path, kind: str, tree: str | None) -> None:
    """Dotfiles: a git directory somewhere, a work tree named by the environment or the configuration, or none."""
    home = tmp_path.resolve() / "home"
    (home / ".config").mkdir(parents=True)
    git_dir = home / ".dotfiles"
    git(tmp_path, "init", "-q", *(["--bare"] if kind in ("bare", "configured") else []), str(git_dir))
    if kind == "configured":
        git(git_dir, "config", "core.bare", "false")
        git(git_dir, "config", "core.worktree", str(home))
    if kind == "linked":
        git(repo, "worktree", "add", "-q", str(tmp_path / "linked"))
    named = {"plain": git_dir / ".git", "linked": repo / ".git/worktrees/linked", "pointed": home / "pointer"}.get(
        kind, git_dir
    )
    (home / "pointer").write_text(f"gitdir: {git_dir}/.git\n")
    env = {"GIT_DIR": str(named)} | ({"GIT_WORK_TREE": str(tmp_path / tree)} if tree else {})
    place = find_current(str(home), env)
    asked = ["git", "rev-parse", "--path-format=absolute", "--git-dir", "--git-common-dir"]
    said = subprocess.run(
        asked, cwd=home, env=ENV | env, check=True, capture_output=True, text=True
    ).stdout.splitlines()
    assert (place.git_dir, place.common_dir) == (os.path.realpath(said[0]), said[1])
    top = subprocess.run(
        ["git", "rev-parse", "--show-toplevel"], cwd=home, env=ENV | env, check=False, capture_output=True, text=True
    ).stdout.strip()
    assert place.root == (top or str(git_dir))
    assert place.is_bare == (not top)
    assert find_repository(place.address).common_dir == place.common_dir


def test_a_work_tree_alone_is_listened_to(repo: Path, tmp_path: Path) -> None:
    place = find_current(str(repo), {"GIT_WORK_TREE": str(tmp_path)})
    assert (place.root, place.git_dir, place.address) == (
        str(tmp_path.resolve()),
        str(repo / ".git"),
        str(repo / ".git"),
    )


def test_a_git_dir_that_is_none_is_an_error_that_names_the_variable(repo: Path, tmp_path: Path) -> None:
    with pytest.raises(NotARepositoryError, match="GIT_DIR"):
        find_current(str(repo), {"GIT_DIR": str(tmp_path)})
    assert find_current(str(repo), {"GIT_DIR": ""}).root == str(repo)


def test_the_socket_named_by_the_environment_wins(tmp_path: Path) -> None:
    env = {"AIL_SOCKET": "/x/ail.sock", "XDG_RUNTIME_DIR": str(tmp_path), "HOME": "/home/me"}
    assert get_socket_path(env) == "/x/ail.sock"
    assert get_lock_path("/x/ail.sock") == "/x/ail.sock.lock"


def test_the_runtime_directory_is_used_if_it_is_there_and_ours(tmp_path: Path) -> None:
    fallback = "/home/me/.local/state/ail/run/ail.sock"
    with tempfile.TemporaryDirectory(prefix="ail") as runtime:
        assert get_socket_path({"HOME": "/home/me", "XDG_RUNTIME_DIR": runtime}) == f"{runtime}/ail/ail.sock"
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    for runtime in ("relative", "/nonexistent", "", str(deep)):
        assert get_socket_path({"HOME": "/home/me", "XDG_RUNTIME_DIR": runtime}) == fallback


def test_another_user_s_runtime_directory_is_passed_over(tmp_path: Path) -> None:
    if os.geteuid():
        pytest.skip("only root can give a directory away")
    os.chown(tmp_path, 65534, 65534)
    env = {"HOME": "/home/me", "XDG_RUNTIME_DIR": str(tmp_path)}
    assert get_socket_path(env) == "/home/me/.local/state/ail/run/ail.sock"


def test_a_path_too_long_for_a_socket_is_an_error_with_a_way_out() -> None:
    assert get_socket_path({"AIL_SOCKET": "/" + "x" * 106})
    for env in ({"AIL_SOCKET": "/" + "x" * 107}, {"HOME": "/" + "x" * 100}):
        with pytest.raises(UnavailableError) as raised:
            get_socket_path(env)
        assert "AIL_SOCKET" in raised.value.hint


def test_relative_xdg_directories_are_ignored_as_their_specification_says() -> None:
    env = {"HOME": "/h", "XDG_STATE_HOME": "rel", "XDG_CONFIG_HOME": "/c"}
    assert get_state_dir(env) == "/h/.local/state/ail"
    assert get_config_file(env) == "/c/ail/config.toml"


@pytest.mark.parametrize("xdg", ["", "/xdg", "relative"])
@pytest.mark.parametrize(
    ("system", "oracle"), [("linux", platformdirs.unix.Unix), ("darwin", platformdirs.macos.MacOS)]
)
def test_directories_are_those_of_each_system_as_platformdirs_knows_them(
    system: str, oracle: type[platformdirs.PlatformDirs], xdg: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/Users/ann")
    monkeypatch.setenv("XDG_STATE_HOME", xdg and f"{xdg}-state")
    monkeypatch.setenv("XDG_CONFIG_HOME", xdg and f"{xdg}-config")
    native = oracle("ail", appauthor=False)
    expected = native.user_state_dir, f"{native.user_config_dir}/config.toml"
    monkeypatch.setattr(sys, "platform", system)
    assert (get_state_dir(), get_config_file()) == expected


def test_macos_has_its_native_places_and_a_shorter_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    base = "/Users/ann/Library/Application Support/ail"
    env = {"HOME": "/Users/ann"}
    assert (get_state_dir(env), get_config_file(env)) == (base, f"{base}/config.toml")
    assert get_socket_path(env) == f"{base}/run/ail.sock"
    assert get_socket_path({"AIL_SOCKET": "/" + "x" * 102})
    with pytest.raises(UnavailableError, match="more than 103 bytes"):
        get_socket_path({"AIL_SOCKET": "/" + "x" * 103})
