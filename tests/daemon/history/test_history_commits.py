from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ail_daemon.history.opening import History
from ail_daemon.model import Commit
from ail_rpc.errors import RepoUnreadableError

Shell = Callable[[str], str]
OpenAt = Callable[[str], History]


def read_all(history: History) -> dict[str, Commit]:
    return {commit.subject: commit for commit in history.iter_commits(history.iter_shas(history.read_tips().shas))}


def test_a_commit_says_who_when_and_why(shell: Shell, open_at: OpenAt) -> None:
    one, two = shell("""
        git init -q r; cd r; commit -m one
        printf 'Retry twice\\n\\nThe server drops idle links.\\n\\nFixes: #12\\n' > m
        commit -F m; git log --reverse --format=%H
    """).split()
    (commit,) = open_at("r").iter_commits([two])
    assert commit == Commit(
        two, (one,), "Ada Lovelace", "ada@example.org", 1700000120, 120, 1700000120,
        "Retry twice\n\nThe server drops idle links.\n\nFixes: #12", ("m",),
    )  # fmt: skip


def test_commits_come_in_the_order_asked_for(shell: Shell, open_at: OpenAt) -> None:
    shas = shell("git init -q r; cd r; for i in 1 2 3 4; do commit -m $i; done; git log --format=%H").split()
    asked = [shas[2], shas[0], shas[3], shas[0]]
    assert [commit.sha for commit in open_at("r").iter_commits(asked)] == asked


def test_a_root_lists_all_its_files_and_an_empty_commit_none(shell: Shell, open_at: OpenAt) -> None:
    shell("git init -q r; cd r; mkdir d; touch a d/b; commit -m root; commit -m empty")
    commits = read_all(open_at("r"))
    assert commits["root"].paths == ("a", "d/b")
    assert commits["root"].parents == ()
    assert commits["empty"].paths == ()


def test_renames_name_both_sides_even_when_edited_on_the_way(shell: Shell, open_at: OpenAt) -> None:
    shell("""
        git init -q r; cd r; seq 100 > old; seq 200 300 > still; commit -m root
        mkdir d; git mv still d/moved; git mv old new; echo 101 >> new; commit -m renamed
    """)
    commit = read_all(open_at("r"))["renamed"]
    assert set(commit.renames) == {("old", "new"), ("still", "d/moved")}
    assert set(commit.paths) == {"old", "new", "still", "d/moved"}


def test_a_merge_shows_what_it_brought_to_its_first_parent(shell: Shell, open_at: OpenAt) -> None:
    shell("""
        git init -q r; cd r; commit -m root; for b in x y; do git checkout -q -b $b main; touch $b; commit -m $b; done
        git checkout -q main; touch z; commit -m z; merge x -m two; git reset -q --hard HEAD~1; merge x y -m octopus
    """)
    octopus = read_all(open_at("r"))["octopus"]
    assert octopus.paths == ("x", "y")
    assert len(octopus.parents) == 3


def test_deleted_binary_mode_and_submodule_changes_are_listed(shell: Shell, open_at: OpenAt) -> None:
    shell("""
        git init -q s; (cd s; commit -m sub); git init -q r; cd r; touch gone mode; printf 'a\\0b' > bin; commit -m root
        rm gone; chmod +x mode; printf 'a\\0c' > bin; ln -s mode link; git submodule -q add ../s sub; commit -m change
    """)
    assert set(read_all(open_at("r"))["change"].paths) == {"gone", "mode", "bin", "link", "sub", ".gitmodules"}


def test_paths_that_are_not_utf_8_keep_their_bytes(shell: Shell, open_at: OpenAt) -> None:
    shell(r"""git init -q r; cd r; touch -- $'caf\xe9' 'ä b' $'line\nbreak' $'tab\t"' -dash; commit -m root""")
    paths = read_all(open_at("r"))["root"].paths
    assert set(paths) == {"caf\udce9", "ä b", "line\nbreak", 'tab\t"', "-dash"}


def test_messages_are_read_in_the_encoding_they_were_written_in(shell: Shell, open_at: OpenAt) -> None:
    shell(r"""
        git init -q r; cd r
        printf 'gr\xf6\xdfer\n' > m; tick; git -c i18n.commitEncoding=ISO-8859-1 commit -q --allow-empty -F m
        tree=$(git write-tree); tick; printf 'caf\xe9\n' > m
        { echo tree $tree; printf 'author Ren\xe9 <r@x> 1700000000 -0330\ncommitter c <c> 1700000999 +0000\n\n'
        cat m; } > raw
        git update-ref refs/heads/bare-bytes $(git hash-object -t commit -w raw)
    """)
    commits = read_all(open_at("r"))
    assert commits["größer"].author == "Ada Lovelace"
    assert commits["café"].author == "René"
    assert commits["café"].author_offset_min == -210


def test_a_message_may_look_like_the_stream_it_is_read_from(shell: Shell, open_at: OpenAt) -> None:
    shell(r"""
        git init -q r; cd r; touch f; printf 'sly\n\nM\nR100\ncommit %040d\n\n\x01:100644\n' 3 > ../m; commit -F ../m
        printf '' | git commit-tree $(git write-tree) > ../empty; git update-ref refs/heads/mute $(cat ../empty)
    """)
    commits = read_all(open_at("r"))
    assert commits["sly"].paths == ("f",)
    assert commits["sly"].body.startswith("M\nR100\ncommit 000")
    assert commits[""].message == ""


def test_a_malformed_commit_is_read_as_far_as_it_goes(shell: Shell, open_at: OpenAt) -> None:
    sha = shell(r"""
        git init -q r; cd r; tree=$(git write-tree)
        printf 'tree %s\nauthor nobody\ncommitter <> x\n\nodd\n' $tree > raw
        git hash-object --literally -t commit -w raw
    """)
    (commit,) = open_at("r").iter_commits([sha])
    assert (commit.message, commit.author, commit.author_time) == ("odd", "", 0)


def test_ten_thousand_files_in_one_commit_are_all_listed(shell: Shell, open_at: OpenAt) -> None:
    shell("""
        git init -q r; cd r; b=$(echo x | git hash-object -w --stdin)
        for i in $(seq 10000); do printf '100644 %s\\tdir%d/file%d\\n' $b $((i % 100)) $i
        done | git update-index --index-info
        tick; git commit -q -m many
    """)
    assert len(set(read_all(open_at("r"))["many"].paths)) == 10_000


def test_a_shallow_boundary_is_not_the_origin_of_its_files(shell: Shell, open_at: OpenAt) -> None:
    shell("""
        git init -q o; cd o; touch a; commit -m one; touch b; commit -m two; touch c; commit -m three; cd ..
        git clone -q --depth 2 file://$PWD/o r
    """)
    history = open_at("r")
    commits = read_all(history)
    assert commits["two"].paths == ()
    assert commits["two"].parents == ()
    assert commits["three"].paths == ("c",)
    assert list(history.iter_changes([commits["two"].sha])) == []


@pytest.mark.parametrize(("kind", "paths"), [("blob:none", {"old", "new"}), ("tree:0", set[str]())])
def test_a_partial_clone_is_read_without_its_missing_objects(
    shell: Shell, open_at: OpenAt, kind: str, paths: set[str]
) -> None:
    shell(f"""
        git init -q o; cd o; git config uploadpack.allowFilter true; seq 9 > old; commit -m one
        for i in $(seq 30); do echo $i > f; commit -m c$i; done; git mv old new; commit -m renamed; echo l > last
        commit -m last
        cd ..; git clone -q --no-checkout --filter={kind} file://$PWD/o r
    """)
    history = open_at("r")
    commits = read_all(history)
    assert len(commits) == 33
    assert set(commits["renamed"].paths) == paths
    assert list(history.iter_changes([commits["last"].sha, commits["renamed"].sha])) == []
    assert history.skipped == []
    assert shell("cd r; git rev-list --objects --missing=print --all | grep -c '^?'") != "0"  # nothing was fetched


def test_a_sha256_repository_is_read(shell: Shell, open_at: OpenAt) -> None:
    head = shell("git init -q --object-format=sha256 r; cd r; echo a > f; commit -m one; git rev-parse HEAD")
    history = open_at("r")
    commit = read_all(history)["one"]
    assert commit.sha == head == history.find_sha(head[:8])
    assert len(head) == 64
    assert commit.paths == ("f",)
    assert history.blame("f", 1, 1) == [(1, head)]


@pytest.mark.parametrize("damage", [": > {0}", "head -c 40 {0} > g; mv -f g {0}", "rm -f {0}"])
def test_a_damaged_commit_is_skipped_and_the_rest_is_read(shell: Shell, open_at: OpenAt, damage: str) -> None:
    shas = shell(
        "git init -q r; cd r; for i in $(seq 9); do echo $i > f; commit -m $i; done; git log --format=%H"
    ).split()
    for bad in (shas[3], shas[8]):
        shell(f"cd r/.git/objects/{bad[:2]}; chmod u+w {bad[2:]}; {damage.format(bad[2:])}")
    history = open_at("r")
    read = [commit.sha for commit in history.iter_commits(shas)]
    # git cannot compare with a damaged parent: that child is read too, without its paths
    assert read == [sha for sha in shas if sha not in (shas[3], shas[8])]
    assert history.skipped == [shas[3], shas[8]]
    assert history.pathless == [shas[2], shas[7]]


def test_a_commit_whose_tree_is_damaged_is_read_without_paths(shell: Shell, open_at: OpenAt) -> None:
    tree = shell("git init -q r; cd r; touch a; commit -m one; touch b; commit -m two; git rev-parse HEAD^{tree}")
    shell(f"cd r/.git/objects/{tree[:2]}; chmod u+w {tree[2:]}; : > {tree[2:]}")
    history = open_at("r")
    commits = read_all(history)
    assert commits["two"].paths == ()
    assert commits["one"].paths == ("a",)
    assert (history.skipped, history.pathless) == ([], [commits["two"].sha])


@pytest.mark.slow
def test_a_truncated_pack_is_reported_within_seconds_and_costs_no_life(
    shell: Shell, open_at: OpenAt, tmp_path: Path
) -> None:
    shas = shell("""
        git init -q r; cd r; for i in $(seq 900); do echo "commit refs/heads/main"; echo "committer c <c> $i +0000"
        echo "data 0"; done | git fast-import --quiet; git repack -q -a -d -f --depth=0; git log --format=%H main
    """).split()
    history = open_at("r")
    (pack,) = (tmp_path / "r/.git/objects/pack").glob("*.pack")
    pack.chmod(0o600)
    os.truncate(pack, 4096)
    with pytest.raises(RepoUnreadableError, match="damaged"):
        list(history.iter_commits(shas))
