"""What starts the jobs: commands in scripts and README, imports of launching libraries, manifests."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scaffold.conventions import slurm
from scaffold.conventions.detected import DetectedValue, Occurrence, merge_occurrences
from scaffold.conventions.trackers import list_experiment_code_files
from scaffold.facts import Facts, documents, paths, shell_parser
from scaffold.facts.config_formats import yaml_scalars
from scaffold.facts.paths import parse_word_set
from scaffold.facts.quick_scan import scan_docstring

_IMPORTS = {
    "submitit": ("submitit",),
    "ray": ("ray",),
    "horovod": ("horovod",),
    "torchrun": ("torch.distributed.run", "torch.distributed.launch", "torch.distributed.launcher"),
    "deepspeed": ("deepspeed.launcher",),
    "skypilot": ("sky",),
    "kubernetes": ("kubernetes",),
}
_FIRST_WORD = {
    **{tool: tool for tool in ("mpirun", "deepspeed", "torchrun")},
    **{"mpiexec": "mpirun", "horovodrun": "horovod", "kubectl": "kubernetes"},
}
_PAIRS = {
    ("accelerate", "launch"): "accelerate",
    ("accelerate-launch", ""): "accelerate",
    ("sky", "launch"): "skypilot",
    ("sky", "exec"): "skypilot",
    ("sky", "jobs"): "skypilot",
    ("ray", "job"): "ray",
    ("ray", "start"): "ray",
    ("ray", "submit"): "ray",
    ("-m", "torch.distributed.launch"): "torchrun",
    ("-m", "torch.distributed.run"): "torchrun",
    ("-m", "accelerate.commands.launch"): "accelerate",
    ("-m", "deepspeed.launcher.runner"): "deepspeed",
}
_NO_LAUNCH = parse_word_set("echo printf pip pip3 conda mamba apt apt-get which uv cat man export")
# srun, env, uv run, python -m, docker run: what starts the tool that is named after it
_STARTERS = parse_word_set(
    "srun uv poetry env singularity apptainer docker bash sh python python3 numactl xvfb-run nsys"
)
_JOB_KINDS = parse_word_set("Job CronJob Pod PyTorchJob MPIJob TFJob RayJob RayCluster JobSet TrainJob Workflow")
# A cheap first look: what the import statements of a launching file hold, and what its docstring or its calls hold. The pattern
# begins with the parenthesis, since a pattern that begins with one character is as fast as a search for a word.
_IMPORTED = ("submitit", "ray", "horovod", "distributed", "deepspeed", "sky", "kubernetes")
_WORDS = "launch torchrun sbatch srun salloc mpirun mpiexec deepspeed horovodrun kubectl"
_NEEDLES = ("ray job", "distributed.run", *_WORDS.split())
_STARTS = re.compile(
    r"\((?:(?<=run\()|(?<=call\()|(?<=output\()|(?<=[Pp]open\()|(?<=system\()|(?<=launcher\()"
    r"|(?<=run \()|(?<=call \()|(?<=output \()|(?<=[Pp]open \()|(?<=system \()|(?<=launcher \())"
)


def detect_launchers(facts: Facts) -> DetectedValue[tuple[str, ...]]:
    """The launchers in use: a command in a script, in code or in the README, an import, a Slurm header."""
    return merge_occurrences((*_in_scripts(facts), *_in_commands(facts), *_in_python(facts), *_in_manifests(facts)))


def _in_scripts(facts: Facts) -> Iterator[Occurrence]:
    for hit in slurm.slurm_scripts(facts).evidence:
        yield Occurrence("slurm", hit.path, hit.line, hit.text)


def _in_commands(facts: Facts) -> Iterator[Occurrence]:
    for command in (*facts.shell_commands, *facts.shown_commands):
        if not (paths.is_test(command.path) or paths.is_hidden(command.path)):
            for name in launchers_in_command(command):
                yield Occurrence(name, command.path, command.line, command.text[:160])


def launchers_in_command(command: shell_parser.ShellCommand) -> Iterator[str]:
    """The launchers that a command uses; several where one starts another (`srun torchrun ...`)."""
    words = command.words
    if words[0] in _NO_LAUNCH and words[:2] != ("uv", "run"):
        return
    if slurm.is_slurm_submission(command):
        yield "slurm"
    for at, word in enumerate(words):
        follows = words[at + 1] if at + 1 < len(words) else ""
        name = _PAIRS.get((word, follows))
        if name:
            yield name
        tool = word.rpartition("/")[2].lstrip("$(`\"'")
        if tool in _FIRST_WORD and follows and not word.startswith("-") and (at == 0 or words[0] in _STARTERS):
            yield _FIRST_WORD[tool]
    if any("hydra/launcher=submitit" in w for w in words):
        yield "submitit"


def _in_python(facts: Facts) -> Iterator[Occurrence]:
    files = list_experiment_code_files(facts)
    for path in sorted(
        {*facts.files_importing(_IMPORTED, files), *(p for p in files if _may_start(p, facts.texts[p]))}
    ):
        source = facts.parse(path)
        for name, modules in _IMPORTS.items():
            line = source.uses(*modules)
            if line is not None:
                yield Occurrence(name, path, line, f"import {modules[0]}")
        for command in documents.extract_document_commands(path, source.doc):
            for name in launchers_in_command(command):
                yield Occurrence(name, path, command.line, command.text[:160])
        yield from _started_in_code(facts, path)


def _may_start(path: str, text: str) -> bool:
    """Whether a launcher may be named in a module's docstring, or in a call that starts a process."""
    searched = text if path.endswith(".ipynb") or _STARTS.search(text) else scan_docstring(text)
    return any(map(searched.__contains__, _NEEDLES))


def _started_in_code(facts: Facts, path: str) -> Iterator[Occurrence]:
    """`subprocess.run(["sbatch", ...])`, `os.system("sbatch ...")`, `notebook_launcher(...)`."""
    for call in facts.parse(path).calls:
        if call.last == "notebook_launcher":
            yield Occurrence("accelerate", path, call.line, "notebook_launcher(...)")
        if call.last not in ("run", "call", "check_call", "check_output", "Popen", "system", "popen", "getoutput"):
            continue
        first = call.args[0] if call.args else None
        words = tuple(w if isinstance(w, str) else "?" for w in first) if isinstance(first, tuple) else ()
        if isinstance(first, str):
            words = tuple(shell_parser.split_shell_words(first))
        if words:
            command = shell_parser.ShellCommand(path=path, line=call.line, text=" ".join(words), words=words)
            for name in launchers_in_command(command):
                yield Occurrence(name, path, call.line, command.text[:160])


def _in_manifests(facts: Facts) -> Iterator[Occurrence]:
    """Kubernetes jobs, SkyPilot tasks, and Hydra's submitit launcher in YAML."""
    for path in facts.read_files("config"):
        text = facts.texts[path]
        if paths.is_test(path) or paths.is_documentation(path) or paths.is_hidden(path):
            continue
        if "apiVersion:" in text and any(k == "kind" and v in _JOB_KINDS for k, v, _ in yaml_scalars(text)):
            yield Occurrence("kubernetes", path, facts.line_of(path, "kind:"), "a job manifest")
        if "accelerators:" in text and "resources:" in text and re.search(r"^(run|setup):", text, re.MULTILINE):
            yield Occurrence("skypilot", path, facts.line_of(path, "accelerators:"), "resources: accelerators")
        for key, value, line in yaml_scalars(text) if "submitit" in text else ():
            if ("launcher" in key and "submitit" in value) or value.startswith("hydra_plugins.hydra_submitit"):
                yield Occurrence("submitit", path, line, f"{key}: {value}")
