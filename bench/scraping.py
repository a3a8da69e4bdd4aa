"""What a scraper costs those who ask: 8 clients' latencies with five scrapes a second and without, in turns.

python -m bench.scraping [TURNS]

A scraper asks every 15 s as a rule; five times a second is 75 times that. The clients ask uncached questions without a pause.
"""

from __future__ import annotations

import statistics
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from tests.prometheus import fetch, find_free_port
from tests.running import Home, prepare_models, sealed_home

from ail_daemon.metrics.figures import Figures

from .evaluation import load_set
from .figures import percentile, seconds, show

CLIENTS, TURN_S, SCRAPES_A_SECOND = 8, 4.0, 5.0


def main(turns: int = 10) -> None:
    """Print p95 with and without, their median ratio, and what a scrape and a recorded question take."""
    measured = load_set("pytest")
    questions = [row["question"] for row in measured.questions]
    port = find_free_port()
    with sealed_home(prepare_models()) as home, home.daemon(AIL_METRICS_PORT=str(port)), home.connected() as call:
        call("repo.add", repo=str(measured.repo))
        call.wait_complete(str(measured.repo))
        ask_all(home, str(measured.repo), questions, TURN_S)
        ratios, with_scrapes, without = [], [], []
        for number in range(turns):
            pair = {}
            for is_scraped in (True, False) if number % 2 else (False, True):  # each goes first as often
                with Scraper(port, SCRAPES_A_SECOND if is_scraped else 0):
                    pair[is_scraped] = percentile(ask_all(home, str(measured.repo), questions, TURN_S), 0.95)
            ratios.append(pair[True] / pair[False])
            with_scrapes.append(pair[True])
            without.append(pair[False])
        scrapes = [seconds(lambda: fetch(port, "/metrics")) for _ in range(200)]
    show("8 clients, p95 of a question, without scrapes", statistics.median(without) * 1e3, "ms")
    show(f"  with {SCRAPES_A_SECOND:.0f} scrapes a second", statistics.median(with_scrapes) * 1e3, "ms")
    show("  added by them, median of the turns", (statistics.median(ratios) - 1) * 100, "%", "<= 5 %")
    show("a scrape of an idle daemon, connection included, p50", percentile(scrapes, 0.5) * 1e3, "ms")
    show("a question recorded", time_recording() * 1e6, "us")


def ask_all(home: Home, repo: str, questions: list[str], spell_s: float) -> list[float]:
    """Return the seconds of every question that CLIENTS connections ask within *spell_s*, none from the cache."""
    end = time.monotonic() + spell_s

    def ask(number: int) -> list[float]:
        spent, at = [], number * len(questions) // CLIENTS
        with home.connected() as call:
            while time.monotonic() < end:
                question = questions[at % len(questions)]
                started = time.perf_counter()
                call("ask", repo=repo, question=question, no_cache=True)
                spent.append(time.perf_counter() - started)
                at += 1
        return spent

    with ThreadPoolExecutor(CLIENTS) as clients:
        return [one for spent in clients.map(ask, range(CLIENTS)) for one in spent]


class Scraper:
    """Scrapes for as long as the block lasts; a rate of 0: never."""

    def __init__(self, port: int, rate: float) -> None:
        self._port = port
        self._rate = rate
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._scrape)

    def _scrape(self) -> None:
        while self._rate and not self._ended.wait(1 / self._rate):
            assert fetch(self._port, "/metrics")[0] == 200

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()


def time_recording(count: int = 100_000) -> float:
    """Return the seconds that counting one answered question takes."""
    counted, params = Figures(), {"mode": "auto", "no_cache": False}
    reply: dict[str, object] = {"citations": [{}] * 5, "cached": None, "mode": "semantic", "degraded": None}

    def record_all() -> None:
        for _ in range(count):
            counted.record("ask", params, reply, 0.004)

    return seconds(record_all) / count


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
