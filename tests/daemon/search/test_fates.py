from __future__ import annotations

from collections.abc import Callable

import pytest

from ail_daemon.index.repoindex import RepoIndex
from ail_daemon.search.fates import Fate, find_fate
from ail_daemon.search.folding import Folder

Shell = Callable[[str], str]
Indexed = Callable[[str], RepoIndex]

BEGIN = """
git init -q r; cd r; seq -f 'line %g' 20 > numbers; commit -m "Begin"
feature() {
  printf 'retry budget %s\\nof three attempts\\nwith a pause between\\n' "${1:-}" > retry
  commit -m "${2:-Add a retry budget}"
}
undo() { tick; git revert --no-edit "$@" > /dev/null; }
names() { git log --all --format='%H %s'; }
"""


def fates(index: RepoIndex) -> dict[str, Fate]:
    """The fate of every commit by its subject, with subjects for shas."""
    commits = index.store.get_commits([row[0] for row in index.store.read("SELECT id FROM commits")])
    subjects = {commit.sha: commit.subject for commit in commits.values()}
    found = {}
    for commit_id, commit in commits.items():
        fate = find_fate(index.store, commit_id, commit)
        found[commit.subject] = Fate(*(subjects[sha] if sha else None for sha in fate))
    return found


def groups(index: RepoIndex, *subjects: str) -> list[list[str]]:
    """The commits of *subjects*, in this order, folded, as subjects."""
    commits = index.store.get_commits([row[0] for row in index.store.read("SELECT id FROM commits")])
    ids = [next(i for i, commit in commits.items() if commit.subject == subject) for subject in subjects]
    return [[commits[i].subject for i in group] for group in Folder(index.store).fold(ids)]


def test_a_commit_that_git_reverted_says_so_and_its_revert_does_not(shell: Shell, indexed: Indexed) -> None:
    shell(BEGIN + "feature; undo HEAD")
    found = fates(indexed("r"))
    assert found["Add a retry budget"] == Fate('Revert "Add a retry budget"')
    assert found['Revert "Add a retry budget"'] == Fate()
    assert found["Begin"] == Fate()


def test_after_a_revert_of_the_revert_the_original_stands(shell: Shell, indexed: Indexed) -> None:
    shell(BEGIN + "feature; undo HEAD; undo HEAD")
    found = fates(indexed("r"))
    assert found["Add a retry budget"] == Fate()
    assert [subject for subject, fate in found.items() if fate.reverted_by] == ['Revert "Add a retry budget"']


def test_a_revert_that_was_reverted_and_reverted_again_counts(shell: Shell, indexed: Indexed) -> None:
    shell(BEGIN + "feature; undo HEAD; undo HEAD; undo HEAD")
    assert fates(indexed("r"))["Add a retry budget"].reverted_by


@pytest.mark.parametrize(
    "message",
    [
        "Go back\n\nThis reverts commit $SHA.",
        "Go back\n\nreverts $SHA",
        "revert $SHORT",
        "Revert commits\n\nThis reverts commits:\n- $SHA\n",
        'Revert "Add a retry budget" (#12)',
        "Back out $SHORT: it loops",
    ],
)
def test_a_revert_is_known_by_what_people_and_tools_write(shell: Shell, indexed: Indexed, message: str) -> None:
    shell(
        BEGIN + "feature; SHA=$(git rev-parse HEAD); SHORT=$(git rev-parse --short=9 HEAD)\n"
        f'echo other > other; commit -m "$(cat <<END\n{message}\nEND\n)"'
    )
    assert fates(indexed("r"))["Add a retry budget"].reverted_by


@pytest.mark.parametrize(
    "message",
    [
        "Partially revert the budget\n\nThis reverts commit $SHA.",
        "Explain\n\nIt fails if we revert $SHA.",
        "Quote\n\n> This reverts commit $SHA.",
        "Follow up on $SHA",
        'Revert "Add another budget"',
    ],
)
def test_a_message_that_only_names_a_commit_reverts_nothing(shell: Shell, indexed: Indexed, message: str) -> None:
    shell(BEGIN + f'feature; SHA=$(git rev-parse HEAD)\necho other > other; commit -m "$(cat <<END\n{message}\nEND\n)"')
    assert fates(indexed("r"))["Add a retry budget"] == Fate()


def test_a_revert_by_hand_is_known_by_its_inverse_patch(shell: Shell, indexed: Indexed) -> None:
    shell(BEGIN + "feature; git rm -q retry; commit -m 'Uploads are idempotent now'")
    assert fates(indexed("r"))["Add a retry budget"].reverted_by == "Uploads are idempotent now"


def test_a_revert_by_hand_that_brings_a_little_more_is_known_too(shell: Shell, indexed: Indexed) -> None:
    shell(
        BEGIN
        + "seq -f 'line number %g' 100 120 > retry; commit -m Count; git rm -q retry; echo gone > new; commit -m Forget"
    )
    assert fates(indexed("r"))["Count"].reverted_by == "Forget"


def test_lines_that_moved_one_line_that_went_and_other_paths_are_no_revert(shell: Shell, indexed: Indexed) -> None:
    shell(
        BEGIN
        + """
        { seq -f 'line %g' 11 20; seq -f 'line %g' 1 10; } > numbers; commit -m "Move"
        seq -f 'line %g' 1 20 > numbers; commit -m "Reorder it again"
        echo "import os" > one; commit -m "Import"; git rm -q one; commit -m "Tidy"
        seq -f 'line %g' 50 60 > a; commit -m "Write a"; seq -f 'line %g' 50 60 > b; commit -m "Write b"
            git rm -q b; commit -m "Remove b"
    """
    )
    found = fates(indexed("r"))
    assert not [subject for subject in ("Import", "Write a") if found[subject].reverted_by]
    assert found["Write b"].reverted_by == "Remove b"


def test_what_was_made_again_stands(shell: Shell, indexed: Indexed) -> None:
    shell(BEGIN + "feature; undo HEAD; feature '' 'Add the budget, third try'")
    assert fates(indexed("r"))["Add a retry budget"] == Fate()


def test_what_was_made_again_in_another_way_is_replaced(shell: Shell, indexed: Indexed) -> None:
    shell(
        BEGIN
        + """feature; undo HEAD; echo "a budget of another kind" > budget; commit -m 'Reapply "Add a retry budget"'"""
    )
    assert fates(indexed("r"))["Add a retry budget"] == Fate(None, 'Reapply "Add a retry budget"')


def test_a_commit_that_says_it_replaces_another_is_told(shell: Shell, indexed: Indexed) -> None:
    shell(BEGIN + 'feature; feature new "Count by time\n\nThis supersedes commit $(git rev-parse HEAD)."')
    assert fates(indexed("r"))["Add a retry budget"] == Fate(None, "Count by time")


def test_reverting_a_merge_reverts_what_it_brought_and_nothing_else(shell: Shell, indexed: Indexed) -> None:
    shell(
        BEGIN
        + """
        echo "line" >> numbers; commit -m "Stand on the main line"
        git checkout -q -b topic; feature; echo more >> retry; commit -m "Add more"
        git checkout -q main; merge -m "Merge topic" topic; undo -m 1 HEAD
    """
    )
    found = fates(indexed("r"))
    revert = 'Revert "Merge topic"'
    assert [found[name].reverted_by for name in ("Add a retry budget", "Add more", "Merge topic")] == [revert] * 3
    assert found["Stand on the main line"] == Fate()


def test_the_revert_of_a_copy_on_a_branch_leaves_the_original_alone(shell: Shell, indexed: Indexed) -> None:
    shell(
        BEGIN
        + """
        git branch old; feature; git checkout -q old; tick; git cherry-pick -x main > /dev/null; undo HEAD
    """
    )
    index = indexed("r")
    (original,) = index.store.get_ids([shell("git -C r rev-parse main")]).values()
    assert find_fate(index.store, original, index.store.get_commits([original])[original]) == Fate()


def test_a_removed_revert_is_forgotten(shell: Shell, indexed: Indexed) -> None:
    shell(BEGIN + "feature; undo HEAD")
    index = indexed("r")
    index.change(gone=[shell("git -C r rev-parse HEAD")])
    assert fates(index)["Add a retry budget"] == Fate()


def test_a_database_from_before_is_made_equal_when_it_is_opened(shell: Shell, indexed: Indexed) -> None:
    shell(BEGIN + "feature; undo HEAD; git rm -q numbers; commit -m 'Drop the numbers'")
    index = indexed("r")
    before = fates(index)
    index.store._writer.executescript(
        "DELETE FROM mentions; DELETE FROM patches; DELETE FROM meta WHERE key = 'derived'"
    )
    assert fates(index) != before
    index.close()
    assert fates(RepoIndex(index.store._path.parent, None)) == before


def test_a_change_its_copies_and_its_revert_are_one(shell: Shell, indexed: Indexed) -> None:
    shell(
        BEGIN
        + """
        git branch old; feature; git checkout -q old; tick
        git cherry-pick -x main > /dev/null; tick; git commit -q --amend -m "[1.2.x] Add a retry budget (#12)"
        git checkout -q main; undo HEAD; echo x > x; commit -m "Add something else"
    """
    )
    folded = groups(
        indexed("r"),
        "[1.2.x] Add a retry budget (#12)",
        "Add something else",
        "Add a retry budget",
        'Revert "Add a retry budget"',
    )
    assert folded[0][0] == "Add a retry budget"  # the original stands for its copy
    assert sorted(map(len, folded)) == [1, 3]


def test_a_revert_that_ranks_best_stands_for_what_it_reverts(shell: Shell, indexed: Indexed) -> None:
    shell(BEGIN + "feature; undo HEAD")
    revert = 'Revert "Add a retry budget"'
    assert groups(indexed("r"), revert, "Add a retry budget") == [[revert, "Add a retry budget"]]


def test_a_merge_and_the_one_commit_it_brought_are_one_and_a_branch_of_two_is_not(
    shell: Shell, indexed: Indexed
) -> None:
    shell(
        BEGIN
        + """
        git checkout -q -b one; feature; git checkout -q main; merge -m "Merge pull request #1 from ada/one" one
        git checkout -q -b two; echo a > a; commit -m "Write a"; echo b > b; commit -m "Write b"
        git checkout -q main; merge -m "Merge pull request #2 from ada/two" two
    """
    )
    index = indexed("r")
    assert groups(index, "Merge pull request #1 from ada/one", "Add a retry budget") == [
        ["Add a retry budget", "Merge pull request #1 from ada/one"]
    ]
    assert len(groups(index, "Merge pull request #2 from ada/two", "Write a", "Write b")) == 3


def test_other_commits_of_the_same_title_stay_apart(shell: Shell, indexed: Indexed) -> None:
    shell(BEGIN + "echo a > a; commit -m 'Fix tests'; echo b > b; commit -m 'Fix tests'")
    index = indexed("r")
    ids = [row[0] for row in index.store.read("SELECT id FROM commits WHERE message = 'Fix tests'")]
    assert len(Folder(index.store).fold(ids)) == 2


def test_a_history_of_one_commit_and_one_of_merges_alone_fold(shell: Shell, indexed: Indexed) -> None:
    shell("git init -q one; cd one; commit -m ''  --allow-empty-message")
    shell("""
        git init -q merges; cd merges; commit -m a; git branch b; commit -m c; git checkout -q b
        for n in 1 2 3; do merge -m "Merge branch 'main'" main; git checkout -q main; merge -m "Merge branch 'b'" b
          git checkout -q b; done
    """)
    for name in ("one", "merges"):
        index = indexed(name)
        ids = [row[0] for row in index.store.read("SELECT id FROM commits")]
        assert sorted(i for group in Folder(index.store).fold(ids) for i in group) == sorted(ids)
        assert not any(any(fate) for fate in fates(index).values())
