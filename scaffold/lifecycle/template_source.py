"""The template that a workspace was made from, and the one that it can be brought up to, wherever they can still be had."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import PurePath

from scaffold.errors import ScaffoldError, UnknownVersion
from scaffold.lifecycle import releases
from scaffold.workspace import Workspace


def recorded_version(there: Workspace) -> str:
    """The template version that the answers file records; empty where it names none."""
    return str(there.answers.get("_commit") or "")


def foreign_source(there: Workspace) -> str | None:
    """Where the workspace's template came from, when it was not a release of this package."""
    source = str(there.answers.get("_src_path") or "")
    return None if not source or PurePath(source).name == releases.BUNDLE.name else source


def _may_be_read(source: str) -> bool:
    """Whether a recorded source may be read without being named by hand: not one that lies in the repository itself."""
    return not source.startswith((".", "-")) and (
        source.startswith("~") or PurePath(source).is_absolute() or ":" in source
    )


@contextlib.contextmanager
def open_recorded_template(there: Workspace, *, base: str | None = None) -> Iterator[releases.TemplateVersion]:
    """The template that the workspace was rendered from: from the shipped bundle, else from where its answers file says.

    `base` names a released version to take instead. Raises ScaffoldError when the version cannot be had any more.
    """
    wanted, source = base or recorded_version(there), foreign_source(there) if base is None else None
    template = None
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(UnknownVersion):
            template = _open_source(stack, source, wanted)
        if template is None and not releases.has_version(wanted):
            raise _missing_version_error(there, wanted, source)
        yield template or stack.enter_context(releases.open_released(wanted))


@contextlib.contextmanager
def open_newest_template(
    there: Workspace, *, wanted: str | None = None, base: str | None = None
) -> Iterator[releases.TemplateVersion]:
    """The version that an update goes to, the newest or `wanted`: of the workspace's own source where that can still be read,
    else of this package, where it has the recorded version or `base` names one. Raises ScaffoldError where neither is so."""
    with contextlib.ExitStack() as stack:
        source = foreign_source(there)
        try:
            template = _open_source(stack, source, wanted)
        except UnknownVersion:
            if wanted is None or not releases.has_version(wanted):
                raise
            template = None
        if template is None and base is None and not releases.has_version(recorded_version(there)):
            raise _missing_version_error(there, recorded_version(there), source)
        yield template or stack.enter_context(releases.open_released(wanted or releases.newest_version()))


def _open_source(
    stack: contextlib.ExitStack, source: str | None, wanted: str | None
) -> releases.TemplateVersion | None:
    """The template of another source, at `wanted` or its newest version; None where it cannot be read any more.

    Raises UnknownVersion where it can be read and does not have the version.
    """
    if source is None or not _may_be_read(source):
        return None
    try:
        return stack.enter_context(releases.open_elsewhere(source, wanted or None))
    except UnknownVersion:
        raise
    except ScaffoldError:
        return None


def _missing_version_error(there: Workspace, wanted: str, source: str | None) -> ScaffoldError:
    where = f", and its source {source} cannot be read or does not have it" if source else ""
    known = ", ".join(releases.list_versions())
    return ScaffoldError(
        f"{there.root} was made from template version {wanted or '(none recorded)'}, which this package does not have{where}",
        hint=f"say which released version is nearest to it: scaffold update --base {releases.CURRENT} (released are: {known})",
    )
