"""The template that a workspace was made from, and the one that it can be brought up to, wherever they can still be had."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator
from pathlib import PurePath

from scaffold.errors import ScaffoldError, UnknownTemplateVersion
from scaffold.lifecycle.template import releases
from scaffold.workspace import Workspace


def recorded_template_version(workspace: Workspace) -> str:
    """The template version that the answers file records; empty where it names none."""
    return str(workspace.answers.get("_commit") or "")


def foreign_template_source(workspace: Workspace) -> str | None:
    """Where the workspace's template came from, when it was not a release of this package."""
    source = str(workspace.answers.get("_src_path") or "")
    return None if not source or PurePath(source).name == releases.BUNDLE.name else source


def remote_template_source(workspace: Workspace) -> str | None:
    """Where the workspace's template came from, when only a connection to there can tell."""
    source = foreign_template_source(workspace)
    return source if source is not None and is_remote_template_source(source) else None


def is_remote_template_source(source: str) -> bool:
    """Whether a source is an address, and not the path of something here. An answers file comes with the repository: what it names is
    asked by whoever was told to, never on reading."""
    return ":" in source and not (source.startswith("~") or PurePath(source).is_absolute())


def _may_be_read(source: str) -> bool:
    """Whether a recorded source may be read without being named by hand: not one that lies in the repository itself, which would
    let whoever wrote the answers file choose what is rendered."""
    return not source.startswith((".", "-")) and (
        source.startswith("~") or PurePath(source).is_absolute() or ":" in source
    )


@contextlib.contextmanager
def open_recorded_template(
    workspace: Workspace, *, base: str | None = None, fetch_from: str | None = None
) -> Iterator[releases.TemplateVersion]:
    """The template that the workspace was rendered from: from the shipped bundle, else from where its answers file says.

    `base` names a released version to take instead; a remote source is asked only where `fetch_from` names it. Raises ScaffoldError when
    the version cannot be had any more.
    """
    version, source = (
        base or recorded_template_version(workspace),
        foreign_template_source(workspace) if base is None else None,
    )
    template = None
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(UnknownTemplateVersion):
            template = _open_source(stack, source, version, fetch_from)
        if template is None and not releases.has_template_version(version):
            raise _missing_version_error(workspace, version, source)
        yield template or stack.enter_context(releases.open_released_template(version))


@contextlib.contextmanager
def open_newest_template(
    workspace: Workspace, *, version: str | None = None, base: str | None = None, fetch_from: str | None = None
) -> Iterator[releases.TemplateVersion]:
    """The version that an update goes to, the newest or `version`: of the workspace's own source where that can still be read,
    else of this package, where it has the recorded version or `base` names one. Raises ScaffoldError where neither is so."""
    with contextlib.ExitStack() as stack:
        source = foreign_template_source(workspace)
        try:
            template = _open_source(stack, source, version, fetch_from)
        except UnknownTemplateVersion:
            if version is None or not releases.has_template_version(version):
                raise
            template = None
        recorded = recorded_template_version(workspace)
        if template is None and base is None and not releases.has_template_version(recorded):
            raise _missing_version_error(workspace, recorded, source)
        yield template or stack.enter_context(
            releases.open_released_template(version or releases.newest_template_version())
        )


def _open_source(
    stack: contextlib.ExitStack, source: str | None, version: str | None, fetch_from: str | None
) -> releases.TemplateVersion | None:
    """The template of another source, at `version` or its newest one; None where it cannot be read any more.

    Raises UnknownTemplateVersion where it can be read and does not have the version.
    """
    if source is None or not _may_be_read(source) or (is_remote_template_source(source) and source != fetch_from):
        return None
    try:
        return stack.enter_context(releases.open_external_template(source, version or None))
    except UnknownTemplateVersion:
        raise
    except ScaffoldError:
        return None


def _missing_version_error(workspace: Workspace, version: str, source: str | None) -> ScaffoldError:
    if source is not None and is_remote_template_source(source):
        return ScaffoldError(
            f"{workspace.root} was made from template version {version or '(none recorded)'} of {source}, which is asked only when"
            " you say so",
            hint=f"scaffold update --template {shlex.quote(source)}",
        )
    tried = f", and its source {source} cannot be read or does not have it" if source else ""
    released = ", ".join(releases.list_template_versions())
    return ScaffoldError(
        f"{workspace.root} was made from template version {version or '(none recorded)'}, which this package does not have{tried}",
        hint=f"say which released version is nearest to it: scaffold update --base {releases.CURRENT} (released are: {released})",
    )
