"""Reads git repositories: tips, walks, commits, changed lines, blame.

One reader, `git` itself, hardened (`command`): nothing that a repository configures is executed, nothing is fetched,
nothing is written, and every format that the installed git knows can be read: reftable, sha256, shallow, partial.
libgit2 was measured beside it on two repositories (16,715 and 27,904 commits): 2.5 to 3 times slower on commits with
their paths, 3.3 times on changed lines, no faster on walks and tips, 90 ms to import, and closed to sha256, reftable
and partial clones. A pack that is truncated under it kills the process that reads; here that is git, not ours. The
tests keep libgit2 as an independent oracle.

Must not know what is done with what it reads.
"""
