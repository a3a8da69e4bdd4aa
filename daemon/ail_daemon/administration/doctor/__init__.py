"""Finds what keeps AIL from working well, and what to do about it: every part is tried with input whose result is known.

    visiting (the method) · commands (without a daemon)
        └── examination ── parts (libraries, model, FAISS, SQLite, git) · machine (settings, watches, disk, service)
                           repositories                             finding (pure)

Imported at the first use, so that it takes no memory before.
"""
