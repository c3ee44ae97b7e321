"""What a planner should know before it trusts a run of this repository."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from scaffold.conventions import endless_scripts
from scaffold.conventions.detected import DetectedValue
from scaffold.conventions.environment import LOCKS
from scaffold.conventions.model import EntryPoint, Evidence, RepositoryEnvironment, RepositoryTests
from scaffold.facts import Facts, paths
from scaffold.facts.paths import parse_word_set

_ABSOLUTE = re.compile(
    r"/(?:home|Users|root|mnt|data\d*|scratch|gpfs|lustre|work|nfs|storage|share|projects?|checkpoint|raid|ssd|hdd|media|content"
    r"|datasets?)/[\w.\-]+(?:/[\w.\-]+)*"
)
_OUTPUT_SUFFIXES = (".pt", ".pth", ".ckpt", ".safetensors", ".pkl", ".npz", ".h5", ".onnx", ".bin", ".log", ".out")
_OUTPUT_DIRS = parse_word_set("outputs output runs wandb mlruns lightning_logs checkpoints ckpts multirun logs results")


def find_repository_risks(
    facts: Facts, entry_points: Iterable[EntryPoint], environment: RepositoryEnvironment, tests: RepositoryTests
) -> DetectedValue[tuple[str, ...]]:
    """One sentence each, with evidence where a place says so."""
    sentences = [
        *_seeds(entry_points),
        *_endless(facts, entry_points),
        *_locks(facts, environment),
        *_tests(facts, tests),
        *_paths(facts),
        *_outputs(facts),
        *_ignored(facts),
        *_unread(facts),
    ]
    return DetectedValue(tuple(text for text, _ in sentences), tuple(e for _, e in sentences if e is not None))


Risk = tuple[str, Evidence | None]


def _seeds(entry_points: Iterable[EntryPoint]) -> Iterator[Risk]:
    trains = [
        e
        for e in entry_points
        if e.kind == "train" and e.path.endswith((".py", ".R", ".r", ".jl")) and e.seed_flag is None
    ]
    for entry in trains[:3]:
        yield f"{entry.path} has no seed option", Evidence(path=entry.path, text="no seed option found")


def _endless(facts: Facts, entry_points: Iterable[EntryPoint]) -> Iterator[Risk]:
    """Scripts that train until somebody stops them, where their command does not say when."""
    for entry in entry_points:
        option = endless_scripts.find_length_option(facts, entry.path, entry.kind)
        if option is not None and not endless_scripts.has_option_value(entry.command.split(), option.name):
            text = f"runs until it is stopped unless {option.name} is given: {entry.path}:{option.line}"
            yield text, Evidence(path=entry.path, line=option.line, text=option.help)


def _locks(facts: Facts, environment: RepositoryEnvironment) -> Iterator[Risk]:
    if environment.manager == "none":
        from scaffold.conventions import r_and_julia

        other = r_and_julia.r_julia_setup_line(facts)
        if not other.value:
            yield "no declared environment", None
        elif not r_and_julia.has_pinned_versions(facts):
            yield "no lock file", None
    elif not any(f.rpartition("/")[2] in LOCKS for f in environment.files):
        yield "no lock file", None


def _tests(facts: Facts, tests: RepositoryTests) -> Iterator[Risk]:
    if tests.runner is None:
        yield "no tests", None


def _paths(facts: Facts) -> Iterator[Risk]:
    """Absolute paths in code and scripts, not in comments: they exist on the author's machine only."""
    files = (*facts.python, *facts.read_files("shell"))
    places = [(path, *place) for path in files if (place := _absolute(facts.texts[path])) is not None]
    if places:
        path, line, shown = places[0]
        more = f" and {len(places) - 1} more files" if len(places) > 1 else ""
        yield f"hard-coded absolute paths: {path}:{line}{more}", Evidence(path=path, line=line, text=shown)


def _absolute(text: str) -> tuple[int, str] | None:
    """The first line with an absolute path at the beginning of a word, and the path."""
    for match in _ABSOLUTE.finditer(text):
        before = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
        if before[-1:] in ("", '"', "'", "=", " ", "\t") and "#" not in before:
            return text.count("\n", 0, match.start()) + 1, match[0]
    return None


def _outputs(facts: Facts) -> Iterator[Risk]:
    """Outputs that git tracks: by their suffix, or by the folder at the top that they lie in."""
    folders = [d for d in facts.directory_sizes if "/" not in d and d in _OUTPUT_DIRS]
    in_output_folders = (
        f
        for d in folders
        for f in facts.files_below(d)
        if not f.endswith((".gitkeep", ".gitignore", ".md", ".py", ".sh"))
    )
    output_files = (
        f
        for f in facts.notable
        if f.endswith(_OUTPUT_SUFFIXES) and not paths.is_test(f) and not paths.is_documentation(f)
    )
    outputs = sorted({*in_output_folders, *output_files})
    if outputs:
        more = f" and {len(outputs) - 1} more" if len(outputs) > 1 else ""
        yield f"outputs are committed to git: {outputs[0]}{more}", Evidence(path=outputs[0], text="tracked")


def _ignored(facts: Facts) -> Iterator[Risk]:
    """Directories of results that .gitignore names: what is written there is never recorded by git."""
    rules = facts.texts.get(".gitignore", "")
    for number, raw in enumerate(rules.splitlines(), start=1):
        name = raw.strip().strip("/").rstrip("*").strip("/")
        if name in ("exp", "experiments", "results", "analysis", ".wild"):
            yield f"{name}/ is ignored by git", Evidence(path=".gitignore", line=number, text=raw.strip())


def _unread(facts: Facts) -> Iterator[Risk]:
    """Scripts that could not be read say nothing in this answer."""
    broken = [(p, why) for p, why in sorted(facts.unread.items()) if p.endswith(".py")]
    broken += [(p, s.error) for p in facts.python if (s := facts.parsed_before(p)) is not None and s.error]
    if broken:
        path, why = broken[0]
        more = f" and {len(broken) - 1} more" if len(broken) > 1 else ""
        yield f"could not be read: {path} ({why}){more}", Evidence(path=path, text=str(why))
