"""The settings in force. Whatever may change without a restart is read from here when it is used.

A value comes from its default, the file, the environment, or `flags`: set while the daemon runs, until the next `reload`
or start. Changes are all or nothing: a wrong one leaves every setting as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ail_rpc.errors import AilError

from .history.limits import HistoryLimits
from .settings import VARIABLES, Loaded, Origin, Settings, read_assignments, read_settings

SettingsListener = Callable[[Settings, Settings], None]
"""Called with the settings before and after a change."""


@dataclass(frozen=True, slots=True)
class Flag:
    """One setting: its variable, its value (None: not set; of a secret only "set"), and where that comes from."""

    name: str
    value: Any
    origin: Origin

    def describe(self) -> dict[str, Any]:
        """Return name, value and origin, as the wire carries them."""
        value = list(self.value) if isinstance(self.value, tuple) else self.value
        return {"name": self.name, "value": value, "origin": self.origin}


class Flags:
    """Holds the settings in force. Any thread may read `current`; only the daemon's loop changes them."""

    def __init__(self, loaded: Loaded) -> None:
        self.current = loaded.settings
        self.notice: str | None = None  # why the last `reload` failed; None if it did not
        self._origins = dict(loaded.origins)
        self._listeners: dict[object, SettingsListener] = {}
        self._checks: dict[object, SettingsListener] = {}

    def subscribe(self, listener: SettingsListener) -> Callable[[], None]:
        """Call *listener* on the daemon's loop after every change, before its reply; return a function that ends that.

        It must neither wait nor raise: long work is to be started there and done elsewhere.
        """
        return _enter(self._listeners, listener)

    def check_with(self, check: SettingsListener) -> Callable[[], None]:
        """Call *check* before every change; if it raises UsageError nothing is changed. Return a function that ends that.

        For what only trying shows: whether a file can be opened, or a port is free.
        """
        return _enter(self._checks, check)

    @property
    def history_limits(self) -> HistoryLimits:
        """How much is read of a repository."""
        now = self.current
        return HistoryLimits(
            now.max_refs, now.max_commits, now.max_paths, now.max_message_bytes, now.max_diff_bytes, now.max_silence_s
        )

    def get(self) -> list[Flag]:
        """Return every setting in the order of the contract."""
        return [self._flag(variable) for variable in VARIABLES]

    def set(self, assignments: Mapping[str, object]) -> list[Flag]:
        """Set values by name, texts as in the environment or values as in TOML; return the settings that changed.

        Raises UsageError if a name or a value is wrong; then nothing was changed.
        """
        values = read_assignments(assignments)
        settings = replace(self.current, **{VARIABLES[variable].name: value for variable, value in values.items()})
        return self._apply(settings, {**self._origins, **dict.fromkeys(values, "flags")})

    def reload(self) -> list[Flag]:
        """Read the file and the environment again, dropping all that was `set`; return the settings that changed.

        Raises UsageError if anything in them is wrong; then nothing was changed.
        """
        try:
            loaded = read_settings()
            changed = self._apply(loaded.settings, dict(loaded.origins))
        except AilError as err:
            self.notice = f"the settings were not read again: {err.message}; {err.hint}"
            raise
        self.notice = None
        return changed

    def _apply(self, settings: Settings, origins: dict[str, Origin]) -> list[Flag]:
        for check in [*self._checks.values()]:
            check(self.current, settings)
        before, self.current, self._origins = self.current, settings, origins
        changed = [name for name, one in VARIABLES.items() if getattr(before, one.name) != getattr(settings, one.name)]
        if changed:
            for listener in [*self._listeners.values()]:
                listener(before, settings)
        return [self._flag(variable) for variable in changed]

    def _flag(self, variable: str) -> Flag:
        one = VARIABLES[variable]
        value = getattr(self.current, one.name)
        if one.metadata["is_secret"] and value is not None:
            value = "set"
        return Flag(variable, value, self._origins.get(variable, "default"))


def _enter(into: dict[object, SettingsListener], listener: SettingsListener) -> Callable[[], None]:
    key = object()
    into[key] = listener

    def leave() -> None:
        into.pop(key, None)

    return leave
