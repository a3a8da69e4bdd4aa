"""What every process of ours needs from its system: isolation, locks, files, logs, the peer's identity."""
