"""What becomes a passage of a file: docstrings of which only some lines changed, pages, changelogs, tests; and what does not."""

from __future__ import annotations

import base64
import random

import pytest
from tests.daemon.text.changes import SAID, read, texts
from tests.secret_corpus import SECRETS, find_kept, write_line

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
