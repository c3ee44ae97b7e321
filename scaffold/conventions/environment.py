"""How the environment is declared, and the line that builds it apart from the user's own."""

from __future__ import annotations

import configparser
import re
from collections.abc import Mapping
from typing import Any

from scaffold.conventions.found import Found
from scaffold.conventions.model import Evidence
from scaffold.facts import Facts, paths

_LOCKS = {
    "uv.lock": "uv",
    "poetry.lock": "poetry",
    "pixi.lock": "pixi",
    "pdm.lock": "pdm",
    "conda-lock.yml": "conda",
    "Pipfile.lock": "pip",
}
_TABLES = ("uv", "poetry", "pixi", "pdm", "hatch")
_FILE = re.compile(
    r"^(?:[^/]+/)?(?:pyproject\.toml|setup\.py|setup\.cfg|requirements[^/]*\.txt|(?:environment|conda)[^/]*\.ya?ml|pixi\.toml|Pipfile[^/]*"
    r"|(?:uv|poetry|pixi|pdm)\.lock)$|^requirements/[^/]+\.txt$"
)
_CONDA = re.compile(r"(^|/)(environment|conda)[^/]*\.ya?ml$")
_ASIDE = frozenset((*paths.DOCS, *paths.TESTS, *paths.EXAMPLES, "notebooks", "notebook"))
_REQUIREMENT = re.compile(r"^[A-Za-z0-9][\w.\-]*(\[[\w,\-]+\])?([=<>~!]=?[\w.*,<>=!]+)?$")


def files(facts: Facts) -> Found[tuple[str, ...]]:
    """The declaring files at depth 1 or 2; one that only configures linters or tests declares nothing."""
    named = [
        p
        for p in facts.files
        if p.count("/") <= 1
        and _FILE.match(p)
        and not paths.is_hidden(p)
        and not paths.is_vendored(p.rpartition("/")[0])
    ]
    declaring = tuple(p for p in named if _declares(facts, p))
    lost = tuple(Evidence(path=p, text="only configures tools") for p in named if p not in declaring)
    return Found(declaring, tuple(Evidence(path=p, text=p.rpartition("/")[2]) for p in declaring), lost)


def _declares(facts: Facts, path: str) -> bool:
    name = path.rpartition("/")[2]
    if name == "pyproject.toml":
        data = toml(facts, path)
        tables = data.get("tool", {}) if isinstance(data.get("tool"), dict) else {}
        return (
            path not in facts.texts
            or any(k in data for k in ("project", "build-system", "dependency-groups"))
            or any(t in tables for t in _TABLES)
        )
    if name == "setup.cfg":
        return any(section in ini(facts, path) for section in ("metadata", "options"))
    return True


def toml(facts: Facts, path: str) -> dict[str, Any]:
    """A TOML file as a dict; empty when it is not there or broken."""
    import sys

    if path not in facts.texts:
        return {}
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        return tomllib.loads(facts.texts[path])
    except tomllib.TOMLDecodeError:
        return {}


def ini(facts: Facts, path: str) -> Mapping[str, Mapping[str, str]]:
    """An INI file's sections; empty when it is not there or broken."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(facts.texts.get(path, ""))
    except configparser.Error:
        return {}
    return {name: dict(parser[name]) for name in parser.sections()}


def manager(facts: Facts) -> Found[str]:
    """What the repository declares: a lock file, then a tool table, then environment.yml, then requirements, pyproject or setup.py."""
    claims = [c for path in files(facts).value if not _is_aside(path) for c in _claims(facts, path)]
    if not claims:
        return Found("none")
    claims.sort(key=lambda c: (c[0], c[2].path.count("/"), c[2].path))
    best = claims[0]
    ranks = ("a lock file", "a tool table", "an environment file", "requirements, pyproject.toml or setup.py")
    won = tuple(e for _, name, e in claims if name == best[1])
    lost = tuple(
        Evidence(path=e.path, line=e.line, text=f"{name}: {ranks[best[0]]} ({best[2].path}) comes before {ranks[rank]}")
        for rank, name, e in claims
        if name != best[1]
    )
    return Found(best[1], won, lost)


def _is_aside(path: str) -> bool:
    return path.lower().split("/")[0] in _ASIDE and "/" in path


def _claims(facts: Facts, path: str) -> list[tuple[int, str, Evidence]]:
    """(rank, manager, evidence) of one declaring file."""
    name = path.rpartition("/")[2]
    here = Evidence(path=path, text=name)
    if name in _LOCKS:
        return [(0, _LOCKS[name], here)]
    if name == "pixi.toml":
        return [(1, "pixi", here)]
    if _CONDA.search(path):
        return [(2, "conda", here)]
    if name == "pyproject.toml":
        tables = toml(facts, path).get("tool", {})
        for tool in _TABLES:
            table = tables.get(tool)
            if table is not None and (tool != "hatch" or "envs" in table):
                shown = f"[tool.{tool}]" if tool != "hatch" else "[tool.hatch.envs]"
                line = facts.line_of(path, shown.rstrip("]"))
                return [(1, tool, Evidence(path=path, line=line, text=shown)), (3, "pip", here)]
    return [(3, "pip", here)]


def python(facts: Facts) -> Found[str | None]:
    """The constraint as written: requires-python, else python_requires, else the python of Poetry, Pixi or the environment file."""
    for reader in (_from_pyproject, _from_setup, _from_tool_tables, _from_conda):
        for path in sorted(files(facts).value, key=lambda p: (_is_aside(p), p.count("/"), p)):
            if _is_aside(path):
                continue
            constraint, needle = reader(facts, path)
            if constraint:
                line = facts.line_of(path, needle)
                return Found(constraint, (Evidence(path=path, line=line, text=f"{needle} {constraint}"),))
    return Found(None)


def _from_pyproject(facts: Facts, path: str) -> tuple[str | None, str]:
    project = toml(facts, path).get("project", {}) if path.endswith("pyproject.toml") else {}
    constraint = project.get("requires-python") if isinstance(project, dict) else None
    return (constraint if isinstance(constraint, str) else None), "requires-python"


def _from_setup(facts: Facts, path: str) -> tuple[str | None, str]:
    if path.endswith("setup.cfg"):
        return ini(facts, path).get("options", {}).get("python_requires"), "python_requires"
    if path.endswith("setup.py"):
        for call in facts.parsed(path).calls:
            constraint = call.keywords.get("python_requires")
            if isinstance(constraint, str) and any(c.isdigit() for c in constraint):
                return str(constraint), "python_requires"
    return None, ""


def _from_tool_tables(facts: Facts, path: str) -> tuple[str | None, str]:
    data = toml(facts, path) if path.endswith(("pyproject.toml", "pixi.toml", "Pipfile")) else {}
    tool = data.get("tool", {})
    for table in (
        tool.get("poetry", {}).get("dependencies"),
        tool.get("pixi", {}).get("dependencies"),
        data.get("dependencies"),
    ):
        if isinstance(table, dict) and isinstance(table.get("python"), str):
            return table["python"], "python"
    requires = data.get("requires")
    return (requires.get("python_version") if isinstance(requires, dict) else None), "python_version"


def _from_conda(facts: Facts, path: str) -> tuple[str | None, str]:
    if not _CONDA.search(path):
        return None, ""
    found = re.search(r"^\s*-\s*(?:[\w-]+::)?python\s*([=<>!~][^#\n]*)", facts.texts.get(path, ""), re.MULTILINE)
    return (found[1].strip().strip("\"'") if found else None), "python"


def setup(facts: Facts, declared: str, python: str | None) -> Found[str]:
    """The shell line that builds the isolated environment: uv where it can, else what the manager needs, else micromamba."""
    top = [p for p in files(facts).value if not _is_aside(p)]
    venv = f"uv venv .venv{_python_option(top, python)} && source .venv/bin/activate"
    if declared == "uv":
        return Found("uv sync")
    if declared == "pixi":
        return Found("pixi install")
    if declared == "conda":
        path = min((p for p in top if _CONDA.search(p)), key=lambda p: (p.count("/"), p), default="environment.yml")
        name = _conda_name(facts, path)
        line = f'micromamba create -y -n {name} -f {path} && eval "$(micromamba shell hook --shell bash)" && micromamba activate {name}'
        return Found(line, (Evidence(path=path, text=path),))
    if declared in ("poetry", "pdm") and any(p.endswith(f"{declared}.lock") for p in top):
        return Found(f"{venv} && uv pip install {declared} && {declared} install")
    if declared == "none":
        return _setup_from_readme(facts, venv)
    arguments = _pip_arguments(top)
    return Found(
        f"{venv} && uv pip install {arguments}" if arguments else "", tuple(Evidence(path=p, text=p) for p in top[:3])
    )


def _python_option(top: list[str], python: str | None) -> str:
    """`--python` where the constraint has an upper bound that uv would not read by itself (it reads pyproject.toml)."""
    if (
        python is None
        or "pyproject.toml" in top
        or not re.fullmatch(r"\s*(?:(?:==|<=?|>=?|!=|~=)\s*[\d.*]+\s*,?\s*)+", python)
    ):
        return ""
    return f" --python '{''.join(python.split())}'" if re.search(r"<|==|~=", python) else ""


def _pip_arguments(top: list[str]) -> str:
    """What to give `uv pip install`: the top requirements.txt (or the only one) and the project itself."""
    requirements = [p for p in top if re.search(r"(^|/)requirements\.txt$", p)] or [
        p for p in top if p.endswith(".txt") and "requirements" in p
    ][:1]
    projects = [p for p in top if p.endswith(("pyproject.toml", "setup.py", "setup.cfg"))]
    nearest = sorted(requirements, key=lambda p: (p.count("/"), p))[:1]
    project = sorted(projects, key=lambda p: (p.count("/"), p))[:1]
    if project and nearest and project[0].count("/") > nearest[0].count("/"):
        project = []
    folder = project[0].rpartition("/")[0] if project else ""
    arguments = [f"-r {p}" for p in nearest] + ([f"-e ./{folder}" if folder else "-e ."] if project else [])
    return " ".join(arguments)


def _conda_name(facts: Facts, path: str) -> str:
    found = re.search(r"^name:\s*[\"']?([\w.-]+)", facts.texts.get(path, ""), re.MULTILINE)
    return found[1] if found else "experiment"


def _setup_from_readme(facts: Facts, venv: str) -> Found[str]:
    """A repository that declares nothing may still say `pip install A B` in its README."""
    for command in facts.shown_commands:
        words = command.words
        if (
            words[:2] in (("pip", "install"), ("pip3", "install"))
            and all(_REQUIREMENT.match(w) for w in words[2:])
            and len(words) > 2
        ):
            line = f"{venv} && uv pip install {' '.join(repr(w) if re.search('[<>]', w) else w for w in words[2:])}"
            return Found(line, (Evidence(path=command.path, line=command.line, text=command.text),))
    return Found("")


def run_prefix(declared: str) -> str:
    """What stands before a command so that it runs in the environment; empty where `setup` activates it."""
    return {"uv": "uv run", "pixi": "pixi run"}.get(declared, "")
