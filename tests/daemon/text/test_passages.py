"""What becomes a passage: docstrings of which only some lines changed, pages, changelogs, tests, messages; and what does not."""

from __future__ import annotations

import base64
import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.secret_corpus import SECRETS, find_kept, write_line

from ail_daemon.text.passages import (
    MOST_CHARS,
    MOST_COMMIT_CHARS,
    MOST_PASSAGES,
    FileChange,
    Hunk,
    Passage,
    find_passages,
    get_key,
    split_message,
)
from ail_daemon.text.prose import find_titles
from ail_daemon.text.reasons import Worth

SAID = "We wait here because the peer may still send its last frame."


def read(path: str, added: str = "", removed: str = "", start: int = 40) -> list[Passage]:
    sides = [text.split("\n") if text else [] for text in (removed, added)]
    return find_passages([FileChange(path, [Hunk(start, start, *sides)])])


def texts(path: str, added: str, start: int = 40) -> list[str]:
    return [one.text for one in read(path, added, start=start)]


# --- docstrings, of which a hunk holds the beginning, the middle or the end


@pytest.mark.parametrize(
    "lines",
    [
        f'def f():\n    """{SAID}"""\n    return 1',
        f'def f():\n    """\n    {SAID}\n    """\n    return 1',
        'def f():\n    """We wait here because the peer\n    may still send its last frame.\n\n    :param x: y\n    """',
        'def f():\n    r"""We wait here because the peer\n    may still send its last frame.',
        "    We wait here because the peer\n    may still send its last frame.",
        '    We wait here because the peer\n    may still send its last frame.\n    """\n    x = 1\n    return x',
        '    We wait here because the peer\n    may still send its last frame."""\n    x = 1',
        f"class A:\n    '''{SAID}'''",
    ],
)
def test_a_docstring_is_found_wherever_the_hunk_begins(lines: str) -> None:
    found = read("a.py", lines)
    assert [one.text for one in found] == [SAID]
    assert {one.kind for one in found} == {"docstring"}


def test_the_middle_of_a_block_comment_without_stars_is_found() -> None:
    assert texts("a.c", f"    {SAID}\n    */\n    return 1;") == [SAID]


@pytest.mark.parametrize(
    "code",
    [
        "for group in self.parser._groups:\n    for option in group.options:\n        yield option",
        "    cls, scope_name: ScopeName, descr: str, where: str | None = None",
        'raise ValueError(\n    "the option was already used by "\n    "another one, so pass it to the other"\n)',
        'query = """\nSELECT a FROM b WHERE c IN (SELECT d FROM e)\n"""\n',
        "from a import b as c\nimport d as e\nassert x in y and z not in y",
        'x = """\ndef test_a():\n    assert 1 == 1\n"""',
    ],
)
def test_code_is_no_docstring(code: str) -> None:
    assert texts("a.py", code) == []


def test_strings_in_three_quotes_are_not_mistaken_for_docstrings_of_what_follows() -> None:
    code = 'x = """\nselect a from b\n"""\n\ndef f():\n    y = 1\n    return y\n'
    assert texts("a.py", code) == []


def test_fields_of_a_docstring_stand_by_themselves() -> None:
    found = texts(
        "a.py",
        '"""Send a frame to the peer.\n\n:param peer: who gets the frame in the end\n:returns: whether it was sent at all\n"""',
    )
    assert found[0] == "Send a frame to the peer."
    assert [one.split(":")[1] for one in found[1:]] == ["param peer", "returns"]


def test_examples_in_a_docstring_are_left_out() -> None:
    text = f'"""{SAID}\n\n>>> send(1, 2, 3)\n4\n\nExample::\n\n    a = send(the, peer, of, it)\n    return a\n"""'
    assert texts("a.py", text) == [SAID]


# --- pages, changelogs, manuals, tests


def test_paragraphs_of_a_page_are_joined_and_its_code_is_left_out() -> None:
    page = """# How frames are sent

We wait here because the peer
may still send its last frame.

```python
x = send(the, frame, to, the, peer)
```

- a bullet that is long enough to stand
- [a link](https://example.org/a)

| a table | with cells | that is left out |

    $ run the program with an option
"""
    assert texts("docs/a.md", page) == ["How frames are sent", SAID, "a bullet that is long enough to stand"]


def test_a_hunk_that_holds_only_a_fence_s_end_keeps_what_follows() -> None:
    assert texts("a.md", f"x = 1\n```\n\n{SAID}") == [SAID]


def test_directives_keep_their_words_and_lose_their_names() -> None:
    page = (
        ".. versionadded:: 2.0\n   The peer may be given by its name.\n\n.. code-block:: python\n\n   the_code = of_this(a, b)\n\n"  # noqa: E501
        f".. note:: {SAID}\n\n.. _target-of-links:\n\nText of the page::\n\n    left out as it is code of the page\n"
    )
    found = texts("docs/a.rst", page)
    assert "2.0 The peer may be given by its name." in found
    assert SAID in found
    assert not any("left out" in one or "the_code" in one for one in found)


@pytest.mark.parametrize(
    "path",
    [
        "CHANGES", "CHANGES.rst", "CHANGELOG.md", "NEWS", "HISTORY.txt", "changelog/123.bugfix.rst", "newsfragments/12.misc",
        "CHANGES/77.feature", "doc/build/changelog/unreleased_20/1.rst", ".changeset/wise-cats.md", "docs/release-notes.md",
    ],
)  # fmt: skip
def test_changelogs_are_told_by_their_paths(path: str) -> None:
    assert [(one.kind, one.text) for one in read(path, f"- {SAID}")] == [("changelog", SAID)]


def test_what_only_looks_like_a_changelog_is_none() -> None:
    assert read("src/changes/a.py", "x = 1  # the peer may still send a frame")[0].kind == "comment"
    assert read("news.c", "/* the peer may still send a frame */")[0].kind == "comment"


def test_a_sphinx_changelog_entry_keeps_its_text_alone() -> None:
    entry = ".. change::\n    :tags: bug, orm\n    :tickets: 4711\n\n    We wait here because the peer\n    may still send its last frame.\n"  # noqa: E501
    assert texts("doc/changelog/unreleased_20/4711.rst", entry) == [SAID]


def test_a_manual_page_is_read_without_its_macros() -> None:
    page = '.It Ic wait\nWe wait here because the\n.Ar peer\nmay still send its last frame.\n.Pp\n.\\" a comment\n.Bl -tag -width Ds\n'  # noqa: E501
    assert texts("tool.1", page) == [SAID]


@pytest.mark.parametrize(
    ("path", "line", "name"),
    [
        ("tests/test_a.py", "    def test_frames_wait_for_peer(self):", "test frames wait for peer"),
        ("a_test.go", "func TestFramesWaitForHTTPPeer(t *testing.T) {", "test frames wait for HTTP peer"),
        ("src/a.spec.ts", "  it('waits until the peer is done', async () => {", "waits until the peer is done"),
        ("tests/a.rs", "    async fn frames_wait_for_the_peer() {", "frames wait for the peer"),
        ("src/test/java/ATest.java", "    public void framesWaitForThePeer() {", "frames wait for the peer"),
        ("src/test/ATest.kt", "  @Test fun `frames wait for the peer`() {", "frames wait for the peer"),
        ("spec/a_spec.rb", '  it "waits until the peer is done" do', "waits until the peer is done"),
        ("tests/a.bats", '@test "waits until the peer is done" {', "waits until the peer is done"),
    ],
)
def test_a_test_s_name_is_a_passage(path: str, line: str, name: str) -> None:
    found = read(path, f"x\n{line}\n")
    assert [(one.kind, one.text, one.line) for one in found] == [("test", name, 41)]


def test_docstrings_of_tests_are_of_their_kind() -> None:
    assert read("tests/test_a.py", f'def test_a():\n    """{SAID}"""')[0].kind == "test"


# --- places, sides, moves, bounds


def test_both_sides_are_told_apart() -> None:
    change = FileChange("new.go", [Hunk(7, 9, [f"// {SAID}"], ["// It goes on at once, the peer is gone."])], "old.go")
    added, removed = find_passages([change])
    assert (added.path, added.line, added.is_removed) == ("new.go", 9, False)
    assert (removed.path, removed.line, removed.is_removed) == ("old.go", 7, True)


def test_a_move_and_a_reformatting_are_no_passages() -> None:
    moved = [
        FileChange("a.py", [Hunk(3, 2, [f"# {SAID}"], [])]),
        FileChange(
            "b.c",
            [Hunk(3, 9, [], ["/*", " * We wait here because the peer", " * may still send its last frame.", " */"])],
        ),
    ]
    assert find_passages(moved) == []
    assert get_key("We wait\n   HERE.") == get_key("// we wait here")
    assert get_key("wait here") != get_key("wait there")


def test_the_same_text_twice_is_one_passage() -> None:
    assert len(find_passages([FileChange(f"{name}.py", [Hunk(1, 1, [], [f"# {SAID}"])]) for name in "abc"])) == 1


def test_a_long_paragraph_becomes_several_cut_between_sentences() -> None:
    found = texts("a.md", " ".join(f"This is sentence number {n} of the page and it goes on." for n in range(40)))
    assert len(found) > 2
    assert all(len(one) <= MOST_CHARS and one.endswith(".") for one in found)


def test_beyond_the_bound_reasons_stay() -> None:
    lines = [f"// Set the field {n} of the frame." for n in range(500)]
    lines[1::2] = [""] * 250
    lines[400] = f"// {SAID}"
    found = read("a.c", "\n".join(lines))
    assert len(found) == MOST_PASSAGES
    assert SAID in [one.text for one in found]
    assert [one.line for one in found] == sorted(one.line or 0 for one in found)


# --- what is left out


@pytest.mark.parametrize(
    "comment",
    [
        "# noqa: E501 because of the long line here",
        "# type: ignore[attr-defined] the stubs do not know of it",
        "// eslint-disable-next-line no-console because it is a tool",
        "/* clang-format off as it is the table of a parser */",
        "#!/usr/bin/env python with the option that we want",
        "# -*- coding: utf-8 -*- and the mode of the editor is this",
        "# vim: set the width of the tab to be four",
        "# https://example.org/a/page/of/the/manual",
        "# ==================== - - - - ================",
        "# TODO",
        "# one two three",
        "// if (a.b(c)) { return the.value(); }",
        "# x = foo(the, bar) + baz[1]",
        "# for a in b: print(c, d, e)",
        "// const a = await the.call(with_it, of_it);",
        "# import os, sys, re, json",
        "// SPDX-License-Identifier: MIT and that is all of it",
        "# Copyright (c) 2020 The Authors of this fine program",
        '""":copyright: (c) 2014 by the Authors, see AUTHORS for more details."""',
        "// Express - the Helpers - Copyright Some One <some@example.org> (MIT Licensed)",
        "// The router of it all, by its authors. MIT Licensed",
        "# Licensed under your choice of the one or the other of the two",
    ],
)
def test_pragmas_code_and_licences_are_no_passages(comment: str) -> None:
    assert texts("a.py" if comment[0] == "#" else "a.js", comment) == []


@pytest.mark.parametrize(
    "pragma", ["@ts-expect-error - {}", "eslint-disable-next-line no-x -- {}", "nolint:errcheck // {}"]
)
def test_the_reason_behind_a_pragma_stays(pragma: str) -> None:
    assert texts("a.ts", f"// {pragma.format(SAID)}") == [SAID]


def test_a_todo_with_a_sentence_stays() -> None:
    assert texts("a.py", "# TODO: wait until the peer has sent its last frame") == [
        "TODO: wait until the peer has sent its last frame"
    ]


def test_code_that_is_commented_out_between_sentences_is_left_out() -> None:
    found = texts("a.c", f"// {SAID}\n// x = wait(the_peer);\n// if (x) {{\n//   return y;\n// }}")
    assert found == [SAID]


def test_a_licence_s_head_is_left_out_as_a_whole() -> None:
    head = (
        "/*\n * Copyright (c) 2007 Some One <some@example.org>\n *\n * Permission to use, copy, modify, and distribute this\n"
        " * software for any purpose with or without fee is hereby granted, provided that the above\n * notice appears.\n *\n"
        " * It may be that the peer of the owner is liable for the use.\n */"
    )
    assert texts("a.c", head, 1) == []


def test_what_stands_above_a_licence_in_the_same_comment_is_read() -> None:
    said = "This file implements what has to wait, because a slow disk blocks the server."
    head = (
        f"/* Background service for the store.\n *\n * {said}\n *\n"
        " * Copyright (c) 2009-Present, Some One\n * All rights reserved.\n *\n * The owner may be liable for the use.\n */"
    )
    assert texts("a.c", head, 1) == ["Background service for the store.", said]


@pytest.mark.parametrize(
    "head",
    [
        "// Code generated by protoc-gen-go. DO NOT EDIT.",
        "# This file is automatically generated by the tool.",
        "/* @generated */",
        "# Autogenerated by the script that is in the other folder",
    ],
)
def test_generated_files_are_not_read(head: str) -> None:
    assert texts("a.go", f"{head}\n// {SAID}", 1) == []


def test_minified_files_are_not_read() -> None:
    line = "var a=function(b){return the.value(of)};/* the peer may still send it */" * 30
    assert texts("a.js", "\n".join([line] * 5)) == []


def test_templates_of_pull_requests_are_not_read() -> None:
    assert texts(".github/PULL_REQUEST_TEMPLATE.md", SAID) == []
    assert texts(".github/ISSUE_TEMPLATE/bug.md", SAID) == []


def test_base64_in_a_docstring_is_no_passage() -> None:
    data = base64.encodebytes(random.Random(1).randbytes(600)).decode()
    assert texts("a.py", f'def f():\n    """\n{data}\n    """') == []
    assert texts("a.py", data) == []


def test_secrets_are_taken_out() -> None:
    for name in SECRETS:
        line = write_line(name).replace("\n", "\n# ")
        kept = "\n".join(
            texts("a.py", f"# Here we log in with this one as the user:\n# {line}\n# and that is all there is to it.")
        )
        assert not find_kept(kept.encode())


def test_crlf_tabs_and_bytes_of_other_encodings_do_no_harm() -> None:
    assert texts("a.c", "\t// We wait here because the peer\r\n\t//\tmay still send its last frame.\r\n\tx();\r") == [
        SAID
    ]
    latin = "# D\u00e9j\u00e0 vu: on attend ici parce que le pair peut encore \u00e9crire".encode("latin-1")
    assert len(texts("a.py", latin.decode("utf-8", "replace"))) == 1
    assert len(texts("a.py", latin.decode("utf-8", "surrogateescape"))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "Wir warten hier, weil die Gegenseite noch senden kann.",
        "On attend ici parce que le pair peut encore envoyer.",
        "\u041c\u044b \u0436\u0434\u0451\u043c \u0437\u0434\u0435\u0441\u044c, \u043f\u043e\u0442\u043e\u043c\u0443 \u0447\u0442\u043e \u0434\u0440\u0443\u0433\u0430\u044f \u0441\u0442\u043e\u0440\u043e\u043d\u0430 \u0435\u0449\u0451 \u043f\u0438\u0448\u0435\u0442.",  # noqa: E501
        "\u5bf9\u65b9\u53ef\u80fd\u8fd8\u4f1a\u53d1\u9001\u6700\u540e\u4e00\u5e27\uff0c\u6240\u4ee5\u5728\u8fd9\u91cc\u7b49\u5f85\u3002",
        "\u76f8\u624b\u304c\u6700\u5f8c\u306e\u30d5\u30ec\u30fc\u30e0\u3092\u9001\u308b\u53ef\u80fd\u6027\u304c\u3042\u308b\u305f\u3081\u3001\u3053\u3053\u3067\u5f85\u3064\u3002",
    ],
)
def test_other_languages_of_people_are_read(text: str) -> None:
    assert texts("a.c", f"// {text}") == [text]


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


# --- whatever comes: no error, bounded, linear

_LINES = st.lists(
    st.one_of(
        st.text(max_size=80),
        st.sampled_from(
            ['"""', "'''", "/*", "*/", "// " + SAID, "# " + SAID, "```", "::", ".. note::", " * " + SAID, "-" * 70, "<!--", "-->",
             ">>> x", "{-", "=begin", "=cut", "\ud800\udcff", "\x00", "  " + SAID, "def f():", '"""' + SAID + '"""', "- " + SAID]
        ),
    ),
    max_size=30,
)  # fmt: skip
_PATHS = st.sampled_from(
    ["a.py", "a.c", "a.md", "a.rst", "a.1", "CHANGES", "tests/test_a.py", "a.lua", "a.hs", "a.rb", "x", "", "/", "."]
)


@settings(max_examples=150, deadline=None)
@given(_PATHS, _LINES, _LINES, st.integers(0, 3))
def test_anything_gives_bounded_passages(path: str, added: list[str], removed: list[str], start: int) -> None:
    found = find_passages(
        [FileChange(path, [Hunk(start, start, removed, added), Hunk(start + 40, start + 40, added, removed)])]
    )
    assert len(found) <= MOST_PASSAGES
    assert sum(len(one.text) for one in found) <= MOST_COMMIT_CHARS
    for one in found:
        assert 0 < len(one.text) <= MOST_CHARS
        assert one.text == " ".join(one.text.split()) or one.kind == "test"
        assert start <= (one.line or 0) < start + 80


@settings(max_examples=100, deadline=None)
@given(st.one_of(st.text(max_size=300), _LINES.map("\n".join)))
def test_any_message_gives_bounded_passages(message: str) -> None:
    found = split_message(message)
    assert len(found) <= MOST_PASSAGES
    assert all(0 < len(one.text) <= MOST_CHARS for one in found)


@pytest.mark.parametrize("path", ["a.md", "a.rst", "a.py", "a.c", "a.1", "tests/test_a.py", "a.hs"])
@pytest.mark.parametrize(
    "piece",
    ["a ", "a-", '"""', "/*", "*/ ", "# ", "(a", "`a", "the word of ", "<a ", "- ", "= ", ":a:", "x(", " ", "it('"],
)
def test_long_lines_and_many_lines_take_no_time(path: str, piece: str) -> None:
    start = time.process_time()
    read(path, "\n".join([piece * 600] * 60))
    read(path, "\n".join([piece] * 8_000))
    assert time.process_time() - start < 5


@pytest.mark.parametrize("piece", ["a ", "a-", "/*", "the word of ", "- "])
def test_a_line_of_ten_megabytes_takes_no_time(piece: str) -> None:
    start = time.process_time()
    read("a.py", piece * (10_000_000 // len(piece)))
    read("a.md", piece * (10_000_000 // len(piece)))
    split_message("x\n\n" + piece * (10_000_000 // len(piece)))
    assert time.process_time() - start < 5


def test_a_page_of_five_megabytes_is_bounded() -> None:
    page = "\n\n".join(f"This is paragraph {n} of the page and it is rather long, as they are." for n in range(75_000))
    assert len(page) > 5_000_000
    start = time.process_time()
    assert len(read("a.md", page, page[:-1])) <= MOST_PASSAGES
    assert time.process_time() - start < 5


def test_the_worth_of_a_passage_is_that_of_its_best_sentence() -> None:
    from ail_daemon.text.passages import rate_passage

    assert rate_passage(f"It is a frame. {SAID}") == Worth.REASON
    assert rate_passage("Add the frame.") == Worth.WHAT
