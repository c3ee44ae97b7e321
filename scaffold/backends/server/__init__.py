"""Runs through the research server."""
