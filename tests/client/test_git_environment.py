"""Dotfiles repositories, hooks' environments, submodules: which repository is meant."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ail_client.provider import ArchaeologyContextProvider
from ail_mcp.project import find_file, find_files
from ail_rpc.errors import UsageError

if TYPE_CHECKING:
    from tests.client.conftest import Runner, ScriptedDaemon


@pytest.fixture
def dotfiles(client: Runner, repo: Path) -> Path:
    """A bare repository whose work tree is the home directory, which holds the repository of the others."""
    git_dir = repo.parent / ".dotfiles"
    client.git("init", "-q", "--bare", "-b", "main", str(git_dir))
    (repo.parent / ".bashrc").write_text("alias ll='ls -l'\n")
    named = ("--git-dir", str(git_dir), "--work-tree", str(repo.parent))
    client.git(*named, "add", str(repo.parent / ".bashrc"))
    client.git(*named, "commit", "-q", "-m", "Begin")
    return git_dir


@pytest.fixture
def nested(client: Runner, repo: Path) -> Path:
    """A clone of its own within the work tree of another."""
    root = repo / "lib" / "dep"
    root.mkdir(parents=True)
    (root / "a.py").write_text("x = 1\n")
    client.git("init", "-q", "-b", "main", cwd=root)
    client.git("add", ".", cwd=root)
    client.git("commit", "-q", "-m", "Begin", cwd=root)
    return root


@pytest.mark.parametrize("command", [["ask", ".bashrc", "why?"], ["ask", "why?"], ["related", ".bashrc"], ["show", "4f1c"],
                                     ["add"], ["cache", "clear", "--repo", "."]])  # fmt: skip
def test_git_dir_and_work_tree_name_the_repository(
    client: Runner, dotfiles: Path, daemon: ScriptedDaemon, command: list[str]
) -> None:
    reply = daemon.make_reply(companions=[])
    daemon.script |= {"ask": reply, "related": reply, "show": {"sha": "4f1c"}, "repo.add": {}, "cache.clear": {}}
    client.env |= {"GIT_DIR": str(dotfiles), "GIT_WORK_TREE": str(dotfiles.parent)}
    client.cwd = dotfiles.parent
    client.run(*command)
    method = {"add": "repo.add", "cache": "cache.clear"}.get(command[0], command[0])
    if "--repo" in command:  # it wins
        assert not daemon.calls
        return
    params = daemon.get_params(method)
    assert params["repo"] == str(dotfiles)
    assert params.get("file") in (None, ".bashrc")
    assert params.get("files") in (None, [".bashrc"])


def test_git_s_own_options_reach_git_why(
    client: Runner, dotfiles: Path, daemon: ScriptedDaemon, tmp_path: Path
) -> None:
    daemon.script["ask"] = daemon.make_reply()
    code = "import sys; from ail_client.cli import main_why; sys.exit(main_why())"
    (tmp_path / "git-why").write_text(f"#!/bin/sh\nexec {sys.executable} -c '{code}' \"$@\"\n")
    (tmp_path / "git-why").chmod(0o755)
    client.env["PATH"] = f"{tmp_path}:{client.env['PATH']}"
    client.git("--git-dir=.dotfiles", "--work-tree=.", "why", ".bashrc:1", "--no-start", cwd=dotfiles.parent)
    params = daemon.get_params("ask")
    assert (params["repo"], params["file"], params["lines"]) == (str(dotfiles), ".bashrc", [1, 1])


def test_repo_wins_over_the_environment(client: Runner, repo: Path, dotfiles: Path, daemon: ScriptedDaemon) -> None:
    daemon.script["ask"] = daemon.make_reply()
    client.env["GIT_DIR"] = str(dotfiles)
    client.run("ask", "--repo", str(repo), "why?")
    assert daemon.get_params("ask")["repo"] == str(repo)


@pytest.mark.parametrize(
    ("cwd", "word"), [(".", "lib/dep/a.py"), ("src", "lib/dep/a.py"), ("src", "../lib/dep/gone.py")]
)
def test_the_repository_is_the_file_s_own(
    client: Runner, repo: Path, nested: Path, daemon: ScriptedDaemon, cwd: str, word: str
) -> None:
    daemon.script |= {"ask": daemon.make_reply(), "related": daemon.make_reply(companions=[])}
    client.cwd = repo / cwd
    for command, option in (
        (["ask", f"{word}:3"], []),
        (["related", word], []),
        (["ask", word, "why?"], ["--repo", str(repo)]),
    ):
        client.run(*command, *option)
        params = daemon.get_params(command[0])
        if cwd == "." or not option:
            assert params["repo"] == str(nested)
            assert params.get("file", params.get("files", [""])[0]) == Path(word).name


def test_an_absolute_path_names_its_repository_from_anywhere(
    client: Runner, repo: Path, daemon: ScriptedDaemon, tmp_path: Path
) -> None:
    daemon.script["ask"] = daemon.make_reply()
    client.cwd = tmp_path
    assert client.run("ask", f"{repo}/src/http.py:1").returncode == 0
    params = daemon.get_params("ask")
    assert (params["repo"], params["file"], params["lines"]) == (str(repo), "src/http.py", [1, 1])


@pytest.mark.usefixtures("nested")
def test_files_of_two_repositories_are_refused(client: Runner, daemon: ScriptedDaemon) -> None:
    done = client.run("related", "src/http.py", "lib/dep/a.py")
    assert done.returncode == 2
    assert "2 repositories" in done.stderr
    assert not daemon.calls
    with pytest.raises(UsageError):
        find_files(["src/http.py", "lib/dep/a.py"], None, str(client.cwd))


def test_assistants_and_python_mean_the_file_s_own_repository_too(repo: Path, nested: Path) -> None:
    assert find_file("lib/dep/a.py", None, str(repo)) == (str(nested), str(nested / "a.py"))
    assert find_file("lib/dep/a.py", None, str(repo / "src")) == (str(nested), str(nested / "a.py"))
    assert find_file("src/gone.py", None, str(repo)) == (str(repo), "src/gone.py")
    provider = ArchaeologyContextProvider(repo)
    assert provider._find_file("lib/dep/a.py") == {"repo": str(nested), "file": "a.py"}
    assert provider._find_file("src/http.py") == {"repo": str(repo), "file": "src/http.py"}


def test_hooks_are_installed_in_and_speak_of_the_repository_that_git_names(
    client: Runner, dotfiles: Path, daemon: ScriptedDaemon
) -> None:
    daemon.script["related"] = daemon.make_reply(companions=[])
    home = dotfiles.parent
    client.env |= {"GIT_DIR": ".dotfiles", "GIT_WORK_TREE": ".", "AIL_RELATED_LIMIT_S": "30"}
    client.cwd = home
    done = client.run("install", room="ail_hooks.cli")
    assert done.returncode == 0, done.stderr
    installed = client.run("status", "--json", room="ail_hooks.cli").stdout
    assert f'"repo": "{home}"' in installed
    (home / ".bashrc").write_text("alias ll='ls -la'\n")
    client.git("add", ".bashrc")
    told = client.run("run", "pre-commit", room="ail_hooks.cli")
    assert daemon.get_params("related")["repo"] == str(dotfiles)
    assert "+alias ll='ls -la'" in daemon.get_params("related")["staged"]
    assert told.stderr.startswith("ail: 4f1c2d9e4f bears on this: ")
