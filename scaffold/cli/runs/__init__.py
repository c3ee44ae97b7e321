"""The commands of single runs and their records: run, runs."""
