"""Reads git repositories: tips, walks, commits, changed lines, blame.

The reader is `git` itself, hardened (`command`): nothing that a repository configures is executed, nothing is fetched or
written, and every format that the installed git knows can be read: reftable, sha256, shallow, partial. libgit2 was 2.5 to 3.3
times slower and cannot read the last four (decision 0001); a pack that is truncated while it is read kills the process that
reads, which here is git. The tests compare with libgit2.

Must not know what is done with what it reads.
"""
