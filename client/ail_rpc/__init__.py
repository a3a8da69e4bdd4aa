"""The contract between AIL's programs: errors, paths, MessagePack-RPC messages. Standard library and msgpack alone."""

PROTOCOL = 1
"""Version of the wire protocol. Programs that differ in it understand each other's `hello` and `stop` alone."""

VERSION = "0.1.0"
"""Version of this package. A constant: importlib.metadata would cost the client 30 ms to find it out."""

WHY = "why is this so?"
"""What is asked about a place where no question is given."""
