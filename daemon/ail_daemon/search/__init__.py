"""From a question to ranked commits: candidates, features, weights, each commit's fate, the answer's sentences."""
