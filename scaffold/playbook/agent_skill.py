"""The playbook as an Agent Skill: a SKILL.md with the front matter that the standard (agentskills.io) wants.

Its text is the loop with this workspace's commands, which needs no server, and then the playbook.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

from scaffold.errors import WrongUsage
from scaffold.server.sanitize import sanitize_line
from scaffold.workspace import Workspace

# what the standard allows a name and a description, in letters, and advises for the text, in lines
NAME, DESCRIPTION, LINES = 64, 1024, 500
FILE = "SKILL.md"
FOLDER = ".agents/skills/experiments"
SERVER = """\
Before it begins, and when the research server seems away: `scaffold preflight`; exit 3: do not begin. `scaffold playbook --skill DIR`
brings this page up to date with the server's skills.

"""
LOOP = """\
# Experiments in `{root}`

Rules for every run: `{root}/AGENTS.md`; read it first. Every command below takes `--json`: one object, whose shape
`scaffold schema COMMAND` prints. Exit codes: 0 done, 1 could not, 2 wrong usage, 3 it worked and the answer is no.
Errors name the option, and end with an example that is right.

## The loop

{server}1. **Plan.** `scaffold brief` says what is known; the plan is `{tasks}`. `scaffold plan check` until it exits with 0;
   `scaffold plan next` names the task that is due; `scaffold plan start ID`.
2. **Run.** `scaffold run --experiment {experiment} --seed 1 --task ID -- {seeded}`; then `scaffold runs show NAME`.
3. **Sweep.** Plan it, try it, run what is missing of it:

       scaffold sweep new NAME --goal "..." --experiment {experiment} --grid KEY=V1,V2 --seeds 1-5 --task ID -- {command}
       scaffold sweep launch NAME --smoke
       scaffold sweep launch NAME --wait

   Exit 3: `scaffold sweep status NAME` says which runs did not finish, and the next command.
4. **Results.** `scaffold results --sweep NAME --json`; `scaffold results compare A B`: quote its verdict in its words.
5. **Verify.** `scaffold plan verify ID`, then `scaffold plan done ID`; `scaffold runs audit` finds records that are not whole.
6. **Report.** Every number from a table above; `scaffold report --check FILE` finds those that no run backs;
   `scaffold report` writes the page.
"""


def to_skill_name(text: str) -> str:
    """`text` as a skill's name: 1 to 64 of a-z, 0-9 and single dashes between them."""
    mapped = re.sub(r"[^a-z0-9]+", "-", text.lower())[: NAME + 1].strip("-")
    return mapped[:NAME].strip("-") or "prompt-skill-playbook"


def check_skill_name(folder: str) -> str:
    """The name of a skill in a directory of that name. Raises WrongUsage where the two could not be equal."""
    mapped = to_skill_name(folder)
    if mapped != folder:
        raise WrongUsage(
            f"a skill's name is its directory's, and {folder!r} cannot be one (1 to 64 of a-z, 0-9, -)",
            hint=f"name the directory {mapped}",
        )
    return mapped


def format_front_matter(title: str, root: str) -> str:
    """The head of SKILL.md for the workspace at `root`."""
    description = (
        f"Plans, runs, checks and reports experiments in the workspace {root} with the scaffold command, and says which prompt skill to "
        "use when, with the execution protocol. Use before planning, before an experiment or sweep is started, when runs end, when results "
        "are compared or reported, and at reflection tasks."
    )
    quoted = description[:DESCRIPTION].replace("\\", "\\\\").replace('"', '\\"')
    return f'---\nname: {title}\ndescription: "{quoted}"\n---\n\n'


def format_workspace_skill(workspace: Workspace, playbook: str) -> str:
    """The skill's text for a workspace; of a playbook that would make it too long it says where it lies."""
    answers = workspace.answers
    entry_point: Mapping[str, object] = next(iter(answers.get("entry_points") or ()), {})
    experiment = next(iter(answers.get("experiments") or ()), "baseline")
    words = {
        "root": workspace.root,
        "tasks": str(answers.get("tasks_path") or f"{workspace.root}/tasks.md"),
        "experiment": shlex.quote(str(experiment)),
        "command": str(entry_point.get("command") or "python SCRIPT.py"),
    }
    flag = str(entry_point.get("seed_flag") or "config:")
    typed = (
        "" if flag.startswith("config:") or flag in words["command"] else f" {flag}{'' if flag.endswith('=') else ' '}1"
    )
    words["seeded"] = words["command"] + typed
    loop = LOOP.format(
        server=SERVER if answers.get("research_server_url") else "",
        **{name: sanitize_line(text, 200).replace("`", "'") for name, text in words.items()},
    )
    if loop.count("\n") + playbook.count("\n") < LINES - 10:
        return f"{loop}\n{playbook}"
    path = workspace.playbook.relative_to(workspace.workdir).as_posix()
    return (
        f"{loop}\n## Which skill when\n\nThe playbook is long: read `{sanitize_line(path, 200)}`, section by section.\n"
    )
