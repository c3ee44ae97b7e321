"""Runs for other programs: rows for tables, and what MLflow's and wandb's own clients write."""
