"""Finds the commits that bear on a change: candidates, their relation to it, and the bar below which nothing is said.

    relate (a change) ── tracing ── overlap ── patches        bearing (files alone)        missing ── cochange
       └──── reasons

`related.py` turns a call of `related` into a use of these modules, and their results into a reply.
"""
