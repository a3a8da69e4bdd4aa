"""What becomes a passage of a commit's message: paragraphs, bullets, reasons among squashed titles; and what does not."""

from __future__ import annotations

import pytest
from tests.daemon.text.changes import SAID

from ail_daemon.text.passages import get_key, split_message
from ail_daemon.text.prose import find_titles

# --- messages


def test_a_message_s_paragraphs_and_bullets_are_passages() -> None:
    message = (
        "Wait for the peer (#12)\n\nWe wait here because the peer\nmay still send its last frame.\n\n- The first of the two changes.\n"  # noqa: E501
        "- The second one of the two.\n\n    the indented words of a note that is prose\n\nFixes #12\nSigned-off-by: A B <a@example.org>\n"  # noqa: E501
        "Co-authored-by: C <c@example.org>\nChange-Id: I0123456789abcdef\n"
    )
    assert [(one.text, one.line) for one in split_message(message)] == [
        ("Wait for the peer (#12)", 1),
        (SAID, 3),
        ("The first of the two changes.", 6),
        ("The second one of the two.", 7),
        ("the indented words of a note that is prose", 9),
    ]
    assert {(one.kind, one.path) for one in split_message(message)} == {("message", None)}


def test_a_list_that_ends_a_sentence_stays_with_it() -> None:
    message = "Subject\n\nThis fails for keys that are undefined, causing:\n- `has` to say no of a key that is there\n- `get` to track it all"  # noqa: E501
    assert len(split_message(message)) == 2


@pytest.mark.parametrize(
    "junk",
    [
        "Thank you for contributing to this project of ours!",
        "- [x] I have read the guide and agree to it\n- [ ] Tests were added for all of it",
        "- [x] A fix of a small typing error\n\t- Good to go, as no issue and no tests are needed for it\n"
        "- [ ] A short fix of the code\n  - please say which issue it is for, because\n    we need that",
        "By submitting this you agree that it is under the licence of the project",
        "```\nthe code of it is this and that\n```",
        "> the words of somebody else that are quoted here",
        "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@ def the_thing(of, it):",
        "Signed-off-by: Some One of us <some@example.org>",
        "Reviewed-on: https://example.org/c/a/b/+/12 by the one",
        "https://example.org/a",
        "<!-- Please describe the change that you have made here -->",
        "x = 1; y = foo(bar, baz); return x + y;",
    ],
)
def test_what_nobody_wrote_to_be_read_is_left_out_of_messages(junk: str) -> None:
    assert [one.text for one in split_message(f"Subject\n\n{junk}\n\n{SAID}\n")] == ["Subject", SAID]


def test_a_merge_s_own_subject_says_nothing_where_there_is_more() -> None:
    assert [one.text for one in split_message(f"Merge pull request #1 from a/b\n\n{SAID}")] == [SAID]
    assert [one.text for one in split_message("Merge branch 'a'")] == ["Merge branch 'a'"]


def test_a_merge_that_repeats_its_commits_has_their_keys() -> None:
    own = {get_key(one.text) for one in split_message(f"Wait for the last frame\n\n{SAID}")}
    merged = split_message(f"Merge branch 'a'\n\n* a:\n  Wait for the last frame\n\n{SAID}\n")
    assert {get_key(one.text) for one in merged} == own - {get_key("Wait for the last frame")}


SQUASHED = """Wait for the peer (#12)

* Wait for the peer
We wait here because the peer
may still send its last frame.

* socket: Add a timer, to prevent peers from staying for ever

It is two seconds long as that is what the other side takes
at most.

* lint
* Fix the tests of the two
"""


def test_titles_of_squashed_commits_are_no_prose_unless_they_name_a_reason() -> None:
    assert [(one.text, one.line) for one in split_message(SQUASHED)] == [
        ("Wait for the peer (#12)", 1),
        (SAID, 4),
        ("socket: Add a timer, to prevent peers from staying for ever", 7),
        ("It is two seconds long as that is what the other side takes at most.", 9),
    ]


def titles_of(message: str) -> list[str]:
    subject, _, body = message.partition("\n")
    return list(find_titles(subject, body.split("\n")).values())


def test_lists_that_somebody_wrote_have_no_titles() -> None:
    assert titles_of(SQUASHED)[2:] == ["lint", "Fix the tests of the two"]
    assert not titles_of(SQUASHED.replace(" (#12)", ""))
    assert not titles_of(SQUASHED.replace("* Wait for the peer\n", "Two things:\n\n* Wait for the peer\n"))
    goes_on = "Wait (#1)\n\n* The peer may still send its last frame, and nobody knows when it does\n  so we wait.\n* It ends.\n"
    assert not titles_of(goes_on)
    assert not titles_of(goes_on.replace("  so", "so"))


def test_what_git_lists_of_a_merge_or_a_subtree_is_no_prose() -> None:
    listed = "* xx/wait: (2 commits)\n  socket: wait for peers, as they may be slow\n  t: test it\n"
    merge = f"Merge branch 'xx/wait' into main\n\n{SAID}\n\n{listed}"
    assert [one.text for one in split_message(merge)] == [SAID]
    listed = "60e5075d4 Version 1.2.0 of it is here\nadef139a7 Wait for it because of peers\n"
    assert [one.line for one in split_message(f"Squashed 'deps/x/' changes from 1f..2b\n\n{listed}")] == [1]


def test_a_subject_that_goes_on_in_the_next_line_is_read_to_its_end() -> None:
    wrapped = "fix the collection of tests to wait for the peer\nwhich may still send. It is slow, as we cannot know."
    more = "\n\nMore of it is here for you."
    assert [(one.line, one.text, one.worth) for one in split_message(wrapped + more)] == [
        (1, "fix the collection of tests to wait for the peer which may still send. It is slow, as we cannot know.", 2),
        (4, "More of it is here for you.", 0),
    ]
    title = "vastly simplify and clean up the collection of tests by internally\nintroducing a root of them."
    assert [one.worth for one in split_message(title)] == [0]


def test_an_empty_message_has_no_passages() -> None:
    assert split_message("") == []
    assert split_message("\n \n") == []
