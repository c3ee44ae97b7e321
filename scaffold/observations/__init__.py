"""Manifests, files and logs of a run -> what it gave: metrics, their values and where each was read."""
