"""Enrolled repositories: where they lie, what is known of each, and how one is found by its directory."""
