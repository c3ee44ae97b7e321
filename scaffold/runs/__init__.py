"""Runs: names and manifests, shared with the recorder."""
