"""The per-user daemon: reads enrolled histories, keeps their index, answers why."""
