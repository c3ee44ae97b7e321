"""The made workspaces of the tests of results."""

from tests.results.conftest import ask, make_study, study

__all__ = ["ask", "make_study", "study"]
