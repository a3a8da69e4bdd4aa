"""Git hooks that tell the daemon about new commits."""
