"""Runs through Slurm."""
