"""Where a number came from, and what may be quoted."""
