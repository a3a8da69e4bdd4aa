"""Pairs of near questions with different answers: what a cache for similar questions must never take for one another.

Built from the questions of this directory and from commit subjects, by small edits that change the answer: a word
turned round, a negation, two ends swapped, another identifier, noun, number, path, quoted text, time or person. The same seed
gives the same pairs. `python -m bench.quality.near_pairs` prints them, one JSON object a line, and their counts by kind
on stderr. Knows nothing about caches or embeddings.
"""

from __future__ import annotations

import json
import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from difflib import SequenceMatcher
from pathlib import Path

from .opposites import NOUNS, both_ways

QUESTIONS = Path(__file__).parent / "questions"
SETS = ("aiohttp", "twisted")  # pytest is only read on, whatever is measured
MOST_OF_A_KIND = 900  # no kind decides alone

OPPOSITE = both_ways()
WORD = re.compile(r"[A-Za-z0-9]+")
NUMBER = re.compile(r"(?<![\w.])#?\d+(?:\.\d+)*(?!\w)")
PATHNAME = re.compile(r"(?<![\w/])[\w.-]+(?:/[\w.-]+)+|\b[\w-]+\.(?:py|pyx|rst|cfg|toml|yml|txt|ini)\b")
QUOTED = re.compile(r"`[^`]+`|\"[^\"]+\"|(?<!\w)'[^']+'(?!\w)")
IDENTIFIER = re.compile(
    r"--[a-z][\w-]+|\b[A-Za-z]\w*_\w+\b|\b[A-Za-z]*[a-z][A-Z]\w*|\b(?:[A-Za-z_]\w*\.)+[A-Za-z_]\w+\b|\b\w+(?=\(\))"
)
NEGATIONS = [
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        (r"\b(do|does|did|is|are|was|were|has|have|could|should|would|must)n't\b", r"\1"),
        (r"\bcan't\b", "can"),
        (r"\bwon't\b", "will"),
        (r"\b(do|does|did|is|are|was|were|has|have|could|should|would|must)\b(?!n't| not)", r"\1n't"),
        (r"\bcan\b(?!'t|not| not)", "can't"),
        (r"\bwill\b(?! not)", "won't"),
        (r"\bnot ", ""),
        (r"\bdon't\b", "do"),
        (r"\bno longer\b", "still"),
        (r"\bany more\b", "again"),
        (r"\bno\b(?! longer)", "a"),
    )
]
DIRECTED = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\bfrom (\S+) to (\S+?)(?=[\s.,?!]|$)",
        r"(\S+) instead of (\S+?)(?=[\s.,?!]|$)",
        r"\b(?:replaced?|change[ds]?|converte?d?|rename[ds]?|moved?|swap|map) (\S+) (?:with|by|to|into) (\S+?)(?=[\s.,?!]|$)",
        r"(\S+) (?:over|before|after|than|vs|rather than|and not) (\S+?)(?=[\s.,?!]|$)",
    )
]
TIMES = (
    ("in 3.8", "in 3.9"),
    ("since May", "until May"),
    ("before 2019", "after 2019"),
    ("last week", "this week"),
    ("in the first release", "in the latest release"),
    ("since version 2", "until version 2"),
    ("in March", "in April"),
    ("before the rewrite", "since the rewrite"),
)
PLAIN = NOUNS.split()
PEOPLE = ("Andrew", "Glyph", "Sam", "Jean-Paul", "Nick", "Tom", "Alexander", "Itamar", "Pau", "Colin")


@dataclass(frozen=True, slots=True)
class NearPair:
    """Two questions that look alike and must not share an answer; *kind* names the edit between them."""

    first: str
    second: str
    kind: str


def load_texts() -> list[str]:
    """Return the questions of the fit sets, then the commit subjects, each framed as a question."""
    rows = [json.loads(line) for name in SETS for line in (QUESTIONS / f"{name}.jsonl").read_text().splitlines()]
    subjects = (QUESTIONS / "subjects.txt").read_text().splitlines()
    return [row["question"] for row in rows] + [framed(subject) for subject in subjects]


def framed(subject: str) -> str:
    """Return a commit subject as somebody would ask about it."""
    plain = subject.rstrip(".!")
    first = plain.split()[0]
    imperative = first.isalpha() and first.istitle() and not first.endswith(("s", "ed", "ing"))
    return f"why did we {first.lower()}{plain[len(first) :]}?" if imperative else f"why: {plain}?"


def replaced(text: str, found: re.Match[str], by: str) -> str:
    """Return *text* with what was *found* replaced."""
    return text[: found.start()] + by + text[found.end() :]


def turned_round(text: str) -> Iterator[str]:
    """Yield *text* with one word turned into its opposite."""
    for found in WORD.finditer(text):
        opposite = OPPOSITE.get(found[0].lower())
        if opposite:
            yield replaced(text, found, opposite.capitalize() if found[0].istitle() else opposite)


def negated(text: str) -> Iterator[str]:
    """Yield *text* with one negation put in or taken out."""
    for pattern, replacement in NEGATIONS:
        found = pattern.search(text)
        if found:
            yield replaced(text, found, found.expand(replacement))


def swapped(text: str) -> Iterator[str]:
    """Yield *text* with the two ends of a change swapped: A to B becomes B to A."""
    for pattern in DIRECTED:
        found = pattern.search(text)
        if found:
            (a, b), (c, d) = found.span(1), found.span(2)
            yield text[:a] + text[c:d] + text[b:c] + text[a:b] + text[d:]


def renumbered(text: str) -> Iterator[str]:
    """Yield *text* with a version, an issue's number or a status code that is one off, or has its last digits swapped."""
    for found in NUMBER.finditer(text):
        head, digits = re.fullmatch(r"(.*?)(\d+)", found[0]).groups()  # type: ignore[union-attr]
        yield replaced(text, found, f"{head}{int(digits) + 1}")
        if len(digits) > 2 and digits[-1] != digits[-2]:
            yield replaced(text, found, f"{head}{digits[:-2]}{digits[-1]}{digits[-2]}")


def exchanged(pattern: re.Pattern[str], pool: list[str], dice: random.Random) -> Callable[[str], Iterator[str]]:
    """Return an edit that puts a like one of *pool* in the place of what *pattern* finds."""

    def edit(text: str) -> Iterator[str]:
        for found in pattern.finditer(text):
            others = [other for other in dice.sample(pool, min(60, len(pool))) if other.lower() != found[0].lower()]
            yield replaced(text, found, max(others, key=lambda other: likeness(found[0], other)))

    return edit


def likeness(one: str, other: str) -> float:
    """Return how alike two names are spelt, from 0 to 1."""
    return SequenceMatcher(None, one, other).ratio()


def another_noun(text: str) -> Iterator[str]:
    """Yield *text* with a plain word of its subject changed for another of the same kind: no name, no number tells."""
    for found in WORD.finditer(text):
        many = found[0].lower() in PLAIN
        if many or f"{found[0].lower()}s" in PLAIN:
            place = PLAIN.index(found[0].lower() if many else f"{found[0].lower()}s")
            other = PLAIN[(place + 1) % len(PLAIN)]
            yield replaced(text, found, other if many else other.removesuffix("s"))


def part_renamed(text: str) -> Iterator[str]:
    """Yield *text* with one part of a compound name changed, as `read_timeout` and `write_timeout` differ."""
    for found in re.finditer(r"\b([A-Za-z]+)_(\w+)\b", text):
        part = "total" if found[1].lower() != "total" else "first"
        yield replaced(text, found, f"{OPPOSITE.get(found[1].lower(), part)}_{found[2]}")


def found_in(texts: Iterable[str], pattern: re.Pattern[str]) -> list[str]:
    """Return everything *pattern* finds in *texts*, each once, in order."""
    return list(dict.fromkeys(found[0] for text in texts for found in pattern.finditer(text)))


def edited(texts: list[str], dice: random.Random) -> Iterator[NearPair]:
    """Yield the pairs of a text and one edit of it."""
    edits: dict[str, list[Callable[[str], Iterator[str]]]] = {
        "reversed": [turned_round],
        "negated": [negated],
        "swapped": [swapped],
        "noun": [another_noun],
        "renumbered": [renumbered],
        "renamed": [exchanged(IDENTIFIER, found_in(texts, IDENTIFIER), dice), part_renamed],
        "path": [exchanged(PATHNAME, found_in(texts, PATHNAME), dice)],
        "quoted": [exchanged(QUOTED, found_in(texts, QUOTED), dice)],
    }
    for kind, ways in edits.items():
        for way in ways:
            for text in texts:
                yield from (NearPair(text, other, kind) for other in way(text))


def asked_between(texts: list[str], dice: random.Random) -> Iterator[NearPair]:
    """Yield pairs that differ in what is asked round a text: another time, another person, the other direction."""
    names = found_in(texts, IDENTIFIER)
    for text in texts:
        plain = text.rstrip("?!. ")
        one, other = dice.choice(TIMES)
        yield NearPair(f"{plain} {one}?", f"{plain} {other}?", "time")
        first, second = dice.sample(PEOPLE, 2)
        yield NearPair(
            f"what did {first} say about this: {plain}?", f"what did {second} say about this: {plain}?", "person"
        )
        here, there = dice.sample(dice.choice((names, PLAIN)), 2)
        yield NearPair(
            f"why did we move from {here} to {there}?", f"why did we move from {there} to {here}?", "swapped"
        )


def near_pairs(seed: int = 4, most_of_a_kind: int = MOST_OF_A_KIND) -> list[NearPair]:
    """Return at least 5,000 different pairs, the same ones for the same seed, mixed; the plainer one is not always first."""
    dice = random.Random(seed)
    texts = load_texts()
    pairs = [pair for pair in [*edited(texts, dice), *asked_between(texts, dice)] if pair.first != pair.second]
    dice.shuffle(pairs)
    kept: list[NearPair] = []
    seen: set[frozenset[str]] = set()
    room = Counter({pair.kind: most_of_a_kind for pair in pairs})
    for pair in pairs:
        both = frozenset((pair.first, pair.second))
        if room[pair.kind] and both not in seen:
            seen.add(both)
            room[pair.kind] -= 1
            kept.append(pair if dice.random() < 0.5 else NearPair(pair.second, pair.first, pair.kind))
    return kept


def main() -> None:
    """Print the pairs, and how many there are of each kind."""
    pairs = near_pairs()
    for pair in pairs:
        print(json.dumps(asdict(pair), ensure_ascii=False))
    print(len(pairs), dict(Counter(pair.kind for pair in pairs)), file=sys.stderr)


if __name__ == "__main__":
    main()
