from __future__ import annotations

import random
from collections.abc import Callable, Iterable

import psutil
import pytest

from ail_daemon.history.opening import History
from ail_daemon.history.walk import walk_around

Shell = Callable[[str], str]
OpenAt = Callable[[str], History]

DIAMOND = """
    git init -q r; cd r; commit -m root; git checkout -q -b side; commit -m side; git checkout -q main; commit -m trunk
    merge side -m joined; commit -m top; git log --format=%H --reverse
"""


def subjects(history: History, shas: Iterable[str]) -> list[str]:
    return [commit.subject for commit in history.iter_commits(shas)]


def test_reachable_commits_come_newest_first(shell: Shell, open_at: OpenAt) -> None:
    shas = shell(DIAMOND).split()
    history = open_at("r")
    walked = list(history.iter_shas([shas[-1]]))
    assert subjects(history, walked) == ["top", "joined", "trunk", "side", "root"]


def test_what_the_excluded_reach_is_left_out(shell: Shell, open_at: OpenAt) -> None:
    shas = shell(DIAMOND).split()
    history = open_at("r")
    walked = list(history.iter_shas([shas[-1]], [shas[1]]))
    assert subjects(history, walked) == ["top", "joined", "trunk"]


def test_unknown_shas_on_either_side_are_ignored(shell: Shell, open_at: OpenAt) -> None:
    shas = shell(DIAMOND).split()
    history = open_at("r")
    assert len(list(history.iter_shas(["7" * 40, shas[-1]], ["8" * 40]))) == 5
    assert history.skipped == []


def test_nothing_included_means_nothing_walked(shell: Shell, open_at: OpenAt) -> None:
    shell(DIAMOND)
    assert list(open_at("r").iter_shas([])) == []


@pytest.mark.parametrize("damage", [": > f", "head -c 40 f > g; mv -f g f", "rm -f f"])
def test_the_walk_goes_around_a_damaged_commit_and_says_so(shell: Shell, open_at: OpenAt, damage: str) -> None:
    shas = shell(DIAMOND).split()
    history = open_at("r")
    trunk = next(sha for sha in shas if subjects(history, [sha]) == ["trunk"])
    shell(f"cd r/.git/objects/{trunk[:2]}; mv {trunk[2:]} f; chmod u+w f; {damage}; ! [ -e f ] || mv f {trunk[2:]}")
    walked = list(history.iter_shas([shas[-1]]))
    assert sorted(subjects(history, walked)) == ["joined", "root", "side", "top"]
    assert history.skipped == [trunk]


def test_a_shallow_clones_walk_ends_at_its_boundary(shell: Shell, open_at: OpenAt) -> None:
    shell(DIAMOND)
    head = shell("git clone -q --depth 2 file://$PWD/r s; git -C s rev-parse HEAD")
    history = open_at("s")
    assert subjects(history, history.iter_shas([head])) == ["top", "joined"]


def test_our_own_walk_agrees_with_the_definition_of_reachability() -> None:
    rng = random.Random(5)
    links = {
        str(n): (n, tuple(str(p) for p in rng.sample(range(n), min(n, rng.randrange(3))))) for n in range(200)
    }  # fmt: skip

    def reach(shas: Iterable[str]) -> set[str]:
        found: set[str] = set()
        todo = list(shas)
        while todo:
            sha = todo.pop()
            if sha in links and sha not in found:
                found.add(sha)
                todo += links[sha][1]
        return found

    del links["50"]
    skipped: list[str] = []
    walked = list(walk_around(links.get, ["199", "150"], ["120"], skipped))
    assert set(walked) == reach(["199", "150"]) - reach(["120"])
    assert len(walked) == len(set(walked))
    assert set(skipped) <= {"50"}


def test_a_walk_that_is_left_early_leaves_no_process_behind(shell: Shell, open_at: OpenAt) -> None:
    shas = shell(DIAMOND).split()
    before = psutil.Process().children()  # of other tests in this process
    walk = open_at("r").iter_shas([shas[-1]])
    next(walk)
    assert psutil.Process().children() != before
    walk.close()  # type: ignore[attr-defined]
    assert psutil.Process().children() == before
