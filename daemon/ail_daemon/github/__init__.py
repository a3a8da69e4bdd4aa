"""Pull requests as context: which project a repository is, what GitHub says of its commits, kept and told."""
