"""From refs that moved to an index that is right: who looks when, one update in either lane, the worker process."""
