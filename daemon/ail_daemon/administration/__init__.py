"""Running AIL: enrolling, checking, settings, backup, the doctor, service units, building and resetting."""
