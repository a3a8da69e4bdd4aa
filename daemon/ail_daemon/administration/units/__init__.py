"""AIL as a service that systemd or launchd starts: its units are written, enabled, checked and removed here.

    commands ── systemd · launchd ── shipped (texts of units) · keeping (files that are ours)
                   └── handover (a daemon that runs already)

Knows the service managers; nothing of what the daemon does. `shipped` holds the units as they lie in the source's `systemd`
and `launchd`.
"""
