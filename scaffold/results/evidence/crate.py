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
from typing import Any
from urllib.parse import quote as quoted

from scaffold import git
from scaffold.results.evidence.authors import Citation, Person
from scaffold.runs import recorder
from scaffold.runs.model import Run

METADATA = "ro-crate-metadata.json"
PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
CONTEXT = ["https://w3id.org/ro/crate/1.1/context", "https://w3id.org/ro/terms/workflow-run/context"]
STATUS = {"finished": "CompletedActionStatus", "running": "ActiveActionStatus"}
TYPES = {".out": "text/plain", ".err": "text/plain", ".patch": "text/x-diff", ".jsonl": "application/jsonl"}

Entity = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One attempt for a crate: its manifest, the author of its commit, and the files below its outputs."""

    run: Run
    manifest: Mapping[str, Any]
    author: str | None
    outputs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What the crate as a whole is about: its name and description, the repository's citation."""

    name: str
    description: str
    citation: Citation


@dataclass(slots=True)
class _Graph:
    """Entities by id. `present` are the files that are in the crate, path -> size in bytes."""

    present: Mapping[str, int]
    entities: dict[str, Entity] = field(default_factory=dict)

    def add(self, entity: Entity) -> Entity:
        self.entities.setdefault(entity["@id"], entity)
        return _ref(entity["@id"])

    def file(self, path: str, about: str) -> Entity:
        """A file that is in the crate, or a note of where it lies."""
        name = path.rsplit("/", 1)[-1]
        if path not in self.present:
            where = f"{about}; not in this crate: {path} below the work directory"
            return self.add({"@id": f"#{quote(path)}", "@type": "CreativeWork", "name": name, "description": where})
        return self.add(
            {
                "@id": quote(path),
                "@type": "File",
                "name": name,
                "description": about,
                "encodingFormat": _media_type(name),
                "contentSize": str(self.present[path]),
            }
        )

    def value(self, scope: str, name: str, value: object) -> Entity:
        """A parameter or a metric, as a PropertyValue."""
        number = f"#{scope}-{quote(name, safe='')}"
        return self.add({"@id": number, "@type": "PropertyValue", "name": name, "value": _plain(value)})

    def person(self, person: Person) -> Entity:
        number = person.orcid or f"#person-{quote(person.name, safe='')}"
        return self.add({"@id": number, "@type": "Person", "name": person.name})


def metadata(records: Sequence[Recorded], about: About, present: Mapping[str, int]) -> bytes:
    """The crate's ro-crate-metadata.json; the same for the same records, whatever the day."""
    graph = _Graph(present=present)
    actions = [_action(graph, record, about.citation) for record in sorted(records, key=lambda r: r.run.path)]
    people = [graph.person(person) for person in about.citation.authors]
    parts = [_ref(i) for i, e in sorted(graph.entities.items()) if e["@type"] in ("File", "Dataset")]
    times = [str(r.manifest["time"]["ended_at"] or r.manifest["time"]["started_at"]) for r in records]
    root: Entity = {
        "@id": "./",
        "@type": "Dataset",
        "name": about.name,
        "description": about.description,
        "datePublished": max(times, default="1970-01-01")[:10],
        "license": _license(graph, about.citation.license),
        "conformsTo": _ref(PROFILE),
        "hasPart": parts,
        "mentions": actions,
    }
    if people:
        root["author"] = people
    head: list[Entity] = [
        {
            "@id": METADATA,
            "@type": "CreativeWork",
            "conformsTo": _ref("https://w3id.org/ro/crate/1.1"),
            "about": _ref("./"),
        },
        root,
        {"@id": PROFILE, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"},
    ]
    whole = {"@context": CONTEXT, "@graph": [*head, *(graph.entities[i] for i in sorted(graph.entities))]}
    return (json.dumps(whole, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode("utf-8", "replace")


def _action(graph: _Graph, record: Recorded, citation: Citation) -> Entity:
    run, manifest = record.run, record.manifest
    number = f"urn:uuid:{manifest['run']['uuid']}"
    action: Entity = {
        "@id": number if number not in graph.entities else f"#{quote(run.label)}",
        "@type": "CreateAction",
        "name": run.label,
        "description": f"{manifest['command']['shell']} (in {manifest['command']['cwd']})",
        "instrument": _instrument(graph, manifest),
        "startTime": manifest["time"]["started_at"],
        "object": _objects(graph, run, manifest),
        "result": _results(graph, record),
        "actionStatus": _ref(f"http://schema.org/{STATUS.get(run.status, 'FailedActionStatus')}"),
    }
    if manifest["time"]["ended_at"]:
        action["endTime"] = manifest["time"]["ended_at"]
    if run.status not in STATUS:
        action["error"] = _error(run)
    if agent := _agent(record, citation):
        action["agent"] = graph.person(agent)
    return graph.add(action)


def _error(run: Run) -> str:
    if run.status == "lost":
        return "lost: its process is gone and nothing recorded its end"
    return f"ended by {run.signal}" if run.signal else f"exit code {run.exit_code}"


def _agent(record: Recorded, citation: Citation) -> Person | None:
    """The author of the run's commit, with the ORCID that CITATION.cff gives to that name."""
    if record.author is None:
        return None
    return next((p for p in citation.authors if p.name == record.author), Person(name=record.author))


def _instrument(graph: _Graph, manifest: Mapping[str, Any]) -> Entity:
    argv, code = manifest["command"]["argv"], manifest["git"] or {}
    script = str(argv[recorder.module().script_at(argv)])
    version = str(code.get("commit") or "")
    if version and code.get("dirty"):
        version += "-dirty"
    state = str(code.get("code") or "")[:12]
    tool: Entity = {"@id": f"#{quote(script)}@{state or 'unknown'}", "@type": "SoftwareApplication", "name": script}
    if version:
        tool["@id"] = f"#{quote(script)}@{version[:12]}-{state}"
        tool["softwareVersion"] = version
    url = git.strip_credentials(str(code.get("remote") or ""))
    if url.startswith(("https://", "http://")):
        tool["url"] = url
    return graph.add(tool)


def _objects(graph: _Graph, run: Run, manifest: Mapping[str, Any]) -> list[Entity]:
    scope = quote(run.label)
    found = [graph.value(f"{scope}-param", name, value) for name, value in sorted(manifest["params"].items())]
    if manifest["seed"] is not None:
        found.append(graph.value(f"{scope}-param", "seed", manifest["seed"]))
    found += [
        graph.file(path, "a config file, as it was when the run started") for path in manifest["paths"]["configs"]
    ]
    if patch := (manifest["git"] or {}).get("patch"):
        found.append(graph.file(patch, "uncommitted changes of the code, on top of its commit"))
    if packages := manifest["environment"]["packages"]:
        found.append(graph.file(packages, "the packages of the run's environment, name==version"))
    return found


def _results(graph: _Graph, record: Recorded) -> list[Entity]:
    manifest, paths = record.manifest, record.manifest["paths"]
    scope = f"{quote(record.run.label)}-metric"
    found = [graph.value(scope, name, value) for name, value in sorted(manifest["metrics"].items())]
    found.append(graph.file(record.run.path, "the run's manifest"))
    found += [graph.file(paths[stream], f"the run's {stream}") for stream in ("stdout", "stderr")]
    inside = [path for path in record.outputs if path in graph.present]
    if not inside:
        return [*found, graph.file(paths["outputs"], "the folder of what the run wrote")]
    files = [graph.file(path, "written by the run") for path in inside]
    folder = {"@id": quote(paths["outputs"]) + "/", "@type": "Dataset", "name": f"outputs of {record.run.label}"}
    return [*found, graph.add({**folder, "hasPart": files})]


def _license(graph: _Graph, spdx: str) -> Entity | str:
    if not spdx:
        return "No licence is stated in this repository's CITATION.cff."
    number = f"https://spdx.org/licenses/{quote(spdx)}"
    return graph.add({"@id": number, "@type": "CreativeWork", "name": spdx})


def _media_type(name: str) -> str:
    suffix = "." + name.rsplit(".", 1)[-1] if "." in name else ""
    return TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"


def _plain(value: object) -> str | int | float | bool:
    """A value as JSON can hold it: what is not finite, and what is missing, in words."""
    if value is None:
        return "null"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, str | int | float | bool) else str(value)


def quote(path: str, safe: str = "/") -> str:
    """A path or a name as a part of an id, whatever bytes are in it."""
    return quoted(path, safe=safe, errors="surrogateescape")


def _ref(number: str) -> Entity:
    return {"@id": number}


def run_files(manifest: Mapping[str, Any], path: str) -> tuple[list[str], list[str]]:
    """The files of a run below the work directory: small records (manifest, configs, patch, packages), and its logs."""
    small = [
        path,
        *manifest["paths"]["configs"],
        (manifest["git"] or {}).get("patch"),
        manifest["environment"]["packages"],
    ]
    return [p for p in small if p], [manifest["paths"]["stdout"], manifest["paths"]["stderr"]]
