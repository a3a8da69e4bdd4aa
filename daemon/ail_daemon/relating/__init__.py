"""What of a history bears on a change: candidates, their relation to it, and the bar below which nothing is said.

    relate (a change) ── tracing ── overlap ── patches        bearing (files alone)        missing ── cochange
       └──── reasons

Pure but for the index: no git, no socket. `related.py` above it turns a call into what is asked here.
"""
