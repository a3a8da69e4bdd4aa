"""The contract between AIL's programs: errors, paths, MessagePack-RPC messages. Standard library and msgpack only."""

PROTOCOL = 1
"""Version of the wire protocol. Programs that differ in it understand only each other's `hello` and `stop`."""

VERSION = "0.1.0"
"""Version of this package. A constant: importlib.metadata would cost the client 30 ms to find it out."""

WHY = "why is this so?"
"""The question about a place where none is given."""

SHALLOW = "this clone is shallow, older history is not here: `git fetch --unshallow` brings it"
"""What is said of a shallow clone, by the daemon in `status` and by the client where older history could answer."""
