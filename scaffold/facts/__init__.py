"""A repository on disk -> Facts: names of tracked files, text of those that matter, parsed once and never executed."""

from scaffold.facts.disk import read
from scaffold.facts.model import Facts

__all__ = ["Facts", "read"]
