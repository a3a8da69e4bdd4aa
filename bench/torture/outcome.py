"""What a scenario found: figures, each with what must hold of it."""

from __future__ import annotations

from dataclasses import dataclass

from bench.figures import show


@dataclass(frozen=True)
class Figure:
    """One figure. at_most, at_least: what must hold of it; neither: it is told, and nothing is asked of it."""

    name: str
    measured: float
    at_most: float | None = None
    at_least: float | None = None
    unit: str = ""
    digits: int = 0

    @property
    def holds(self) -> bool:
        """Whether the figure is what it must be."""
        return (self.at_most is None or self.measured <= self.at_most) and (
            self.at_least is None or self.measured >= self.at_least
        )

    def show(self) -> None:
        """Print the figure on a line, with what must hold, and a mark where it does not."""
        show(self.name, self.measured, self.unit, self._must() + ("" if self.holds else "  BROKEN"), digits=self.digits)

    def _must(self) -> str:
        if self.at_most is not None:
            return f"{self.at_most:g}" if self.at_most == 0 else f"at most {self.at_most:g}"
        return "" if self.at_least is None else f"at least {self.at_least:g}"


def none(name: str, count: int) -> Figure:
    """Return a figure of what must not happen at all, and happened *count* times."""
    return Figure(name, float(count), at_most=0)


@dataclass(frozen=True)
class Outcome:
    """A scenario's figures, and in words what was wrong and how to see it again."""

    figures: tuple[Figure, ...]
    faults: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether every figure is what it must be."""
        return all(figure.holds for figure in self.figures)

    def show(self) -> None:
        """Print every figure, and the first twenty faults."""
        for figure in self.figures:
            figure.show()
        for fault in self.faults[:20]:
            print(f"  {fault}", flush=True)

    def check(self) -> None:
        """Raise AssertionError where a figure is not what it must be: the short forms' end."""
        broken = [f"{figure.name}: {figure.measured:g}" for figure in self.figures if not figure.holds]
        assert not broken, "; ".join([*broken, *self.faults[:5]])
