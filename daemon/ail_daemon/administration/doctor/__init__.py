"""What keeps AIL from working well here, and what to do about it: every part tried with something whose result is known.

    visiting (the method) · commands (without a daemon)
        └── examination ── parts (libraries, model, FAISS, SQLite, git) · machine (settings, watches, disk, service)
                           repositories                             finding (pure)

Imported when somebody asks, and not before: a daemon in which nobody does has none of it in its memory.
"""
