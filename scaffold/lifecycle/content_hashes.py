"""What the template made of a workspace's answers, as content hashes: with them `status` needs not render the template again.

They lie in git's own folder of the working tree (`.git/scaffold/`, of a linked worktree in `.git/worktrees/NAME/scaffold/`) and not
beside the answers file, which they describe: there they would be committed and then conflict whenever two branches change answers, or
need a rule of their own in every .gitignore. In git's folder they are in no commit, no merge and no listing; they end with
the worktree, and a clone begins without. What that costs: without git, and in a clone until its first `init`, `add` or `update`,
`status` renders.

They cannot go stale silently: they count only while the answers file holds the very bytes, and the template the very content, that
they were made of. Nothing else goes into a rendering.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path

from scaffold import path_containment, structured_text
from scaffold.atomic_write import write_atomic
from scaffold.lifecycle import file_kinds, files_on_disk
from scaffold.lifecycle.template import releases
from scaffold.lifecycle.template.render import Rendering
from scaffold.lifecycle.template.source import (
    foreign_template_source,
    is_remote_template_source,
    recorded_template_version,
    remote_template_source,
)
from scaffold.workspace import Workspace

VERSION = 1


def hash_content(data: bytes) -> str:
    """SHA-256 of a file's content, in hex."""
    return hashlib.sha256(data).hexdigest()


def hash_files(rendered: Rendering) -> dict[str, str]:
    """The hash of each rendered file's content, by its path."""
    return {path: hash_content(file.data) for path, file in rendered.items()}


def write_template_hashes(
    workdir: Path, root: str, template: releases.TemplateVersion, answers_file: bytes, rendered: Rendering
) -> None:
    """Keep the hashes of what `template` makes of the answers in `answers_file` (its content, line ends as LF).

    Where they cannot be kept (no git, a folder that may not be written), or the template is not this package's and so could be
    another one tomorrow under the same name, nothing happens: `status` renders then.
    """
    path, fingerprint = _hashes_file(workdir, root), template.fingerprint or _remote_fingerprint(template)
    if path is None or fingerprint is None:
        return
    record = {
        "version": VERSION,
        "root": root,
        "template": fingerprint,
        "answers": hash_content(answers_file),
        "files": hash_files(rendered),
    }
    data = (json.dumps(record, indent=1, sort_keys=True) + "\n").encode()
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_bytes() != data:
            write_atomic(path, data, sync=False)


def read_template_hashes(workspace: Workspace) -> dict[str, str] | None:
    """The hash of each file that the workspace's template makes of its answers; None where none were kept of just these two."""
    path = _hashes_file(workspace.workdir, workspace.root)
    try:
        record = structured_text.parse_json(path.read_bytes()) if path is not None else {}
        hashes = dict(record["files"])
        layout, template, answers = record["version"], record["template"], record["answers"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    answers_path = file_kinds.answers_path(workspace.root)
    file = files_on_disk.read_files_on_disk(workspace.workdir, [answers_path]).files.get(answers_path)
    if layout != VERSION or file is None or answers != hash_content(file.data):
        return None
    version, remote = recorded_template_version(workspace), remote_template_source(workspace)
    if remote is not None:
        return hashes if template == f"{remote} {version}" else None
    return (
        hashes
        if foreign_template_source(workspace) is None and template == releases.fingerprint_template_version(version)
        else None
    )


def _remote_fingerprint(template: releases.TemplateVersion) -> str | None:
    """What stands for a version that is not asked for again on reading."""
    return f"{template.source} {template.version}" if is_remote_template_source(template.source) else None


def delete_template_hashes(workspace: Workspace) -> None:
    """Forget them, as the workspace is removed."""
    path = _hashes_file(workspace.workdir, workspace.root)
    with contextlib.suppress(OSError):
        if path is not None:
            path.unlink()
            path.parent.rmdir()


def _hashes_file(workdir: Path, root: str) -> Path | None:
    """Where the hashes of the workspace at `workdir/root` are kept; None without a folder of git's that is this working tree's."""
    folder = path_containment.git_folder(workdir)
    if folder is None:
        return None
    # a repository may hold several workspaces; their paths may be longer than a file's name, so a hash stands for each
    name = hash_content(f"{folder.prefix}{root}".encode("utf-8", "surrogateescape"))[:16]
    file = folder.path / "scaffold" / f"template-hashes-{name}.json"
    return file if path_containment.is_contained(folder.path, file) else None
