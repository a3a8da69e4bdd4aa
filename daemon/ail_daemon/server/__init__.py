"""The socket: bytes, turns, limits, and from a call to a checked handler."""
