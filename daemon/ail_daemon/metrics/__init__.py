"""Metrics: counters updated at each request's end, gauges read at a scrape, and the loopback port that serves them."""
