"""The settings as they stand now. Everything that may change without a restart is read here, at the moment it is used."""

from __future__ import annotations

from .settings import Settings


class Flags:
    """Holds the settings in force; any thread may read `current`, one at a time replaces it."""

    def __init__(self, settings: Settings) -> None:
        self.current = settings
