"""Manifests and metrics -> table -> statistics -> plots -> report."""
