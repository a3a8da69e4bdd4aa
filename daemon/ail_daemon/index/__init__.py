"""One repository's index: the store, the words and the vectors, kept equal."""
