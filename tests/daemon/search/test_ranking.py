from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ail_daemon.search.features import FEATURES, QuestionTerms, Signals, build, measure_asking
from ail_daemon.search.ranking import EVIDENCE, Ranked, load_model, rank

ASKED = QuestionTerms({"socket": 5.0, "fork": 4.0}, asks=1.0)
signals = st.builds(
    Signals,
    cosine=st.none() | st.floats(-1, 1),
    words=st.floats(0, 100),
    changed=st.floats(0, 100),
    touches_file=st.booleans(),
    touches_lines=st.booleans(),
    logged=st.floats(0, 1),
    coverage=st.floats(0, 9),
    coverage_anywhere=st.floats(0, 9),
    paths=st.integers(0, 10_000),
    named=st.integers(0, 5),
    named_changed=st.integers(0, 5),
    nearness=st.floats(0, 1),
    is_merge=st.booleans(),
    pull=st.none() | st.integers(1, 3),
    prose=st.floats(0, 100, allow_subnormal=False),
    body=st.integers(0, 100_000),
    passages=st.integers(0, 1_000),
    reasons=st.integers(0, 1_000),
    direction=st.sampled_from((-1, 0, 1)),
)


def ranked(candidates: dict[int, Signals], *, asks: bool = True, is_semantic: bool = True) -> Ranked:
    return rank(candidates, ASKED._replace(asks=float(asks)), load_model(is_semantic=is_semantic))


def order(candidates: dict[int, Signals], *, asks: bool = True, is_semantic: bool = True) -> list[int]:
    return [hit.commit_id for hit in ranked(candidates, asks=asks, is_semantic=is_semantic).hits]


def test_meaning_and_words_together_beat_either_alone() -> None:
    both = Signals(0.7, 20, coverage=9)
    for asks in (True, False):
        assert order({1: Signals(0.75, 0), 2: Signals(0.1, 21, coverage=9), 3: both}, asks=asks)[0] == 3


def test_without_meaning_the_words_alone_decide() -> None:
    candidates = {1: Signals(None, 3, coverage=4), 2: Signals(0.99, 0), 3: Signals(None, 5, coverage=9)}
    assert order(candidates, is_semantic=False) == [3, 1, 2]


def test_what_touches_the_lines_goes_before_what_touches_the_file() -> None:
    near = Signals(0.5, 4, coverage=4)
    touching = near._replace(touches_file=True, nearness=1.0, stem=True, paths=1)
    for asks in (True, False):
        assert order({1: near, 2: touching, 3: touching._replace(touches_lines=True, logged=0.5)}, asks=asks) == [
            3,
            2,
            1,
        ]


def test_a_scope_hides_nothing() -> None:
    found = order({1: Signals(0.9, 40, coverage=9, changed=30), 2: Signals(0.1, 0, touches_file=True)})
    assert found == [1, 2]


def test_a_commit_named_by_its_sha_is_the_answer() -> None:
    found = ranked({1: Signals(0.9, 40, coverage=9), 2: Signals(0.0, is_reference=True)})
    assert [hit.commit_id for hit in found.hits] == [2, 1]
    assert found.has_evidence


def test_nothing_found_is_no_evidence() -> None:
    assert ranked({}) == Ranked([], 0.0)
    assert not ranked({}).has_evidence


@given(st.dictionaries(st.integers(1, 50), signals, max_size=20), st.booleans(), st.booleans())
def test_every_candidate_is_ranked_once_by_falling_scores_between_0_and_1(
    candidates: dict[int, Signals], asks: bool, is_semantic: bool
) -> None:
    found = ranked(candidates, asks=asks, is_semantic=is_semantic)
    assert sorted(hit.commit_id for hit in found.hits) == sorted(candidates)
    scores = [hit.score for hit in found.hits]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    assert 0 <= found.confidence <= 1
    assert len(found.evidence) == len(EVIDENCE)


@given(st.lists(signals, min_size=1, max_size=20))
def test_features_are_finite_and_have_a_column_each(candidates: list[Signals]) -> None:
    features = build(ASKED, candidates)
    assert features.shape == (len(candidates), len(FEATURES))
    assert (abs(features) < 1e6).all()


def test_no_feature_knows_how_old_a_commit_is() -> None:
    assert not {name for name in (*FEATURES, *Signals._fields) if "time" in name or "age" in name.split("_")}


def test_more_evidence_gives_more_confidence() -> None:
    rival = Signals(0.2, 3, coverage=1)
    weak = {1: Signals(0.25, 3, coverage=2), 2: rival}
    strong = {1: Signals(0.8, 30, changed=20, coverage=9), 2: rival}
    for is_semantic in (True, False):
        said = [ranked(which, asks=False, is_semantic=is_semantic).confidence for which in (weak, strong)]
        assert said[1] > said[0] + 0.3


def test_a_question_asks_or_states() -> None:
    assert measure_asking("why the retry") == 1
    assert measure_asking("retry: who added it") == 1
    assert measure_asking("Whytehall theme is gone.") == 0
    assert 0 < measure_asking("retry budget spent at once") < 1
