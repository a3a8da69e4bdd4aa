"""Declares a method's parameters: names, types, ranges, choices; checked before its handler runs. Pure.

    "ask": Method(service.ask, text("question"), text("file", default=None), whole("limit", 1, 100, default=5))

An undeclared name is refused, and the nearest declared one suggested: people write `rpcrequest(ch, 'ask', {…})` by hand,
and a misspelt parameter that is ignored gives a wrong answer. nil counts as not given.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from ail_rpc.errors import UsageError, suggest

Handler = Callable[[dict[str, Any]], Awaitable[Any]]
"""Takes a call's params and returns what `ail_rpc.framing.pack` can carry; an AilError it raises is the answer."""


class _Required:
    """The default of a parameter that must be given."""


REQUIRED = _Required()
_FILE_BYTES = 4096


class Param:
    """One parameter: its name, a test of its value, a description of what it may be, its default (REQUIRED: none)."""

    __slots__ = ("default", "is_valid", "may_be", "name")

    def __init__(self, name: str, is_valid: Callable[[object], bool], may_be: str, default: object) -> None:
        self.name = name
        self.is_valid = is_valid
        self.may_be = may_be
        self.default = default

    def take(self, given: dict[str, Any]) -> object:
        """Return the value *given*, else the default. Raises UsageError saying what it may be."""
        value = given.get(self.name)
        if value is None:
            if self.default is REQUIRED:
                raise UsageError(f"{self.name} is missing", f"{self.name} must be {self.may_be}")
            return self.default
        if not self.is_valid(value):
            raise UsageError(f"{self.name} must be {self.may_be}")
        return value


def text(name: str, *choices: str, default: object = REQUIRED) -> Param:
    """Declare a string; with *choices*, one of them. No NUL: a path or an argument with one reaches neither files nor git."""
    if choices:
        return Param(name, lambda value: value in choices, " or ".join(choices), default)
    return Param(name, _is_text, "text without a NUL", default)


def raw(name: str, default: object = REQUIRED) -> Param:
    """Declare a string that may hold anything, as a file's content does."""
    return Param(name, lambda value: isinstance(value, str), "text", default)


def texts(name: str, default: object = REQUIRED) -> Param:
    """Declare a list of strings."""
    return Param(name, _are_texts, "a list of texts without a NUL", default)


def flag(name: str, default: object = False) -> Param:
    """Declare a true or false."""
    return Param(name, lambda value: isinstance(value, bool), "true or false", default)


def check_file(file: str) -> None:
    """Raise UsageError where *file* is longer than any path may be: 4,096 bytes, Linux's PATH_MAX."""
    if len(file.encode("utf-8", "surrogatepass")) > _FILE_BYTES:
        raise UsageError(f"a file's path has more than {_FILE_BYTES:,} bytes", "name a file of the repository")


def whole(name: str, low: int, high: int, default: object = REQUIRED) -> Param:
    """Declare a whole number from *low* to *high*, both included."""

    def is_valid(value: object) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high

    return Param(name, is_valid, f"a whole number from {low:,} to {high:,}", default)


def number(name: str, low: float, high: float, default: object = REQUIRED) -> Param:
    """Declare a number from *low* to *high*, both included; whole ones pass too."""

    def is_valid(value: object) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high

    return Param(name, is_valid, f"a number from {low:,} to {high:,}", default)


def lines(name: str, default: object = None) -> Param:
    """Declare a range of lines: `[first, last]`, 1-based, both included."""

    def is_valid(value: object) -> bool:
        match value:
            case [int(first), int(last)]:
                return not (first is True or last is True) and 1 <= first <= last
        return False

    return Param(name, is_valid, "[first, last], counted from 1", default)


class Method:
    """A handler behind its declared parameters; itself a Handler."""

    def __init__(self, handler: Handler, *params: Param) -> None:
        self._handler = handler
        self._params = {param.name: param for param in params}
        self._defaults = {param.name: param.default for param in params if param.default is not REQUIRED}
        self._required = [param for param in params if param.default is REQUIRED]

    def __call__(self, given: dict[str, Any]) -> Awaitable[Any]:
        """Check *given*, fill in defaults, call the handler. Raises UsageError naming the parameter that is wrong."""
        taken = dict(self._defaults)
        for name in given:
            if name not in self._params:
                raise UsageError(f"there is no parameter {name:.80}", suggest(name, self._params))
            taken[name] = self._params[name].take(given)
        for param in self._required:
            taken[param.name] = param.take(given)
        return self._handler(taken)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and "\0" not in value


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))
