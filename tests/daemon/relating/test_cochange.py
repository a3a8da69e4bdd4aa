from __future__ import annotations

import pytest

from ail_daemon.relating.cochange import find_companions, is_bot, is_mutual, is_test

TOGETHER = [{"a.py", "a.pyi"}] * 9 + [{"a.py"}]


def test_what_usually_changes_too_is_found_with_its_share() -> None:
    (found,) = find_companions([("a.py", TOGETHER)], {"a.py"})
    assert (found.path, found.beside, found.times, found.of, found.share) == ("a.pyi", "a.py", 9, 10, 0.9)


def test_what_changes_as_well_is_not_missed() -> None:
    assert find_companions([("a.py", TOGETHER)], {"a.py", "a.pyi"}) == []


@pytest.mark.parametrize("baskets", [[{"a.py", "b.py"}] * 5, [{"a.py", "b.py"}] * 8 + [{"a.py"}] * 2])
def test_too_few_times_or_too_small_a_share_is_silence(baskets: list[set[str]]) -> None:
    assert find_companions([("a.py", baskets)], {"a.py"}) == []


def test_the_surest_reason_is_named() -> None:
    rarer = [{"b.py", "c.py"}] * 9 + [{"b.py"}]
    always = [{"a.py", "c.py"}] * 7
    (found,) = find_companions([("b.py", rarer), ("a.py", always)], {"a.py", "b.py"})
    assert found.beside == "a.py"


def test_a_file_that_changes_with_everything_is_no_companion() -> None:
    (found,) = find_companions([("a.py", TOGETHER)], {"a.py"})
    assert is_mutual(found, TOGETHER)
    assert not is_mutual(found, [{"a.pyi", f"{n}.py"} for n in range(20)] + TOGETHER)


def test_tests_pages_and_bots_are_told_by_their_names() -> None:
    assert all(map(is_test, ("tests/x.py", "a/test_x.py", "docs/x.txt", "README.md", "x_test.go")))
    assert not any(map(is_test, ("src/testing_tools.py", "attest.py", "requirements/dev.txt")))
    assert is_bot("dependabot[bot]")
    assert not is_bot("Abbott")
