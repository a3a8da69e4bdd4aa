"""The contract between AIL's programs: errors, paths, MessagePack-RPC messages. Standard library and msgpack only."""

PROTOCOL = 1
"""Version of the wire protocol. Programs that differ in it understand only each other's `hello` and `stop`."""

VERSION = "0.1.0"
"""Version of this package. A constant: importlib.metadata would cost the client 30 ms to find it out."""

WHY = "why is this so?"
"""The question about a place where none is given."""
