"""The thin client of AIL's daemon: one request, one reply, exit."""
