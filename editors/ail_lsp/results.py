"""Replies of the daemon as what an editor shows: hovers, hints, pages in Markdown, and plain values for an extension. Pure.

Every word from outside is made safe here: unprintable characters visible, markup literal.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple
from urllib.parse import quote as quote_url

from ail_client import markdown
from ail_client.answers import describe_confidence, describe_limits, describe_origin, has_sureness
from ail_client.citations import FATES, name_lines
from ail_client.layout import describe_age, describe_time, shorten
from ail_client.relations import describe_citation, describe_companion
from ail_client.sanitise import to_block, to_line, to_path

_SENTENCES_MAX = 2
_REASON_MAX_CHARS = 600
_EXCERPT_MAX_CHARS = 1500
_MESSAGE_MAX_CHARS = 900
_PART = re.compile(r"(?P<text>.+?) \((?P<sha>[0-9a-f]{7,64})\)(?: |$)", re.DOTALL)
_WORD = re.compile(r"\w+")
_SAME_WORDS = 4
"""Consecutive words that a line and a passage have by no chance."""

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[\"'`(]?[A-Z0-9_`])")


class Where(NamedTuple):
    """What a reply is about.

    repo: the repository's root; commit_url: what a sha is appended to for its web page, "" for none; file: from the root, None
    for the whole repository; lines: (first, last) from 1, None for all.
    """

    repo: str
    commit_url: str
    file: str | None = None
    lines: tuple[int, int] | None = None

    @property
    def name(self) -> str:
        """The place in words: "src/http.py:120-124"; "" for the whole repository."""
        if not self.file:
            return ""
        return to_path(self.file) + (f":{name_lines(self.lines)}" if self.lines else "")


class Reason(NamedTuple):
    """The reason a reply states.

    text: at most two sentences; citation: the one they stand in; confidence: 0 to 1; commits: how many are cited; is_in_file:
    whether they are a comment or docstring of the asked file, and stand there still.
    """

    text: str
    citation: dict[str, Any]
    confidence: float
    commits: int
    is_in_file: bool = False

    def repeats(self, line: str) -> bool:
        """Whether the reason is what *line* itself says: some words of a comment that it is taken from."""
        words, said = _WORD.findall(line), " ".join(_WORD.findall(self.text))
        runs = (" ".join(words[at : at + _SAME_WORDS]) for at in range(len(words) - _SAME_WORDS + 1))
        return self.is_in_file and any(run in said for run in runs)


def find_reason(reply: dict[str, Any], least: float) -> Reason | None:
    """Return the reason that *reply* states at least as surely as *least*, 0 to 1; None where it states none."""
    citations, confidence = reply.get("citations") or [], reply.get("confidence") or 0.0
    if reply.get("outcome") != "answered" or not citations or confidence < least or not reply.get("answer"):
        return None
    found = _PART.match(reply["answer"])
    text, sha = (found["text"], found["sha"]) if found else (reply["answer"], "")
    citation = next((one for one in citations if sha and str(one["sha"]).startswith(sha)), citations[0])
    sentences = _SENTENCE_END.split(" ".join(text.split()))[:_SENTENCES_MAX]
    text = _cut(to_line(" ".join(sentences)), _REASON_MAX_CHARS)
    return Reason(text, citation, confidence, len(citations), _is_in_file(reply))


def _is_in_file(reply: dict[str, Any]) -> bool:
    quoted = [one for one in reply.get("evidence") or [] if one.get("is_quoted")]
    return any(one.get("is_current") and one.get("path") == reply.get("file") for one in quoted)


def write_hover(reason: Reason, where: Where, *, is_markdown: bool) -> str:
    """Return the text of a hover: the reason, how sure it is, and the commit with its age, author and pull request."""
    citation = reason.citation
    sha, request = to_line(citation["sha"]), _get_request(citation)
    age = describe_age(to_line(citation.get("author_time") or "")) or to_line(citation.get("author_time") or "")[:10]
    author = _cut(to_line(citation.get("author") or ""), 60)
    fate = [f"{words} {shorten(to_line(citation[key]))}" for key, words in FATES if citation.get(key)]
    if not is_markdown:
        named = [shorten(sha), age, author, request[0], *fate]
        return f"{reason.text}\n{describe_confidence(reason.confidence)} {' · '.join(filter(None, named))}"
    commit = markdown.link(markdown.code(shorten(sha)), where.commit_url + sha if where.commit_url else "")
    pull = markdown.link(markdown.escape(request[0]), request[1]) if request[0] else ""
    named = [commit, markdown.escape(age), markdown.escape(author), pull, *map(markdown.escape, fate)]
    return (
        f"{markdown.escape(reason.text)}\n\n{describe_confidence(reason.confidence)} {' · '.join(filter(None, named))}"
    )


def write_hint(reason: Reason) -> str:
    """Return the text of an inlay hint: "d1246fddd0 2026-11-21 Prepare a model once"."""
    citation = reason.citation
    date = to_line(citation.get("author_time") or "")[:10]
    return f"{shorten(to_line(citation['sha']))} {date} {_cut(to_line(citation.get('subject') or ''), 80)}"


def write_title(reason: Reason | None) -> str:
    """Return the title of a code lens: "3 reasons"; without a reason, that none is recorded."""
    if reason is None:
        return "no reason recorded"
    return "1 reason" if reason.commits == 1 else f"{reason.commits} reasons"


def make_result(question: str, reply: dict[str, Any], where: Where) -> dict[str, Any]:
    """Return the reply of `ask` or `related` as plain values, with the page that shows it."""
    citations = [_make_citation(one, where) for one in reply.get("citations") or []]
    companions = [describe_companion(one) for one in reply.get("companions") or []]
    is_found = reply.get("outcome") != "no_evidence" and bool(citations or companions)
    result: dict[str, Any] = {
        "question": to_line(question), "place": where.name, "repo": to_path(where.repo),
        "isOfChange": "companions" in reply, "outcome": to_line(str(reply.get("outcome") or "")),
        "answer": "\n".join(_write_answer(reply)),
        "sureness": describe_confidence(reply["confidence"]) if is_found and has_sureness(reply) else "",
        "origin": describe_origin(reply) if is_found else "",
        "citations": citations, "companions": companions, "notes": describe_limits(reply), "error": None,
    }  # fmt: skip
    return result | {"markdown": write_page(result)}


def make_failure(question: str, message: str, hint: str) -> dict[str, Any]:
    """Return an error in the form of a result."""
    result: dict[str, Any] = {
        "question": to_line(question), "place": "", "repo": "", "isOfChange": False, "outcome": "error", "answer": "",
        "sureness": "", "origin": "", "citations": [], "companions": [], "notes": [],
        "error": {"message": to_line(message), "hint": to_line(hint)},
    }  # fmt: skip
    return result | {"markdown": write_page(result)}


def write_page(result: dict[str, Any]) -> str:
    """Return a result as a page in Markdown: the answer, how sure it is, then the commits."""
    place = f" {markdown.code(to_path(result['place']))}" if result["place"] else ""
    lines = [f"## {markdown.escape(result['question'])}{place}", ""]
    if result["error"]:
        hint = result["error"]["hint"]
        return "\n".join(
            [*lines, markdown.escape(result["error"]["message"]), *(["", markdown.escape(hint)] if hint else []), ""]
        )
    is_quoted = result["outcome"] == "answered" and not result["isOfChange"]
    lines += (
        markdown.quote(result["answer"], _EXCERPT_MAX_CHARS)
        if is_quoted
        else [markdown.escape(line) for line in result["answer"].split("\n")]
    )
    if result["sureness"]:
        origin = f", {markdown.escape(result['origin'])}" if result["origin"] else ""
        lines += ["", f"**{result['sureness']}**{origin}"]
    lines += [f"\n{markdown.escape(note)}" for note in result["notes"]]
    lines += [f"\n- {markdown.escape(companion)}" for companion in result["companions"]]
    for number, citation in enumerate(result["citations"], 1):
        lines += _write_citation(number, citation)
    return "\n".join(lines) + "\n"


def write_message(result: dict[str, Any]) -> str:
    """Return a result as one line, for an editor that opens no document: of several lines, some show the last alone."""
    if error := result["error"]:
        return " ".join(filter(None, [error["message"], error["hint"]]))
    parts = [*result["answer"].split("\n"), result["sureness"], *result["notes"]]
    cited = [one["relation"] or f"{one['short']} {one['subject']}" for one in result["citations"]]
    parts += [*cited, *result["companions"]] if result["isOfChange"] else cited[:1]
    return _cut(" ".join(filter(None, parts)), _MESSAGE_MAX_CHARS)


def write_commit(commit: dict[str, Any], diff: str) -> str:
    """Return the reply of `show`, and the commit's diff, as plain text in the form of `git show`."""
    date = describe_time(to_line(commit.get("author_time") or ""))
    lines = [
        f"commit {to_line(commit['sha'])}",
        f"Author: {to_line(commit.get('author') or '')} <{to_line(commit.get('email') or '')}>",
        f"Date:   {date}",
        *(f"        {words} {to_line(commit[key])}" for key, words in FATES if commit.get(key)),
        "",
        *(f"    {line}".rstrip() for line in to_block((commit.get("message") or "").strip("\n"))),
        "",
    ]
    changed = to_block(diff.rstrip("\n")) if diff else [f"    {to_path(path)}" for path in commit.get("paths") or []]
    return "\n".join(lines + changed) + "\n"


def make_commit_uri(sha: str, repo: str, path: str | None = None) -> str:
    """Return `ail://commit/SHA?repo=…`, by which `workspace/textDocumentContent` knows a commit of a repository."""
    about = f"repo={quote_url(repo, safe='', errors='surrogateescape')}"
    return f"ail://commit/{sha}?{about}" + (
        f"&path={quote_url(path, safe='', errors='surrogateescape')}" if path else ""
    )


def _make_citation(citation: dict[str, Any], where: Where) -> dict[str, Any]:
    sha, path = to_line(citation["sha"]), citation.get("path")
    request, url = _get_request(citation)
    relation = to_line(describe_citation(citation)) if citation.get("relation") else ""
    return {
        "sha": sha, "short": shorten(sha), "subject": _cut(to_line(citation.get("subject") or ""), 300),
        "author": _cut(to_line(citation.get("author") or ""), 60),
        "when": describe_time(to_line(citation.get("author_time") or "")),
        "path": to_path(path) if path else None, "line": citation.get("line"),
        "excerpt": _cut("\n".join(to_block((citation.get("excerpt") or "").strip("\n"))), _EXCERPT_MAX_CHARS),
        "url": where.commit_url + sha if where.commit_url else "", "uri": make_commit_uri(sha, where.repo, path or where.file),
        "fate": ", ".join(f"{words} {shorten(to_line(citation[key]))}" for key, words in FATES if citation.get(key)),
        "pullRequest": request, "pullRequestUrl": url, "relation": relation,
    }  # fmt: skip


def _write_answer(reply: dict[str, Any]) -> list[str]:
    """Return the answer's lines, with what its outcome means."""
    answer = to_block(reply.get("answer") or "")
    if "companions" in reply:  # of `related`: the citations are the answer
        found = bool(reply.get("citations") or reply["companions"])
        return ["What history says of this change:" if found else "Nothing in the history bears on this change."]
    match reply.get("outcome"):
        case "no_evidence":
            nearest = " that surely answers this. Nearest:" if reply.get("citations") else "."
            return [f"No evidence in the history{nearest}"]
        case "no_reason_recorded":
            return [f"No reason is recorded. What was done: {answer[0]}", *answer[1:]]
    return answer


def _write_citation(number: int, citation: dict[str, Any]) -> list[str]:
    commit = markdown.link(markdown.code(citation["short"]), citation["url"])
    line = f":{citation['line']}" if citation["line"] else ""
    at = f" {markdown.code(to_path(citation['path'] + line))}" if citation["path"] else ""
    pull = markdown.link(markdown.escape(citation["pullRequest"]), citation["pullRequestUrl"])
    about = [
        markdown.escape(citation["when"]),
        markdown.escape(citation["author"]),
        pull,
        markdown.escape(citation["fate"]),
    ]
    lines = [
        "",
        f"### {number}. {commit} {markdown.escape(citation['subject'])}",
        "",
        " · ".join(filter(None, about)) + at,
    ]
    if citation["relation"]:
        lines += ["", markdown.escape(citation["relation"])]
    if citation["excerpt"] and citation["excerpt"] != citation["subject"]:
        lines += ["", *markdown.quote(citation["excerpt"], _EXCERPT_MAX_CHARS)]
    return lines


def _get_request(citation: dict[str, Any]) -> tuple[str, str]:
    """Return (name, address) of the pull request a commit came with; ("", "") for none."""
    match citation.get("pull_request"):
        case {"number": int(number), **rest}:
            title = to_line(str(rest.get("title") or ""))
            return _cut(f"#{number} {title}".rstrip(), 120), str(rest.get("url") or "")
        case {"url": str(url)}:
            return to_line(url), url
    return "", ""


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
