"""Positional arguments before all options are named without reading the command anew: the answer is the same as if it were read."""

from __future__ import annotations

import json
import random
from typing import Any

from scaffold.results.configuration.run_arguments import name_positional_arguments, read_with_interface
from scaffold.runs import recorder
from scaffold.runs.model import Run, summarize_manifest
from tests.results.conftest import MANIFEST

NAMES = ("data", "model", "seed", "out_dir", "src", "arg1")
WORDS = ("a.txt", "b", "3", "0.1", "1e-3", "lr=2", "7", "true", "-1", "{RUN_SEED}", "runs/x", "None")
OPTIONS = ("--lr", "--seed", "--fast", "--size", "-x", "--out")


def a_run(draw: random.Random) -> tuple[Run, Any]:
    interface = recorder.configuration.Interface(
        draw.sample(NAMES, draw.randint(0, 3)),
        {option.lstrip("-"): draw.choice((0, 1, 1, 2, -1)) for option in OPTIONS},
    )
    argv = [draw.choice(WORDS) for _ in range(draw.randint(0, 3))]
    for option in draw.sample(OPTIONS, draw.randint(0, 3)):
        argv += [option, *(draw.choice(WORDS) for _ in range(draw.choice((0, 1, 1, 1, 2))))]
    manifest = json.loads(json.dumps(MANIFEST))
    manifest["run"].update(name="n", experiment="e")
    manifest["command"]["argv"] = ["python", "t.py", *argv]
    manifest["time"]["started_at"] = "2026-01-01T00:00:00.000Z"
    manifest["paths"]["outputs"] = "o"
    manifest["seed"] = draw.choice((None, 3, 7, 9))
    manifest["params"] = recorder.naming.command_params(manifest["command"]["argv"])
    if draw.random() < 0.2:
        manifest["params"][draw.choice(("arg1", "data", "lr"))] = 5
    return summarize_manifest(manifest, "m.json"), interface


def test_it_is_what_reading_the_command_says() -> None:
    draw, quick = random.Random(5), 0
    for _ in range(4000):
        run, interface = a_run(draw)
        named = name_positional_arguments(run, interface) if run.words else None
        if named is None:
            continue
        quick += 1
        read = read_with_interface(run, interface)
        assert (dict(sorted(named.params.items())), named.seed, named.seed_source) == (
            dict(sorted(read.params.items())),
            read.seed,
            read.seed_source,
        ), (run.words, interface.positionals, interface.counts)
    assert quick > 100
