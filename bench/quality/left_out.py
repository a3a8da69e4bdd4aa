"""AIL against BM25, vectors and their plain fusion, on each project by weights that were fitted to others.

    python -m bench.quality.left_out [--clones DIR]

Projects are left out in the four groups of `bench.quality.fit`. Printed for each project and kind of question: how many, and the
mean reciprocal rank by each method, with what AIL has more than fusion.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tests.running import prepare_models

from ail_daemon.encoding import DEFAULT_MODEL, open_encoder
from ail_daemon.search.ranking import EVIDENCE, Bars, Model, Ranked, rank

from .__main__ import METHODS, Method
from .figures import Outcome
from .fit import GROUPS, Asked, fit_ranker, load_asked
from .gathering import Judged
from .sets import FITTED_ON

_PLAIN = [name for name in METHODS if name != "AIL"]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clones", type=Path, help="a directory with clones of the projects")
    options = parser.parse_args()
    encoder = open_encoder(DEFAULT_MODEL, "prepared", prepare_models(), 1)
    projects = {name: load_asked(name, options.clones, encoder, "semantic") for name in FITTED_ON}
    print(
        f"{'project':<12} {'questions':<12} {'n':>5}  {'  '.join(f'{name:>13}' for name in (*_PLAIN, 'AIL', 'more'))}"
    )
    for start in range(GROUPS):
        left_out = list(projects)[start::GROUPS]
        model = _fit([one for name, asked in projects.items() if name not in left_out for one in asked])
        for name in left_out:
            _show(name, [one.judged for one in projects[name] if not one.is_bare], model)


def _fit(asked: Sequence[Asked]) -> Model:
    nothing = np.zeros(len(EVIDENCE) + 1)
    return Model(fit_ranker(asked, "asks"), fit_ranker(asked, "states"), nothing, nothing, Bars(0.0, 0.0, 0.0))


def _show(project: str, judged: Sequence[Judged], model: Model) -> None:
    def by_ail(one: Judged) -> Ranked:
        return rank(one.candidates, one.asked, model, one.fold)

    methods: list[Method] = [*(METHODS[name] for name in _PLAIN), by_ail]
    columns = [[Outcome.of(one, order(one)) for one in judged] for order in methods]
    groups = sorted({one.group for one in columns[0] if one.is_answerable})
    for group in groups:
        ranks = [[1 / one.rank if one.rank else 0.0 for one in column if one.group == group and one.is_answerable]
                 for column in columns]  # fmt: skip
        figures = [statistics.fmean(column) for column in ranks]
        shown = "  ".join(f"{figure:>13.3f}" for figure in (*figures, figures[-1] - figures[-2]))
        print(f"{project:<12} {' '.join(group):<12} {len(ranks[0]):>5}  {shown}", flush=True)


if __name__ == "__main__":
    main()
