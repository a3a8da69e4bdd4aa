from __future__ import annotations

from ail_daemon.relating.overlap import Lines, collect_lines, compare, is_log
from ail_daemon.relating.patches import FileChange

ONE, TWO, THREE = "the first line of three", "the second line of three", "the third line of three"


def make_change(path: str = "src/x.py", **lines: list[str]) -> FileChange:
    return FileChange(path, path, **lines)  # type: ignore[arg-type]


def test_what_moves_is_neither_added_nor_removed() -> None:
    lines = collect_lines([make_change(removed=[ONE, TWO]), make_change("src/y.py", added=[ONE, THREE])])
    assert lines == Lines(frozenset([THREE]), frozenset([TWO]), frozenset(), frozenset([TWO]))


def test_tests_and_pages_owe_no_reason_and_release_notes_count_for_nothing() -> None:
    changes = [make_change("tests/test_x.py", removed=[ONE]), make_change("CHANGES/12.bugfix.rst", removed=[TWO])]
    lines = collect_lines(changes)
    assert (lines.removed, lines.owed) == (frozenset([ONE]), frozenset())


def test_a_commit_is_met_by_what_comes_back_goes_again_and_is_repeated() -> None:
    lines = Lines(frozenset([ONE, THREE]), frozenset([TWO]))
    overlap = compare(lines, f"@@ def f():\n-  {ONE}\n+{TWO}\n+\t{THREE}\n+short\n")
    assert overlap is not None
    assert [*overlap.restored, *overlap.undone, *overlap.repeated] == [ONE, TWO, THREE]
    assert (overlap.its_added, overlap.its_removed, overlap.inverse) == (2, 1, 2)


def test_an_edited_line_is_rewritten_and_not_undone() -> None:
    overlap = compare(Lines(frozenset(), frozenset([ONE]), frozenset([ONE])), f"+{ONE}\n")
    assert overlap is not None
    assert not overlap.undone
    assert overlap.rewritten == frozenset([ONE])


def test_what_a_commit_moved_does_not_meet_anything() -> None:
    assert compare(Lines(frozenset([ONE]), frozenset()), f"-{ONE}\n+{ONE}\n") is None
    assert compare(Lines(frozenset([ONE]), frozenset()), f"+{TWO}\n") is None


def test_lines_left_out_count_neither_as_met_nor_as_the_commit_s() -> None:
    overlap = compare(Lines(frozenset(), frozenset([ONE, TWO])), f"+{ONE}\n+{TWO}\n")
    assert overlap is not None
    rest = overlap.without(frozenset([ONE]))
    assert (rest.undone, rest.rewritten, rest.size) == (frozenset([TWO]), frozenset([TWO]), 1)


def test_release_notes_are_told_by_their_names() -> None:
    assert all(
        map(is_log, ("CHANGELOG.md", "docs/changes.rst", "changelog.d/1.rst", "NEWS", "newsfragments/2.feature"))
    )
    assert not any(map(is_log, ("src/changes.py.in", "src/history/walk.py", "renewal.py", "news/deep/er.py")))
