"""Metrics of runs -> tables, comparisons and sentences."""
