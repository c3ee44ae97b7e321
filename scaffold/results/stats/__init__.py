"""Statistics of few seeds, in pure Python."""
