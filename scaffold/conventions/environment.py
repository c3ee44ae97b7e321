"""How the environment is declared, and the line that builds it apart from the user's own."""

from __future__ import annotations

import re

from scaffold.conventions.detected import DetectedValue
from scaffold.conventions.model import Evidence
from scaffold.facts import Facts, paths

LOCKS = {
    "uv.lock": "uv",
    "poetry.lock": "poetry",
    "pixi.lock": "pixi",
    "pdm.lock": "pdm",
    "conda-lock.yml": "conda",
    "Pipfile.lock": "pip",
}
# tables that tell a build backend what to pack declare no environment
_BUILD_ONLY = {"uv": {"build-backend"}, "pdm": {"version", "build", "publish", "distribution"}, "poetry": {"version"}}
# what declares that the repository can be installed as a package
PROJECT_FILES = ("pyproject.toml", "setup.py", "setup.cfg")
_TABLES = ("uv", "poetry", "pixi", "pdm", "hatch")
_FILE = re.compile(
    r"^(?:[^/]+/)?(?:pyproject\.toml|setup\.py|setup\.cfg|requirements[^/]*\.txt|(?:environment|conda)[^/]*\.ya?ml|pixi\.toml|Pipfile[^/]*"
    r"|(?:uv|poetry|pixi|pdm)\.lock)$|^requirements/[^/]+\.txt$"
)
_CONDA = re.compile(r"(^|/)(environment|conda)[^/]*\.ya?ml$")
_CHANNELS = re.compile(r"^channels:\s*(?:#.*)?$", re.MULTILINE)
_DEPENDENCIES = re.compile(r"^dependencies:\s*(?:#.*)?$", re.MULTILINE)
_OTHER_PURPOSES = frozenset((*paths.DOCS, *paths.TESTS, *paths.EXAMPLES, "notebooks", "notebook"))


def find_environment_files(facts: Facts) -> DetectedValue[tuple[str, ...]]:
    """The declaring files at depth 1 or 2; one that only configures linters or tests declares nothing."""
    return facts.once(_find_environment_files)


def _find_environment_files(facts: Facts) -> DetectedValue[tuple[str, ...]]:
    named = [
        p
        for p in facts.notable
        if p.count("/") <= 1
        and (_FILE.match(p) or is_conda_file(facts, p))
        and not paths.is_hidden(p)
        and not paths.is_vendored(p.rpartition("/")[0])
    ]
    declaring = tuple(p for p in named if _declares(facts, p))
    lost = tuple(Evidence(path=p, text="only configures tools") for p in named if p not in declaring)
    return DetectedValue(declaring, tuple(Evidence(path=p, text=p.rpartition("/")[2]) for p in declaring), lost)


def is_conda_filename(path: str) -> bool:
    """Whether a file is conda's by its name: `environment.yml`, `conda_gpu.yaml`."""
    return _CONDA.search(path) is not None


def is_conda_file(facts: Facts, path: str) -> bool:
    """Whether a file is conda's: by its name, or at the top (`requirements.yaml`, `ldm.yml`) by its channels and dependencies."""
    if is_conda_filename(path):
        return True
    text = facts.texts.get(path, "") if path.endswith((".yml", ".yaml")) and "/" not in path else ""
    return _CHANNELS.search(text) is not None and _DEPENDENCIES.search(text) is not None


def _declares(facts: Facts, path: str) -> bool:
    name = path.rpartition("/")[2]
    if name == "pyproject.toml" and path in facts.texts:
        declaring = ("project", "build-system", "dependency-groups")
        return not facts.toml_table(path).keys().isdisjoint(declaring) or any(
            tool in facts.toml_table(path, "tool") for tool in _TABLES
        )
    return name != "setup.cfg" or not facts.ini_sections(path).keys().isdisjoint(("metadata", "options"))


def package_manager(facts: Facts) -> DetectedValue[str]:
    """What the repository declares at its top, else one folder below.

    A lock file beats a tool table, which beats environment.yml, which beats requirements, pyproject.toml and setup.py.
    """
    claims = [
        c
        for path in find_environment_files(facts).value
        if not is_auxiliary_environment_file(path)
        for c in _claims(facts, path)
    ]
    if not claims:
        return DetectedValue("none")
    claims.sort(key=lambda c: (c[2].path.count("/"), c[0], c[2].path))
    best = claims[0]
    won = tuple(e for _, name, e in claims if name == best[1])
    lost = tuple(
        Evidence(path=e.path, line=e.line, text=f"{name}: {_why(best, rank, e)}")
        for rank, name, e in claims
        if name != best[1]
    )
    return DetectedValue(best[1], won, lost)


def _why(best: tuple[int, str, Evidence], rank: int, lost: Evidence) -> str:
    ranks = ("a lock file", "a tool table", "an environment file", "requirements, pyproject.toml or setup.py")
    if best[2].path.count("/") < lost.path.count("/"):
        return f"{best[2].path} lies nearer to the top"
    return f"{ranks[best[0]]} ({best[2].path}) comes before {ranks[rank]}"


def is_auxiliary_environment_file(path: str) -> bool:
    """Whether an environment file is for the documentation, tests, examples or notebooks only."""
    return path.lower().split("/")[0] in _OTHER_PURPOSES and "/" in path


def _claims(facts: Facts, path: str) -> list[tuple[int, str, Evidence]]:
    """(rank, manager, evidence) of one declaring file."""
    name = path.rpartition("/")[2]
    evidence = Evidence(path=path, text=name)
    if name in LOCKS:
        return [(0, LOCKS[name], evidence)]
    if name == "pixi.toml":
        return [(1, "pixi", evidence)]
    if is_conda_file(facts, path):
        return [(2, "conda", evidence)]
    if name == "pyproject.toml":
        for tool in _TABLES:
            keys = set(facts.toml_table(path, "tool", tool)) - _BUILD_ONLY.get(tool, set())
            if keys and (tool != "hatch" or "envs" in keys):
                shown = f"[tool.{tool}]" if tool != "hatch" else "[tool.hatch.envs]"
                line = facts.line_of(path, shown.rstrip("]"))
                return [(1, tool, Evidence(path=path, line=line, text=shown)), (3, "pip", evidence)]
    return [(3, "pip", evidence)]


def python_constraint(facts: Facts) -> DetectedValue[str | None]:
    """The constraint as written, of the files nearest to the top.

    requires-python, else python_requires, else the python of Poetry, Pixi or the environment file.
    """
    declaring = sorted(
        (p for p in find_environment_files(facts).value if not is_auxiliary_environment_file(p)),
        key=lambda p: (p.count("/"), len(p), p),
    )
    for depth in (0, 1):
        for reader, path in ((r, p) for r in _READERS for p in declaring if p.count("/") == depth):
            constraint, needle = reader(facts, path)
            if constraint:
                line = facts.line_of(path, needle)
                return DetectedValue(constraint, (Evidence(path=path, line=line, text=f"{needle} {constraint}"),))
    return DetectedValue(None)


def _from_pyproject(facts: Facts, path: str) -> tuple[str | None, str]:
    project = facts.toml_table(path, "project") if path.endswith("pyproject.toml") else {}
    constraint = project.get("requires-python")
    return (constraint if isinstance(constraint, str) else None), "requires-python"


def _from_setup(facts: Facts, path: str) -> tuple[str | None, str]:
    if path.endswith("setup.cfg"):
        return facts.ini_sections(path).get("options", {}).get("python_requires"), "python_requires"
    if path.endswith("setup.py"):
        for call in facts.parse(path).calls:
            constraint = call.keywords.get("python_requires")
            if isinstance(constraint, str) and any(c.isdigit() for c in constraint):
                return str(constraint), "python_requires"
    return None, ""


def _from_tool_tables(facts: Facts, path: str) -> tuple[str | None, str]:
    if not path.endswith(("pyproject.toml", "pixi.toml", "Pipfile")):
        return None, ""
    for names in (("tool", "poetry", "dependencies"), ("tool", "pixi", "dependencies"), ("dependencies",)):
        constraint = facts.toml_table(path, *names).get("python")
        if isinstance(constraint, str):
            return constraint, "python"
    version = facts.toml_table(path, "requires").get("python_version")
    return (version if isinstance(version, str) else None), "python_version"


def _from_conda(facts: Facts, path: str) -> tuple[str | None, str]:
    if not is_conda_file(facts, path):
        return None, ""
    match = re.search(r"^[^\S\n]*-\s*(?:[\w-]+::)?python\s*([=<>!~][^#\n]*)", facts.texts.get(path, ""), re.MULTILINE)
    return (match[1].strip().strip("\"'") if match else None), "python"


_READERS = (_from_pyproject, _from_setup, _from_tool_tables, _from_conda)
