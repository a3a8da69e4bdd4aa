from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ail_daemon.ranking import LEXICAL, SEMANTIC, Calibration, Evidence, Signals, rank

signals = st.builds(
    Signals,
    cosine=st.none() | st.floats(-1, 1),
    words=st.floats(0, 100),
    changed=st.floats(0, 100),
    touches_file=st.booleans(),
    touches_lines=st.booleans(),
)
unit = st.floats(0, 1)
evidence = st.builds(Evidence, cosine=unit, share=unit, margin=unit, scoped=st.sampled_from([0.0, 1.0]))


def order(candidates: dict[int, Signals], *, is_semantic: bool = True) -> list[int]:
    return [hit.commit_id for hit in rank(candidates, is_semantic=is_semantic)]


def test_meaning_and_words_together_beat_either_alone() -> None:
    assert order({1: Signals(0.9, 0), 2: Signals(0.0, 9), 3: Signals(0.8, 8)})[0] == 3


def test_without_meaning_the_words_alone_decide() -> None:
    assert order({1: Signals(None, 3), 2: Signals(0.99, 2), 3: Signals(None, 5)}, is_semantic=False) == [3, 1, 2]


def test_what_touches_the_lines_goes_before_what_touches_the_file() -> None:
    ranked = order(
        {
            1: Signals(0.5, 4),
            2: Signals(0.5, 4, touches_file=True),
            3: Signals(0.5, 4, touches_file=True, touches_lines=True),
        }
    )
    assert ranked == [3, 2, 1]


def test_a_scope_hides_nothing() -> None:
    assert order({1: Signals(0.9, 9), 2: Signals(0.1, 0, touches_file=True)}) == [1, 2]


@given(st.dictionaries(st.integers(1, 50), signals, max_size=20), st.booleans())
def test_every_candidate_is_ranked_once_by_falling_scores_between_0_and_1(
    candidates: dict[int, Signals], is_semantic: bool
) -> None:
    hits = rank(candidates, is_semantic=is_semantic)
    assert sorted(hit.commit_id for hit in hits) == sorted(candidates)
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)


@given(evidence, st.sampled_from([SEMANTIC, LEXICAL]))
def test_confidence_is_a_probability(found: Evidence, calibration: Calibration) -> None:
    assert 0 <= calibration.confidence(found) <= 1


def test_more_evidence_gives_more_confidence() -> None:
    weak, strong = Evidence(0.2, 0.2, 0.0, 0.0), Evidence(0.8, 0.9, 0.1, 0.0)
    assert SEMANTIC.confidence(strong) > SEMANTIC.confidence(weak) + 0.3
    assert LEXICAL.confidence(strong) > LEXICAL.confidence(weak) + 0.3
