"""A repository on disk -> Facts: names of tracked files, text of those that matter, parsed once and never executed."""

from scaffold.facts.model import Facts
from scaffold.facts.repository_reader import read_facts

__all__ = ["Facts", "read_facts"]
