"""`scaffold playbook`: prompt_skill_playbook.md from the server's skills, or the built-in one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scaffold.cli.common import options, output
from scaffold.playbook import workspace_files as playbook_files
from scaffold.playbook.workspace_files import PlaybookFileUpdate

if TYPE_CHECKING:
    from scaffold.playbook.skill_selection import SkillSelection
    from scaffold.server.client import ServerClient
    from scaffold.workspace import Workspace

WITHOUT = "so the playbook is the built-in one: the server's skills and its execution protocol are missing in it"


@click.command()
@click.option(
    "--query",
    "queries",
    multiple=True,
    metavar="Q",
    help="Look for skills about this too, as often as you like; without it, what was looked for before.",
)
@click.option("--check", is_flag=True, help="Write nothing; exit code 3 where the playbook is out of date.")
@click.option(
    "--skill",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write it as an Agent Skill too: DIR/SKILL.md.",
)
@options.limit_option
@options.workspace_options
@options.server_options
@options.json_option
def playbook(
    queries: tuple[str, ...],
    check: bool,
    skill: Path | None,
    limit: int,
    workdir: Path,
    root: str | None,
    server_options: options.ServerOptions,
    json_output: bool,
) -> None:
    """Write which skill to use when, and the execution protocol, from the research server's skills; beside the plan.

    Without a server it is the built-in playbook. What stands outside of its two marks is yours and stays.
    """
    from scaffold.playbook import agent_skill
    from scaffold.playbook import document as pages

    workspace = options.find_requested_workspace(workdir, root)
    title = agent_skill.check_skill_name(skill.resolve().name) if skill is not None else ""
    client = options.connect_server(workspace, server_options)
    chosen, missing_reason = _select_skills(
        client, queries or pages.parse_playbook_queries(playbook_files.read_or_empty(workspace.playbook))
    )
    files = [_playbook_file(workspace, chosen, client, missing_reason)]
    if skill is not None:
        files.append(playbook_files.make_skill_file_update(workspace, skill / agent_skill.FILE, title, files[0].new))
    stale = [file for file in files if file.old != file.new]
    limited = output.LimitedLists(limit)
    answer = _playbook_json(files, stale, chosen, client, limited)
    answer["missing"] = f"{missing_reason}; {WITHOUT}" if missing_reason else None
    if missing_reason and not json_output:
        output.warn(answer["missing"])
    if not check:
        for file in files:
            playbook_files.write_playbook_file(file)
    if json_output:
        output.print_json(
            {
                **answer,
                "current": not stale if check else True,
                "written": [] if check else [str(f.path) for f in stale],
            },
            limited,
        )
    else:
        _print_playbook(answer, stale, check)
        limited.report_left_out()
    if check and stale:
        raise click.exceptions.Exit(3)


def _select_skills(client: ServerClient | None, queries: tuple[str, ...]) -> tuple[SkillSelection | None, str]:
    """The server's skills, or None and why they are not to be had."""
    from scaffold.playbook import skill_selection
    from scaffold.server.errors import ServerError

    if client is None:
        return None, "no research server is named"
    try:
        with client:
            return skill_selection.select_skills(client, queries), ""
    except ServerError as error:
        return None, error.message


def _playbook_file(
    workspace: Workspace, chosen: SkillSelection | None, client: ServerClient | None, missing_reason: str
) -> PlaybookFileUpdate:
    """The playbook's file. Raises ScaffoldError where it would lose what a server once said, or what somebody wrote."""
    from scaffold.errors import ScaffoldError
    from scaffold.lifecycle.status import is_unchanged_seeded_file
    from scaffold.playbook import document as pages
    from scaffold.playbook.workspace_files import built_in_playbook

    path, seed = workspace.playbook, built_in_playbook(workspace)
    old = playbook_files.read_or_empty(path)
    playbook_files.refuse_edited_playbook(path, old)
    replaceable = (
        not old.strip()
        or old == seed
        or (not pages.has_playbook_marks(old) and is_unchanged_seeded_file(workspace, path))
    )
    if chosen is not None and client is not None:
        text = pages.render_playbook(seed, chosen, client.url)
        if old and not replaceable and not pages.has_playbook_marks(old):
            output.warn(f"{path} was written by hand: it is kept whole, below the new playbook")
        return PlaybookFileUpdate(path, old, pages.merge_playbook(old, text, replaceable=replaceable))
    if pages.is_playbook_from_server(old):
        raise ScaffoldError(missing_reason, hint=f"{path} stays as the server made it before")
    if replaceable:
        return PlaybookFileUpdate(path, old, seed)
    return PlaybookFileUpdate(
        path, old, pages.merge_playbook(old, seed, replaceable=False) if pages.has_playbook_marks(old) else old
    )


def _playbook_json(
    files: list[PlaybookFileUpdate],
    stale: list[PlaybookFileUpdate],
    chosen: SkillSelection | None,
    client: ServerClient | None,
    limited: output.LimitedLists,
) -> dict[str, Any]:
    from scaffold.playbook import document as pages
    from scaffold.playbook import skill_selection

    differs = pages.compare_skill_hashes(pages.parse_skill_hashes(files[0].old), pages.parse_skill_hashes(files[0].new))
    skills = [chosen.protocol, *chosen.skills] if chosen is not None else []
    return {
        "path": str(files[0].path),
        "server": client.url if client is not None and chosen is not None else None,
        "skills": [
            {
                "id": skill.id,
                "group": skill_selection.group_of_skill(skill),
                "sha256": skill_selection.hash_skill(skill),
            }
            for skill in limited(skills)
        ],
        "others": limited(chosen.others) if chosen is not None else [],
        "changed": limited(differs.changed),
        "added": limited(differs.added),
        "gone": limited(differs.removed),
        "stale": [str(file.path) for file in stale],
    }


def _print_playbook(answer: dict[str, Any], stale: list[PlaybookFileUpdate], check: bool) -> None:
    """The skills to stdout; what differs and what was written to stderr."""
    output.print_aligned_rows([[skill["id"], skill["group"], skill["sha256"][:12]] for skill in answer["skills"]])
    for word in ("changed", "added", "gone"):
        if answer[word]:
            click.echo(f"{word}: {', '.join(answer[word])}", err=True)
    for path in answer["stale"]:
        click.echo(f"{path} is out of date: scaffold playbook" if check else f"wrote {path}", err=True)
    if not stale:
        click.echo(f"{answer['path']} is up to date", err=True)
