"""Manifests -> a Process Run Crate 0.5 (on RO-Crate 1.1): runs as an archive or a colleague can read them.

https://w3id.org/ro/wfrun/process/0.5: each run is a CreateAction with its instrument (the script at its commit), object (parameters,
configs, patch, packages), result (metrics, logs, outputs, manifest), agent, times, and status. What is not in the crate is a
CreativeWork that says where it lies.
"""

from __future__ import annotations

import json
import math
import mimetypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from scaffold import git
from scaffold.results.evidence.authors import Citation, Person
from scaffold.runs import recorder

if TYPE_CHECKING:
    from scaffold.runs.model import Run

METADATA = "ro-crate-metadata.json"
PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
CONTEXT = ["https://w3id.org/ro/crate/1.1/context", "https://w3id.org/ro/terms/workflow-run/context"]
STATUS = {"finished": "CompletedActionStatus", "running": "ActiveActionStatus"}
TYPES = {".out": "text/plain", ".err": "text/plain", ".patch": "text/x-diff", ".jsonl": "application/jsonl"}

Entity = dict[str, Any]

BUNDLE = "code.bundle"


@dataclass(frozen=True, slots=True, kw_only=True)
class CrateRun:
    """One attempt for a crate: its manifest, the author of its commit, and the files below its outputs."""

    run: Run
    manifest: Mapping[str, Any]
    author: str | None
    outputs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CrateDescription:
    """What the crate as a whole is about: its name and description, the repository's citation."""

    name: str
    description: str
    citation: Citation


@dataclass(slots=True)
class _EntityGraph:
    """The entities of a crate's JSON-LD by id. `sizes` are the files that are in the crate, path -> bytes."""

    sizes: Mapping[str, int]
    entities: dict[str, Entity] = field(default_factory=dict)

    def add(self, entity: Entity) -> Entity:
        """Keep an entity, the first of its id; a reference to it."""
        self.entities.setdefault(entity["@id"], entity)
        return _reference(entity["@id"])

    def file(self, path: str, about: str) -> Entity:
        """A file that is in the crate, or a note of where it lies."""
        name = path.rsplit("/", 1)[-1]
        if path not in self.sizes:
            where = f"{about}; not in this crate: {path} below the work directory"
            return self.add(
                {"@id": f"#{quote_crate_id(path)}", "@type": "CreativeWork", "name": name, "description": where}
            )
        content = {"encodingFormat": _media_type(name), "contentSize": str(self.sizes[path])}
        return self.add({"@id": quote_crate_id(path), "@type": "File", "name": name, "description": about, **content})

    def value(self, scope: str, name: str, value: object) -> Entity:
        """A parameter or a metric, as a PropertyValue."""
        identifier = f"#{scope}-{quote_crate_id(name, safe='')}"
        return self.add({"@id": identifier, "@type": "PropertyValue", "name": name, "value": _json_value(value)})

    def person(self, person: Person) -> Entity:
        """A person, by ORCID where there is one."""
        identifier = person.orcid or f"#person-{quote_crate_id(person.name, safe='')}"
        return self.add({"@id": identifier, "@type": "Person", "name": person.name})


def crate_metadata_json(runs: Sequence[CrateRun], about: CrateDescription, sizes: Mapping[str, int]) -> bytes:
    """The crate's ro-crate-metadata.json; `sizes` are the files in it, path -> bytes.

    The same for the same runs, whatever the day: its date is that of the newest run.
    """
    graph = _EntityGraph(sizes=sizes)
    actions = [_action(graph, run, about.citation) for run in sorted(runs, key=lambda r: r.run.path)]
    if BUNDLE in sizes:
        graph.file(
            BUNDLE, "Commits that no branch has; in a clone: git fetch code.bundle 'refs/scaffold/*:refs/scaffold/*'"
        )
    authors = [graph.person(person) for person in about.citation.authors]
    parts = [_reference(i) for i, e in sorted(graph.entities.items()) if e["@type"] in ("File", "Dataset")]
    times = [str(r.manifest["time"]["ended_at"] or r.manifest["time"]["started_at"]) for r in runs]
    root: Entity = {
        "@id": "./",
        "@type": "Dataset",
        "name": about.name,
        "description": about.description,
        "datePublished": max(times, default="1970-01-01")[:10],
        "license": _license(graph, about.citation.license),
        "conformsTo": _reference(PROFILE),
        "hasPart": parts,
        "mentions": actions,
    }
    if authors:
        root["author"] = authors
    standard = _reference("https://w3id.org/ro/crate/1.1")
    head: list[Entity] = [
        {"@id": METADATA, "@type": "CreativeWork", "conformsTo": standard, "about": _reference("./")},
        root,
        {"@id": PROFILE, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"},
    ]
    whole = {"@context": CONTEXT, "@graph": [*head, *(graph.entities[i] for i in sorted(graph.entities))]}
    return (json.dumps(whole, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode("utf-8", "replace")


def _action(graph: _EntityGraph, crate_run: CrateRun, citation: Citation) -> Entity:
    run, manifest = crate_run.run, crate_run.manifest
    uuid = f"urn:uuid:{manifest['run']['uuid']}"
    action: Entity = {
        # a manifest that somebody copied by hand has the uuid of another run
        "@id": uuid if uuid not in graph.entities else f"#{quote_crate_id(run.label)}",
        "@type": "CreateAction",
        "name": run.label,
        "description": f"{manifest['command']['shell']} (in {manifest['command']['cwd']})",
        "instrument": _instrument(graph, manifest),
        "startTime": manifest["time"]["started_at"],
        "object": _objects(graph, run, manifest),
        "result": _results(graph, crate_run),
        "actionStatus": _reference(f"http://schema.org/{STATUS.get(run.status, 'FailedActionStatus')}"),
    }
    if manifest["time"]["ended_at"]:
        action["endTime"] = manifest["time"]["ended_at"]
    if run.status not in STATUS:
        action["error"] = _error(run)
    if agent := _agent(crate_run, citation):
        action["agent"] = graph.person(agent)
    return graph.add(action)


def _error(run: Run) -> str:
    if run.status == "lost":
        return "lost: its process is gone and nothing recorded its end"
    return f"ended by {run.signal}" if run.signal else f"exit code {run.exit_code}"


def _agent(crate_run: CrateRun, citation: Citation) -> Person | None:
    """The author of the run's commit, with the ORCID that CITATION.cff gives to that name."""
    if crate_run.author is None:
        return None
    return next((p for p in citation.authors if p.name == crate_run.author), Person(name=crate_run.author))


def _instrument(graph: _EntityGraph, manifest: Mapping[str, Any]) -> Entity:
    argv, code = manifest["command"]["argv"], manifest["git"] or {}
    script = str(argv[recorder.naming.script_index(argv)])
    version = str(code.get("commit") or "")
    if version and code.get("dirty"):
        version += "-dirty"
    state = str(code.get("code") or "")[:12]
    tool: Entity = {
        "@id": f"#{quote_crate_id(script)}@{state or 'unknown'}",
        "@type": "SoftwareApplication",
        "name": script,
    }
    if version:
        tool["@id"] = f"#{quote_crate_id(script)}@{version[:12]}-{state}"
        tool["softwareVersion"] = version
    url = git.strip_credentials(str(code.get("remote") or ""))
    if url.startswith(("https://", "http://")):
        tool["url"] = url
    return graph.add(tool)


def _objects(graph: _EntityGraph, run: Run, manifest: Mapping[str, Any]) -> list[Entity]:
    scope = f"{quote_crate_id(run.label)}-param"
    objects = [graph.value(scope, name, value) for name, value in sorted(manifest["params"].items())]
    if manifest["seed"] is not None:
        objects.append(graph.value(scope, "seed", manifest["seed"]))
    objects += [graph.file(p, "a config file, as it was when the run started") for p in manifest["paths"]["configs"]]
    if script := manifest["paths"].get("stdin"):
        objects.append(graph.file(script, "the script that the run read from its standard input"))
    if patch := (manifest["git"] or {}).get("patch"):
        objects.append(graph.file(patch, "uncommitted changes of the code, on top of its commit"))
    if packages := manifest["environment"]["packages"]:
        objects.append(graph.file(packages, "the packages of the run's environment, name==version"))
    return objects


def _results(graph: _EntityGraph, crate_run: CrateRun) -> list[Entity]:
    paths, label = crate_run.manifest["paths"], crate_run.run.label
    scope = f"{quote_crate_id(label)}-metric"
    results = [graph.value(scope, name, value) for name, value in sorted(crate_run.run.metrics.items())]
    results.append(graph.file(crate_run.run.path, "the run's manifest"))
    results += [graph.file(paths[stream], f"the run's {stream}") for stream in ("stdout", "stderr")]
    copied = [path for path in crate_run.outputs if path in graph.sizes]
    if not copied:
        return [*results, graph.file(paths["outputs"], "the folder of what the run wrote")]
    files = [graph.file(path, "written by the run") for path in copied]
    folder = {"@id": quote_crate_id(paths["outputs"]) + "/", "@type": "Dataset", "name": f"outputs of {label}"}
    return [*results, graph.add({**folder, "hasPart": files})]


def _license(graph: _EntityGraph, spdx: str) -> Entity | str:
    if not spdx:
        return "No licence is stated in this repository's CITATION.cff."
    url = f"https://spdx.org/licenses/{quote_crate_id(spdx)}"
    return graph.add({"@id": url, "@type": "CreativeWork", "name": spdx})


def _media_type(name: str) -> str:
    suffix = "." + name.rsplit(".", 1)[-1] if "." in name else ""
    return TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"


def _json_value(value: object) -> str | int | float | bool:
    """A value as JSON can hold it: what is not finite, and what is missing, in words."""
    if value is None:
        return "null"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, str | int | float | bool) else str(value)


def quote_crate_id(path: str, safe: str = "/") -> str:
    """A path or a name as a part of an id, whatever bytes are in it."""
    return quote(path, safe=safe, errors="surrogateescape")


def _reference(identifier: str) -> Entity:
    return {"@id": identifier}


def list_run_files(manifest: Mapping[str, Any], path: str) -> tuple[list[str], list[str]]:
    """The files of a run below the work directory: small records (manifest, configs, patch, packages), and its logs."""
    patch, packages = (manifest["git"] or {}).get("patch"), manifest["environment"]["packages"]
    records = [path, *manifest["paths"]["configs"], manifest["paths"].get("stdin"), patch, packages]
    return [p for p in records if p], [manifest["paths"]["stdout"], manifest["paths"]["stderr"]]
