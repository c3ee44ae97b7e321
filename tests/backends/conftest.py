"""Workspaces with the recorder, for backends."""

from __future__ import annotations

from tests.runs.conftest import make_workspace

__all__ = ["make_workspace"]
