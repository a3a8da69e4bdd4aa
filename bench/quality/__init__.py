"""How good the answers are: question sets of two kinds, and what is measured with them."""
