"""The tips that the index was last made equal to. Refs are bytes, as paths are."""

from __future__ import annotations

import os

from ail_daemon.model import Tips

from .database import Database


class TipRows(Database):
    """What the store keeps of tips."""

    def get_tips(self) -> Tips:
        """Return the tips the index was last made equal to; no HEAD and no refs if it never was."""
        refs = {os.fsdecode(ref): sha.hex() for ref, sha in self.read("SELECT ref, sha FROM tips")}
        return Tips(refs.pop("HEAD", None), refs, frozenset((self.get_meta("boundary") or "").split()))

    def set_tips(self, tips: Tips) -> None:
        """Store *tips*: exactly the commits reachable from them are indexed. Writes only what differs: there may be 100,000."""
        before, now = _named(self.get_tips()), _named(tips)
        with self.transaction() as db:
            db.executemany(
                "DELETE FROM tips WHERE ref = ?", ((os.fsencode(ref),) for ref in before.keys() - now.keys())
            )
            moved = (ref for ref, sha in now.items() if before.get(ref) != sha)
            db.executemany("REPLACE INTO tips VALUES (?, ?)", ((os.fsencode(r), bytes.fromhex(now[r])) for r in moved))
            self.set_meta(boundary=" ".join(sorted(tips.boundary)))


def _named(tips: Tips) -> dict[str, str]:
    return tips.refs | ({"HEAD": tips.head} if tips.head else {})
