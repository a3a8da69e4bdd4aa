"""Benchmarks: each module prints the figures it measures, and what they must reach. `make bench` runs all but the fit."""
