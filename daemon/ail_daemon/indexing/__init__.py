"""Keeps indexes equal to what refs reach: when to look, updates in two lanes, the worker process."""
