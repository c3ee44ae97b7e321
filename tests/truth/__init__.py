"""One truth about a run: what it was, with which seed, of which code, and whether it counts."""
