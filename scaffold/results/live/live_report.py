"""A workspace -> its live page, ready to be served."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from scaffold.results.live.page_feed import ReportPageFeed
from scaffold.results.live.page_server import FILES, PageServer
from scaffold.results.live.record_changes import read_records_stamp
from scaffold.results.report.gather import gather_report
from scaffold.results.report.page import render_html
from scaffold.workspace import Workspace, load_workspace


def make_report_server(
    workspace: Workspace, *, port: int = 0, interval_s: float = 1.0, warn: Callable[[str], None] = lambda text: None
) -> PageServer:
    """A server of the report of `workspace`, which looks for changes every `interval_s` seconds. Raises ScaffoldError."""

    def render(number: int) -> bytes:
        # answers may have changed, the goal for one
        now = load_workspace(workspace.workdir, workspace.root)
        return render_html(gather_report(now, Path("report.html"), files_address=FILES), live_number=number)

    return PageServer(
        workspace,
        ReportPageFeed(render, lambda: read_records_stamp(workspace), interval_s=interval_s, warn=warn),
        port=port,
    )
