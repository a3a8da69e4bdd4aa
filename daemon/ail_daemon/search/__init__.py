"""A question to ranked commits: candidates, features, weights, what became of each, and sentences for the answer."""
