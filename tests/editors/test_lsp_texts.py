"""The pure parts of `ail-lsp`: documents as LSP describes them, lenses, sentences, settings, addresses of commits."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from tests.client.conftest import ScriptedDaemon
from tests.hostile import CORPUS, find_raw

from ail_lsp.documents import Document, count_units, split_lines
from ail_lsp.lenses import LENSES_MAX, find_blocks
from ail_lsp.places import read_contents, to_path
from ail_lsp.questions import parse_commit_uri
from ail_lsp.results import Where, find_reason, make_commit_uri, make_result, write_hover
from ail_lsp.settings import Settings, read_settings
from ail_rpc.errors import UsageError

TEXTS = st.text(alphabet="ab\n\r\t\x0c\u2028\x85\U0001f600é", max_size=20)
PLACES = st.tuples(st.integers(0, 8), st.integers(0, 8))


@settings(max_examples=300, deadline=None)
@given(TEXTS, st.lists(st.tuples(PLACES, PLACES, TEXTS), max_size=6))
def test_changes_make_the_text_that_utf_16_offsets_make(text: str, changes: list[tuple[Any, Any, str]]) -> None:
    document, model = Document("file:///x", text), text
    for start, end, new in changes:
        first, last = sorted((start, end))
        begin, finish = to_offset(model, *first), to_offset(model, *last)
        document.replace(first, last, new)
        units = model.encode("utf-16-le")
        model = (units[: 2 * begin] + new.encode("utf-16-le") + units[2 * finish :]).decode(
            "utf-16-le", "surrogatepass"
        )
        assert document.text == model
        assert document.lines == split_lines(model)


def to_offset(text: str, line: int, column: int) -> int:
    """Return the UTF-16 offset of a position, as the specification has it, by another way than ours."""
    starts, at = [0], 0
    while at < len(text):
        step = 2 if text[at : at + 2] == "\r\n" else 1
        if text[at] in "\r\n":
            starts.append(at + step)
        at += step
    if line >= len(starts):
        return count_units(text)
    rest = text[starts[line] :]
    body = rest[: min(rest.find(end) if end in rest else len(rest) for end in "\r\n")]
    kept = ""
    for char in body:
        if count_units(kept) >= column:
            break
        kept += char
    return count_units(text[: starts[line]]) + count_units(kept)


def test_a_form_feed_ends_no_line() -> None:
    assert split_lines("a\x0cb\u2028c\r\nd\re") == ["a\x0cb\u2028c\r\n", "d\r", "e"]
    assert Document("u", "").lines == [""]


BLOCKS: tuple[tuple[str, str, list[tuple[int, int]]], ...] = (
    ("python", "import x\n\nclass A:\n    def f(self):\n        pass\n\n    def g(\n        self,\n    ):\n"
     "        pass\n\nx = 1\n",
     [(3, 10), (4, 5), (7, 10)]),
    ("typescript", "export async function f(a: number) {\n  if (a) {\n    g();\n  }\n}\nconst x = 1;\n", [(1, 5)]),
    ("c", "static int\nmain_loop(void)\n{\n}\nint main(int argc, char **argv) {\n    for (;;) {\n    }\n}\n", [(5, 8)]),
    ("go", "func (s *Server) Serve() error {\n\treturn nil\n}\n", [(1, 3)]),
    ("rust", "pub(crate) fn read() -> u8 {\n    1\n}\nimpl A {\n    fn b() {}\n}\n", [(1, 3), (4, 6), (5, 5)]),
    ("ruby", "class A\n  def b\n    1\n  end\nend\n", [(1, 5), (2, 4)]),
    ("markdown", "class of its own\n", []),
    ("python", "# class of its own\nreturn f(x)\n", []),
)  # fmt: skip


@pytest.mark.parametrize(("language", "text", "expected"), BLOCKS)
def test_lenses_stand_at_functions_and_classes(language: str, text: str, expected: list[tuple[int, int]]) -> None:
    assert find_blocks(text.split("\n"), language) == expected


def test_lenses_of_a_monstrous_file_are_bounded() -> None:
    assert len(find_blocks(["def f():", "    pass"] * 50_000)) == LENSES_MAX
    assert find_blocks(["a " * 100_000 + "(" + " {" * 10] * 10) == []


SENTENCES = (
    ("One. Two! Three? Four. (4f1c2d9e4f)", "One. Two!"),
    ("Python 3.11 and e.g. pip need it. So we wait. And more. (4f1c2d9e4f) Other. (aaaaaaaaaa)",
     "Python 3.11 and e.g. pip need it. So we wait."),
    ("No sha at all", "No sha at all"),
    ("It is (as said) so. (4f1c2d9e4f)", "It is (as said) so."),
)  # fmt: skip


@pytest.mark.parametrize(("answer", "text"), SENTENCES)
def test_a_reason_has_at_most_two_sentences_of_one_commit(answer: str, text: str) -> None:
    reason = find_reason(ScriptedDaemon.make_reply(answer=answer), 0.6)
    assert reason is not None
    assert reason.text == text


def test_the_commit_of_a_reason_is_the_one_that_its_sentence_stands_in() -> None:
    cited = [ScriptedDaemon.make_citation(sha="a" * 40), ScriptedDaemon.make_citation(sha="b" * 40)]
    reason = find_reason(ScriptedDaemon.make_reply(answer=f"Because. ({'b' * 10})", citations=cited), 0.6)
    assert reason is not None
    assert reason.citation["sha"] == "b" * 40


UNSURE: tuple[dict[str, Any], ...] = (
    {"confidence": 0.59}, {"outcome": "no_reason_recorded"}, {"outcome": "no_evidence"}, {"citations": []},
    {"answer": ""}, {"confidence": None},
)  # fmt: skip


@pytest.mark.parametrize("changes", UNSURE)
def test_nothing_is_a_reason_where_history_is_unsure(changes: dict[str, Any]) -> None:
    assert find_reason(ScriptedDaemon.make_reply(**changes), 0.6) is None


def test_a_hover_links_commit_and_pull_request_and_says_what_became_of_it() -> None:
    request = {"number": 7, "title": "Retry", "url": "https://github.com/o/r/pull/7"}
    citation = ScriptedDaemon.make_citation(pull_request=request, reverted_by="c" * 40)
    reason = find_reason(ScriptedDaemon.make_reply(citations=[citation]), 0.6)
    assert reason is not None
    said = write_hover(reason, Where("/r", "https://github.com/o/r/commit/"), is_markdown=True)
    assert "[`#7` Retry](https://github.com/o/r/pull/7)" in said
    assert f"[`4f1c2d9e4f`](https://github.com/o/r/commit/{'4f1c2d9e' * 5})" in said
    assert "reverted by cccccccccc" in said


def test_a_reason_repeats_a_line_that_it_is_quoted_from_and_no_other() -> None:
    comment = {"kind": "comment", "path": "a.py", "line": 3, "is_current": True, "is_quoted": True}
    answer = "Proxies drop idle connections, so that one retry on a fresh one is enough. (4f1c2d9e)"
    reply = ScriptedDaemon.make_reply(file="a.py", answer=answer, evidence=[comment])
    reason = find_reason(reply, 0.5)
    assert reason is not None
    assert reason.repeats("    # Proxies drop idle connections, so that")
    assert reason.repeats("    # one retry on a fresh one is enough. Two are too many.")
    assert not reason.repeats("    retry(once=True)")
    assert not reason.repeats("# Proxies drop")
    for elsewhere in (comment | {"path": "b.py"}, comment | {"is_current": False}, comment | {"is_quoted": False}):
        quoted = find_reason(reply | {"evidence": [elsewhere]}, 0.5)
        assert quoted is not None
        assert not quoted.repeats("    # Proxies drop idle connections, so that")


@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.slow)])
def test_no_commit_of_the_hostile_corpus_marks_anything_up(step: int) -> None:
    for hostile in CORPUS[::step]:
        message, author = (text.decode("utf-8", "surrogateescape") for text in (hostile.message, hostile.author))
        subject = message.partition("\n")[0]
        citation = ScriptedDaemon.make_citation(subject=subject, author=author, excerpt=message, author_time=subject)
        reply = ScriptedDaemon.make_reply(answer=message, citations=[citation], degraded=subject)
        reason = find_reason(reply, 0.6)
        assert reason is not None
        where = Where("/r", "", "a.py", (1, 2))
        page = make_result("why?", reply, where)["markdown"]
        for text, headings in ((write_hover(reason, where, is_markdown=True), 0), (page, 2)):
            assert find_raw(text) == [], hostile.name
            tokens = [
                part for token in MarkdownIt("commonmark").parse(text) for part in [token, *(token.children or ())]
            ]
            kinds = [token.type for token in tokens]
            marked = {"image", "link_open", "html_inline", "html_block", "fence", "code_block", "hr"} & set(kinds)
            assert not marked, (hostile.name, text)
            assert kinds.count("heading_open") == headings, (hostile.name, text)
        assert find_raw(write_hover(reason, where, is_markdown=False)) == []


def test_an_address_of_a_commit_says_which_repository_and_refuses_anything_else() -> None:
    uri = make_commit_uri("4f1c2d9e", "/a b/é?&", "s#c.py")
    assert parse_commit_uri(uri) == ("4f1c2d9e", "/a b/é?&", "s#c.py")
    for wrong in (
        "ail://commit/HEAD?repo=/r",
        "ail://commit/--all?repo=/r",
        "ail://commit/4f1c2d9e",
        "file:///x",
        "ail:x",
    ):
        with pytest.raises(UsageError):
            parse_commit_uri(wrong)


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///a%20b/c.py", "/a b/c.py"), ("file://localhost/a", "/a"), ("file://other/a", None), ("file:///a%00", None),
        ("untitled:Untitled-1", None), ("git:/a?x", None), ("file:relative", None), ("", None), ("file:///%ff", "/\udcff"),
    ],
)  # fmt: skip
def test_only_files_of_this_machine_have_a_path(uri: str, path: str | None) -> None:
    assert to_path(uri) == path


def test_the_short_cut_at_start_leaves_attrs_as_it_was_and_messages_readable() -> None:
    code = """
import attrs
define = attrs.define
from ail_lsp.loading import load_types
load_types()
assert attrs.define is define
from lsprotocol import types
from pygls.protocol import default_converter
converter, position = default_converter(), types.Position(1, 2)
assert converter.structure(converter.unstructure(position), types.Position) == position
print(types.Hover.__eq__ is object.__eq__)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("True", "")


def test_settings_are_taken_one_by_one_and_wrong_ones_named() -> None:
    given_ = {"hover": "off", "limit": 0, "codeLens": "yes", "timeout": 0, "socket": "", "other": 1, "inlayHint": True}
    new, wrong = read_settings(given_, Settings(limit=3))
    assert new == Settings(hover="off", limit=3, inlay_hint=True)
    assert wrong == [
        "ail.limit must be a whole number from 1 to 20, not 0",
        "ail.codeLens must be true or false, not 'yes'",
    ]
    assert read_settings(None, new) == (new, [])


def test_a_large_file_that_was_opened_and_not_changed_is_the_one_on_the_disk(tmp_path: Path) -> None:
    text = "".join(f"x{number} = {number}\n" for number in range(80_000))
    (tmp_path / "big.py").write_text(text)
    opened = Document((tmp_path / "big.py").as_uri(), text)
    assert read_contents(opened) == (None, "")
    opened.replace((3, 0), (3, 1), "y")
    assert read_contents(opened) == (
        None,
        "the buffer is large and not saved: lines are counted as in the file on the disk",
    )
    other = Document((tmp_path / "big.py").as_uri(), text + "more\n")
    assert read_contents(other)[1], "a buffer that was restored is not what is on the disk"
