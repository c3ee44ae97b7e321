"""Answers of a workspace, its plan and its runs -> the brief for whoever plans or executes, as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scaffold.plan import catalogue, commands, loop, progress
from scaffold.plan.check import Report, rules
from scaffold.plan.inline import shown
from scaffold.plan.model import Task
from scaffold.plan.runs import Run

LIMITS = {
    "goal": 1500,
    "steering": 800,
    "memories": 12,
    "findings": 12,
    "risks": 8,
    "runs": 8,
    "problems": 10,
    "log": 1500,
}
UNLIMITED = 1_000_000
CREDENTIALS = re.compile(r"(?<=://)[^/@\s]*@")
FORMULA = """\
- `g` = `max(1, gpu_count)` on local GPUs, `max(1, gpu_count or 4)` on Slurm, else 1
- `r` = running + launching runs (`GET /cluster`), `q` = ready + queued runs
- start now: `max_new_runs = max(0, min(q, g - r))`; on local GPUs pin each run with `CUDA_VISIBLE_DEVICES=i`"""
SHAPE = """\
```markdown
# Tasks
## Goal
## Planning Notes            (findings, risks and assumptions, experiment root and logging layout decision)
## Phase 1 - <title>         (4 to 6 phases of 2 to 6 tasks, 10 to 25 tasks in all)
- [ ] [P1-T1] <task> | depends: <ids> | deliverable: <relative path> | done-when: <what can be checked>
## Shared Metrics and Analytics Contract   (primary metrics, secondary diagnostics, statistical checks, required artifacts)
```"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """All that a brief is made of. `report` and `log` are None and empty where there is no plan and no log yet."""

    answers: Mapping[str, Any]
    workdir: str
    report: Report | None
    runs: Sequence[Run]
    log: str
    full: bool


def planning(now: Situation) -> str:
    """The brief for iteration 0."""
    parts = [
        "# Planning brief (iteration 0)\n\nPlan only: inspect the code, write the plan, run no full experiment.",
        _goal(now),
        _repository(now),
        _layout(now),
        _contract(now),
        _tracked(now),
        _server(now),
        _environment(now),
        _slurm(now),
        _evolution(now),
        _planning_output(now),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def execution(now: Situation) -> str:
    """The brief for the iterations after it."""
    parts = [
        "# Execution brief",
        _goal(now),
        _task(now),
        _findings(now),
        _runs(now),
        _log(now),
        _tracked(now),
        _environment(now),
        _execution_output(now),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _limit(now: Situation, name: str) -> int:
    return UNLIMITED if now.full else LIMITS[name]


def _text(now: Situation, name: str) -> str:
    return str(now.answers.get(name) or "").strip()


def _list(now: Situation, name: str) -> list[Any]:
    value = now.answers.get(name)
    return list(value) if isinstance(value, (list, tuple)) else []


def _mapping(now: Situation, name: str) -> Mapping[str, Any]:
    value = now.answers.get(name)
    return value if isinstance(value, Mapping) else {}


def _url(now: Situation) -> str:
    return CREDENTIALS.sub("", _text(now, "research_server_url")).rstrip("/")


def _quote(text: str, limit: int) -> str:
    """A person's text as a quote: it can make no heading and no task of the brief."""
    cut = text if len(text) <= limit else text[:limit].rstrip() + " [...]"
    return "\n".join(f"> {line}" for line in cut.splitlines())


def _bullets(texts: Iterable[object], limit: int) -> str:
    flat = [" ".join(str(text).split()) for text in texts]
    more = [f"- and {len(flat) - limit} more (--full)"] if len(flat) > limit else []
    return "\n".join([*(f"- {shown(text, 300)}" for text in flat[:limit]), *more])


def _enumerated(values: Iterable[object]) -> str:
    return ", ".join(f"`{value}`" for value in values)


def _goal(now: Situation) -> str:
    goal = _text(now, "experiment_goal")
    parts = [
        "## Goal\n\n"
        + (
            _quote(goal, _limit(now, "goal"))
            if goal
            else "No goal is written down: ask for one, or read it in the plan."
        )
    ]
    if steering := _text(now, "steering_text"):
        parts.append("Steering, as given:\n" + _quote(steering, _limit(now, "steering")))
    if memories := _list(now, "memories"):
        parts.append("Lessons of earlier sessions:\n" + _bullets(memories, _limit(now, "memories")))
    return "\n\n".join(parts)


def _repository(now: Situation) -> str:
    parts = ["## Repository (each with its evidence)"]
    entries = [
        f"`{e.get('command')}` ({e.get('kind')}; seed: {e.get('seed_flag') or 'none'})"
        for e in _list(now, "entry_points")
        if isinstance(e, Mapping)
    ]
    if entries:
        parts.append("Entry points:\n" + "\n".join(f"- {entry}" for entry in entries[: _limit(now, "findings")]))
    if findings := _list(now, "repository_findings"):
        parts.append("Findings:\n" + _bullets(findings, _limit(now, "findings")))
    if risks := _list(now, "repository_risks"):
        parts.append("Risks:\n" + _bullets(risks, _limit(now, "risks")))
    if metric := _text(now, "primary_metric"):
        direction = _text(now, "metric_direction") or "direction not known"
        parts.append(f"Primary metric: `{metric}` ({direction})")
    return "\n\n".join(parts)


def _layout(now: Situation) -> str:
    root, dirs = _text(now, "experiment_root"), _mapping(now, "role_dirs")
    where = f"`{root}/EXPERIMENT/`" if _text(now, "workspace_layout") == "per-experiment" else f"`{root}/`"
    names = _enumerated(f"{folder}/" for folder in dirs.values())
    plan = _text(now, "tasks_path") or f"{root}/tasks.md"
    return (
        f"## Workspace\n\n- work directory `{now.workdir}`; all paths are relative to it\n- {where} holds {names}\n"
        f"- plan `{plan}`; beside it `prompt_skill_playbook.md` (with a section `Execution Ops Protocol`) and `{loop.LOG}`"
    )


def _contract(now: Situation) -> str:
    shown_rules = [rule for rule in rules() if rule.code != "P901"]
    listed = (
        "\n".join(f"- {rule.code}{' (warning)' if rule.warning else ''}: {rule.demand}" for rule in shown_rules)
        if now.full
        else (
            "- marks: ` ` open, `/` in progress, `x` done; ids count within a phase; every deliverable is a relative path; every done-when can be checked\n"
            "- tasks needed: baseline and main-method experiment, ablation or sensitivity, run names and stdout/stderr capture, run manifests and consistent paths, "
            "environment, prompt_skill_playbook.md, sweep and runs through the server where one is set\n"
            "- midpoint reflection after the first baseline and main-method task; final reflection last; each with the fields evidence, follow-up-when, continue-if\n"
            "- no placeholder (`...`, TODO, TBD, `<...>`); a choice that only a human can make is written `[choice: what]`\n"
            "- `scaffold plan rules` explains each rule, `scaffold plan check --fresh` has to exit with 0"
        )
    )
    return f"## Plan contract\n\n{SHAPE}\n{listed}"


def _recorder(now: Situation) -> str:
    root, scripts = _text(now, "experiment_root"), _mapping(now, "role_dirs").get("scripts", "scripts")
    prefix = str(_mapping(now, "environment").get("run_prefix") or "")
    return f"{prefix} python {root}/{scripts}/record_run.py".strip()


def _tracked(now: Situation) -> str:
    entries = [entry for entry in _list(now, "entry_points") if isinstance(entry, Mapping)]
    train = next((e for e in entries if e.get("kind") == "train"), entries[0] if entries else {})
    command = f"{_recorder(now)} --experiment baseline --seed 1 --task P2-T3 -- {train.get('command') or 'COMMAND'}"
    parts = [
        "## Tracked runs\n\nNever start an experiment script directly: the recorder names the run, keeps stdout and stderr and writes its manifest.",
        f"```bash\n{command}\n```",
    ]
    url, session = _url(now), _text(now, "research_session_id")
    if url:
        chat = f'"{session}"' if session else "null"
        sweep = f'{{"name": "baseline", "goal": "noise floor", "chat_session_id": {chat}}}'
        run = f'{{"name": "RUN_NAME", "command": "RECORDER_COMMAND", "sweep_id": "SWEEP_ID", "chat_session_id": {chat}, "auto_start": false}}'
        curl = f"curl -sf -X POST {catalogue.JSON} {catalogue.AUTH}"
        parts.append(
            "Every trial is a run of a sweep on the research server; one configuration and seed = one run:\n"
            f"```bash\n{curl} {url}/sweeps/wild -d '{sweep}'\n{curl} {url}/runs -d '{run}'\n"
            f"curl -sf -X POST {catalogue.AUTH} {url}/runs/RUN_ID/start\n```"
        )
        parts.append(f"Capacity:\n{FORMULA}")
    return "\n\n".join(parts)


def _server(now: Situation) -> str:
    url = _url(now)
    if not url:
        return "## Research server\n\nNone is set: the recorder and its manifests are the record."
    return f"## Research server\n\nPreflight, before anything else:\n```bash\n{catalogue.preflight(url)}\n```\n{catalogue.text(url, full=now.full)}"


def _environment(now: Situation) -> str:
    known, root = _mapping(now, "environment"), _text(now, "experiment_root")
    scripts = _mapping(now, "role_dirs").get("scripts", "scripts")
    rows = [
        f"- set up with `source {root}/{scripts}/setup_env.sh`"
        + (f", which does: `{known['setup']}`" if known.get("setup") else "")
    ]
    if known.get("run_prefix"):
        rows.append(f"- commands run as `{known['run_prefix']} ...`")
    if known.get("modules"):
        rows.append(f"- modules: {_enumerated(known['modules'])}")
    rows.append(f"- manager: {known.get('manager') or 'none'}; Python {known.get('python') or 'not stated'}")
    return "## Environment\n\n" + "\n".join(rows)


def _slurm(now: Situation) -> str:
    known = _mapping(now, "slurm")
    if not known:
        return ""
    names = ("partitions", "accounts", "qos", "gres", "time", "modules")
    rows = [f"- {name}: {_enumerated(known[name])}" for name in names if known.get(name)]
    scripts = _mapping(now, "role_dirs").get("scripts", "scripts")
    rows.append(
        f"- submit `{_text(now, 'experiment_root')}/{scripts}/run.sbatch`; a server's run has to wait for its job (`srun`, `sbatch --wait`)"
    )
    return f"## Slurm (from {_enumerated(known.get('scripts') or ['the repository'])})\n\n" + "\n".join(rows)


def _evolution(now: Situation) -> str:
    if not now.answers.get("evolutionary_sweeps"):
        return ""
    return (
        "## Evolutionary sweeps (enabled)\n\nEmit strict JSON, without a fence, to let the server search:\n"
        '```\n<evo_sweep>{"target_script": "train.py", "fitness_metric": "val/loss", "fitness_direction": "min", '
        '"search_space": {"lr": [0.001, 0.01], "dropout": {"low": 0.0, "high": 0.5}}, "population_size": 4, "generations": 3, "top_k": 2}</evo_sweep>\n```\n'
        "- target_script and fitness_metric are required; the script takes `--param=value`; plan one task for it, with metric and search space\n"
        "- the server does not report the fitness back: read it from the manifests, and run the best configuration again with new seeds"
    )


def _planning_output(now: Situation) -> str:
    return (
        "## Output\n\n1. Write the plan to its file, then `scaffold plan check --fresh` until it exits with 0.\n"
        "2. Print `scaffold plan emit`: the same text in `<plan>` ... `</plan>`.\n"
        '3. If preflight fails: `scaffold plan abort --reason "..."`, print its lines, and stop.'
    )


def _execution_output(now: Situation) -> str:
    return (
        "## Output\n\n"
        "- `scaffold plan start ID`, work, `scaffold plan done ID` (it verifies), `scaffold plan log TEXT`; `scaffold plan add` for follow-ups\n"
        '- at the end print `scaffold plan emit --summary "..."`, with `--promise WAITING` while runs go on, `--promise DONE` when all is done\n'
        f"- stop with DONE at once if the plan holds {loop.SENTINEL}"
    )


def _task(now: Situation) -> str:
    if now.report is None:
        return "## Task\n\nThere is no plan yet: `scaffold brief` plans one."
    plan = now.report.plan
    state = progress.of(plan)
    if now.report.aborted:
        return f"## Task\n\nThe plan is aborted ({loop.SENTINEL}): print `<promise>DONE</promise>` and stop."
    head = f"## Task ({state.done} of {state.total} done)"
    if state.next is None:
        return f"{head}\n\n" + (
            "Every task is done."
            if state.done == state.total
            else "Every open task waits for another: `scaffold plan show`."
        )
    return f"{head}\n\n{_described(state.next)}"


def _described(task: Task) -> str:
    status = "in progress" if task.state == "/" else "next"
    rows = [f"**{task.name}** ({status}): {shown(task.description, 600)}"]
    named = dict.fromkeys(field.name for field in task.fields if field.name != "command")
    rows += [f"- {name}: {shown(task.get(name), 400)}" for name in named if task.get(name)]
    found = commands.of(task)
    return "\n".join(rows) + (
        "\n```bash\n" + "\n".join(shown(command, 1000) for command in found) + "\n```" if found else ""
    )


def _findings(now: Situation) -> str:
    if now.report is None or not now.report.findings:
        return ""
    texts = [f"line {found.line}: {found.code} {found.message}" for found in now.report.findings]
    return "## Open findings of `scaffold plan check`\n\n" + _bullets(texts, _limit(now, "problems"))


def _runs(now: Situation) -> str:
    limit = _limit(now, "runs")
    rows = [_run_line(run) for run in reversed(now.runs[-limit:])]
    return f"## Recent runs ({len(now.runs)} in all)\n\n" + ("\n".join(rows) if rows else "None is recorded yet.")


def _run_line(run: Run) -> str:
    metrics = ", ".join(f"{name}={value:.6g}" for name, value in sorted(run.metrics.items())[:4])
    about = [run.status, *([f"task {shown(str(run.task), 20)}"] if run.task else []), *([metrics] if metrics else [])]
    return f"- `{shown(run.name, 120)}`: {', '.join(about)}"


def _log(now: Situation) -> str:
    tail = now.log.strip()
    limit = _limit(now, "log")
    if not tail:
        return ""
    cut = tail if len(tail) <= limit else "[...] " + tail[-limit:].lstrip()
    return "## Iteration log (its end)\n\n" + _quote(cut, UNLIMITED)
