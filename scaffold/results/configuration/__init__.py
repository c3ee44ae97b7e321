"""What a run was: its parameters as its script takes them, its seed, its config files, the code that could reach it."""
