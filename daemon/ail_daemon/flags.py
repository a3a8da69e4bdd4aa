"""The settings as they stand now. Everything that may change without a restart is read here, at the moment it is used.

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
    """One setting: its variable, its value (None: not set), where that comes from; of a secret, never the value."""

    name: str
    value: Any
    origin: Origin

    def describe(self) -> dict[str, Any]:
        """Return name, value and origin, as the wire carries them."""
        value = list(self.value) if isinstance(self.value, tuple) else self.value
        return {"name": self.name, "value": value, "origin": self.origin}


class Flags:
    """Holds the settings in force. Any thread may read `current`; the daemon's loop alone changes them."""

    def __init__(self, loaded: Loaded) -> None:
        self.current = loaded.settings
        self.notice: str | None = None  # why the last `reload` changed nothing; None where it was fine
        self._origins = dict(loaded.origins)
        self._listeners: dict[object, SettingsListener] = {}
        self._checks: dict[object, SettingsListener] = {}

    def subscribe(self, listener: SettingsListener) -> Callable[[], None]:
        """Have *listener* called on the daemon's loop after every change, before its reply; return what ends that.

        It must neither wait nor raise: what takes long is to be begun there and done elsewhere.
        """
        return _enter(self._listeners, listener)

    def check_with(self, check: SettingsListener) -> Callable[[], None]:
        """Have *check* called before every change; where it raises UsageError nothing is changed. Return what ends that.

        For what is known only by trying: whether a file can be opened, a port be had.
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
        """Take values by name, texts as the environment has them or values as TOML has; return what differs from before.

        Raises UsageError where a name or a value is wrong; then nothing was changed.
        """
        values = read_assignments(assignments)
        settings = replace(self.current, **{VARIABLES[variable].name: value for variable, value in values.items()})
        return self._apply(settings, {**self._origins, **dict.fromkeys(values, "flags")})

    def reload(self) -> list[Flag]:
        """Read the file and the environment again, in place of all that was `set`; return what differs from before.

        Raises UsageError where anything in them is wrong; then nothing was changed.
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
