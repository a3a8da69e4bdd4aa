from __future__ import annotations

import pytest
from tests.daemon.index.making import make_commit

from ail_daemon.text.prose import Sentence, get_title, read_sentences
from ail_daemon.text.reasons import Worth


def read(body: str, subject: str = "Change it") -> list[Sentence]:
    return read_sentences(subject, body)[1:]


def texts(body: str) -> list[str]:
    return [one.text for one in read(body)]


def test_wrapped_lines_are_joined_and_sentences_parted() -> None:
    body = "The child kept the socket open, because it inherits\nevery descriptor. A restart then failed.\n\nWe close it first."
    assert texts(body) == [
        "The child kept the socket open, because it inherits every descriptor.",
        "A restart then failed.",
        "We close it first.",
    ]


def test_shortened_words_quotes_and_dots_in_names_end_no_sentence() -> None:
    assert len(texts("Some names, e.g. Foo.bar or v1.2. are left, cf. RFC 7230, as J. Doe said.")) == 1
    assert texts('It printed "no such file." Then it died.') == ['It printed "no such file."', "Then it died."]
    assert texts("\u56e0\u4e3a\u5b83\u5f88\u6162\u3002\u6211\u4eec\u7f13\u5b58\u5b83\u3002") == [
        "\u56e0\u4e3a\u5b83\u5f88\u6162\u3002", "\u6211\u4eec\u7f13\u5b58\u5b83\u3002",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "noise",
    [
        "Signed-off-by: Ann <ann@example.org>",
        "Co-authored-by: Ann <ann@example.org>",
        "co-authored-by: Ann <ann@example.org>",
        "Fixes #12",
        "Closes: #12, #13.",
        "See also https://example.org/issues/12",
        "fix gh-12 and GH-13",
        "> quoted because of nothing",
        "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@",
        "```\ncode because it is code\n```",
        "    indented code because it is code",
        'Traceback (most recent call last):\n  File "a.py", line 1, in f\nValueError: because of this',
        "<!-- Thank you, because\nyou are kind! -->",
        "<details>\n<summary>Because</summary>\nbecause it is pasted\n</details>",
        "## What do these changes do?",
        "Heading because\n===============".splitlines()[1],
        "- [x] I think the code is well written because I wrote it",
        "- [x] A short fix\n\t- Good to go, because no issue is needed\n\n- [ ] A feature\n  - because we say so",
        "Testing:\nran it twice because I could",
        "Test plan: run it, because it is short",
        "Reviewers: Ann, because she knows",
        "(cherry picked from commit 0123456789abcdef0123456789abcdef01234567)",
        "This reverts commit 0123456789abcdef0123456789abcdef01234567.",
        "git-svn-id: https://example.org/svn@1 because",
        "LGTM=because\nR=because, rsc\nCC=golang-because",
        "Trust: Because Reviewer <because@example.org>",
        "--HG--\nbranch : trunk",
        "[![badge because](https://example.org/b.svg)](https://example.org)",
        "- [Release notes](https://example.org/because)",
        "---\nupdated-dependencies:\n- dependency-name: because\n...",
        "Bumps [because](https://example.org/because) from 1.0 to\n2.0.",
        "Dependabot will resolve any conflicts with this PR as long as you don't\nalter it yourself, because it can.",
        "Conflicts:\n\tbecause.py",
        "$ because --help",
    ],
)
def test_what_was_not_written_to_be_read_is_left_out(noise: str) -> None:
    assert texts(f"It was slow.\n\n{noise}\n\nNow it is fast.") == ["It was slow.", "Now it is fast."]
    assert texts(noise) == []


def test_what_follows_the_line_that_github_puts_below_a_squashed_branch_is_left_out() -> None:
    assert texts("It was slow.\n\n---------\n\nanything because of anything") == ["It was slow."]


def test_a_label_goes_and_what_it_labels_stays() -> None:
    assert texts("Description: It was slow.\n\n**Motivation**: users waited.") == ["It was slow.", "users waited."]


def test_a_wrapped_line_that_begins_with_a_word_and_a_colon_is_no_trailer() -> None:
    body = "A request waits before it is told\nbusy: nobody is refused at once."
    assert texts(body) == ["A request waits before it is told busy: nobody is refused at once."]


def test_short_lines_that_begin_with_a_capital_are_items_of_a_list() -> None:
    assert texts("Add a test\nRemove the old one\nUpdate the docs") == [
        "Add a test",
        "Remove the old one",
        "Update the docs",
    ]


@pytest.mark.parametrize(
    ("sentence", "worth"),
    [
        ("We retry once because the second attempt opens a fresh connection.", Worth.REASON),
        ("Proxies drop idle connections, so that the first upload failed.", Worth.REASON),
        ("Use a lock to avoid two writers at once.", Worth.REASON),
        ("The child kept the socket open and the restart failed.", Worth.REASON),
        ("The designers asked for it: red was taken for an error.", Worth.STATE),
        ("Das ist noetig, weil der Server sonst haengt.", Worth.REASON),
        ("\u56e0\u4e3a\u670d\u52a1\u5668\u592a\u6162\u4e86\uff0c\u6240\u4ee5\u7f13\u5b58\u3002", Worth.REASON),
        ("Update the classifiers and what setup.py requires.", Worth.WHAT),
        ("This commit adds a parameter to the constructor of the session.", Worth.WHAT),
        ("Plugins can now mark modules to be rewritten by name.", Worth.WHAT),
        ("Works since version 3.6 of it, I think.", Worth.STATE),
        ("Respect domains in cookie jar", Worth.WHAT),
        ("The errors are because of this:", Worth.WHAT),
        ("Thanks!", Worth.WHAT),
    ],
)
def test_a_reason_is_told_from_what_was_done(sentence: str, worth: Worth) -> None:
    assert [one.worth for one in read(sentence)] == [worth]


@pytest.mark.parametrize(
    ("subject", "worth"),
    [
        ("Retry once because proxies drop connections", Worth.REASON),
        ("Use a lock to avoid two writers", Worth.REASON),
        ("Fix the broken test", Worth.WHAT),
        ("Drop support since 3.6", Worth.WHAT),
        ("", Worth.WHAT),
    ],
)
def test_a_subject_must_say_its_reason_in_so_many_words(subject: str, worth: Worth) -> None:
    assert read_sentences(subject, "")[0].worth == worth


def test_a_bullet_says_why_only_in_so_many_words() -> None:
    worth = [
        one.worth
        for one in read("* the header was missing in some of the replies\n* cache it because it is slow to read")
    ]
    assert worth == [Worth.WHAT, Worth.REASON]


def test_the_title_of_a_merge_is_the_first_line_below_it() -> None:
    commit = make_commit(1, "Merge pull request #1 from ann/fix\n\nClose the socket before the fork")
    assert (
        get_title(commit.subject, read_sentences(commit.subject, commit.body)).text
        == "Close the socket before the fork"
    )
    assert get_title("Merge branch 'a'", read_sentences("Merge branch 'a'", "")).text == "Merge branch 'a'"


@pytest.mark.parametrize(
    "body",
    ["", "\0\1\2", "\ud800", "x" * 1_000_000, "a " * 500_000, "- " * 500_000, "(" * 50_000, "```" * 10_000, "<!--" * 10_000,
     ". " * 100_000, "#1 " * 50_000, "\n" * 1_000_000, "fixes " * 30_000, "[" * 50_000, "**" * 50_000, "  \t" * 50_000,
     "A" * 40_000 + ":", "a-" * 20_000 + ": b", "> \n" * 20_000, "---\n" * 10_000, "Traceback (most recent call last):\n" * 1000],
)  # fmt: skip
def test_any_body_is_read_in_no_time(body: str) -> None:
    assert len(read_sentences(body[:1000], body)) <= 200
