"""A server's skills -> those that a playbook names, each in its group, and what its execution protocol says of each topic."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from scaffold.server.client import ServerClient
from scaffold.server.operations import PROTOCOL
from scaffold.server.requests import ID
from scaffold.server.responses import PromptSkill

# group -> words that put a skill there, and what comes out of such a skill; the first group with the most words in it wins
GROUPS = {
    "File organisation": (
        ("file", "folder", "layout", "organi", "structure", "port", "repository"),
        "files in their places",
    ),
    "Execution": (
        ("execution", "run", "sweep", "gpu", "schedul", "launch", "parallel", "protocol", "train", "slurm"),
        "runs of a sweep, each with a manifest",
    ),
    "Monitoring": (
        ("monitor", "alert", "event", "health", "diagnos", "watch", "status"),
        "what happened, and what was done about it",
    ),
    "Analysis": (
        ("analy", "metric", "statistic", "plot", "table", "evaluat", "compar"),
        "a table or a plot that names its runs",
    ),
    "Reflection": (("reflect", "lesson", "memor", "replan", "review", "idea"), "a decision with its reason"),
}
# topic of the protocol -> words of the headings that are about it; the first topic that fits takes the section
TOPICS = {
    "Preflight": ("preflight",),
    "Auditability": ("audit",),
    "Grid rule": ("grid",),
    "Parallelism": ("formula", "parallelism"),
    "Scheduling": ("schedul", "launch"),
    "GPU discovery": ("gpu", "cluster", "discover"),
}
HEADING = re.compile(r" {0,3}#{1,6}[ \t]+(.*)")
FENCE = re.compile(r" {0,3}(```+|~~~+)")
USE = re.compile(
    r"(?:^|(?<=[.!?\n]))\s*(use (?:this|when|for|before|after|it)\b[^\n]*?)(?:\.(?=\s|$)|\n|$)", re.IGNORECASE
)
LOOK = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SkillSelection:
    """What a playbook is made of: the protocol, the skills that matter (it is not among them), ids of the others, how many have an
    id that cannot be asked for, and what was looked for.
    """

    protocol: PromptSkill
    skills: tuple[PromptSkill, ...]
    others: tuple[str, ...]
    unusable_count: int
    queries: tuple[str, ...]


def select_skills(server: ServerClient, queries: Sequence[str]) -> SkillSelection:
    """Read the protocol and every skill that matters: protocols, skills proper, and what `queries` find.

    Prompts are the loop's own: they matter only where a query finds them. Raises ServerError, also where the protocol is not there.
    """
    protocol = _read_skill(server, PROTOCOL)
    listed = {skill.id: skill for skill in server.skills()}
    usable = {name: skill for name, skill in listed.items() if ID.fullmatch(name)}
    selected = {name for name, skill in usable.items() if skill.category != "prompt"}
    for query in queries:
        selected |= {skill.id for skill in _search_skills(server, query)} & set(usable)
    selected -= {PROTOCOL}
    read = tuple(usable[name] if usable[name].template else _read_skill(server, name) for name in sorted(selected))
    return SkillSelection(
        protocol=protocol,
        skills=read,
        others=tuple(sorted(set(usable) - selected - {PROTOCOL})),
        unusable_count=len(listed) - len(usable),
        queries=tuple(queries),
    )


def _read_skill(server: ServerClient, name: str) -> PromptSkill:
    """One skill under the id that it was asked for by, whatever id it says."""
    return replace(server.skill(name), id=name)


def _search_skills(server: ServerClient, query: str) -> Iterable[PromptSkill]:
    """What a query finds: the server looks for it as a whole, so where that finds nothing, for each of its words."""
    whole = server.search_skills(query)
    return whole or [
        skill for word in dict.fromkeys(query.split()) if len(word) > 2 for skill in server.search_skills(word)
    ]


def group_of_skill(skill: PromptSkill) -> str:
    """The group that a skill belongs to, by its name and description; Execution where they say nothing."""
    about = f"{skill.id} {skill.name} {skill.description}"[:LOOK].lower()
    scores = {name: sum(about.count(word) for word in words) for name, (words, _) in GROUPS.items()}
    best = max(scores, key=lambda name: scores[name])
    return best if scores[best] else "Execution"


def when_to_use(skill: PromptSkill) -> str:
    """When to use a skill: the sentence that begins with "Use", else its description."""
    for text in (skill.description, skill.template):
        if match := USE.search(text[:LOOK]):
            return match[1]
    return skill.description or skill.name or skill.id


def hash_skill(skill: PromptSkill) -> str:
    """SHA-256 of a skill's text, in hexadecimal."""
    return hashlib.sha256(skill.template.encode("utf-8", "surrogatepass")).hexdigest()


def split_protocol_by_topic(text: str) -> dict[str, str]:
    """What a protocol says of each topic: the sections whose headings are about it. A topic that it does not have is not in it."""
    lines_by_topic: dict[str, list[str]] = {}
    about, fence = None, ""
    for line in text.splitlines():
        if mark := FENCE.match(line):
            fence = "" if fence and mark[1].startswith(fence) else fence or mark[1]
        heading = HEADING.match(line) if not fence else None
        if heading:
            title = heading[1].lower()
            about = next((topic for topic, words in TOPICS.items() if any(word in title for word in words)), None)
        elif about is not None:
            lines_by_topic.setdefault(about, []).append(line)
    texts = {topic: re.sub(r"\n{3,}", "\n\n", "\n".join(lines).strip("\n")) for topic, lines in lines_by_topic.items()}
    return {topic: text for topic, text in texts.items() if text.strip()}
