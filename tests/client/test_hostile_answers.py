"""Two hundred hostile commits, in everything the client prints: not one control character of theirs gets out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from tests.client.terminals import ESCAPES, Terminal
from tests.hostile import CORPUS, PATHS, Hostile, find_raw
from tests.tools import one_fast

from ail_client.answers import render_answer, render_grep
from ail_client.layout import Page
from ail_client.tables import render_commit, render_repos, render_status
from ail_client.timelines import render_timeline

if TYPE_CHECKING:
    from tests.client.conftest import Runner, ScriptedDaemon

PAGES = [Page(None, False), Page(20, True), Page(80, True, "https://github.com/o/r/commit/")]


def as_wire(data: bytes) -> str:
    """Bytes as the daemon sends them."""
    return data.decode("utf-8", "surrogateescape")


def make_citation(number: int, hostile: Hostile) -> dict[str, Any]:
    subject, _, body = as_wire(hostile.message).partition("\n\n")
    return {
        "sha": f"{number:040x}", "subject": subject, "author": as_wire(hostile.author), "author_time": as_wire(hostile.author),
        "score": 0.5, "excerpt": body, "path": as_wire(PATHS[number % len(PATHS)]), "line": 1,
        "reasons": ["words", as_wire(hostile.author)], "reverted_by": as_wire(hostile.message),
        "replaced_by": as_wire(hostile.author), "pull_request": {"number": 1, "title": subject},
    }  # fmt: skip


def make_reply(citations: list[dict[str, Any]], answer: str) -> dict[str, Any]:
    return {
        "repo": "/r", "question": answer[:200], "file": citations[0]["path"], "outcome": "answered", "answer": answer,
        "confidence": 0.5, "citations": citations, "degraded": answer[:200], "index": {"complete": True},
    }  # fmt: skip


def make_timeline(reply: dict[str, Any]) -> dict[str, Any]:
    (one,) = reply["citations"]
    entry = one | {"sentence": reply["answer"], "cosmetic": None}
    return reply | {
        "lines": [1, 2],
        "citations": [entry, entry | {"sentence": ""}, entry | {"cosmetic": reply["answer"]}],
    }


def iter_texts(number: int, hostile: Hostile, page: Page) -> Iterator[str]:
    citation, message = make_citation(number, hostile), as_wire(hostile.message)
    reply = make_reply([citation], message)
    yield render_answer(reply, page)
    yield render_grep(reply)
    yield render_commit(citation | {"message": message, "paths": [citation["path"]]}, page)
    yield render_timeline(make_timeline(reply), page)
    yield render_repos([{"path": citation["path"], "commits": 1, "notice": message, "phase": "reading"}], page)
    yield render_status({"version": message[:300], "socket": citation["path"], "model": message[:300]}, page)


@pytest.mark.parametrize("page", one_fast(PAGES, PAGES[0]), ids=["pipe", "20", "80"])
def test_no_control_character_of_a_commit_is_printed(page: Page) -> None:
    for number, hostile in enumerate(CORPUS):
        for text in iter_texts(number, hostile, page):
            assert find_raw(ESCAPES.sub("", text)) == [], hostile.name


@pytest.mark.slow
def test_colours_and_links_are_the_only_escapes_and_every_link_is_ours() -> None:
    for number, hostile in enumerate(CORPUS):
        for text in iter_texts(number, hostile, PAGES[2]):
            for found in ESCAPES.findall(text):
                assert found in (
                    "\x1b[0m",
                    "\x1b[1m",
                    "\x1b[2m",
                    "\x1b[35m",
                    "\x1b[1;31m",
                    "\x1b]8;;\x1b\\",
                ) or found == (f"\x1b]8;;https://github.com/o/r/commit/{number:040x}\x1b\\"), hostile.name


def test_a_grep_line_is_one_line_of_a_length_that_editors_bear() -> None:
    for number, hostile in enumerate(CORPUS):
        line = render_grep(make_reply([make_citation(number, hostile)], ""))
        assert "\n" not in line
        assert len(line) < 4 * 600, hostile.name  # an escape takes four characters and more


@pytest.mark.usefixtures("repo")
@pytest.mark.parametrize("form", ["text", "grep", "json"])
def test_a_whole_process_shows_all_of_them(client: Runner, daemon: ScriptedDaemon, form: str) -> None:
    citations = [make_citation(number, hostile) for number, hostile in enumerate(CORPUS)]
    for citation in citations:
        citation |= {"excerpt": citation["excerpt"][:800], "subject": citation["subject"][:2000], "reverted_by": None}
        citation["pull_request"] = None
    daemon.script["ask"] = make_reply(citations, "What was asked.")
    seen = Terminal(client).run("ask", "why?", "--no-pager", "--format", form)
    assert seen.status == 0
    assert find_raw(seen.text) == find_raw(seen.notes) == []
    assert citations[-1]["sha"][:10] in seen.text
