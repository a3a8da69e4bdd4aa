"""Use cases of whoever runs AIL: enrolling, checking, settings, backup, the doctor, units, building and resetting."""
