"""Pull requests of cited commits: which GitHub project a repository is, asking GitHub, storing and adding the answers."""
