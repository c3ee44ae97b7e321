"""Facts: what was read off a repository, with each text parsed once, when it is first asked for."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from scaffold.facts import config_formats, documents, paths, python_parser, python_source, quick_scan, shell_parser
from scaffold.facts.git_state import GitState
from scaffold.facts.machine import Machine

DEEPEST = 3
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Facts:
    """A repository as its tracked files show it. Paths are relative to the work directory, sorted.

    `notable` are the files that are not plain data, `texts` what was read of them; `unread` says of the files that should
    have been read why they were not. `has_exp` is whether there is a directory `exp` at the top, tracked or not.
    """

    files: tuple[str, ...] = ()
    notable: tuple[str, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)
    has_exp: bool = False
    history: tuple[str, ...] | None = None
    ask_git: Callable[[], GitState | None] = field(default=lambda: None, compare=False, repr=False)
    ask_machine: Callable[[], Machine] = field(default=Machine, compare=False, repr=False)
    _sources: dict[str, python_source.PythonSource] = field(default_factory=dict, compare=False, repr=False)
    _tables: dict[str, dict[str, Any]] = field(default_factory=dict, compare=False, repr=False)
    _closures: dict[tuple[str, int, int], dict[str, int]] = field(default_factory=dict, compare=False, repr=False)
    _import_texts: dict[str, str] = field(default_factory=dict, compare=False, repr=False)
    _imported: dict[str, tuple[str, ...]] = field(default_factory=dict, compare=False, repr=False)
    _once: dict[Callable[..., Any], Any] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def git(self) -> GitState | None:
        """Where the repository stands; waited for here, since git has to look at every file to say whether one changed."""
        return self.ask_git()

    @cached_property
    def machine(self) -> Machine:
        """What this machine offers; waited for here, since its tools may take their time."""
        return self.ask_machine()

    def once(self, derive: Callable[[Facts], T]) -> T:
        """What a function of the facts gives, worked out when it is first asked for."""
        if derive not in self._once:
            self._once[derive] = derive(self)
        value: T = self._once[derive]
        return value

    def has(self, path: str) -> bool:
        """Whether a file is tracked."""
        at = bisect_left(self.files, path)
        return at < len(self.files) and self.files[at] == path

    @cached_property
    def directory_sizes(self) -> Mapping[str, int]:
        """Every directory of at most three parts -> how many files lie below it; folders of data are not entered."""
        below: dict[str, int] = {}
        self._grow(below, "", 0, len(self.files))
        return below

    def _grow(self, below: dict[str, int], prefix: str, at: int, end: int) -> None:
        while at < end:
            cut = self.files[at].find("/", len(prefix))
            if cut < 0:
                at += 1
                continue
            directory = self.files[at][:cut]
            after = bisect_left(self.files, directory + "0", at, end)
            below[directory] = after - at
            if directory.count("/") < DEEPEST - 1 and directory[len(prefix) :].lower() not in paths.DATA:
                self._grow(below, directory + "/", at, after)
            at = after

    def files_below(self, directory: str) -> list[str]:
        """The files below a directory."""
        first, last = bisect_left(self.files, directory + "/"), bisect_left(self.files, directory + "0")
        return list(self.files[first:last])

    def read_files(self, *kinds: str) -> list[str]:
        """The files of some kinds (see `paths.LIMITS`) that were read, sorted."""
        return sorted(p for kind in kinds for p in self._by_kind.get(kind, ()))

    @cached_property
    def _by_kind(self) -> Mapping[str, list[str]]:
        by_kind: dict[str, list[str]] = {}
        for path in self.texts:
            by_kind.setdefault(paths.classify_file(path) or "", []).append(path)
        return by_kind

    @cached_property
    def python(self) -> tuple[str, ...]:
        """The repository's own Python files that do its work: no tests, no documentation, nothing hidden."""
        return tuple(
            p
            for p in self.read_files("python")
            if not (self.is_test(p) or paths.is_documentation(p) or paths.is_hidden(p))
        )

    def is_test(self, path: str) -> bool:
        """Whether a Python file is a test; `mnist_test.py` that reads a command line and trains is an experiment of that name."""
        return paths.is_test(path) and not (
            paths.is_named_like_a_test(path) and quick_scan.is_experiment_script(self.texts[path])
        )

    def parse(self, path: str) -> python_source.PythonSource:
        """A Python file or notebook, parsed; an empty PythonSource for a file that was not read."""
        if path not in self._sources:
            text = self.texts.get(path, "")
            if path.endswith(".ipynb"):
                text = documents.notebook_code(text) or ""
            self._sources[path] = python_parser.parse_python_source(text)
        return self._sources[path]

    def files_mentioning(self, needles: Iterable[str], among: Iterable[str]) -> list[str]:
        """Those of the files `among` whose text holds one of `needles`: the ones worth parsing."""
        parts = tuple(needles)
        return [p for p in among if (text := self.texts.get(p)) and any(map(text.__contains__, parts))]

    def files_importing(self, words: Iterable[str], among: Iterable[str]) -> list[str]:
        """Those of the files `among` whose import statements hold one of `words` (lower case) in any case, commented ones too."""
        parts = tuple(words)
        return [p for p in among if (text := self._import_text(p)) and any(map(text.__contains__, parts))]

    def _import_text(self, path: str) -> str:
        if path not in self._import_texts:
            self._import_texts[path] = quick_scan.import_lines(self.texts.get(path, "")).lower()
        return self._import_texts[path]

    def toml_table(self, path: str, *names: str) -> dict[str, Any]:
        """The table that `names` lead to in a TOML file, the whole of it without names; empty where there is none."""
        if path not in self._tables:
            self._tables[path] = config_formats.parse_toml(self.texts.get(path, ""))
        return config_formats.subtable(self._tables[path], *names)

    def ini_sections(self, path: str) -> Mapping[str, Mapping[str, str]]:
        """The sections of an INI file; none where it is missing or broken."""
        return config_formats.parse_ini(self.texts.get(path, ""))

    def parsed_before(self, path: str) -> python_source.PythonSource | None:
        """A file's PythonSource where it was asked for before; None where nobody needed it."""
        return self._sources.get(path)

    def line_of(self, path: str, needle: str) -> int | None:
        """The first line of a text that holds `needle`."""
        text = self.texts.get(path, "")
        at = text.find(needle)
        return None if at < 0 else text.count("\n", 0, at) + 1

    @cached_property
    def shell_commands(self) -> tuple[shell_parser.ShellCommand, ...]:
        """The commands of the repository's own scripts, Makefile recipes included."""
        commands: list[shell_parser.ShellCommand] = []
        for path in self.read_files("shell", "build"):
            name = path.rpartition("/")[2].lower()
            if (
                paths.classify_file(path) == "shell"
                or name in ("makefile", "gnumakefile", "justfile", "dockerfile")
                or name.endswith(".mk")
            ):
                commands += shell_parser.parse_commands(path, self.texts[path])
        return tuple(commands)

    @cached_property
    def shown_commands(self) -> tuple[shell_parser.ShellCommand, ...]:
        """The commands that README and documents show, the top README first."""
        texts = sorted(
            self.read_files("prose"), key=lambda p: (paths.count_path_parts(p), "readme" not in p.lower(), p)
        )
        own = [p for p in texts if not paths.is_hidden(p)]
        return tuple(c for p in own for c in documents.extract_document_commands(p, self.texts[p]))

    def imported_files(self, path: str) -> tuple[str, ...]:
        """The repository's own files that a Python file imports directly, as its lines show."""
        if path not in self._imported:
            imported = (p for i in quick_scan.scan_imports(self.texts.get(path, "")) for p in self._resolve(path, i))
            self._imported[path] = tuple(dict.fromkeys(p for p in imported if p != path))
        return self._imported[path]

    def _resolve(self, path: str, statement: python_source.Import) -> Iterator[str]:
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

    def import_closure(self, path: str, *, depth: int = 5, limit: int = 150) -> dict[str, int]:
        """A Python file and the repository's own files that it imports, also indirectly -> how far away."""
        key = (path, depth, limit)
        if key in self._closures:
            return self._closures[key]
        distances, edge = {path: 0}, [path]
        for distance in range(1, depth + 1):
            edge = [n for p in edge for n in self.imported_files(p) if n not in distances]
            for name in edge:
                if len(distances) < limit:
                    distances.setdefault(name, distance)
        self._closures[key] = distances
        return distances

    def importing_files(self, path: str) -> tuple[str, ...]:
        """The repository's own Python files that import a file."""
        stem = path.removesuffix("/__init__.py").removesuffix(".py").rpartition("/")[2]
        return tuple(p for p in self.files_importing((stem.lower(),), self.python) if path in self.imported_files(p))


def _ancestors(folder: str) -> Iterator[str]:
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]
    yield ""


def facts_from_texts(texts: Mapping[str, str], **more: object) -> Facts:
    """Facts of files given as text, without a disk; an empty text is a file whose name is all there is to it."""
    files = tuple(sorted(texts))
    read = {
        p: texts[p]
        for p in files
        if texts[p] and paths.classify_file(p) and not paths.is_vendored(p.rpartition("/")[0])
    }
    return Facts(files=files, notable=tuple(paths.without_data_files(files)), texts=read, **more)  # type: ignore[arg-type]
