"""Results as text, for models that get only text: the same facts, quoted lines marked. Pure."""

from __future__ import annotations

import re

from .results import NOTICE, Answer, Citation, Commit, Companion, Status, quote

_WORD = re.compile(r"\w+")


def write_answer(answer: Answer) -> str:
    """Return *answer* as text."""
    if not (answer["answer"] or answer["citations"] or answer["companions"]):
        return "No evidence in the history."
    said = [NOTICE, *_write_sentences(answer)]
    if answer["outcome"] == "no_evidence":
        said.append("No evidence in the history. What follows is merely nearest to the question, and no answer:")
    elif answer["confidence"] is not None:
        said.append(f"Probability that the first commit answers it: {answer['confidence']:.0%}")
    for number, citation in enumerate(answer["citations"], 1):
        said += ["", *_write_citation(number, citation)]
    said += [_write_companion(companion) for companion in answer["companions"]]
    if answer["omitted"]:
        said.append(
            f"\n{answer['omitted']} more commits are left out: ask with a smaller limit, or history_commit(sha)."
        )
    if answer["degraded"]:
        said.append(f"\nLess than usual was searched: {answer['degraded']}")
    return "\n".join(said)


def write_commit(commit: Commit) -> str:
    """Return *commit* as text."""
    said = [NOTICE, "", f"commit {commit['sha']}  {commit['date']}", quote(commit["author"]), quote(commit["message"])]
    said += [f"{key.replace('_', ' ')} {commit[key]}" for key in ("reverted_by", "replaced_by") if commit[key]]
    said += ["", "It changed:", *map(quote, commit["paths"])]
    if commit["paths_omitted"]:
        said.append(f"and {commit['paths_omitted']:,} files more")
    if commit["touches_path"] is not None:
        said.append(f"It {'did' if commit['touches_path'] else 'did not'} change the file asked about.")
    return "\n".join(said)


def write_status(status: Status) -> str:
    """Return *status* as text."""
    said = [
        f"AIL {status['version']}, {status['model'] or (status['no_model'] or 'no model') + ': words alone answer'}",
        f"project: {status['project']}",
    ]
    for repo in status["repositories"]:
        state = "ready" if repo["complete"] else f"{repo['pending']:,} commits to go"
        said.append(f"{repo['path']}: {repo['commits']:,} commits, {state}")
    if not status["repositories"]:
        said.append("No repository has been added. The user can run: ail-client add DIR")
    return "\n".join(said)


def _write_sentences(answer: Answer) -> list[str]:
    if not answer["answer"]:
        return []
    lead = ["No reason is recorded. What was done:"] if answer["outcome"] == "no_reason_recorded" else []
    return ["", *lead, quote(answer["answer"])]


def _write_companion(companion: Companion) -> str:
    times = round(companion["share"] * companion["of"])
    return quote(f"{companion['path']} usually changes with {companion['beside']}: {times} of {companion['of']} times")


def _list_words(text: str) -> str:
    """Return the words of *text* alone: an excerpt keeps its bullets and line ends, a sentence does not."""
    return " ".join(_WORD.findall(text))


def _write_citation(number: int, citation: Citation) -> list[str]:
    at = f"  {citation['path']}:{citation['line'] or 1}" if citation["path"] else ""
    said = [
        f"{number}. commit {citation['sha']}  {citation['date'][:10]}{at}",
        quote(f"{citation['subject']} ({citation['author']})"),
    ]
    if citation["excerpt"] != citation["subject"]:
        said.append(quote(citation["excerpt"]))
    if _list_words(citation["sentence"]) not in _list_words(citation["excerpt"]):
        said.append(quote(f"It says too: {citation['sentence']}"))
    said += [f"{key.replace('_', ' ')} {citation[key]}" for key in ("reverted_by", "replaced_by") if citation[key]]
    if citation["repo"]:
        said.append(quote(f"in {citation['repo']}"))
    if citation["branch"]:
        said.append(quote(f"on {citation['branch']}, which HEAD does not reach"))
    return said
