"""What a brief is made of: the workspace's answers, its plan, its runs; and text from outside, cut and quoted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scaffold import visible_text
from scaffold.plan.brief.server_api import LISTED
from scaffold.plan.document.markdown_inline import escape_for_message
from scaffold.plan.rules.check import PlanReport
from scaffold.plan.tasks.run_summaries import RunSummary
from scaffold.runs import recorder
from scaffold.server.operations import ServerOperation

UNLIMITED = 1_000_000
CREDENTIALS = re.compile(r"(?<=://)[^/@\s]*@")


@dataclass(frozen=True, slots=True, kw_only=True)
class BriefContext:
    """A workspace's answers, its plan as checked (None where there is none), its runs, its iteration log, and what its server can do.

    The brief for planning asks for no plan, no runs and no log, but for earlier launches (`history`; None where nobody looked). `ideas` are
    lines on a study of code changes.
    """

    answers: Mapping[str, Any]
    workdir: str
    full: bool
    report: PlanReport | None = None
    runs: Sequence[RunSummary] = ()
    log: str = ""
    operations: Sequence[ServerOperation] = LISTED
    history: Sequence[str] | None = None
    ideas: Sequence[str] = ()

    def text(self, name: str) -> str:
        """An answer as text; empty where there is none."""
        return visible_text.escape_hidden(str(self.answers.get(name) or "").strip())

    def list(self, name: str) -> Sequence[Any]:
        """An answer as a list; empty where it is none."""
        value = self.answers.get(name)
        return value if isinstance(value, (list, tuple)) else ()

    def mapping(self, name: str) -> Mapping[str, Any]:
        """An answer as a mapping; empty where it is none."""
        value = self.answers.get(name)
        return value if isinstance(value, Mapping) else {}

    def limit_or_all(self, limit: int) -> int:
        """How much of something may be shown: `limit`, or all of it in a full brief."""
        return UNLIMITED if self.full else limit

    @property
    def server(self) -> str:
        """The research server's address without credentials; empty where none is set."""
        return CREDENTIALS.sub("", self.text("research_server_url")).rstrip("/")

    def script_path(self, name: str) -> str:
        """A script of the workspace, relative to the work directory."""
        return f"{self.text('experiment_root')}/{self.mapping('role_dirs').get('scripts', 'scripts')}/{name}"


def quote_as_markdown(text: str, limit: int) -> str:
    """A person's text as a quote: it can make no heading and no task of the brief."""
    cut = text if len(text) <= limit else text[:limit].rstrip() + " [...]"
    return "\n".join(f"> {line}" for line in cut.splitlines())


def bullet_list(context: BriefContext, texts: Iterable[object], limit: int) -> str:
    """A list of one-line texts, each cut to a line's length, and how many are left out; a full brief has all of all."""
    lines, count = [" ".join(str(text).split()) for text in texts], context.limit_or_all(limit)
    more = [f"- and {len(lines) - count} more (--full)"] if len(lines) > count else []
    return "\n".join([*(f"- {escape_for_message(line, context.limit_or_all(140))}" for line in lines[:count]), *more])


def backticked_list(values: Iterable[object]) -> str:
    """Values in back-ticks, with commas."""
    return ", ".join(f"`{visible_text.escape_to_one_line(str(value))}`" for value in values)


def join_sections(sections: Iterable[str]) -> str:
    """The sections that say something, as one page, without what a command shown in the repository holds of secrets."""
    return str(recorder.redaction.redact("\n\n".join(section for section in sections if section))) + "\n"
