from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.daemon.index.making import HashEncoder
from tests.daemon.search.conftest import build_index, write_history

from ail_daemon.index.repoindex import RepoIndex
from ail_daemon.model import Mode
from ail_daemon.search import filters
from ail_daemon.search import search as searcher
from ail_daemon.search.candidates import Question
from ail_rpc.discovery import RepoPlace, find_repository
from ail_rpc.errors import NotFoundError, UsageError

Shell = Callable[[str], str]
Indexed = Callable[[str], RepoIndex]
Passing = Callable[..., set[str]]

HISTORY = r"""
git init -q r; cd r
by() { export GIT_AUTHOR_NAME="$1" GIT_AUTHOR_EMAIL="$2"; }
on() { export T=$(command date -u -d "$1" +%s); }
mkdir -p src/deep docs
on 2019-03-01; echo 1 > src/a.py; commit -m one
on 2020-06-15T12:00; by "Željko Ünal" "zu@example.org"; echo 1 > src/deep/b.py; commit -m two
on 2020-12-31T23:58:30; by "Bob" "BOB@Corp.Example"; echo 1 > docs/c.rst; commit -m three
git checkout -q -b topic; on 2021-02-03; echo 2 > src/a.py; commit -m four
git checkout -q main; on 2022-01-01; echo 1 > top.py; commit -m five
"""


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RepoIndex, RepoPlace]]:
    """The index of the history above, for all tests of this file: none changes it."""
    directory = tmp_path_factory.mktemp("filters")
    write_history(directory, HISTORY)
    index = build_index(directory / "r")
    yield index, find_repository(str(directory / "r"))
    index.close()


@pytest.fixture
def passing(history: tuple[RepoIndex, RepoPlace]) -> Passing:
    """Returns the subjects that filters let through; `passing(ref="main")`."""
    index, place = history

    def find(**given: str) -> set[str]:
        made = filters.compile(filters.Filters.of(given), index, place)
        assert made is not None
        return {commit.subject for commit in index.store.get_commits(list(made.ids)).values()}

    return find


def test_without_options_there_is_no_filter(history: tuple[RepoIndex, RepoPlace]) -> None:
    assert filters.compile(filters.Filters.of({"author": None, "path": ""}), *history) is None


@pytest.mark.parametrize(
    ("author", "expected"),
    [
        ("ada", {"one"}),
        ("lovelace <ADA@", {"one"}),
        ("ŽELJKO ü", {"two"}),
        ("corp.example", {"three", "four", "five"}),
        ("nobody", set()),
        ("%", set()),
        ("B.b", set()),
    ],
)
def test_an_author_is_a_part_of_name_and_address_in_any_case(passing: Passing, author: str, expected: set[str]) -> None:
    assert passing(author=author) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"since": "2020"}, {"two", "three", "four", "five"}),
        ({"until": "2020"}, {"one", "two", "three"}),
        ({"since": "2020-12", "until": "2020-12"}, {"three"}),
        ({"since": "2020-12-31", "until": "2020-12-31"}, {"three"}),
        ({"since": "2020-06-15T12:00:30Z", "until": "2021-01-01"}, {"two", "three"}),
        ({"since": "2 days ago"}, set()),
        ({"until": "yesterday"}, {"one", "two", "three", "four", "five"}),
        ({"until": "Feb 1 2021"}, {"one", "two", "three"}),
        ({"since": "1600000000"}, {"three", "four", "five"}),
    ],
)
def test_dates_are_read_as_people_write_them(passing: Passing, given: dict[str, str], expected: set[str]) -> None:
    assert passing(**given) == expected


@pytest.mark.parametrize(
    "date", ["banana", "2 bananas ago", "2024-13-45", "\x1b[31m", "-", "next tuesday-ish", "x" * 9000, "\0"]
)
def test_what_is_no_date_is_refused(passing: Passing, date: str) -> None:
    with pytest.raises(UsageError, match="is no date for --since"):
        passing(since=date)


@pytest.mark.parametrize(
    ("glob", "expected"),
    [
        ("src/a.py", {"one", "four"}),
        ("src", {"one", "two", "four"}),
        ("./src/", {"one", "two", "four"}),
        ("src/*.py", {"one", "four"}),
        ("src/**/*.py", {"one", "two", "four"}),
        ("**/b.py", {"two"}),
        ("*.py", {"one", "two", "four", "five"}),
        ("/*.py", {"five"}),
        ("src/d?ep/*", {"two"}),
        ("src/[a-b].py", {"one", "four"}),
        ("src/[!a].py", set()),
        ("[z-a]", set()),
        ("SRC/a.py", set()),
        ("src/a", set()),
        ("(", set()),
    ],
)
def test_paths_are_globs_as_git_has_them(passing: Passing, glob: str, expected: set[str]) -> None:
    assert passing(path=glob) == expected


@pytest.mark.parametrize(
    ("ref", "expected"),
    [
        ("main", {"one", "two", "three", "five"}),
        ("HEAD", {"one", "two", "three", "five"}),
        ("topic", {"one", "two", "three", "four"}),
        ("refs/heads/topic~1", {"one", "two", "three"}),
    ],
)
def test_a_ref_lets_through_what_it_reaches(passing: Passing, ref: str, expected: set[str]) -> None:
    assert passing(ref=ref) == expected


@pytest.mark.parametrize(
    "ref", ["gone", "--format=%s", "--all", "-", "main...topic", "a\nmain", "\0", "\udcff", "x" * 5000, ":!"]
)
def test_an_unknown_ref_is_not_found(passing: Passing, ref: str) -> None:
    with pytest.raises(NotFoundError, match="not found"):
        passing(ref=ref)


def test_refs_may_be_called_anything_git_allows(shell: Shell, indexed: Indexed, tmp_path: Path) -> None:
    names = [b"refs/heads/--format=x", b"refs/heads/\xff\xfe", b"refs/tags/--all"]
    shell(HISTORY)
    for name in names:
        subprocess.run(["git", "-C", str(tmp_path / "r"), "update-ref", name, "topic"], check=True)
    index, place = indexed("r"), find_repository(str(tmp_path / "r"))
    for name in names:
        for asked in (name, name.split(b"/", 2)[2]):
            made = filters.compile(filters.Filters.of({"ref": asked.decode("utf-8", "surrogateescape")}), index, place)
            assert made is not None
            assert len(made.ids) == 4


def test_filters_hold_together(passing: Passing) -> None:
    assert passing(author="bob", ref="main", since="2021") == {"five"}
    assert passing(author="bob", path="src") == {"four"}
    assert passing(author="ada", since="2021") == set()


def test_a_ref_counts_while_the_first_indexing_is_under_way(shell: Shell, indexed: Indexed, tmp_path: Path) -> None:
    shell(HISTORY)
    index = indexed("r")
    index.tips = type(index.tips)(None)
    made = filters.compile(filters.Filters.of({"ref": "topic"}), index, find_repository(str(tmp_path / "r")))
    assert made is not None
    assert len(made.ids) == 4


@pytest.mark.parametrize(
    ("date", "is_same"),
    [("yesterday", False), ("2024", True), ("2024-05-01", True), ("2024-05-01T10:00:00+02:00", True)],
)
def test_a_relative_date_is_another_filter_a_minute_later(date: str, *, is_same: bool) -> None:
    given = filters.Filters(since=date)
    assert (filters.get_key(given, now_s=0) == filters.get_key(given, now_s=61)) is is_same


@pytest.fixture
def crowd(shell: Shell, indexed: Indexed, tmp_path: Path) -> tuple[RepoIndex, RepoPlace]:
    """300 commits that say the same better than the one by Eve does."""
    shell("""
        git init -q r; cd r
        for n in $(seq 300); do echo "commit refs/heads/main
committer Ada <a@x.org> $((1600000000 + n)) +0000
data <<END
Retry retry retry the upload $n
END
"; done | git fast-import --quiet
        git reset -q --hard; export GIT_AUTHOR_NAME=Eve; commit -m "Explain, among much else, what a retry of something is for"
    """)
    return indexed("r"), find_repository(str(tmp_path / "r"))


@pytest.mark.parametrize("mode", ["auto", "lexical"])
def test_a_narrow_filter_finds_what_two_hundred_better_ones_would_hide(
    crowd: tuple[RepoIndex, RepoPlace], mode: Mode
) -> None:
    index, place = crowd
    made = filters.compile(filters.Filters.of({"author": "eve"}), index, place)
    assert made is not None
    question = Question("why retry the upload?", mode=mode, among=made.ids)
    found, _ = searcher.rank_candidates(index, HashEncoder(), question)
    assert {hit.commit_id for hit in found.hits} == made.ids


def test_where_nothing_passes_nothing_is_found(crowd: tuple[RepoIndex, RepoPlace]) -> None:
    index, place = crowd
    made = filters.compile(filters.Filters.of({"author": "nobody"}), index, place)
    assert made is not None
    assert searcher.answer(index, None, Question("why retry the upload?", among=made.ids))["outcome"] == "no_evidence"
