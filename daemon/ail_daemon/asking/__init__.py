"""A question's way: which side answers, the caches, the fallback, and what is noted after the reply."""
