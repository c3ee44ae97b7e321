"""What a sweep plans: grid, seeds, names of runs."""
