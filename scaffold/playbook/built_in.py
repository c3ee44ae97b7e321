"""The built-in playbook of a workspace: what `template/parts/playbook.md.jinja` makes of its answers, so that there is one source of it."""

from __future__ import annotations

from pathlib import PurePosixPath

from scaffold.lifecycle import releases
from scaffold.lifecycle.render import render_template
from scaffold.workspace import PLAYBOOK_FILE, Workspace


def built_in(there: Workspace) -> str:
    """The text that init of this package would write. Raises ScaffoldError where the template refuses the answers."""
    path = PurePosixPath(str(there.answers["tasks_path"])).with_name(PLAYBOOK_FILE).as_posix()
    with releases.open_current() as template:
        files = render_template(template.path, there.answers, version=template.version, source=template.source)
    return files[path].data.decode("utf-8")
