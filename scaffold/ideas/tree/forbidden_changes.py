"""What an idea may not change: files outside of its fence, the seed alone; and what has to be said: lines that make the metric."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from scaffold.errors import ScaffoldError
from scaffold.ideas.tree.changes import Hunk, format_hunk_excerpt, is_code_line

# evaluation and tests, where detection has no better word: a change there changes what is measured
GUARDED = (
    *("test/*", "tests/*", "*/test/*", "*/tests/*", "test_*.py", "*_test.py", "*/test_*.py", "*/*_test.py"),
    *(
        "conftest.py",
        "*/conftest.py",
        "eval.py",
        "evaluate.py",
        "evaluation.py",
        "*/eval.py",
        "*/evaluate.py",
        "*/evaluation.py",
    ),
    *("metrics.py", "*/metrics.py"),
)
_SEED = re.compile(r"seed", re.IGNORECASE)
_NUMBER = re.compile(r"\d+")
SHOWN = 5


def guarded_paths(tracked: Iterable[str], script: str | None, folders: Iterable[str] = ()) -> tuple[str, ...]:
    """The files that no idea may change unless somebody says otherwise: tests and evaluation, the script of the command excepted."""
    below = tuple(f"{folder.rstrip('/')}/*" for folder in folders)
    return tuple(sorted(p for p in tracked if p != script and _matches(p, (*GUARDED, *below))))


def refuse_forbidden_paths(paths: Sequence[str], only: Sequence[str], never: Sequence[str]) -> None:
    """Raise ScaffoldError for a path outside `only` (where there are any) or inside `never`."""
    outside = [path for path in paths if only and not _matches(path, only)]
    if outside:
        raise ScaffoldError(
            f"outside of what this study may change (--only {' '.join(only)}): {_some(outside)}",
            hint=f"take it back: git checkout -- {outside[0]}",
        )
    inside = [path for path in paths if _matches(path, never)]
    if inside:
        raise ScaffoldError(
            f"this study may not change {_some(inside)}: what is measured would be another thing",
            hint=f"take it back (git checkout HEAD -- {inside[0]}), or start a study that allows it: "
            f"scaffold ideas start --only {inside[0]}",
        )
    shadows = [(path, module) for path in paths for module in never if _is_imported_before(path, module)]
    if shadows:
        path, module = shadows[0]
        raise ScaffoldError(
            f"{path} would be imported in place of {module}, which this study may not change",
            hint="give it another name, or take it away",
        )


def _is_imported_before(path: str, module: str) -> bool:
    """Whether Python would take a path for a module: a package, or a compiled module, of its name."""
    stem = module.removesuffix(".py")
    if stem == module:
        return False
    is_compiled = path.startswith(f"{stem}.") and path.endswith((".so", ".pyd"))
    return is_compiled or (path.startswith(f"{stem}/__init__.") and not path.endswith(".pyi"))


def refuse_seed_only_changes(hunks: Sequence[Hunk]) -> None:
    """Raise ScaffoldError where nothing but a seed, or its default, is another number."""
    code = [h for h in hunks if any(map(is_code_line, (*h.removed, *h.added)))]
    if code and all(map(_changes_seed_alone, code)):
        lines = "; ".join(f"{h.place}: {' '.join(format_hunk_excerpt(h))}" for h in code[:SHOWN])
        raise ScaffoldError(
            f"a change of nothing but the seed is never an improvement: {lines}",
            hint="more seeds for the code that stands: scaffold ideas claim; take the change back and try another idea",
        )


def _changes_seed_alone(hunk: Hunk) -> bool:
    old, new = (
        [_NUMBER.sub("0", line.strip()) for line in lines if is_code_line(line)] for lines in (hunk.removed, hunk.added)
    )
    return old == new and all(_SEED.search(line) for line in old)


def metric_hunks(
    hunks: Iterable[Hunk],
    metric: str,
    places: Iterable[str],
    functions: Iterable[str] = (),
    modules: Iterable[str] = (),
) -> list[Hunk]:
    """The hunks that touch lines which compute or print the metric: `places` are those that detection knows (`path:line`), beside lines
    that assign or print it by its name, that give one of the `functions` which compute it another meaning, or that set something in one
    of the guarded `modules` (paths)."""
    detected = {(path, int(line)) for path, _, line in (p.rpartition(":") for p in places) if line.isdigit()}
    name = re.escape(metric)
    patterns = [rf"(?<![\w.]){name}\s*[:=](?!=)|print.*{name}|['\"]{name}['\"]\s*[:\]]"]
    for function in map(re.escape, sorted(functions)):
        patterns.append(rf"(?<!\w){function}\s*=(?!=)|(?:def|class|as)\s+{function}\b|['\"]{function}['\"]")
    stems = [re.escape(PurePosixPath(path).stem) for path in sorted(modules) if path.endswith(".py") and path.isascii()]
    patterns += [rf"(?<![\w.]){stem}\.[\w.]+\s*=(?!=)|setattr\(\s*{stem}\b" for stem in stems]
    makes = re.compile("|".join(patterns))
    return [
        hunk
        for hunk in hunks
        if any((hunk.path, hunk.first + index) in detected for index in range(len(hunk.removed)))
        or any(makes.search(line) for line in (*hunk.removed, *hunk.added))
    ]


def refuse_metric_changes(hunks: Sequence[Hunk], metric: str) -> None:
    """Raise ScaffoldError for hunks that change how the metric is made."""
    if hunks:
        lines = "; ".join(f"{h.place}: {' '.join(format_hunk_excerpt(h))}" for h in hunks[:SHOWN])
        raise ScaffoldError(
            f"the idea touches lines that compute or print {metric}: {lines}",
            hint="where it still measures the same thing: --metric-changed",
        )


def _matches(path: str, patterns: Iterable[str]) -> bool:
    """Whether a path is one of these, lies below one of them, or matches one as a pattern."""
    plain = (pattern.rstrip("/") for pattern in patterns)
    return any(path == p or path.startswith(f"{p}/") or fnmatch.fnmatchcase(path, p) for p in plain)


def matches_any_path_pattern(path: str, patterns: Iterable[str]) -> bool:
    """Whether one of the patterns of --only and --never means a path."""
    return _matches(path, patterns)


def _some(paths: Sequence[str]) -> str:
    return ", ".join(paths[:SHOWN]) + (f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else "")
