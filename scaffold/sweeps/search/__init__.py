"""Evolutionary search over a space of parameters."""
