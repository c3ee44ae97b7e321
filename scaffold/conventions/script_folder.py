"""Where a script in a folder has to be started from, as far as its own code says so."""

from __future__ import annotations

import posixpath
import re

from scaffold.conventions.environment import PROJECT_FILES
from scaffold.facts import Facts

_PARENT_PATH = re.compile(r"[\"'](\.\./[\w][\w./-]*)[\"']")
_FINDS_PLACES = re.compile(r"__file__|os\.chdir|sys\.path")


def reads_beside_its_folder(facts: Facts, path: str) -> bool:
    """Whether the code reads `../data` of the repository: started from the top it would look outside.

    Only where nothing of it asks for its own place (`__file__`), and where such a path exists from the script's folder.
    """
    folder = path.rpartition("/")[0]
    text = _own_text(facts, path) if folder and path.endswith(".py") else ""
    if "../" not in text:
        return False
    if _FINDS_PLACES.search(text) or any(i.level for i in facts.parse(path).imports):
        return False
    targets = (posixpath.normpath(posixpath.join(folder, p)) for p in _PARENT_PATH.findall(text))
    return any(facts.has(t) or bool(facts.files_below(t)) for t in targets if not t.startswith(".."))


def imports_from_the_top(facts: Facts, path: str) -> bool:
    """Whether the script, in a folder, imports a package that lies at the repository's top, and nothing installs it.

    Python looks beside the script first, never in the folder one stands in.
    """
    folder = path.rpartition("/")[0]
    if not folder or not path.endswith(".py") or any(map(facts.has, PROJECT_FILES)):
        return False
    source = facts.parse(path)
    if any(i.level for i in source.imports) or _FINDS_PLACES.search(facts.texts.get(path, "")):
        return False
    roots = {i.module.partition(".")[0] for i in source.imports} - {""}
    return any(_lies_in(facts, "", root) and not _lies_in(facts, f"{folder}/", root) for root in sorted(roots))


def _own_text(facts: Facts, path: str) -> str:
    """The script with what it imports from its own folder."""
    folder = path.rpartition("/")[0]
    beside = [p for p in facts.import_closure(path, depth=1, limit=20) if p.rpartition("/")[0] == folder]
    return "\n".join(facts.texts.get(p, "") for p in dict.fromkeys([path, *beside]))


def _lies_in(facts: Facts, folder: str, name: str) -> bool:
    """Whether a folder has a module or a package of that name."""
    return facts.has(f"{folder}{name}.py") or any(p.endswith(".py") for p in facts.files_below(f"{folder}{name}"))
