"""Replies as Markdown, to be pasted into a pull request or an issue; imported only for `--format markdown`.

Every word from outside goes through `markdown`: of a commit nothing becomes markup, notifies anybody or refers to anything.
"""

from __future__ import annotations

import re

from ail_rpc import WHY

from .answers import describe_confidence, describe_origin, find_origin, has_sureness
from .citations import AUTHOR_MAX, FATES, cut_subject, name_lines
from .layout import shorten
from .markdown import code, code_path, escape, fold, link, quote
from .remotes import find_remote_url, make_commit_url, make_pull_url
from .sanitise import to_line, to_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_ANSWER_MAX = 2_000  # characters
_QUOTED_MAX = 1_200
_MESSAGE_MAX = 10_000
_PATHS_MAX = 100
_NAMED = re.compile(r"\(([0-9a-f]{7,64})\)")
_PULL = re.compile(r"\(#(\d{1,9})\)\s*\Z|\AMerge pull request #(\d{1,9})\b")
_MERGE_REQUEST = re.compile(r"^See merge request \S*!(\d{1,9})\s*$", re.MULTILINE)


class Links:
    """Links to commits and pull requests: what their sha and number are appended to; "" where they lead nowhere."""

    __slots__ = ("_commit_url", "_pull_url")

    def __init__(self, remote_url: str = "") -> None:
        self._commit_url = make_commit_url(remote_url)
        self._pull_url = make_pull_url(remote_url)

    @classmethod
    def find(cls, common_dir: str) -> Links:
        """Return the links of the repository whose common git directory is given."""
        return cls(find_remote_url(common_dir))

    def name_commit(self, sha: str) -> str:
        """Return *sha* shortened, linked to its page."""
        sha = to_line(sha)
        return link(code(shorten(sha)), f"{self._commit_url}{sha}" if self._commit_url else "")

    def name_pull(self, commit: dict[str, Any]) -> str:
        """Return the pull request that brought *commit*, linked; "" where neither the reply nor its message names one."""
        request = commit.get("pull_request")
        if isinstance(request, dict) and isinstance(request.get("number"), int):
            return link(f"pull request {request['number']}", str(request.get("url") or ""))
        found = _PULL.search(commit.get("subject") or "")
        found = found or _MERGE_REQUEST.search(commit.get("excerpt") or commit.get("message") or "")
        number = next(filter(None, found.groups()), "") if found else ""
        return link(f"pull request {number}", f"{self._pull_url}{number}") if number and self._pull_url else ""


def report_answer(reply: dict[str, Any], links: Links) -> str:
    """Return a reply of `ask`: question, answer, how sure it is, the reason quoted, further commits folded."""
    lines = [f"**{_name_question(reply)}**", "", _link_answer(reply, links)]
    lines += ["", _describe_sureness(reply)] if has_sureness(reply) else []
    cited = reply["citations"]
    if cited:
        lines += ["", *_quote_reason(reply), "", f"— {describe_commit(cited[0], links)}", ""]
        lines += fold(_count(len(cited)), [line for one in cited for line in _report_citation(one, links)][:-1])
    return "\n".join(lines)


def report_commit(commit: dict[str, Any], links: Links) -> str:
    """Return a reply of `show`: the commit's head, its message quoted, its files folded."""
    subject, _, body = (commit.get("message") or "").lstrip().partition("\n")
    lines = [describe_commit({"subject": subject.strip()} | commit, links), "", *quote(body, _MESSAGE_MAX)]
    paths = commit.get("paths") or []
    if paths:
        shown = [f"- {code_path(path)}" for path in paths[:_PATHS_MAX]]
        shown += [f"- and {len(paths) - _PATHS_MAX:,} more"] if len(paths) > _PATHS_MAX else []
        lines += ["", *fold(f"{len(paths):,} file{'s' if len(paths) > 1 else ''}", shown)]
    return "\n".join(lines)


def quote_sentence(citation: dict[str, Any], most_chars: int) -> list[str]:
    """Return the sentence of a citation as a block quote; [] where it says no more than the subject beside it."""
    sentence = citation.get("sentence") or ""
    return [] if to_line(sentence) == to_line(citation.get("subject") or "") else quote(sentence, most_chars)


def describe_commit(commit: dict[str, Any], links: Links) -> str:
    """Return "`4f1c2d9e4f` Subject (2026-05-04, Jane Doe, pull request 12), **reverted by** …" on one line, with links."""
    author = escape((commit.get("author") or "")[:AUTHOR_MAX])
    date = escape(to_line(commit.get("author_time") or "")[:10])
    origin = ", ".join(filter(None, (date, author, links.name_pull(commit))))
    said = f"{links.name_commit(commit['sha'])} {escape(cut_subject(commit))}"
    fates = [f", **{words}** {links.name_commit(commit[key])}" for key, words in FATES if commit.get(key)]
    return said + (f" ({origin})" if origin else "") + "".join(fates)


def _name_question(reply: dict[str, Any]) -> str:
    question = to_line(reply.get("question") or WHY)[:_QUOTED_MAX]
    place = f" · {code_path(reply['file'], name_lines(reply.get('lines')))}" if reply.get("file") else ""
    return f"{escape(question[:1].upper() + question[1:])}{place}"


def _link_answer(reply: dict[str, Any], links: Links) -> str:
    """Return the answer as literal text, the commits that it names linked."""
    if not reply.get("answer"):
        return "No evidence in the history."
    shas = [citation["sha"] for citation in reply["citations"]]
    said = "No reason is recorded. What was done:" if reply.get("outcome") == "no_reason_recorded" else ""
    for number, part in enumerate(_NAMED.split(to_line(reply["answer"])[:_ANSWER_MAX])):
        sha = next((sha for sha in shas if sha.startswith(part)), "") if number % 2 else ""
        shown = f"({links.name_commit(sha)})" if sha else escape(f"({part})" if number % 2 else part, at_start=not said)
        said += f" {shown}" if said and shown and not (number % 2 == 0 and part[:1] in ".,;") else shown
    return said


def _describe_sureness(reply: dict[str, Any]) -> str:
    words = describe_confidence(reply["confidence"]).strip("()")
    origin, found = describe_origin(reply), find_origin(reply)
    if not origin or not found:
        return f"*{words[:1].upper()}{words[1:]}*"
    place = f"{to_path(found['path'])}:{found.get('line') or 1}"
    before, _, behind = origin.partition(place)
    return f"*{words[:1].upper()}{words[1:]}* · {escape(before)} {code(place)}{escape(behind, at_start=False)}"


def _quote_reason(reply: dict[str, Any]) -> list[str]:
    """Return the passages that the answer is taken from as block quotes; without one, what the first commit says."""
    first = reply["citations"][0]
    passages = [one["text"] for one in reply.get("evidence") or () if one.get("is_quoted")]
    quotes = [quote(text, _QUOTED_MAX) for text in passages or [first.get("excerpt") or first.get("subject") or ""]]
    return [line for block in quotes for line in ("", *block)][1:]


def _report_citation(citation: dict[str, Any], links: Links) -> list[str]:
    lines = [describe_commit(citation, links), ""]
    if citation.get("path"):
        lines += [code_path(citation["path"], citation.get("line")), ""]
    excerpt = citation.get("excerpt") or ""
    return [*lines, *quote(excerpt, _QUOTED_MAX), ""] if excerpt not in ("", citation.get("subject")) else lines


def _count(commits: int) -> str:
    return "The commit" if commits == 1 else f"The {commits} commits"
