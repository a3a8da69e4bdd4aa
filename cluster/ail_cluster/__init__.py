"""`ail-cluster`: builds bundles of embeddings for many repositories, on one machine or on a Ray cluster.

    cli ── running (ray) ── steps ── parts ── output (fsspec)
     └──── publishing ───────────────┘
    cli ── listing

What runs on the cluster is `steps`: plan a repository, read a piece of it, encode that piece. Each piece is written to the
output as soon as it is encoded, as a part (`parts`). Once all pieces of a repository are there, the driver publishes them as the
segments that `ail-daemon bundle create` would write (`publishing`). Ray schedules, retries and spills; nothing here does.
"""
