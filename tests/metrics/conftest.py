"""Workspaces with records of runs that never ran, as the tests of results have them."""

from __future__ import annotations

from tests.results.conftest import make_study as make_study
from tests.results.conftest import study as study
from tests.runs.conftest import make_workspace as make_workspace
from tests.runs.conftest import workspace as workspace
