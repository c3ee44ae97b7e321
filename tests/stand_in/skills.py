"""Skills of the stand-in: ids as the real server has them, texts of our own."""

from __future__ import annotations

PROTOCOL_TEXT = """\
# Execution protocol

## A. Preflight

Ask for `/docs` and `/openapi.json` first; stop where one is missing.

## B. Auditability Rules

- Each trial is a run of a sweep.

## C. Grid Search Rule

- One configuration, one run.

## D. Cluster/GPU Discovery

Ask `POST /cluster/detect`, then `GET /cluster`.

## E. Recommended Parallelism Formula

```text
max_new_runs = max(0, min(q, g - r))
```

## F. Scheduling Guidance

- Pin each run to a GPU.
"""
_SHORT = "Words of ours for {{goal}}."


def _skill(name: str, description: str, category: str, template: str = _SHORT) -> dict[str, object]:
    variables = ["goal"] if "{{goal}}" in template else []
    same = {"id": name, "name": name, "description": description, "template": template, "variables": variables}
    return {**same, "category": category, "built_in": True, "internal": category != "skill"}


SKILLS = (
    _skill("alert_handler", "Answers alerts of a run.", "prompt"),
    _skill("ra_mode_plan", "Plans in a chat.", "prompt"),
    _skill("wild_v2_execution_ops_protocol", "The rules of execution.", "protocol", PROTOCOL_TEXT),
    _skill("wild_v2_gpu_discovery_parallel_scheduling", "Finds GPUs, and how many runs may start.", "protocol"),
    _skill("wild_v2_reflection", "Looks back at what was done.", "prompt"),
    _skill("wild_v2_sweep_run_audit_protocol", "Sweeps and runs that can be audited.", "protocol"),
)


def found(skills: list[dict[str, object]], query: str, limit: int) -> list[dict[str, object]]:
    """As the server searches: the whole query, in any case, in name, description and text."""
    if not query:
        return skills[:limit]
    wanted, hits = query.lower(), []
    for one in skills:
        name = str(one["name"]).lower()
        score = 100 * (name == wanted) + 60 * (wanted in name)
        score += 30 * (wanted in str(one["description"]).lower()) + 10 * (wanted in str(one["template"]).lower())
        if score:
            hits.append({**one, "_score": score})
    return sorted(hits, key=lambda one: -int(str(one["_score"])))[:limit]
