"""`--format markdown`: what a person pastes into a pull request; of a commit's text nothing becomes markup there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from markdown_it import MarkdownIt
from tests.client.markdown_corpus import MARKDOWN, TEXTS
from tests.hostile import find_raw
from tests.tools import one_fast

from ail_client.markdown import code, escape, link, quote
from ail_client.reports import Links, report_answer, report_commit
from ail_client.reviews import report_related
from ail_client.timelines import report_timeline

if TYPE_CHECKING:
    from markdown_it.token import Token
    from tests.client.conftest import Runner, ScriptedDaemon

LINKS = Links("https://github.com/o/r")
GFM = MarkdownIt("gfm-like", {"html": True, "linkify": True})
ACTIVE = re.compile(r"(?<![\w`])@\w|(?<!\w)#\d|://|\bwww\.|(?i:gh-\d)|\$|:\w+:|[!&~%]\d")
"""What GitHub and GitLab act upon in the text of a page, wherever it stands but in code."""


def walk(tokens: list[Token]) -> list[Token]:
    return [one for token in tokens for one in (token, *walk(token.children or []))]


def render(text: str) -> list[Token]:
    return walk(GFM.parse(text))


def describe(tokens: list[Token]) -> list[tuple[str, str]]:
    """What is markup on a page: every kind of element, with where links lead and what HTML says; code spans left out."""
    plain = (
        "text",
        "inline",
        "code_inline",
        "softbreak",
        "hardbreak",
        "text_special",
        "paragraph_open",
        "paragraph_close",
    )
    return [
        (token.type, str(token.attrs.get("href", "")) + (token.content if "html" in token.type else ""))
        for token in tokens
        if token.type not in plain
    ]


def read_text(tokens: list[Token]) -> str:
    """The visible text outside of code spans, words of links left out."""
    shown, depth = [], 0
    for token in tokens:
        depth += token.nesting if token.type.startswith("link") else 0
        if token.type in ("text", "text_special") and not depth:
            shown.append(token.content)
        elif token.type in ("softbreak", "hardbreak", "paragraph_close", "code_inline"):
            shown.append("\n" if token.type != "code_inline" else " `` ")
    return "".join(shown)


def make_citation(text: str, path: str = "src/http.py") -> dict[str, Any]:
    return {
        "sha": "4f1c2d9e" * 5, "subject": text, "author": text, "author_time": text, "score": 0.9, "excerpt": text, "path": path,
        "line": 1, "reasons": [], "reverted_by": None, "replaced_by": None,
        "pull_request": {"number": 7, "title": text, "url": text}, "relation": "reverts", "sentence": text,
    }  # fmt: skip


def make_reply(text: str, path: str = "src/http.py") -> dict[str, Any]:
    evidence = {
        "text": text,
        "sha": "4f1c2d9e" * 5,
        "path": path,
        "line": 3,
        "kind": "comment",
        "is_current": True,
        "line_now": 4,
        "is_quoted": True,
    }
    companion = {"path": path, "share": 1.0, "of": 7, "beside": path}
    return {
        "repo": "/r", "question": text, "file": path, "lines": [1, 2], "outcome": "answered", "answer": f"{text} (4f1c2d9e4f)",
        "confidence": 0.83, "citations": [make_citation(text, path)], "evidence": [evidence], "companions": [companion],
    }  # fmt: skip


def render_all(text: str, path: str = "src/http.py") -> dict[str, str]:
    reply = make_reply(text, path)
    citation = reply["citations"][0]
    commit = citation | {"message": f"{text}\n\n{text}", "paths": [path], "successor_of": None}
    return {
        "ask": report_answer(reply, LINKS),
        "show": report_commit(commit, LINKS),
        "related": report_related(reply, LINKS, "main..HEAD"),
        "log": report_timeline(reply | {"citations": [citation, citation | {"cosmetic": text}]}, LINKS),
    }


HARMLESS = {
    name: {kind for kind, _ in describe(render(shown))} for name, shown in render_all("A plain sentence.").items()
}


@pytest.mark.parametrize("name", one_fast(["ask", "show", "related", "log"], "ask"))
def test_nothing_of_a_message_becomes_markup(name: str) -> None:
    for what, text in TEXTS.items():
        shown = render_all(text)[name]
        assert not re.search(r"^[> -]*/", shown, re.MULTILINE), what  # GitLab obeys such a line
        tokens = render(shown)
        found = describe(tokens)
        assert {kind for kind, _ in found} <= HARMLESS[name] | {"blockquote_open", "blockquote_close"}, what
        for kind, said in found:
            if kind == "link_open":
                assert said == f"https://github.com/o/r/commit/{'4f1c2d9e' * 5}", what
            elif kind.startswith("html"):
                assert re.fullmatch(r"<details>\n<summary>[\w ,]+</summary>\n|</details>\n?", said), what
        assert not ACTIVE.search(read_text(tokens)), what


@pytest.mark.parametrize("name", one_fast(["ask", "show", "related", "log"], "ask"))
def test_no_control_or_reordering_character_is_left(name: str) -> None:
    for what, text in TEXTS.items():
        assert find_raw(render_all(text)[name]) == [], what


def test_a_message_is_read_as_it_was_written() -> None:
    for what, text in MARKDOWN.items():
        if text.isascii() and text.replace("\n", "").replace("\t", "").isprintable():
            shown = "".join(
                token.content
                for token in render("\n".join(quote(text, 10_000)))
                if token.type in ("text", "text_special", "code_inline")
            )
            assert re.sub(r"\s|\xa0", "", shown) == re.sub(r"\s", "", text), what


@pytest.mark.parametrize(
    "path", ["a`b.py", "``", " x ", "a\nb", "$x", "<b>", "[a](b)", "*", "|", "\u202ex", "@a", "#1"]
)
def test_a_path_is_a_code_span_whatever_it_is_named(path: str) -> None:
    for name, shown in render_all("A plain sentence.", path).items():
        assert {kind for kind, _ in describe(render(shown))} == HARMLESS[name]


def test_what_is_no_plain_address_is_no_link() -> None:
    for url in (
        "javascript:alert(1)",
        "https://e.example/a b",
        "https://e.example/)x",
        "https://e.example/\n",
        "//e.example",
        "",
    ):
        assert link("x", url) == "x"
    assert link("x", "https://e.example/o/r/pull/1") == "[x](https://e.example/o/r/pull/1)"


def test_plain_prose_stays_as_it_is() -> None:
    for text in (
        "Proxies drop idle connections, so we retry (once).",
        "It's 40 % slower - and a-b/c: see e.g. UTF8; ok?",
    ):
        assert escape(text) == text
    assert escape("use foo_bar and @pytest.fixture, see #12.") == "use foo_bar and `@pytest.fixture`, see `#12`."
    assert code("a`b") == "``a`b``"


@pytest.mark.usefixtures("repo")
def test_an_answer_is_laid_out_for_people(client: Runner, daemon: ScriptedDaemon) -> None:
    client.git("remote", "add", "origin", "https://token@github.com/o/r.git")
    daemon.script["ask"] = daemon.make_reply(
        lines=[120, 124],
        citations=[daemon.make_citation(subject="Retry once (#12)"), daemon.make_citation(sha="a" * 40)],
    )
    done = client.run("ask", "src/http.py:120-124", "why the retry?", "--format", "markdown")
    sha = "4f1c2d9e" * 5
    url = "https://github.com/o/r"
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[:9] == [
        "**Why the retry? · `src/http.py:120-124`**", "",
        f"Proxies drop idle connections ([`4f1c2d9e4f`]({url}/commit/{sha})).", "", "*Very likely: 83%*", "",
        "> Proxies drop idle connections. Nobody tells us.", "",
        f"— [`4f1c2d9e4f`]({url}/commit/{sha}) Retry once (`#12`) (2026-05-04, Jane Doe, [pull request 12]({url}/pull/12))",
    ]  # fmt: skip
    assert "<summary>The 2 commits</summary>" in done.stdout


@pytest.mark.usefixtures("repo")
def test_a_commit_and_a_change_are_reported_too(client: Runner, daemon: ScriptedDaemon) -> None:
    citation = daemon.make_citation(relation="tried_before", sentence="taken back by 0123456789: it hung.")
    companion = {"path": "page.html", "share": 0.9, "of": 10, "beside": "view.py"}
    daemon.script["related"] = daemon.make_reply(citations=[citation], companions=[companion])
    done = client.run("related", "--range", "main..HEAD", "--format", "markdown")
    assert done.stdout.splitlines()[:6] == [
        "**What the history says of `main..HEAD`**", "", "**Tried before, and taken back then**", "",
        "- `src/http.py:121`: `4f1c2d9e4f` Retry once on idle connections (2026-05-04, Jane Doe)",
        "  > taken back by `0123456789`: it hung.",
    ]  # fmt: skip
    assert "- `page.html`: changed in 9 of the last 10 changes of `view.py`" in done.stdout
    daemon.script["show"] = daemon.make_citation(message="Retry once\n\nProxies drop it.", paths=["a.py", "b.py"])
    shown = client.run("show", "4f1c2d9", "--format", "markdown").stdout
    assert "\n> Proxies drop it.\n" in shown
    assert "<summary>2 files</summary>\n\n- `a.py`\n- `b.py`\n" in shown


@pytest.mark.usefixtures("repo")
def test_nothing_found_prints_nothing(client: Runner, daemon: ScriptedDaemon) -> None:
    daemon.script["related"] = daemon.make_reply(citations=[], companions=[], outcome="no_evidence")
    done = client.run("related", "--range", "main..HEAD", "--format", "markdown")
    assert (done.returncode, done.stdout) == (1, "")
