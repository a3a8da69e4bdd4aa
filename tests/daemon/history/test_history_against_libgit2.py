"""libgit2 as an independent oracle: what two implementations agree on is what the repository says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pygit2
import pytest
from pygit2.enums import DeltaStatus

from ail_daemon.history.opening import History
from ail_rpc.discovery import find_repository

Shell = Callable[[str], str]
OpenAt = Callable[[str], History]

REPOSITORIES = {
    "normal": """
        git init -q r; cd r; mkdir d; seq 80 > d/old; echo b > b; commit -m root; git mv d/old new; commit -m renamed
        printf 'a\\0' > bin; rm b; commit -m binary; git tag -m t v1; git branch topic HEAD~1; git pack-refs --all
        commit -m e
    """,
    "octopus": """
        git init -q r; cd r; commit -m root; for b in x y z; do git checkout -q -b $b main; touch $b; commit -m $b; done
        git checkout -q main; merge x y z -m octopus; git checkout -q --detach HEAD~1
    """,
    "bare": "git init -q o; cd o; touch f; commit -m one; touch g; commit -m two; git clone -q --bare . ../r",
    "worktree": """
        git init -q o; cd o; touch f; commit -m one; git worktree add -q ../r; cd ../r; touch g; commit -m two
    """,
    "shallow": """
        git init -q o; cd o; for i in 1 2 3 4; do echo $i > f$i; commit -m $i; done
        git clone -q --depth 2 file://$PWD ../r
    """,
    "empty": "git init -q r",
    "submodule": """
        git init -q s; (cd s; commit -m s); git init -q r; cd r; git submodule -q add ../s sub; commit -m one
        (cd sub; commit -m moved); commit -m two
    """,
    "encodings": r"""
        git init -q r; cd r; printf 'gr\xf6\xdfer' > m; touch $'caf\xe9'; tick; git add -A
        git -c i18n.commitEncoding=ISO-8859-1 commit -q -F m; printf 'caf\xc3\xa9\n\nbody\n' > m; commit -F m
    """,
    "packed": "git init -q r; cd r; for i in 1 2 3; do mkdir -p a/$i; echo $i > a/$i/f; commit -m $i; done; git gc -q",
}


@pytest.fixture(params=sorted(REPOSITORIES))
def repository(request: pytest.FixtureRequest, shell: Shell, tmp_path: Path) -> pygit2.Repository:
    shell(REPOSITORIES[request.param])
    return pygit2.Repository(find_repository(str(tmp_path / "r")).git_dir)


def oracle_tips(repository: pygit2.Repository) -> dict[str, str]:
    return {
        name: str(repository.references[name].peel(pygit2.Commit).id)
        for name in repository.references
        if name.startswith(("refs/heads/", "refs/remotes/", "refs/tags/"))
    }


def oracle_paths(commit: pygit2.Commit) -> tuple[set[bytes], set[tuple[bytes, bytes]]]:
    if commit.parents:
        diff = commit.parents[0].tree.diff_to_tree(commit.tree)
        diff.find_similar()
    else:
        diff = commit.tree.diff_to_tree(swap=True)
    deltas = list(diff.deltas)
    paths = {side.raw_path for delta in deltas for side in (delta.old_file, delta.new_file)}
    renamed = {(d.old_file.raw_path, d.new_file.raw_path) for d in deltas if d.status == DeltaStatus.RENAMED}
    return paths, renamed


def to_bytes(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")


def test_tips_agree(repository: pygit2.Repository, open_at: OpenAt) -> None:
    tips = open_at("r").read_tips()
    mine = {name: sha for name, sha in tips.refs.items() if name.startswith("refs/")}
    assert mine == oracle_tips(repository)
    assert tips.head == (None if repository.head_is_unborn else str(repository.head.target))


def test_walks_agree(repository: pygit2.Repository, open_at: OpenAt) -> None:
    tips = sorted(oracle_tips(repository).values())
    walker = repository.walk(None, pygit2.enums.SortMode.TIME)
    for tip in tips:
        walker.push(tip)
    assert list(open_at("r").iter_shas(tips)) == [str(commit.id) for commit in walker]


def test_commits_agree(repository: pygit2.Repository, open_at: OpenAt) -> None:
    history = open_at("r")
    boundary = _read_shallow(repository)
    for mine in history.iter_commits(history.iter_shas(history.read_tips().shas)):
        theirs = repository[mine.sha].peel(pygit2.Commit)
        encoding = theirs.message_encoding or "utf-8"
        assert mine.message == theirs.raw_message.decode(encoding).rstrip("\n")
        assert (mine.author, mine.email) == (theirs.author.name, theirs.author.email)
        assert (mine.author_time, mine.author_offset_min) == (theirs.author.time, theirs.author.offset)
        assert mine.commit_time == theirs.commit_time
        assert mine.parents == tuple(str(parent) for parent in theirs.parent_ids)
        if mine.sha not in boundary:
            paths, renames = oracle_paths(theirs)
            assert {to_bytes(path) for path in mine.paths} == paths
            assert {(to_bytes(old), to_bytes(new)) for old, new in mine.renames} == renames


def _read_shallow(repository: pygit2.Repository) -> list[str]:
    shallow = Path(repository.path, "shallow")
    return shallow.read_text().split() if shallow.exists() else []
