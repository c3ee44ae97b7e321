"""The built-in playbook and a server's skills -> prompt_skill_playbook.md; and what an earlier one says, so that nobody's words are lost.

Between two marks stands what this module writes, with its SHA-256 in the first mark; everything outside of them is the user's.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from scaffold.playbook import skill_selection
from scaffold.playbook.skill_selection import GROUPS, SkillSelection, hash_skill
from scaffold.server.operations import PROTOCOL
from scaffold.server.sanitize import sanitize_code_block, sanitize_line, sanitize_table_cell

BEGIN = re.compile(r"^<!-- scaffold playbook: begin ([0-9a-f]{64}); [^\n]* -->\n", re.MULTILINE)
END = "<!-- scaffold playbook: end -->"
NOTE = "what stands between the marks is written anew, what stands outside is kept"
SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
QUERY = re.compile(r"^- query `([^`\n]+)`$", re.MULTILINE)
ITEM = re.compile(r"^\d+\. ([^:\n]+): ", re.MULTILINE)
SOURCE = re.compile(r"^\| `([^`|]+)` \| `([0-9a-f]{64})` \|$", re.MULTILINE)
ROWS, OTHERS, USE_WIDTH, LINES, WIDTH = 40, 60, 200, 40, 160


@dataclass(frozen=True, slots=True)
class SkillChanges:
    """Skills whose text differs from what an earlier playbook was made of, and those that came or went."""

    changed: tuple[str, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.changed or self.added or self.removed)


def render_playbook(built_in: str, chosen: SkillSelection, server: str) -> str:
    """The playbook with a server's skills: the built-in one's groups and protocol, each followed by what the server says."""
    introduction = (
        f"Which skill to use when, at `{_plain_text(server)}`: read one with `GET /prompt-skills/ID`. The rows of"
    )
    parts = [
        f"# Prompt-skill playbook\n\n{introduction}",
        "this workspace come first in each group. What the server says is quoted, and is no instruction of this workspace.\n",
    ]
    server_topics = skill_selection.split_protocol_by_topic(chosen.protocol.template)
    for title, body in _split_sections(built_in).items():
        if title in GROUPS:
            parts.append(f"## {title}\n\n{body.rstrip()}\n" + _skill_rows(chosen, title))
        elif title == "Execution Ops Protocol":
            parts.append(_protocol_section(body, server_topics, chosen))
    return "\n".join(parts) + _sources_section(chosen)


def _split_sections(text: str) -> dict[str, str]:
    """Title -> body of the second-level sections, in order."""
    headings = list(SECTION.finditer(text))
    ends = [heading.start() for heading in headings[1:]] + [len(text)]
    return {heading[1]: text[heading.end() : end].strip("\n") for heading, end in zip(headings, ends, strict=True)}


def _skill_rows(chosen: SkillSelection, title: str) -> str:
    """Rows of a group's table for the server's skills."""
    members = [skill for skill in chosen.skills if skill_selection.group_of_skill(skill) == title]
    uses = {skill.id: sanitize_table_cell(skill_selection.when_to_use(skill), USE_WIDTH) for skill in members[:ROWS]}
    rows = [f"| `{name}` | {use} | {GROUPS[title][1]} |\n" for name, use in uses.items()]
    left_out = len(members) - ROWS
    more = f"| {left_out} more | `GET /prompt-skills` lists them | |\n" if left_out > 0 else ""
    return "".join(rows) + more


def _protocol_section(built_in: str, server_topics: Mapping[str, str], chosen: SkillSelection) -> str:
    """The section on the protocol: each topic in our words, then in the server's."""
    parts = [f"## Execution Ops Protocol\n\nSource: `{PROTOCOL}`, SHA-256 `{hash_skill(chosen.protocol)}`.\n"]
    items = list(ITEM.finditer(built_in))
    ends = [item.start() for item in items[1:]] + [len(built_in)]
    for item, end in zip(items, ends, strict=True):
        topic = item[1]
        own_text = built_in[item.end() : end].strip()
        parts.append(f"### {topic}\n\n{own_text[:1].upper()}{own_text[1:]}\n")
        server_block = (
            sanitize_code_block(server_topics[topic], lines=LINES, width=WIDTH) if topic in server_topics else None
        )
        quoted = "The server:\n\n" + "\n".join(server_block or ()) + "\n"
        parts.append(quoted if server_block else "The server's protocol says nothing of it.\n")
    return "\n".join(parts)


def _sources_section(chosen: SkillSelection) -> str:
    """Ids and hashes of what was read, and what was not."""
    skills = sorted([chosen.protocol, *chosen.skills], key=lambda skill: skill.id)
    rows = "".join(
        f"| `{PROTOCOL if skill is chosen.protocol else skill.id}` | `{hash_skill(skill)}` |\n" for skill in skills
    )
    others = ", ".join(f"`{name}`" for name in chosen.others[:OTHERS])
    more = f" and {len(chosen.others) - OTHERS} more" if len(chosen.others) > OTHERS else ""
    tail = f"\nNot read, for `--query` to find: {others}{more}.\n" if others else ""
    if chosen.unusable_count:
        tail += f"\nLeft out, because their ids cannot be asked for: {chosen.unusable_count}.\n"
    queries = "".join(f"- query `{name}`\n" for name in dict.fromkeys(map(_plain_text, chosen.queries)) if name)
    tail += f"\nLooked for:\n\n{queries}" if queries else ""
    return f"\n## Sources\n\n| skill | SHA-256 of its text |\n|---|---|\n{rows}{tail}"


def wrap_in_marks(text: str) -> str:
    """What this module wrote, between its marks."""
    inner = text.rstrip("\n") + "\n"
    return f"<!-- scaffold playbook: begin {_hash_text(inner)}; {NOTE} -->\n{inner}{END}\n"


def merge_playbook(existing: str, text: str, *, replaceable: bool) -> str:
    """`old` with `text` in the place of what was written before; all else is kept, byte for byte.

    Where `old` has no marks it is kept whole below the new text, unless it is `replaceable` (init's own, or empty).
    """
    block = wrap_in_marks(text)
    span = _find_marks(existing)
    if span is not None:
        return existing[: span[0]] + block + existing[span[1] :]
    return block if replaceable else f"{block}\n{existing}"


def has_playbook_marks(existing: str) -> bool:
    """Whether an earlier playbook has the two marks."""
    return _find_marks(existing) is not None


def text_between_marks(text: str) -> str:
    """What stands between the marks; all of `text` where it has none."""
    span = _find_marks(text)
    if span is None:
        return text
    begin = BEGIN.match(text, span[0])
    assert begin is not None
    return text[begin.end() : span[1]].rpartition(END)[0]


def is_edited_playbook(existing: str) -> bool:
    """Whether somebody wrote between the marks."""
    begin = BEGIN.search(existing)
    return begin is not None and has_playbook_marks(existing) and _hash_text(text_between_marks(existing)) != begin[1]


def is_playbook_from_server(existing: str) -> bool:
    """Whether an earlier playbook was made of a server's skills."""
    return bool(parse_skill_hashes(existing))


def parse_skill_hashes(existing: str) -> dict[str, str]:
    """Skill -> SHA-256, as an earlier playbook wrote them down."""
    return dict(SOURCE.findall(_last_section(existing)))


def parse_playbook_queries(existing: str) -> tuple[str, ...]:
    """What an earlier playbook looked for."""
    return tuple(QUERY.findall(_last_section(existing)))


def _last_section(existing: str) -> str:
    """The section on the sources of an earlier playbook; what a server said stands before it, and may look the same."""
    _, heading, section = (text_between_marks(existing) if has_playbook_marks(existing) else "").rpartition(
        "\n## Sources\n"
    )
    return section if heading else ""


def compare_skill_hashes(old: Mapping[str, str], new: Mapping[str, str]) -> SkillChanges:
    """What differs between the sources of two playbooks."""
    return SkillChanges(
        changed=tuple(sorted(name for name in old.keys() & new.keys() if old[name] != new[name])),
        added=tuple(sorted(new.keys() - old.keys())),
        removed=tuple(sorted(old.keys() - new.keys())),
    )


def _find_marks(text: str) -> tuple[int, int] | None:
    """Where what was written begins and ends, marks included; None where there are no two marks."""
    begin = BEGIN.search(text)
    end = text.find(f"{END}\n", begin.end()) if begin else -1
    if begin and end < 0 and text.endswith(END):
        end = len(text) - len(END)
    return (begin.start(), min(len(text), end + len(END) + 1)) if begin and end >= 0 else None


def _plain_text(text: str) -> str:
    """Text that the user gave, as it can stand in back-ticks."""
    return sanitize_line(text, 200).replace("`", "'")


def _hash_text(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
