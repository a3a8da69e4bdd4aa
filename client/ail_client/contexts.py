"""For Python programs: the reply of `ask` as frozen objects. Knows no socket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Outcome = Literal["answered", "no_reason_recorded", "no_evidence"]


@dataclass(frozen=True, slots=True)
class Citation:
    """A commit that bears on the question.

    commit_sha: its full name. author_time: ISO 8601. score: of this question alone, larger is better, 0 to 1.
    excerpt: of its message; without a body what it says elsewhere. sentence: what it says that fits the question best, ""
    if unknown. path, line: where in the asked file (None: no place). reasons: why it is cited, of meaning, words,
    touches_file, touches_lines, named. reverted_by, replaced_by: the sha of the commit that did so, or None.
    branch: one that reaches it where HEAD does not, or None. repo: its repository, where several were asked, else None.
    """

    commit_sha: str
    subject: str
    author: str
    author_time: str
    score: float
    excerpt: str
    path: str | None
    line: int | None
    reasons: tuple[str, ...]
    reverted_by: str | None
    replaced_by: str | None
    pull_request: Any = None
    branch: str | None = None
    repo: str | None = None
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class ArchaeologyContext:
    """What the history says.

    answer: sentences that stand in the cited commits, each with its sha; "" without evidence. confidence: the probability,
    0 to 1, that the first citation is an answer. cached: "exact", "similar" or None. mode: the side that answered,
    semantic or lexical. degraded: why the answer may be incomplete, or None.
    """

    answer: str
    confidence: float
    citations: tuple[Citation, ...]
    cached: str | None
    query_time_ms: float
    outcome: Outcome
    mode: str
    degraded: str | None


def make_context(reply: dict[str, Any]) -> ArchaeologyContext:
    """Return *reply*, of the method `ask`, as a context."""
    return ArchaeologyContext(
        answer=reply["answer"],
        confidence=reply["confidence"],
        citations=tuple(_make_citation(one) for one in reply["citations"]),
        cached=reply["cached"],
        query_time_ms=reply["query_time_ms"],
        outcome=reply["outcome"],
        mode=reply["mode"],
        degraded=reply["degraded"],
    )


def _make_citation(fields: dict[str, Any]) -> Citation:
    return Citation(
        commit_sha=fields["sha"],
        subject=fields["subject"],
        author=fields["author"],
        author_time=fields["author_time"],
        score=fields["score"],
        excerpt=fields["excerpt"],
        path=fields["path"],
        line=fields["line"],
        reasons=tuple(fields["reasons"]),
        reverted_by=fields["reverted_by"],
        replaced_by=fields["replaced_by"],
        pull_request=fields["pull_request"],
        branch=fields.get("branch"),
        repo=fields.get("repo"),
        sentence=fields.get("sentence") or "",
    )
