"""Template + answers -> files in memory. The only import of copier."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from scaffold.errors import ScaffoldError
from scaffold.lifecycle.file_kinds import answers_path
from scaffold.lifecycle.template.releases import TemplateVersion
from scaffold.scratch import scratch_directory
from scaffold.workspace import ANSWERS_FILE, PLAYBOOK_FILE


@dataclass(frozen=True, slots=True)
class RenderedFile:
    """A rendered file: its bytes, and whether it may be executed."""

    data: bytes
    executable: bool


# path relative to the work directory -> file
Rendering = Mapping[str, RenderedFile]


def render_template(template: TemplateVersion, answers: Mapping[str, Any]) -> Rendering:
    """What `template` makes of `answers`.

    Its version and source are what the answers file will name as `_commit` and `_src_path`. Questions without an answer
    take their defaults. Raises ScaffoldError when the template refuses an answer, cannot be rendered, has no answers file (without
    one nothing could be updated), or would write outside the experiment root and the plan's folder: whatever template it is,
    nothing else of the repository is its.
    """
    import copier  # noqa: TID251 - this module is the door
    from copier.errors import CopierError  # noqa: TID251
    from jinja2 import TemplateError

    data = {key: value for key, value in answers.items() if not key.startswith("_")}
    data |= {"template_version": template.version, "template_source": template.source}
    with scratch_directory() as folder:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                copier.run_copy(
                    str(template.path),
                    str(folder),
                    data,
                    defaults=True,
                    overwrite=True,
                    quiet=True,
                    settings=copier.Settings(),
                )
        except KeyboardInterrupt:  # of Copier's errors one is both
            raise
        except (CopierError, TemplateError, ValueError, TypeError, OSError, AssertionError) as error:
            raise ScaffoldError(
                f"the template {template.version} cannot be rendered: {_failure_reason(error)}",
                hint="mend the answer it names, with an option of init or with `scaffold update --set NAME=VALUE`",
            ) from error
        files = _read_rendered(folder)
    name = f"the template {template.version} of {template.source}"
    outside = [path for path in files if not _is_inside_workspace(path, answers)]
    if outside:
        raise ScaffoldError(
            f"{name} would write {outside[0]}, which is outside the workspace",
            hint="do not use this template: a template of scaffold writes the experiment root, the plan and the playbook only",
        )
    if answers_path(answers["experiment_root"]) not in files:
        raise ScaffoldError(
            f"{name} writes no {ANSWERS_FILE} into the experiment root, so it makes no workspace",
            hint="do not use this template, or give it that file",
        )
    return files


def _is_inside_workspace(path: str, answers: Mapping[str, Any]) -> bool:
    root, plan = str(answers["experiment_root"]), str(answers["tasks_path"])
    is_below = path.startswith(f"{root}/") or path in (plan, PurePosixPath(plan).with_name(PLAYBOOK_FILE).as_posix())
    return is_below and not any(part.lower() == ".git" or part == ".." for part in path.split("/"))


def _read_rendered(directory: Path) -> dict[str, RenderedFile]:
    files = (path for path in directory.rglob("*") if path.is_file())
    return {
        path.relative_to(directory).as_posix(): RenderedFile(path.read_bytes(), bool(path.stat().st_mode & 0o100))
        for path in sorted(files)
    }


def _failure_reason(error: Exception) -> str:
    """What an error says, on one line. Where a file and a folder have one place, it depends on the file system which of them comes first:
    Copier asserts without a word that a folder has its place, or the folder cannot be made."""
    text = re.sub(r"\s+", " ", str(error)).strip()
    is_taken = isinstance(error, (FileExistsError, NotADirectoryError, IsADirectoryError))
    if is_taken or (isinstance(error, AssertionError) and not text):
        return "a file and a folder have the same name"
    return text or type(error).__name__
