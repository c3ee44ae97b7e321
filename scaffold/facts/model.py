"""Facts: what was read off a repository, with each text parsed once, when it is first asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from scaffold.facts import paths, prose, shell, source
from scaffold.facts.machine import Machine
from scaffold.facts.repository import Git


@dataclass(frozen=True, kw_only=True)
class Facts:
    """A repository as its tracked files show it. Paths are relative to the work directory, sorted.

    `texts` holds what was read, `unread` says of the files that should have been read why they were not.
    """

    files: tuple[str, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)
    git: Git | None = None
    machine: Machine = field(default_factory=Machine)
    history: tuple[str, ...] | None = None
    _sources: dict[str, source.Source] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def names(self) -> frozenset[str]:
        """All tracked files, to ask for one."""
        return frozenset(self.files)

    @cached_property
    def directories(self) -> Mapping[str, int]:
        """Every directory that holds files directly -> how many."""
        return Counter(name.rpartition("/")[0] for name in self.files)

    @cached_property
    def tree(self) -> Mapping[str, int]:
        """Every directory -> how many files lie below it, at any depth."""
        below: Counter[str] = Counter()
        for directory, count in self.directories.items():
            while directory:
                below[directory] += count
                directory = directory.rpartition("/")[0]
        return below

    def below(self, directory: str) -> list[str]:
        """The files below a directory."""
        from bisect import bisect_left

        first, last = bisect_left(self.files, directory + "/"), bisect_left(self.files, directory + "0")
        return list(self.files[first:last])

    def of(self, *kinds: str) -> list[str]:
        """The files of some kinds (see `paths.LIMITS`) that were read, sorted."""
        return sorted(p for p in self.texts if paths.kind(p) in kinds)

    @cached_property
    def python(self) -> tuple[str, ...]:
        """The repository's own Python files that do its work: no tests, no documentation, nothing hidden."""
        return tuple(p for p in self.of("python") if not (paths.is_test(p) or paths.is_doc(p) or paths.is_hidden(p)))

    def parsed(self, path: str) -> source.Source:
        """A Python file or notebook, parsed; an empty Source for a file that was not read."""
        if path not in self._sources:
            text = self.texts.get(path, "")
            if path.endswith(".ipynb"):
                text = prose.notebook_code(text) or ""
            self._sources[path] = source.parse(text)
        return self._sources[path]

    def known(self, path: str) -> source.Source | None:
        """A file's Source where it was asked for before; None where nobody needed it."""
        return self._sources.get(path)

    def line_of(self, path: str, needle: str) -> int | None:
        """The first line of a text that holds `needle`."""
        text = self.texts.get(path, "")
        at = text.find(needle)
        return None if at < 0 else text.count("\n", 0, at) + 1

    @cached_property
    def shell_commands(self) -> tuple[shell.Command, ...]:
        """The commands of the repository's own scripts, Makefile recipes included."""
        found: list[shell.Command] = []
        for path in self.of("shell", "build"):
            name = path.rpartition("/")[2].lower()
            if (
                paths.kind(path) == "shell"
                or name in ("makefile", "gnumakefile", "justfile", "dockerfile")
                or name.endswith(".mk")
            ):
                found += shell.commands(path, self.texts[path])
        return tuple(found)

    @cached_property
    def shown_commands(self) -> tuple[shell.Command, ...]:
        """The commands that README and documents show, the top README first."""
        documents = sorted(self.of("prose"), key=lambda p: (paths.depth(p), "readme" not in p.lower(), p))
        own = [p for p in documents if not paths.is_hidden(p)]
        return tuple(c for p in own for c in prose.commands(p, self.texts[p]))

    def imported(self, path: str) -> tuple[str, ...]:
        """The repository's own files that a Python file imports directly."""
        found: list[str] = []
        for statement in self.parsed(path).imports:
            found += self._resolve(path, statement)
        return tuple(dict.fromkeys(p for p in found if p != path))

    def _resolve(self, path: str, statement: source.Import) -> Iterator[str]:
        folder = path.rpartition("/")[0]
        if statement.level:
            for _ in range(statement.level - 1):
                folder = folder.rpartition("/")[0]
            roots: Iterable[str] = (folder,)
        else:
            roots = dict.fromkeys((*_ancestors(folder), "src"))
        stem = statement.module.replace(".", "/")
        for root in roots:
            base = "/".join(p for p in (root, stem) if p)
            hits = [h for name in statement.names for h in self._module(f"{base}/{name}" if base else name)]
            hits += self._module(base) if base else []
            if hits:
                yield from hits
                return

    def _module(self, base: str) -> list[str]:
        return [p for p in (f"{base}.py", f"{base}/__init__.py") if p in self.texts]

    def closure(self, path: str, *, depth: int = 5, limit: int = 150) -> dict[str, int]:
        """A Python file and the repository's own files that it imports, also indirectly -> how far away."""
        found, edge = {path: 0}, [path]
        for distance in range(1, depth + 1):
            edge = [n for p in edge for n in self.imported(p) if n not in found]
            for name in edge:
                if len(found) < limit:
                    found.setdefault(name, distance)
        return found

    @cached_property
    def importers(self) -> Mapping[str, tuple[str, ...]]:
        """A Python file -> the other files of the repository that import it."""
        found: dict[str, list[str]] = {}
        for path in self.python:
            for target in self.imported(path):
                found.setdefault(target, []).append(path)
        return {k: tuple(v) for k, v in found.items()}


def _ancestors(folder: str) -> Iterator[str]:
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]
    yield ""


def of_texts(texts: Mapping[str, str], **more: object) -> Facts:
    """Facts of files given as text, without a disk; an empty text is a file whose name is all there is to it."""
    read = {
        p: t for p, t in sorted(texts.items()) if t and paths.kind(p) and not paths.is_vendored(p.rpartition("/")[0])
    }
    return Facts(files=tuple(sorted(texts)), texts=read, **more)  # type: ignore[arg-type]
