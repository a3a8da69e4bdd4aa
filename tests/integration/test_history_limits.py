"""Histories larger than anybody's: what is beyond a limit is left out or refused, in words that name the limit."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.integration.conftest import Repository
from tests.running import Calling, Home

from ail_rpc.errors import RepoError, UsageError

pytestmark = pytest.mark.model


def import_commits(repo: Repository, *messages: bytes, paths: int = 0) -> None:
    """Commit *messages* one after the other; each commit writes *paths* files of its own."""
    stream = b""
    for number, message in enumerate(messages):
        stream += b"commit refs/heads/main\ncommitter A <a@example.org> %d +0000\n" % (1_700_000_000 + number)
        stream += b"data %d\n%s\n" % (len(message), message)
        stream += b"".join(b"M 100644 inline d/%d-%d.txt\ndata 1\nx\n" % (number, path) for path in range(paths))
    subprocess.run(["git", "fast-import", "--quiet"], cwd=repo.path, input=stream, check=True)


def add(call: Calling, repo: Repository) -> dict[str, Any]:
    """Add and wait until nothing goes on; return what `status` says."""
    call("repo.add", repo=str(repo.path))
    while (told := next(one for one in call("status")["repos"] if one["path"] == str(repo.path)))["phase"] != "idle":
        pass
    return dict(told)


@pytest.fixture
def big(tmp_path: Path) -> Repository:
    return Repository(tmp_path.resolve() / "big")


@pytest.mark.slow
def test_a_message_beyond_the_limit_is_cut_counted_and_read_again_under_a_higher_one(
    home: Home, big: Repository
) -> None:
    import_commits(
        big, b"Begin\n\nBecause of it.", b"Grow the walrus\n\n" + b"w\xc3\xb6rd " * 5000 + b"zebralast", paths=1
    )
    with home.daemon(AIL_MAX_MESSAGE_BYTES="9001"), home.connected() as call:
        told = add(call, big)
        assert (told["commits"], told["skipped"]) == (2, 1)
        assert "went past a limit" in told["notice"]
        shown = call("show", repo=str(big.path), sha=big.git("rev-parse", "main"))
        assert len(shown["message"].encode()) in (8999, 9000, 9001)
        assert "\ufffd" not in shown["message"]
        call("flags", set={"AIL_MAX_MESSAGE_BYTES": 64 << 10})
        told = add(call, big)
        assert (told["skipped"], told["notice"]) == (0, None)
        assert call("show", repo=str(big.path), sha=shown["sha"])["message"].endswith("zebralast")


@pytest.mark.slow
def test_a_message_of_100_megabytes_harms_neither_its_neighbours_nor_the_daemon(home: Home, big: Repository) -> None:
    import_commits(big, b"Begin\n\nBecause of it.", b"Grow\n\n" + b"word " * 20_000_000, b"End\n\nFor good.", paths=1)
    with home.daemon() as daemon, home.connected() as call:
        told = add(call, big)
        assert (told["commits"], told["skipped"]) == (3, 1)
        assert call("ask", repo=str(big.path), question="why end for good?")["citations"]
        peak = Path(f"/proc/{daemon.pid}/status").read_text().partition("VmHWM:")[2].split()[0]
        assert int(peak) < 400 << 10  # KiB; the message alone would take 100 MiB, more than once


def test_paths_of_a_commit_beyond_the_limit_are_left_out_and_the_commit_is_counted(home: Home, big: Repository) -> None:
    import_commits(big, b"Import all\n\nBecause of it.", paths=60)
    with home.daemon(AIL_MAX_PATHS="50"), home.connected() as call:
        assert add(call, big)["skipped"] == 1
        known = [f"d/0-{number}.txt" for number in range(60)]
        heard = [name for name in known if has_file(call, big, name)]
        assert len(heard) == 50


def has_file(call: Calling, repo: Repository, name: str) -> bool:
    """Whether the index knows that a commit touched the file; asked about it as a place, git would tell as well."""
    return bool(call("ask", repo=str(repo.path), path=name, question="why import all?", mode="lexical")["citations"])


def test_more_commits_than_the_limit_are_refused_and_an_index_that_stands_stays(home: Home, big: Repository) -> None:
    import_commits(big, *(b"Step %d\n\nBecause %d." % (n, n) for n in range(5)))
    with home.daemon(AIL_MAX_COMMITS="5"), home.connected() as call:
        assert (add(call, big)["commits"], add(call, big)["notice"]) == (5, None)
        big.git("reset", "-q", "--hard", "main")
        big.commit("One too many")
        told = add(call, big)
        assert told["commits"] == 5
        assert "more than 5 commits" in told["notice"]
        assert "AIL_MAX_COMMITS" in told["notice"]
        assert call("ask", repo=str(big.path), question="why step 3?")["citations"]
        call("flags", set={"AIL_MAX_COMMITS": 6})
        assert add(call, big)["commits"] == 6


def test_more_refs_than_the_limit_are_refused_in_words_that_name_it(home: Home, big: Repository) -> None:
    sha = big.commit("Begin")
    updates = "".join(f"create refs/tags/t{number} {sha}\n" for number in range(30))
    subprocess.run(["git", "update-ref", "--stdin"], cwd=big.path, input=updates, check=True, text=True)
    with home.daemon(AIL_MAX_REFS="20"), home.connected() as call:
        told = add(call, big)
        assert told["commits"] == 0
        assert "more than 20 refs" in told["notice"]
        call("flags", set={"AIL_REFS": "branches"})
        assert add(call, big)["commits"] == 1


@pytest.mark.slow
def test_refs_to_what_is_no_commit_cost_no_process_each(home: Home, big: Repository) -> None:
    big.commit("Begin")
    made = "".join(f"blob\ndata {len(str(n))}\n{n}\n" for n in range(1500))
    subprocess.run(["git", "fast-import", "--quiet"], cwd=big.path, input=made, check=True, text=True)
    listed = big.git("cat-file", "--batch-check=%(objecttype) %(objectname)", "--batch-all-objects").splitlines()
    blobs = [line.split()[1] for line in listed if line.startswith("blob")]
    updates = "".join(f"create refs/tags/t{number} {sha}\n" for number, sha in enumerate(blobs))
    subprocess.run(["git", "update-ref", "--stdin"], cwd=big.path, input=updates, check=True, text=True)
    trace = home.directory / "trace"
    (home.directory / "bin").mkdir()
    git = home.directory / "bin" / "git"
    git.write_text(f'#!/bin/sh\necho x >> {trace}\nexec /usr/bin/env PATH={home.env["PATH"]} git "$@"\n')
    git.chmod(0o755)
    with home.daemon(PATH=f"{git.parent}:{home.env['PATH']}"), home.connected() as call:
        assert add(call, big)["commits"] == 1
    assert len(trace.read_text().splitlines()) < 40


def test_more_repositories_than_the_limit_are_refused_until_one_goes(home: Home, tmp_path: Path) -> None:
    made = [Repository(tmp_path / str(number)) for number in range(3)]
    with home.daemon(AIL_MAX_REPOS="2"), home.connected() as call:
        for repo in made[:2]:
            call("repo.add", repo=str(repo.path))
        with pytest.raises(RepoError) as caught:
            call("repo.add", repo=str(made[2].path))
        assert "2 repositories are enrolled" in caught.value.message
        assert "AIL_MAX_REPOS" in caught.value.hint
        call("repo.add", repo=str(made[0].path))
        call("repo.remove", repo=str(made[0].path))
        call("repo.add", repo=str(made[2].path))


def test_a_question_and_a_path_beyond_their_limits_are_refused(home: Home, repo: Repository) -> None:
    with home.daemon(AIL_MAX_QUESTION_BYTES="50"), home.connected() as call:
        call("repo.add", repo=str(repo.path))
        with pytest.raises(UsageError, match="longer than 50 bytes"):
            call("ask", repo=str(repo.path), question="why? " * 11)
        with pytest.raises(UsageError, match=r"more than 4,096 bytes"):
            call("ask", repo=str(repo.path), question="why?", file="ä" * 2049)
        with pytest.raises(UsageError, match=r"more than 4,096 bytes"):
            call("related", repo=str(repo.path), files=["a" * 4097])


def test_changed_lines_are_kept_up_to_the_limit(home: Home, repo: Repository) -> None:
    lines = "".join(f"walrus number {number} sings\n" for number in range(300))
    repo.commit("Let them sing", choir__txt=lines)
    with home.daemon(AIL_MAX_DIFF_BYTES="1000"), home.connected() as call:
        add(call, repo)
    [store] = home.state.glob("repos/*/store.sqlite")
    assert get_most_changed(store) in range(900, 1001)


def get_most_changed(store: Path) -> int:
    import sqlite3
    import zlib

    with sqlite3.connect(store) as db:
        texts = [zlib.decompress(text) for (text,) in db.execute("SELECT text FROM changes")]
    db.close()
    return max(map(len, texts))
