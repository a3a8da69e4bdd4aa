"""Figures: counted at a request's end, read at a scrape, and the loopback port that serves them."""
