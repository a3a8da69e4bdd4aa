"""AIL as a service that the system's own manager starts: the units, written, enabled, looked at and taken away again.

    commands ── systemd · launchd ── shipped (texts of units) · keeping (files that are ours)
                   └── handover (a daemon that runs already)

Knows the service managers; nothing of what the daemon does. `shipped` holds the units as they lie in the source's `systemd`
and `launchd`.
"""
