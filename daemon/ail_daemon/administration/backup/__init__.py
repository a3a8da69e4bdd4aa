"""Backups: one file that holds every index, or one, as it was at one moment; made and taken back while the daemon runs.

writing ── snapshot          copying an index that is being used
   └────── archive, manifest what the file looks like
restoring ┘                  checking a file, and unpacking it beside what is there
"""
