"""Which directories play which role, and where experiments live."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from scaffold.conventions.detected import DetectedValue
from scaffold.conventions.model import Evidence
from scaffold.facts import Facts, paths
from scaffold.facts.paths import parse_word_set
from scaffold.facts.quick_scan import find_main_start_line

ROLES = ("scripts", "logs", "outputs", "results", "analysis", "metadata", "configs")
_NAMES = {
    "scripts": parse_word_set(
        "scripts script tools bin jobs slurm slurm_scripts sbatch launch launchers launch_scripts "
        "run_scripts runscripts shell bash"
    ),
    "logs": parse_word_set("logs log slurm_logs slurm_out lightning_logs tb_logs tensorboard_logs"),
    "outputs": parse_word_set(
        "outputs output out runs checkpoints checkpoint ckpt ckpts saved_models mlruns wandb multirun "
        "artifacts experiments_out"
    ),
    "results": parse_word_set("results result eval_results test_results predictions scores"),
    "analysis": parse_word_set(
        "analysis analyses notebooks notebook plots plotting plot figures visualization visualizations "
        "visualisation visualize"
    ),
    "metadata": parse_word_set("metadata meta manifests"),
    "configs": parse_word_set(
        "configs config conf confs cfg cfgs configuration configurations hparams hyperparams "
        "hyperparameters hydra_configs hydra_config recipes experiment_configs exp_configs train_configs "
        "yamls"
    ),
}
_EXPERIMENTS = re.compile(
    r"^(exps?|experiments?|runs?|logs?|outputs?|results?|lightning_logs|wandb|mlruns|multirun|sweeps|ablations?|checkpoints|replication|reproduce)$",
    re.IGNORECASE,
)
_CONFIG_SUFFIXES = tuple(
    [
        ".yaml",
        ".yml",
        ".json",
        ".toml",
        ".gin",
        ".ini",
        ".cfg",
        ".conf",
        ".config",
        ".jsonnet",
        ".libsonnet",
        ".tsv",
        ".hydra",
        ".args",
    ]
)
_SCRIPT_SUFFIXES = (".sh", ".bash", ".sbatch", ".slurm", ".sub", ".job", ".pbs", ".lsf")
_NO_ROLE = parse_word_set("data datasets dataset assets static public docker images img").union(
    paths.TESTS, paths.DOCS, paths.EXAMPLES
)
_DEFINES_OR_ACTS = re.compile(
    r"^(?:(?:class|def|async def|for|while|with|if __name__)\b|(?!print\()[A-Za-z_][\w.]*\()", re.MULTILINE
)
_FOR_EXPERIMENTS = ("exp", "ablation", "repro")
_DEEPEST = 3


def role_dirs(facts: Facts) -> dict[str, DetectedValue[tuple[str, ...]]]:
    """Role -> the topmost directories that play it; folders below a listed one are not repeated."""
    ordered = sorted(facts.directory_sizes, key=lambda d: (d.count("/"), d))
    candidates = [d for d in ordered if d.count("/") < _DEEPEST and not _has_no_role(d)]
    plays: dict[str, Callable[[Facts, str], str | None]] = {
        "scripts": _is_scripts,
        "logs": _is_kept_outputs("logs"),
        "outputs": _is_kept_outputs("outputs"),
        "results": _is_kept_outputs("results"),
        "analysis": _is_analysis,
        "metadata": _is_kept_outputs("metadata"),
        "configs": _is_configs,
    }
    return {role: _topmost_playing(facts, candidates, plays[role]) for role in ROLES}


def _has_no_role(directory: str) -> bool:
    pieces = directory.lower().split("/")
    return any(p.startswith(".") or p in _NO_ROLE for p in pieces) or paths.is_vendored(directory)


def _topmost_playing(
    facts: Facts, candidates: Iterable[str], plays: Callable[[Facts, str], str | None]
) -> DetectedValue[tuple[str, ...]]:
    chosen: list[str] = []
    evidence: list[Evidence] = []
    for directory in candidates:
        if any(directory.startswith(c + "/") for c in chosen):
            continue
        why = plays(facts, directory)
        if why:
            chosen.append(directory)
            evidence.append(Evidence(path=directory, text=why))
    return DetectedValue(tuple(sorted(chosen)), tuple(evidence))


def _name(directory: str) -> str:
    return directory.rpartition("/")[2].lower().replace("-", "_")


def _counted(facts: Facts, directory: str, suffixes: tuple[str, ...]) -> int:
    return sum(f.lower().endswith(suffixes) for f in facts.files_below(directory))


def _runs(facts: Facts, path: str) -> bool:
    """Whether a file is there to be run: a shell script, or Python with a main guard or work at its top level."""
    if paths.classify_file(path) == "shell":
        return True
    if not path.endswith(".py") or path not in facts.texts:
        return path.endswith((".R", ".r", ".jl"))
    return find_main_start_line(facts.texts[path]) is not None


def _is_scripts(facts: Facts, directory: str) -> str | None:
    below = facts.files_below(directory)
    if _name(directory) in _NAMES["scripts"]:
        first = next((f for f in below if _runs(facts, f)), None)
        is_package = "/" in directory and facts.has(f"{directory}/__init__.py")
        if (first and not is_package) or _name(directory) in ("scripts", "script"):
            return f"holds {first or below[0]}"
    shells = _counted(facts, directory, _SCRIPT_SUFFIXES)
    if "/" not in directory and shells >= 2 and shells >= 0.6 * len(below):
        return f"{shells} of {len(below)} files are shell scripts"
    return None


def _is_kept_outputs(role: str) -> Callable[[Facts, str], str | None]:
    def plays(facts: Facts, directory: str) -> str | None:
        if _name(directory) not in _NAMES[role] or directory.count("/") > 1 or _is_code(facts, directory):
            return None
        below = facts.files_below(directory)
        if _counted(facts, directory, _SCRIPT_SUFFIXES) > 0.5 * len(below):
            return None
        return f"holds {len(below)} tracked files"

    return plays


def _is_code(facts: Facts, directory: str) -> bool:
    """Whether a directory holds source code and little else; one that is named for experiments must also be a package."""
    below = facts.files_below(directory)
    modules = sum(f.endswith(".py") for f in below)
    if _name(directory).startswith(_FOR_EXPERIMENTS):
        return modules >= 0.9 * len(below) and facts.has(f"{directory}/__init__.py")
    return modules >= 0.6 * len(below)


def _is_analysis(facts: Facts, directory: str) -> str | None:
    below = facts.files_below(directory)
    notebooks = _counted(facts, directory, (".ipynb", ".rmd", ".qmd"))
    if _name(directory) in _NAMES["analysis"]:
        package = facts.has(f"{directory}/__init__.py") and not any(_runs(facts, f) for f in below)
        return None if package and not notebooks else f"holds {below[0]}"
    texts = _counted(facts, directory, (".py", ".sh", ".ipynb", ".yaml", ".yml", ".r"))
    if notebooks and "/" not in directory and notebooks >= 0.6 * max(texts, 1):
        return f"{notebooks} notebooks"
    return None


def _is_configs(facts: Facts, directory: str) -> str | None:
    if _name(directory) not in _NAMES["configs"]:
        return None
    below = facts.files_below(directory)
    data = [f for f in below if f.endswith(_CONFIG_SUFFIXES)]
    if data:
        return f"holds {data[0]}"
    modules = [f for f in below if f.endswith(".py") and not f.endswith("__init__.py")]
    settings = [f for f in modules if is_python_config(facts, f)]
    if settings and len(settings) >= 0.5 * len(modules):
        return f"holds {settings[0]}"
    return None


def is_python_config(facts: Facts, path: str) -> bool:
    """Whether a Python file is a configuration: `get_config()`, or assignments and nothing that defines or acts."""
    text = facts.texts.get(path, "")
    if re.search(r"^def get_(default_)?configs?\(", text, re.MULTILINE):
        return True
    return bool(re.search(r"^\w+\s*=", text, re.MULTILINE)) and not _DEFINES_OR_ACTS.search(text)


def existing_experiment_dirs(facts: Facts, entry_points: Iterable[str] = ()) -> DetectedValue[tuple[str, ...]]:
    """Top-level directories that hold experiments or run outputs; a package that is only code is none."""
    chosen, lost = [], []
    for directory in sorted(
        d for d in facts.directory_sizes if "/" not in d and (_EXPERIMENTS.match(d) or _holds_runs(facts, d))
    ):
        count = len(facts.files_below(directory))
        named_for_experiments = _name(directory).startswith(_FOR_EXPERIMENTS)
        if _is_code(facts, directory) and not (
            named_for_experiments and any(e.startswith(directory + "/") for e in entry_points)
        ):
            lost.append(Evidence(path=directory, text="holds code, not experiments"))
        else:
            chosen.append(Evidence(path=directory, text=f"holds {count} tracked files"))
    return DetectedValue(tuple(e.path for e in chosen), tuple(chosen), tuple(lost))


def _holds_runs(facts: Facts, directory: str) -> bool:
    """Whether a directory of any name holds what runs leave behind: logs and event files, not only code and data."""
    if _has_no_role(directory) or facts.directory_sizes[directory] > 50_000:
        return False
    left = sum(f.endswith((".log", ".out", ".ckpt")) or "tfevents" in f for f in facts.files_below(directory))
    return left >= 3 and left >= 0.2 * facts.directory_sizes[directory]


def experiment_root(facts: Facts) -> DetectedValue[str]:
    """`exp` where it exists and holds no importable source of the repository, else `.wild/experiments`."""
    if "exp" not in facts.directory_sizes:
        if facts.has_exp:
            return DetectedValue("exp", (Evidence(path="exp", text="exists, with no tracked files"),))
        return DetectedValue(".wild/experiments", (Evidence(path=".", text="no directory exp at the top"),))
    below = facts.files_below("exp")
    source = next((f for f in below if f.endswith(".py") and _is_source(facts, f)), None)
    if source is None:
        return DetectedValue(
            "exp", (Evidence(path="exp", text=f"holds {len(below)} tracked files, no importable source"),)
        )
    place = Evidence(path=source, text="part of the package exp")
    for importer in facts.importing_files(source)[:1]:
        line = next((i.line for i in facts.parse(importer).imports if i.module.split(".")[0] == "exp"), None)
        place = Evidence(path=importer, line=line, text=f"imports {source}")
    lost = Evidence(path="exp", text="exists, but is code of the repository")
    return DetectedValue(".wild/experiments", (place,), (lost,))


def _is_source(facts: Facts, path: str) -> bool:
    """Whether a module below exp/ is imported from outside exp/, or belongs to a package there."""
    if any(not i.startswith("exp/") for i in facts.importing_files(path)):
        return True
    return facts.has("exp/__init__.py") and not path.endswith("__init__.py")
