"""The playbook as an Agent Skill: a SKILL.md with the front matter that the standard (agentskills.io) wants."""

from __future__ import annotations

import re

from scaffold.errors import WrongUsage

NAME, DESCRIPTION = 64, 1024
FILE = "SKILL.md"


def name(text: str) -> str:
    """`text` as a skill's name: 1 to 64 of a-z, 0-9 and single dashes between them."""
    mapped = re.sub(r"[^a-z0-9]+", "-", text.lower())[: NAME + 1].strip("-")
    return mapped[:NAME].strip("-") or "prompt-skill-playbook"


def checked_name(folder: str) -> str:
    """The name of a skill in a directory of that name. Raises WrongUsage where the two could not be equal."""
    mapped = name(folder)
    if mapped != folder:
        raise WrongUsage(
            f"a skill's name is its directory's, and {folder!r} cannot be one (1 to 64 of a-z, 0-9, -)",
            hint=f"name the directory {mapped}",
        )
    return mapped


def front_matter(title: str, root: str) -> str:
    """The head of SKILL.md for the workspace at `root`."""
    said = (
        f"Which prompt skill to use when in the experiment workspace {root}, and the execution protocol. Use before planning, before "
        "runs are started, when runs end, when results are compared, and at reflection tasks."
    )
    quoted = said[:DESCRIPTION].replace("\\", "\\\\").replace('"', '\\"')
    return f'---\nname: {title}\ndescription: "{quoted}"\n---\n\n'
