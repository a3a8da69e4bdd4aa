from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from ail_daemon.history.changes import COMMIT_BYTES, FILE_BYTES
from ail_daemon.history.opening import History
from ail_daemon.history.unwanted import is_unwanted

Shell = Callable[[str], str]
OpenAt = Callable[[str], History]


def changes_of(history: History) -> str:
    head = history.read_tips().head
    assert head
    return next((one.text for one in history.iter_changes([head])), "")


def test_added_and_removed_lines_come_with_the_function_they_stand_in(shell: Shell, open_at: OpenAt) -> None:
    shell("""
        git init -q r; cd r; printf 'def connect():\\n    a\\n    b\\n    c\\n    d\\n    retries = 1\\n' > h.py
        commit -m one
        sed -i 's/retries = 1/retries = 5/' h.py; printf -- '-- sql\\n++ plus\\n' > q; commit -m two
    """)
    assert changes_of(open_at("r")) == "@@ def connect():\n-    retries = 1\n+    retries = 5\n+-- sql\n+++ plus\n"


def test_a_removed_line_that_looks_like_a_header_is_kept(shell: Shell, open_at: OpenAt) -> None:
    shell(
        "git init -q r; cd r; printf -- '-- drop\\ndiff x\\ncommit y\\n' > q; commit -m one; echo z > q; commit -m two"
    )
    assert changes_of(open_at("r")) == "--- drop\n-diff x\n-commit y\n+z\n"


def test_what_says_nothing_is_left_out(shell: Shell, open_at: OpenAt) -> None:
    shell("""
        git init -q r; cd r; printf 'if x:\\n  y\\n' > space.py; seq 50 > old; commit -m one
        printf 'if x:\\n      y\\n' > space.py; git mv old new; printf 'a\\0b' > bin; echo l > poetry.lock
        mkdir -p js/vendor node_modules/m; echo v > js/vendor/v.js; echo n > node_modules/m/n.js; echo m > js/a.min.js
        echo '{}' > package-lock.json; head -c 1100000 /dev/zero | tr '\\0' a | fold > big.txt
        head -c 5000 /dev/zero | tr '\\0' x > long.txt; commit -m two
    """)
    assert changes_of(open_at("r")) == ""


def test_what_says_nothing_is_left_out_whatever_the_repositorys_attributes_say(shell: Shell, open_at: OpenAt) -> None:
    shell("""
        git init -q r; cd r; printf '* diff\n' > .gitattributes; printf '* diff\n' > .git/info/attributes
        mkdir -p js/vendor Vendor; echo l > a.lock; echo v > js/vendor/v.js; echo m > A.MIN.JS; echo k > Vendor/kept
        printf -- '-- a/b\n' > b.lock; commit -m one; echo other > b.lock; commit -m two; git reset -q --soft HEAD~
        git commit -q --amend -m both
    """)
    assert changes_of(open_at("r")) == "+* diff\n+k\n"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("Cargo.lock", True),
        ("a/PACKAGE-LOCK.json", True),
        ("vendor/a.c", True),
        ("a/node_modules/b/c.js", True),
        ("Vendor/a.c", False),
        ("vendor.c", False),
        ("myvendor/a.c", False),
        ("a.lock/b", False),
        ("lock", False),
    ],
)
def test_which_files_are_unwanted(path: str, *, expected: bool) -> None:
    assert is_unwanted(path) is expected


def test_merges_have_no_changes_of_their_own(shell: Shell, open_at: OpenAt) -> None:
    shell(
        "git init -q r; cd r; commit -m 1; git switch -qc x; echo x > x; commit -m x; git switch -q main; merge x -m m"
    )
    history = open_at("r")
    changes = dict(one[:2] for one in history.iter_changes(history.iter_shas(history.read_tips().shas)))
    assert list(changes.values()) == ["+x\n"]


def test_a_file_and_a_commit_are_bounded(shell: Shell, open_at: OpenAt) -> None:
    shell("git init -q r; cd r; for i in 1 2 3 4 5 6; do seq -f $i%09g 9000 > f$i; done; commit -m one")
    text = changes_of(open_at("r"))
    assert COMMIT_BYTES - 64 < len(text) <= COMMIT_BYTES
    assert FILE_BYTES - 64 < sum(len(line) + 1 for line in text.splitlines() if line.startswith("+1")) <= FILE_BYTES


def test_undecodable_lines_are_replaced_not_refused(shell: Shell, open_at: OpenAt) -> None:
    shell(r"git init -q r; cd r; printf 'caf\xe9\n' > f; commit -m one")
    assert changes_of(open_at("r")) == "+caf\ufffd\n"


def test_a_damaged_blob_costs_only_its_own_commits_changes(shell: Shell, open_at: OpenAt) -> None:
    shas = shell(
        "git init -q r; cd r; for i in 1 2 3 4 5; do echo $i > f$i; commit -m $i; done; git log --format=%H"
    ).split()
    blob = shell("git -C r rev-parse HEAD:f3")
    shell(f"cd r/.git/objects/{blob[:2]}; chmod u+w {blob[2:]}; : > {blob[2:]}")
    history = open_at("r")
    assert [one.text for one in history.iter_changes(shas)] == ["+5\n", "+4\n", "+2\n", "+1\n"]
    assert history.skipped == [shas[2]]


@pytest.mark.parametrize("commits", [4, 130])
def test_a_partial_clone_gives_the_changes_of_the_commits_whose_blobs_are_here(
    shell: Shell, open_at: OpenAt, commits: int
) -> None:
    shell(f"""
        git init -q o; cd o; git config uploadpack.allowFilter true; for i in $(seq {commits}); do echo small $i > f
        if [ $((i % 2)) = 0 ]; then seq 2000 > big$i; fi; commit -m $i; done
        cd ..; git clone -q --no-checkout --filter=blob:limit=1k file://$PWD/o r
    """)
    history = open_at("r")
    found = {one.sha: one.text for one in history.iter_changes(history.iter_shas(history.read_tips().shas))}
    assert len(found) == commits // 2
    assert all("small" in text for text in found.values())
    assert history.skipped == []


@pytest.mark.parametrize("commits", [4, 130])
def test_a_missing_vendored_blob_costs_its_commit_no_changes(shell: Shell, open_at: OpenAt, commits: int) -> None:
    shell(f"""
        git init -q o; cd o; git config uploadpack.allowFilter true; mkdir vendor vendör; for i in $(seq {commits})
        do echo small $i > f; case $((i % 3)) in 0) seq $i 2000 > vendor/big;; 1) seq $i 2000 > vendör/package-lock.json
        esac; commit -m $i; done
        cd ..; git clone -q --no-checkout --filter=blob:limit=1k file://$PWD/o r
    """)
    history = open_at("r")
    found = [one.text for one in history.iter_changes(history.iter_shas(history.read_tips().shas))]
    assert [text.count("+small") for text in found] == [1] * commits
    assert history.skipped == []


def test_many_commits_whose_blobs_are_missing_cost_no_process_each(
    shell: Shell, open_at: OpenAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell("""
        git init -q o; cd o; git config uploadpack.allowFilter true; for i in $(seq 130); do echo $i > f
        commit -m $i; done
        cd ..; git clone -q --no-checkout --filter=blob:none file://$PWD/o r
    """)
    history = open_at("r")
    shas = list(history.iter_shas(history.read_tips().shas))
    started: list[object] = []
    start = subprocess.Popen.__init__

    def count(process: Any, *arguments: Any, **options: Any) -> None:
        started.append(arguments)
        start(process, *arguments, **options)

    monkeypatch.setattr(subprocess.Popen, "__init__", count)
    assert list(history.iter_changes(shas)) == []
    assert history.skipped == []
    assert len(started) < 10


def test_a_line_that_names_its_own_file_is_left_out(shell: Shell, open_at: OpenAt) -> None:
    sha = shell("""
        git init -q r; cd r; mkdir src; printf '%s\\n' '# src/upload.py, generated' 'retry = 3' > src/upload.py
        commit -m one; git rev-parse HEAD
    """).strip()
    assert {one.sha: one.text for one in open_at("r").iter_changes([sha])} == {sha: "+retry = 3\n"}


def test_passages_of_a_file_whose_name_is_not_ascii_name_it(shell: Shell, open_at: OpenAt) -> None:
    shell("""
        git init -q r; cd r; mkdir -p vendor; printf '* diff\n' > .gitattributes; echo v > vendor/café.c
        printf '# The peer hangs up after a minute, because it counts idle time.\nx = 1\n' > café.py; commit -m one
    """)
    history = open_at("r")
    (changes,) = history.iter_changes([history.read_tips().head or ""])
    assert [passage.path for passage in changes.passages] == ["café.py"]
    assert "+v\n" not in changes.text
