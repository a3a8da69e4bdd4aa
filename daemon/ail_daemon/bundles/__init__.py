"""Bundles: embeddings of one model that somebody has computed already, to be published once and used by many.

    publishing ── shelves (a directory, a ref) ── manifest · segments · signing
    fetching ── __main__ (the child process that reads a carrier)

A bundle is a manifest and segments, below a directory named by the model's id:

    <model id>/manifest.json        lists the segments, the newest last
    <model id>/manifest.json.sig    optional: made by `ssh-keygen -Y sign`
    <model id>/<sha256>             a segment: hashes of texts, and the embedding of each; never changed

There is no text in it. Nothing in a bundle is trusted: see `indexing/bundled.py` for what is checked before a row is used.
"""
