"""Enrolled repositories: where they lie, their state, and how one is found by a directory."""
