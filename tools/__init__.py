"""What is made from the sources and kept beside them: completions and man pages. `python -m tools` makes them anew."""
