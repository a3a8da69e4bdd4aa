"""Backups: one file that holds every index, or one, as of one moment; made and restored while the daemon runs.

keeping ── writing           copying indexes that are in use
   │          └───── archive, manifest   the format of the file
   └────── restoring ┘       checking a file, and unpacking it beside what is there
"""
