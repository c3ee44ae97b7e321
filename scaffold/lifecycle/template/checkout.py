"""The files of a template at one of its versions, out of a checkout, a bundle or a Git URL."""

from __future__ import annotations

import os
from pathlib import Path

from scaffold import git as git_command
from scaffold.errors import ScaffoldError, UnknownTemplateVersion

# no helper that runs what an address says, and no question on a terminal
_ENVIRONMENT = {"GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
# the bytes that were committed, no hook of the user's, and an end of waiting for a network that is dead
_SETTINGS = (
    "core.autocrlf=false",
    "core.eol=lf",
    f"core.hooksPath={os.devnull}",
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=60",
)


def checkout_template_version(source: str, version: str | None, directory: Path) -> str:
    """Write the files of `source` (a checkout, a bundle, a Git URL) at `version` into `directory`; what git describes them as.

    The default version is the newest `v*` tag, or HEAD where there is none. The files have the bytes that were committed,
    whatever line ends the user's git gives to checkouts. Raises ScaffoldError when the source cannot be had, or does not know
    the version.
    """
    import git  # noqa: TID251 - the one place that clones
    from git.exc import GitCommandError, UnsafeProtocolError  # noqa: TID251 - the one place that clones
    from gitdb.exc import BadName  # type: ignore[import-untyped]

    directory.mkdir(parents=True)
    store = directory.with_suffix(".git")
    options = [f"--config {setting}" for setting in _SETTINGS]
    try:
        # allow_unsafe_options: GitPython takes every --config for one that a stranger gave; these are ours
        repo = git.Repo.clone_from(
            source, store, bare=True, env=_ENVIRONMENT, multi_options=options, allow_unsafe_options=True
        )
    except (GitCommandError, UnsafeProtocolError, OSError) as error:
        raise ScaffoldError(
            f"the template {source} cannot be read: {_failure_reason(str(getattr(error, 'stderr', '') or error))}",
            hint="name a checkout, a bundle or a Git URL with --template",
        ) from error
    with repo:
        # named, since safe.bareRepository=explicit lets git find no bare repository by itself
        repo.git.update_environment(GIT_DIR=str(store), **_ENVIRONMENT)
        tags = repo.git.tag("--sort=-version:refname", "--list", "v*").splitlines()
        name = version or (tags[0] if tags else "HEAD")
        try:
            commit = repo.commit(name).hexsha
        except (BadName, GitCommandError, LookupError, ValueError) as error:
            raise UnknownTemplateVersion(
                f"the template {source} has no version {name}",
                hint=f"it has: {', '.join(reversed(tags)) or 'no tags'}",
            ) from error
        git_command.run_git_checked(
            directory, f"--git-dir={store}", "--work-tree=.", "checkout", "--quiet", commit, "--", "."
        )
        return str(repo.git.describe("--tags", "--always", commit))


def _failure_reason(stderr: str) -> str:
    """The first thing that git says in a failure: what follows is advice."""
    lines = (line.strip(" '").removeprefix("stderr: '") for line in stderr.splitlines())
    messages = (line for line in lines if not line.lower().startswith(("warning:", "cloning into")))
    message = next(filter(None, messages), "git gave no reason")
    return message.removeprefix("fatal: ").removeprefix("error: ")
