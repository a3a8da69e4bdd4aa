"""From a question to a reply: candidates by words, vectors and touched files, ranked, judged, quoted. Knows no socket, no git.

The commits of lines are passed in as `blamed`, by a caller that may run git.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..index.repoindex import RepoIndex
from ..model import Commit, Encoder, Mode, Side
from ..text.passages import Passage
from ..text.reasons import Worth
from . import answers, fates
from .candidates import Gathered, Question, gather
from .evidence import Found
from .features import QuestionTerms, by_meaning, by_words, measure_asking
from .folding import Folder
from .quoting import Quotes, find_quotes, put_maker_first, reorder
from .ranking import NOTHING_BELOW, Hit, Ranked, load_model, rank
from .repeated import Repeated

FOLDED_HITS = 4
"""Hits considered for each citation: as many may be the same change as a better one."""

_POINTING = frozenset(
    ("line", "code", "file", "function", "method", "class", "block", "thing", "purpos", "here", "exist")
)
"""Terms of a question about a place ("why this line?") that say no more than the place does."""

_CLOSE = 8  # lines above the asked ones within which a comment is about them

_SIDES: tuple[Mode, ...] = ("semantic", "lexical")
_EVEN = 0.5  # the least confidence of a side that answers alone

_SMALL = 1000
"""Commits; in histories smaller than those the judge of passages was fitted to, the ranker's own probability counts."""

_LIKELY = 0.12
"""The ranker's probability of its first commit below which a small history answers no open question, whatever it holds. Of
fifteen plain questions about the first 600 commits of fzf the wrong ones were told at .03 to .09, the right ones from .56 on."""

_SURE_OF_COMMIT = 0.7
"""The ranker's probability of its first commit from which that is told to record no reason."""

_OWN, _OTHERS = 0.25, 0.5
"""Share of the question's rarity in a passage of that commit, or of another, from which it may hold the reason."""

_ABOUT = 0.3
"""Share of the question's rarity that a passage of a small history has to hold, unless it is of the asked lines."""


def answer(index: RepoIndex, encoder: Encoder | None, question: Question, required: float = 0.0) -> dict[str, Any]:
    """Return outcome, answer, confidence, citations, evidence and mode, as the contract's reply has them.

    required: see `rank_candidates`. In a small history, where both sides together are not sure of a question that asks, each is
    asked alone, and the surer one answers if it is as likely right as not. Of 550 questions about long ones that answered 17
    more, five of them right and seven without an answer. Whether anything is near enough to be told, the ranker says (see
    decision 0006).
    """
    told = _answer(index, encoder, question, required)
    has_sides = encoder is not None and question.mode == "auto" and measure_asking(question.text) == 1.0
    if told["outcome"] != "no_evidence" or not has_sides or index.counts.commits >= _SMALL:
        return told
    sides = [_answer(index, encoder, replace(question, mode=mode), 0.0) for mode in _SIDES]
    sure = [one for one in sides if one["outcome"] == "answered" and one["confidence"] >= _EVEN]
    return max(sure, key=lambda one: one["confidence"], default=told)


def _answer(index: RepoIndex, encoder: Encoder | None, question: Question, required: float) -> dict[str, Any]:
    if _is_pointing(index, question):
        question = _narrow(index, question)
    folder = Folder(index.store, question.aside)
    terms, ranked, side = _find(index, encoder, question, required, folder)
    quotes = find_quotes(index, question, terms, ranked, encoder if side == "semantic" and terms.asks == 1.0 else None)
    if question.is_pointing and question.scope.file and not question.scope.lines:
        quotes = put_maker_first(index, question, quotes)
    found = replace(ranked, confidence=ranked.confidence * question.share_read)
    is_unexplained = _is_unexplained(question, terms, found, quotes)
    if terms.asks == 1.0 and not any(hit.signals.is_reference for hit in found.hits[:1]):
        found = _judge(question, found, quotes, terms, is_unexplained=is_unexplained)
    found = replace(found, hits=_drop_copies(folder, question, found.hits, quotes))
    if question.blamed and not found.has_evidence:
        found = replace(found, hits=sorted(found.hits, key=lambda hit: not _is_of_lines(hit)))
    if question.scope.file is None and not _is_near(ranked, found, terms):
        found = Ranked([], min(ranked.confidence, found.confidence))
    return _tell(index, question, found, quotes, side, is_unexplained=is_unexplained)


def _is_near(ranked: Ranked, found: Ranked, terms: QuestionTerms) -> bool:
    """Whether anything is near enough to be told: by the ranker alone, however little of the history was read (decision 0006)."""
    if ranked.confidence >= NOTHING_BELOW:
        return True
    return not _is_judged(terms) and (found.has_evidence or found.confidence >= NOTHING_BELOW)


def _tell(
    index: RepoIndex, question: Question, found: Ranked, quotes: Quotes, side: Side, *, is_unexplained: bool
) -> dict[str, Any]:
    """Return the reply of what was *found* and may be quoted."""
    cited = _cite(index, question, found.hits[: question.limit])
    if not found.has_evidence:
        cited = [one for one in cited if one.reasons]  # the nearest of unrelated commits is no hint
    ids = {one.hit.commit_id for one in cited}
    passages = [one for one in quotes.found if one.commit_id in ids]
    shown = passages[: question.limit]
    quoted = _choose_quoted(quotes, shown, cited, is_pointing=question.is_pointing)
    if not quoted and index.counts.commits < _SMALL:
        quoted = _choose_own(shown, cited)
    said = answers.answer(
        question.text,
        cited,
        has_evidence=found.has_evidence,
        is_repeated=Repeated(index),
        quoted=quoted,
        is_unexplained=is_unexplained,
    )
    sentences = answers.find_sentences(question.text, passages, cited)
    return {
        "outcome": said.outcome,
        "answer": said.text,
        "confidence": round(found.confidence, 4),
        "citations": [answers.citation(one, sentences.get(one.hit.commit_id, "")) for one in cited],
        "evidence": [answers.describe_evidence(one, cited, quoted) for one in shown],
        "mode": side,
    }


def _choose_quoted(
    quotes: Quotes, shown: list[Found], cited: list[answers.Cited], *, is_pointing: bool
) -> list[Passage]:
    """Return the passages of the first citation that are the answer; [] where none is sure to hold a reason."""
    of_first = [one for one in shown if cited and one.commit_id == cited[0].hit.commit_id]
    if not of_first or not (quotes.is_sure or (is_pointing and of_first[0].passage.worth)):
        return []
    quoted = of_first[:1] if of_first[0] is not quotes.found[0] else of_first[: quotes.count]
    return [one.passage for one in quoted]


def _choose_own(shown: list[Found], cited: list[answers.Cited]) -> list[Passage]:
    """Return what the first citation wrote beside a message that states no reason: the best reason that is about the question.

    For small histories, where the ranker says whether there is an answer and no judge does.
    """
    if not cited or answers.says_why(cited[0].commit):
        return []
    own = [one for one in shown if one.commit_id == cited[0].hit.commit_id and not one.passage.is_removed]
    return [one.passage for one in own if one.passage.worth == Worth.REASON and _is_about(one)][:1]


def _is_unexplained(question: Question, terms: QuestionTerms, found: Ranked, quotes: Quotes) -> bool:
    """Whether the first of *found* is what was asked about, and neither its message nor any prose about the question tells more.

    Of 310 questions in the words of titles whose commits wrote no reason for it 53 are told so, 51 of them by the right commit;
    of 248 in other words that have an answer two, of 532 without an answer four. Lines are told by their own history.
    """
    is_of_place = question.is_pointing or question.scope.lines
    if is_of_place or quotes.is_sure or not _is_judged(terms) or found.confidence < _SURE_OF_COMMIT:
        return False
    if found.hits[0].signals.is_reference:
        return False
    first = found.hits[0].commit_id
    telling = [one for one in quotes.found if one.passage.worth and not one.passage.is_removed]
    own = [one for one in telling if one.commit_id == first]
    return (
        all(one.overlap < _OTHERS for one in telling)
        and all(one.overlap < _OWN for one in own)
        and not any(one.passage.kind == "message" for one in own)
    )


def _judge(question: Question, found: Ranked, quotes: Quotes, terms: QuestionTerms, *, is_unexplained: bool) -> Ranked:
    """Return *found* in the order of its passages' worth, with the probability that the first holds the reason.

    A question that only points at a place is answered with what is known of it, however little. is_unexplained: the first
    stays first.
    """
    is_small = not _is_judged(terms)
    if not quotes.found or (is_small and not (quotes.is_sure and _is_about(quotes.found[0]))):
        is_likely = found.confidence >= _LIKELY or question.scope.file is not None
        return replace(
            found, has_evidence=bool(found.hits) and (question.is_pointing or (found.has_evidence and is_likely))
        )
    confidence = max(quotes.probability, found.confidence) if is_small else quotes.probability
    hits = reorder(found.hits, quotes)
    if is_unexplained:
        hits = [found.hits[0], *(hit for hit in hits if hit.commit_id != found.hits[0].commit_id)]
    has_evidence = quotes.is_sure or question.is_pointing or is_unexplained
    return replace(found, hits=hits, confidence=confidence, has_evidence=has_evidence)


def _drop_copies(folder: Folder, question: Question, hits: list[Hit], quotes: Quotes) -> list[Hit]:
    """Return *hits* with one of each change, at the place of its first: passages bring up copies that the ranker had not folded.

    Shown is what HEAD reaches, then what tells something, then the first.
    """
    near = {hit.commit_id: (place, hit) for place, hit in enumerate(hits[: FOLDED_HITS * question.limit])}
    telling = {one.commit_id for one in quotes.found}

    def rate(commit_id: int) -> tuple[bool, bool, int]:
        return commit_id in question.aside, commit_id not in telling, near[commit_id][0]

    groups = folder.fold(list(near))
    return [near[min(group, key=rate)][1] for group in groups] + hits[len(near) :]


def _is_of_lines(hit: Hit) -> bool:
    """Whether a commit is of the asked lines' own history, which goes first where nothing answers."""
    return hit.signals.touches_lines or hit.signals.logged > 0


def _is_judged(terms: QuestionTerms) -> bool:
    """Whether how sure an answer is, is judged by its passages: of a question that asks, in a history that is long enough."""
    return terms.asks == 1.0 and terms.commits >= _SMALL


def _is_about(best: Found) -> bool:
    """Whether a passage has to do with the question by more than its rank, which in a small history says little."""
    return best.of_lines > 0 or best.overlap >= _ABOUT


def _is_pointing(index: RepoIndex, question: Question) -> bool:
    """Whether *question* names a place or a commit and says no more than that: "why is this so?"."""
    is_named = (question.scope.file is not None and not question.lines.are_older) or bool(question.named)
    return is_named and not set(index.words.analyze(question.text)) - _POINTING


def _narrow(index: RepoIndex, question: Question) -> Question:
    """Return *question* limited to commits that made its lines, or touched its file: others share its few words by chance."""
    if question.scope.file is None:
        return replace(question, is_pointing=True)
    touching = _find_makers(index, question) or index.store.find_touching(question.scope.file)
    among = touching if question.among is None else touching & question.among
    return replace(question, among=frozenset(among) if among else question.among, is_pointing=True)


def _find_makers(index: RepoIndex, question: Question) -> set[int]:
    """Return the ids of the commits of the asked lines' history, and of those that wrote the comments close by."""
    first, last = question.lines.there
    close = {
        question.lines.around.get(one.line or 0, "")
        for one in question.lines.standing
        if first - _CLOSE <= (one.line or 0) <= last
    }
    shas = {*question.blamed.values(), *question.logged, *close} if question.blamed else set()
    return set(index.store.get_ids(shas).values())


def rank_gathered(index: RepoIndex, encoder: Encoder, question: Question) -> tuple[QuestionTerms, Ranked]:
    """Return the terms of *question* and its candidates as the semantic side ranks them."""
    terms, ranked, _ = _find(index, encoder, question, 0.0, Folder(index.store, question.aside))
    return terms, ranked


def rank_candidates(
    index: RepoIndex, encoder: Encoder | None, question: Question, required: float = 0.0
) -> tuple[Ranked, Side]:
    """Return the ranked candidates of *question*, and which side ranked them.

    required: a confidence; below it the lexical side ranks the same candidates too, and the surer side is returned, unless
    passages say how sure an answer is: they are found by words and meaning together. Of 161 open questions the reason stands in
    what is quoted for .35 so; chosen by who is surer of its commit, for .31.
    """
    return _find(index, encoder, question, required, Folder(index.store, question.aside))[1:]


def _find(
    index: RepoIndex, encoder: Encoder | None, question: Question, required: float, folder: Folder
) -> tuple[QuestionTerms, Ranked, Side]:
    embedding = encoder.encode([question.text]) if encoder is not None and question.mode != "lexical" else None
    side: Side = "lexical" if embedding is None else "semantic"
    gathered = gather(index, question, embedding)
    terms = gathered.asked
    if not (terms.rarity or question.scope.file or any(c.is_reference for c in gathered.candidates.values())):
        return terms, Ranked([], 0.0), side  # only stop words or signs: what is near them is so by chance
    ranked = _rank(gathered, question, side, folder)
    if side == "semantic" and ranked.confidence < required and not _is_judged(terms):
        words = _rank(replace(gathered, candidates=by_words(gathered.candidates)), question, "lexical", folder)
        if (words.has_evidence, words.confidence) > (ranked.has_evidence, ranked.confidence):
            return terms, words, "lexical"
    return terms, ranked, side


def _rank(gathered: Gathered, question: Question, side: Side, folder: Folder) -> Ranked:
    by_meaning_alone = side == "semantic" and question.mode == "semantic"
    candidates = by_meaning(gathered.candidates) if by_meaning_alone else gathered.candidates
    model = load_model(is_semantic=side == "semantic", by_words=not by_meaning_alone)
    most = FOLDED_HITS * question.limit
    ranked = rank(candidates, gathered.asked, model, lambda ids: folder.fold(ids[:most]))
    if question.aside:
        ranked = replace(ranked, hits=sorted(ranked.hits, key=lambda hit: _place(hit, question.aside)))
    return _put_opposites_last(ranked, gathered.asked)


def _put_opposites_last(ranked: Ranked, terms: QuestionTerms) -> Ranked:
    """Return *ranked* with commits last that did the opposite of what is asked about: "Add X" where X was taken away.

    Where one was first, there is an answer only if a commit goes the question's way.
    """

    def is_last(hit: Hit) -> bool:
        return hit.signals.is_opposite and not hit.signals.is_reference

    hits = sorted(ranked.hits, key=is_last)
    if not hits or not is_last(ranked.hits[0]) or hits[0].signals.direction == terms.direction:
        return replace(ranked, hits=hits)
    return replace(ranked, hits=hits, confidence=ranked.confidence / 2, has_evidence=False)


def _place(hit: Hit, aside: frozenset[int]) -> tuple[bool, float, bool]:
    """Return the sort key of hits: one named by sha first; of scores equal to a hundredth, what HEAD reaches."""
    return not hit.signals.is_reference, -round(hit.score, 2), hit.commit_id in aside


def _cite(index: RepoIndex, question: Question, hits: list[Hit]) -> list[answers.Cited]:
    commits = index.store.get_commits([hit.commit_id for hit in hits])
    cited = [_cited(question, hit, commits[hit.commit_id]) for hit in hits if hit.commit_id in commits]
    found = [fates.find_fate(index.store, one.hit.commit_id, one.commit) for one in cited]
    return [replace(one, **fate._asdict()) for one, fate in zip(cited, found, strict=True)]


def _cited(question: Question, hit: Hit, commit: Commit) -> answers.Cited:
    line = next((number for number, sha in sorted(question.blamed.items()) if sha == commit.sha), None)
    tests: dict[str, Callable[[], bool]] = {
        "meaning": lambda: (hit.signals.cosine or 0.0) >= 0.3,
        "words": lambda: hit.signals.words > 0 or hit.signals.changed > 0,
        "touches_file": lambda: hit.signals.touches_file,
        "touches_lines": lambda: hit.signals.touches_lines,
        "named": lambda: hit.signals.named > 0 or hit.signals.named_changed > 0,
    }
    reasons = tuple(name for name, holds in tests.items() if holds())
    return answers.Cited(hit, commit, reasons, question.scope.file if hit.signals.touches_file else None, line)
