"""Searches with real runs on this machine: generations, seeds, failures, kills, bad specs."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from scaffold.runs.model import Run
from scaffold.sweeps.launch.run_states import SweepRunStatus
from scaffold.sweeps.search import run as evolve
from scaffold.sweeps.search import summary
from scaffold.sweeps.search.optimizer import SearchTrial, propose_trials, rank_trials
from scaffold.sweeps.search.spec import parse_search_spec
from scaffold.sweeps.search.study import SearchStudy
from scaffold.sweeps.spec import sweep_file
from tests.conftest import Run as Invoke
from tests.runs import conftest as recording
from tests.runs.conftest import MakeWorkspace, until
from tests.sweeps.conftest import sweep

# fitness is best where x is 3; `broken` fails, `silent` gives no metric
TRAIN = """\
import argparse, json, os, pathlib, sys, time
options = argparse.ArgumentParser()
options.add_argument("--x", type=float)
options.add_argument("--kind", default="fine")
options.add_argument("--seed", type=int, default=0)
options.add_argument("--pause", type=float, default=0)
chosen = options.parse_args()
with open(pathlib.Path(__file__).with_name("started.txt"), "a") as file:
    file.write(os.environ["RUN_NAME"] + "\\n")
time.sleep(chosen.pause)
if chosen.kind == "broken":
    sys.exit(7)
if chosen.kind != "silent":
    score = {"score": -((chosen.x - 3) ** 2) + chosen.seed / 100, "other": 1}
    pathlib.Path(os.environ["RUN_OUTPUT_DIR"], "metrics.json").write_text(json.dumps(score))
"""


def spec(**changes: Any) -> dict[str, Any]:
    return {
        "target_script": "train.py",
        "fitness_metric": "score",
        "search_space": {"x": {"low": 0.0, "high": 10.0}, "kind": ["fine", "also"]},
        "population_size": 3,
        "generations": 2,
        "sweep_name": "find-x",
        **changes,
    }


@pytest.fixture
def made(make_workspace: MakeWorkspace) -> recording.Workspace:
    return make_workspace({"train.py": TRAIN, ".gitignore": "started.txt\nspec*\n"})


def write(made: recording.Workspace, wanted: Mapping[str, Any] | str) -> Path:
    path = made.root / "spec.json"
    path.write_text(wanted if isinstance(wanted, str) else json.dumps(wanted))
    return path


def study_of(made: recording.Workspace, name: str = "find-x") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((made.exp / "metadata" / "sweeps" / f"{name}.study.json").read_text())
    return found


def started(made: recording.Workspace) -> list[str]:
    path = made.root / "started.txt"
    return path.read_text().split() if path.exists() else []


HERE = ("--cpus-per-run", "1")


def test_generations_run_and_the_fittest_have_children(made: recording.Workspace, run: Invoke) -> None:
    text = f"I suggest:\n<evo_sweep>\n```json\n{json.dumps(spec(), indent=1)}\n```\n</evo_sweep>\nand so on"
    done = run("sweep", "evolve", write(made, text), "--workdir", made.root, *HERE, "--json")
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)
    trials = answer["trials"]
    assert [t["generation"] for t in trials] == [1, 1, 1, 2, 2, 2] and answer["generations_completed"] == 2
    assert all(t["fitness"] == pytest.approx(-((float(t["params"]["x"]) - 3) ** 2)) for t in trials)
    first = sorted(trials[:3], key=lambda t: -t["fitness"])
    assert [t["parent"] for t in trials] == [None] * 3 + [first[0]["number"], first[1]["number"], first[0]["number"]]
    assert answer["best"] == max(trials, key=lambda t: t["fitness"])
    assert [(h["generation"], h["scored"]) for h in answer["fitness_history"]] == [(1, 3), (2, 3)]
    assert answer["noise"] is None and "no claim is made" in " ".join(answer["words"])
    assert {m["run"]["name"] for m in made.manifests()} == set(started(made)) and len(started(made)) == 6
    # what is over is over: the same again runs nothing, and more generations go on
    again = run("sweep", "evolve", write(made, spec()), "--workdir", made.root, *HERE, "--json")
    assert json.loads(again.stdout) == answer and len(started(made)) == 6
    more = run("sweep", "evolve", write(made, spec(generations=3)), "--workdir", made.root, *HERE, "--json")
    assert json.loads(more.stdout)["trials"][:6] == trials and len(started(made)) == 9


def test_a_failed_run_has_no_fitness_and_no_children(made: recording.Workspace, run: Invoke) -> None:
    space = {"x": {"low": 0, "high": 9}, "kind": ["fine", "broken"]}
    wanted = spec(search_space=space, population_size=6, fitness_direction="min")
    done = run("sweep", "evolve", write(made, wanted), "--workdir", made.root, *HERE, "--json")
    assert done.exit_code == 0, done.output
    trials = json.loads(done.stdout)["trials"]
    broken = [t for t in trials if t["params"]["kind"] == "broken"]
    assert broken and all(t["fitness"] is None and "failed (exit 7)" in t["why"] for t in broken)
    assert not {t["parent"] for t in trials} & {t["number"] for t in broken}
    assert json.loads(done.stdout)["best"]["fitness"] == min(t["fitness"] for t in trials if t["fitness"] is not None)
    assert f"{len(broken)} failed and have none" in " ".join(json.loads(done.stdout)["words"])


def test_fitness_is_the_mean_over_seeds_and_the_words_know_the_noise(made: recording.Workspace, run: Invoke) -> None:
    wanted = spec(search_space={"x": [1, 2, 5]}, population_size=3, generations=1)
    done = run("sweep", "evolve", write(made, wanted), "--workdir", made.root, *HERE, "--seeds", "1-3")
    assert done.exit_code == 0, done.output
    trials = study_of(made)["trials"]
    two = next(t for t in trials if t["params"] == {"x": "2"})
    assert two["fitness"] == pytest.approx(-0.98) and two["values"] == pytest.approx([-0.99, -0.98, -0.97])
    assert done.stdout.startswith("best: x=2\n  score = -0.98 (mean of 3 seeds, standard deviation 0.01); trial ")
    assert "It is the best of 3 configurations with a fitness. The best of many is partly luck" in done.stdout
    assert "Fresh seeds have to confirm it." in done.stdout
    (line,) = [line for line in done.stderr.splitlines() if "to confirm" in line]
    confirm = line.partition(": ")[2]
    assert confirm.endswith("--grid x=2 --seeds 4-8 -- python train.py")
    sound = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m {confirm}".replace(" -- ", " --dry-run -- ")],
        cwd=made.root,
        capture_output=True,
        text=True,
    )
    assert sound.returncode == 0 and "5 runs" in sound.stdout, sound.stderr


def test_a_space_with_no_more_configurations_ends_the_search(made: recording.Workspace, run: Invoke) -> None:
    wanted = spec(search_space={"x": [1, 2], "kind": ["fine", "also"]}, generations=9)
    for search in ("evolution", "tpe", "random"):
        done = run(
            "sweep",
            "evolve",
            write(made, wanted),
            "--workdir",
            made.root,
            *HERE,
            "--search",
            search,
            "--name",
            search,
            "--json",
        )
        assert done.exit_code == 0, done.output
        assert sorted(tuple(t["params"].values()) for t in json.loads(done.stdout)["trials"]) == [
            ("1", "also"),
            ("1", "fine"),
            ("2", "also"),
            ("2", "fine"),
        ]
        assert "every configuration of the search space was tried" in done.stderr
    assert len(started(made)) == 4, "what another search has run is not run again"


def test_all_failed_is_a_no(made: recording.Workspace, run: Invoke) -> None:
    wanted = spec(search_space={"x": {"low": 0, "high": 9}, "kind": "broken"}, population_size=1)
    done = run("sweep", "evolve", write(made, wanted), "--workdir", made.root, *HERE)
    assert done.exit_code == 3 and done.stdout == "no configuration has a fitness: 2 configurations tried, all failed\n"


def test_a_metric_that_no_run_gives_stops_the_search_and_a_corrected_one_runs_nothing_twice(
    made: recording.Workspace, run: Invoke
) -> None:
    done = run("sweep", "evolve", write(made, spec(fitness_metric="scores")), "--workdir", made.root, *HERE)
    assert (
        done.exit_code == 1 and "no run of generation 1 gave the metric scores; they gave other, score" in done.stderr
    )
    assert "did you mean score?" in done.stderr and len(started(made)) == 3
    done = run("sweep", "evolve", write(made, spec(generations=1)), "--workdir", made.root, *HERE)
    assert done.exit_code == 0 and len(started(made)) == 3


def test_another_spec_under_the_same_name_is_refused(made: recording.Workspace, run: Invoke) -> None:
    assert run("sweep", "evolve", write(made, spec(generations=1)), "--workdir", made.root, *HERE).exit_code == 0
    before = study_of(made)
    for changes, options, said in (
        ({"population_size": 4}, (), "begun with another population_size: 3, now 4"),
        ({}, ("--search-seed", "1"), "begun with another search_seed: 0, now 1"),
        ({"fitness_metric": "other"}, (), 'begun with another fitness_metric: "score", now "other"'),
    ):
        done = run("sweep", "evolve", write(made, spec(**changes)), "--workdir", made.root, *HERE, *options)
        assert done.exit_code == 1 and said in done.stderr
    assert study_of(made) == before


def test_a_sweep_that_is_no_search_is_left_alone(made: recording.Workspace, run: Invoke) -> None:
    planned = (
        "sweep",
        "new",
        "find-x",
        "--workdir",
        made.root,
        "--goal",
        "g",
        "--grid",
        "x=1,2",
        "--",
        "python",
        "train.py",
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(made.root)
        assert run(*planned).exit_code == 0
    text = (made.exp / "metadata/sweeps/find-x.yml").read_text()
    done = run("sweep", "evolve", write(made, spec()), "--workdir", made.root, *HERE)
    assert done.exit_code == 1 and "there is a sweep find-x already, and it is no search" in done.stderr
    assert (made.exp / "metadata/sweeps/find-x.yml").read_text() == text


def test_code_that_changes_in_the_middle_ends_the_search_and_original_goes_on(
    made: recording.Workspace, run: Invoke
) -> None:
    assert run("sweep", "evolve", write(made, spec(generations=1)), "--workdir", made.root, *HERE).exit_code == 0
    (made.root / "train.py").write_text(TRAIN + "# changed\n")
    done = run("sweep", "evolve", write(made, spec()), "--workdir", made.root, *HERE)
    assert done.exit_code == 3 and "the code has changed since the sweep find-x was planned: train.py" in done.stderr
    assert "a search compares runs of one code" in done.stderr
    done = run("sweep", "evolve", write(made, spec()), "--workdir", made.root, *HERE, "--code", "original", "--json")
    assert done.exit_code == 0, done.output
    runs = {m["run"]["name"]: m["git"]["code"] for m in made.manifests()}
    assert len(runs) == 6 and len(set(runs.values())) == 1


def begun(made: recording.Workspace, *options: str) -> subprocess.Popen[bytes]:
    words = [
        sys.executable,
        "-m",
        "scaffold",
        "sweep",
        "evolve",
        str(made.root / "spec.json"),
        "--workdir",
        str(made.root),
        *HERE,
        *options,
    ]
    return subprocess.Popen(words, cwd=made.root, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


@pytest.mark.long
def test_killed_at_any_point_it_goes_on_as_if_it_had_not_been(
    made: recording.Workspace, make_workspace: MakeWorkspace, run: Invoke
) -> None:
    wanted = spec(population_size=2)
    words = ["sweep", "evolve", str(write(made, wanted)), "--workdir", str(made.root), *HERE]
    done = subprocess.run(
        [sys.executable, "-m", "tests.sweeps.killed_evolve", *words],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.splitlines()[-1]) >= 5
    assert len(started(made)) == len(set(started(made))) == 4
    other = make_workspace({"train.py": TRAIN, ".gitignore": "started.txt\nspec*\n"}, name="undisturbed")
    assert run("sweep", "evolve", write(other, wanted), "--workdir", other.root, *HERE).exit_code == 0
    assert study_of(made) == study_of(other)


def test_only_one_process_runs_a_search_and_ctrl_c_leaves_the_runs(made: recording.Workspace, run: Invoke) -> None:
    write(made, spec(search_space={"x": {"low": 0, "high": 9}, "pause": 3}, population_size=1, generations=1))
    first = begun(made)
    until(lambda: started(made))
    second = run("sweep", "evolve", made.root / "spec.json", "--workdir", made.root, *HERE)
    assert second.exit_code == 1 and f"the search find-x is run by process {first.pid}" in second.stderr
    first.send_signal(signal.SIGINT)
    _, said = first.communicate(timeout=20)
    assert first.returncode == 130 and b"everything that runs goes on running" in said
    done = run("sweep", "evolve", made.root / "spec.json", "--workdir", made.root, *HERE)
    assert done.exit_code == 0 and len(started(made)) == 1


def test_a_stopped_sweep_has_no_fitness_yet_and_goes_on(made: recording.Workspace, run: Invoke) -> None:
    write(made, spec(search_space={"x": {"low": 0, "high": 9}, "pause": 1.5}, population_size=1, generations=1))
    process = begun(made)
    until(lambda: started(made))
    assert run("sweep", "stop", "find-x", "--workdir", made.root).exit_code == 0
    _, said = process.communicate(timeout=30)
    assert process.returncode == 1 and b"was stopped, so generation 1 has no fitness yet" in said
    assert study_of(made)["closed"] == 0
    done = run("sweep", "evolve", made.root / "spec.json", "--workdir", made.root, *HERE)
    assert done.exit_code == 0 and study_of(made)["trials"][0]["fitness"] is not None
    assert [m["status"] for m in made.manifests()] == ["terminated", "finished"]


@pytest.mark.usefixtures("slurm")
def test_the_same_search_on_slurm(made: recording.Workspace, make_workspace: MakeWorkspace, run: Invoke) -> None:
    found = {}
    for where in ("slurm", "local"):
        place = (
            made
            if where == "slurm"
            else make_workspace({"train.py": TRAIN, ".gitignore": "started.txt\nspec*\n"}, name="b")
        )
        write(place, spec(population_size=2))
        done = run("sweep", "evolve", place.root / "spec.json", "--workdir", place.root, *HERE, "--backend", where)
        assert done.exit_code == 0, done.output
        found[where] = study_of(place)
    assert found["slurm"] == found["local"]


BAD: list[tuple[dict[str, Any] | str, str]] = [
    ("", "line 1: it is no JSON"),
    ("[]", "it must be one JSON object, not []"),
    ("x\n<evo_sweep>\n{,}\n</evo_sweep>", "line 3: it is no JSON"),
    ("<evo_sweep>{}", "<evo_sweep> is not closed"),
    ('{"a": 1, "a": 2}', "a is there twice"),
    ('{"a": NaN}', "NaN is no number that can be searched"),
    (spec(target_script=None), "target_script is missing"),
    (spec(target_script="'x"), "cannot be split into words"),
    (spec(fitness_metric=" "), "fitness_metric is missing"),
    (spec(fitness_direction="up"), 'fitness_direction must be max or min, not "up"'),
    (spec(search_space=[]), "search_space must be an object, not []"),
    (spec(search_space={}), "search_space has nothing to search"),
    (spec(search_space={"x": 1}), "search_space has nothing to search"),
    (spec(search_space={"x": []}), "search_space.x has no values"),
    (spec(search_space={"x": [[1]]}), "search_space.x must have single values, not [1]"),
    (spec(search_space={"x": {"low": 1}}), "search_space.x.high must be a number, not null"),
    (spec(search_space={"x": {"low": True, "high": 2}}), "search_space.x.low must be a number, not true"),
    (spec(search_space={"x": {"low": 1, "high": 10**400}}), "search_space.x.high must be a number, not 1000"),
    ('{"a": 1' + "0" * 5000 + "}", "it cannot be read: Exceeds the limit"),
    (spec(search_space={"x": {"low": 3, "high": 2}}), "search_space.x: low 3 is above high 2"),
    (spec(search_space={"x": {"low": 0, "high": 2, "log": True}}), "needs numbers above 0, not 0"),
    (spec(search_space={"x": {"low": 0, "high": 2, "stpe": 1}}), "search_space.x has an unknown key stpe"),
    (spec(search_space={"--x": [1, 2]}), "a parameter is named without dashes: x, not --x"),
    (spec(search_space={"seed": [1, 2]}), "search_space names the seed"),
    (spec(population_size=0), "population_size must be a whole number from 1 to 10,000, not 0"),
    (spec(generations=2.5), "generations must be a whole number from 1 to 10,000, not 2.5"),
    (spec(top_k="2"), 'top_k must be a whole number from 1 to 10,000, not "2"'),
    (spec(mutation_strength=0), "mutation_strength must be a number above 0 and up to 1, not 0"),
    (spec(timeout_per_run=-1), "timeout_per_run must be a number above 0, not -1"),
    (spec(target_script="no.py"), "target_script no.py is not in"),
    (spec(workdir="no"), "workdir no is no directory below"),
    (spec(search_space={"api_key": ["sk-aaaaaaaaaaaaaaaaaaaa1", "sk-aaaaaaaaaaaaaaaaaaaa2"]}), "looks like a secret"),
]


def test_a_spec_that_cannot_be_meant(made: recording.Workspace, run: Invoke) -> None:
    for wanted, said in BAD:
        done = run("sweep", "evolve", write(made, wanted), "--workdir", made.root)
        assert done.exit_code == 2 and said in done.stderr, (said, done.output)
        assert not list(made.exp.glob("metadata/sweeps/find*")), said


def test_what_the_spec_leaves_out_and_what_is_not_known() -> None:
    found, warnings = parse_search_spec(
        '{"target_script": "a.py -v", "fitness_metric": "acc", "search_space": {"x": [1, 2]}, "populaton_size": 9}'
    )
    assert (found.script, found.direction, found.population, found.generations) == (("a.py", "-v"), "max", 4, 3)
    assert (found.top_k, found.mutation, found.timeout_s, found.workdir) == (2, 0.3, 600, ".")
    assert warnings == ("populaton_size is not known and left out; did you mean population_size?",)
    assert parse_search_spec(json.dumps(found.as_dict()))[0] == found


@pytest.mark.parametrize(
    ("name", "script", "wanted"),
    [
        ("", "src/train.py", "evolve-train"),
        ("LR search/2", "a.py", "LR-search-2"),
        ("", "-m pkg.train", "evolve-pkg"),
        ("ü", "a.py", "evolve"),
    ],
)
def test_the_sweeps_name(name: str, script: str, wanted: str) -> None:
    found, _ = parse_search_spec(json.dumps(spec(sweep_name=name, target_script=script)))
    assert evolve.choose_search_name(found, None) == wanted and evolve.choose_search_name(found, "mine") == "mine"


SPACE = {
    "lr": {"low": 1e-5, "high": 0.1, "log": True},
    "n": {"low": 1, "high": 8},
    "p": {"low": 0.0, "high": 0.5},
    "act": ["a", "b", "c"],
}


@pytest.mark.parametrize("search", ["evolution", "random", "tpe"])
def test_the_same_history_and_seed_give_the_same_proposals_inside_the_space(search: Any) -> None:
    found, _ = parse_search_spec(json.dumps(spec(search_space=SPACE, population_size=20)))
    first = propose_trials(found, (), search=search, seed=1, generation=1)
    history = tuple(
        SearchTrial(number=t.number, generation=1, params=t.params, fitness=float(t.params["n"])) for t in first
    )
    second = propose_trials(found, history, search=search, seed=1, generation=2)
    assert second == propose_trials(found, history, search=search, seed=1, generation=2)
    assert second != propose_trials(found, history, search=search, seed=2, generation=2)
    assert [t.number for t in (*first, *second)] == list(range(40))
    assert len({tuple(t.params.items()) for t in (*first, *second)}) == 40
    for params in (t.params for t in (*first, *second)):
        assert 1e-5 <= float(params["lr"]) <= 0.1 and 0 <= float(params["p"]) <= 0.5
        assert 1 <= int(params["n"]) <= 8 and params["act"] in "abc"
        assert all(len(re.sub(r"e-\d+$|^0\.0*|\.", "", params[key])) <= 6 for key in ("lr", "p"))


def test_a_weak_mutation_stays_near_its_parent_and_a_strong_one_does_not() -> None:
    spread = {}
    for strength in (0.01, 1):
        found, _ = parse_search_spec(
            json.dumps(spec(search_space=SPACE, population_size=50, top_k=1, mutation_strength=strength))
        )
        parent = SearchTrial(
            number=0, generation=1, params={"lr": "0.001", "n": "4", "p": "0.25", "act": "b"}, fitness=1
        )
        children = propose_trials(found, (parent,), search="evolution", seed=0, generation=2)
        assert {t.parent for t in children} == {0}
        spread[strength] = (
            max(abs(float(t.params["p"]) - 0.25) for t in children),
            sum(t.params["act"] != "b" for t in children),
        )
    assert spread[0.01][0] < 0.02 and spread[0.01][1] <= 3
    assert spread[1][0] > 0.2 and spread[1][1] == 50


def test_better_searches_than_luck_find_more() -> None:
    """On a smooth hill with the same number of runs; averaged over seeds."""
    found, _ = parse_search_spec(
        json.dumps(
            spec(
                search_space={"x": {"low": 0.0, "high": 1.0}, "y": {"low": 0.0, "high": 1.0}},
                mutation_strength=0.1,
                population_size=8,
            )
        )
    )
    far: dict[str, float] = {}
    for search in ("evolution", "random", "tpe"):
        far[search] = 0
        for seed in range(6):
            history: tuple[SearchTrial, ...] = ()
            for generation in range(1, 7):
                for t in propose_trials(found, history, search=search, seed=seed, generation=generation):
                    height = -((float(t.params["x"]) - 0.7) ** 2) - (float(t.params["y"]) - 0.2) ** 2
                    history += (SearchTrial(number=t.number, generation=generation, params=t.params, fitness=height),)
            far[search] -= rank_trials(found, history)[0].fitness or 0
    assert far["evolution"] < far["random"] / 2 and far["tpe"] < far["random"]


def run_of(status: str, **metrics: Any) -> SweepRunStatus:
    row = Run("r", 1, "e", status, 1, {}, metrics, None, None, None, None, "", None, 0, None, "h", "o", "p")
    return SweepRunStatus("r", status, row)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "0.5", True, None])
def test_what_is_no_number_is_no_fitness(value: object) -> None:
    trial = SearchTrial(number=0, generation=1, params={})
    found = evolve.score_trial(trial, [run_of("finished", acc=1.0), run_of("finished", acc=value)], "acc")
    assert found.fitness is None and "acc is" in (found.reason or "") and found.values == (1.0,)


def study(*fitness: tuple[float, ...]) -> SearchStudy:
    found, _ = parse_search_spec(json.dumps(spec()))
    trials = tuple(
        SearchTrial(
            number=n, generation=1, params={"x": str(n), "kind": "a"}, fitness=sum(v) / len(v) if v else None, values=v
        )
        for n, v in enumerate(fitness)
    )
    return SearchStudy(name="s", spec=found, search="random", search_seed=0, seeds=(1, 2, 3), trials=trials, closed=1)


def test_words_claim_no_more_than_there_is() -> None:
    close = " ".join(summary.describe_best_trial(study((0.9, 1.0, 1.1), (0.8, 1.0, 1.17), ())))
    assert "the two cannot be told apart" in close and "the best of 2 configurations" in close and "1 failed" in close
    apart = " ".join(summary.describe_best_trial(study((5.0, 5.1, 4.9), (1.0, 1.1, 0.9))))
    assert "Fresh seeds have to confirm it" in apart
    single = " ".join(summary.describe_best_trial(study((5.0,), (1.0,))))
    assert "no claim is made" in single
    assert "partly luck" in close and "partly luck" in apart and "partly luck" in single


def test_the_confirmation_passes_parameters_as_the_search_did() -> None:
    found = study((0.9,))
    one = sweep(style="hydra", seed_option="--rng", experiment="line")
    said = summary.confirmation_command(found, found.trials[0], one)
    assert "--experiment line --style hydra --seed-option=--rng --grid" in said


def test_without_optuna_the_extra_is_named(
    made: recording.Workspace, run: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    done = run("sweep", "evolve", write(made, spec()), "--workdir", made.root)
    assert done.exit_code == 1
    assert (
        "searching needs Optuna, which is not installed" in done.stderr and "experiment-scaffold[search]" in done.stderr
    )
    assert not list(made.exp.glob("metadata/sweeps/find*"))


def test_the_sheet_grows_and_keeps_its_code(made: recording.Workspace, run: Invoke) -> None:
    from tests.sweeps.conftest import there

    run("sweep", "evolve", write(made, spec(generations=1)), "--workdir", made.root, *HERE)
    first = sweep_file.read_sweep(there(made), "find-x")
    run("sweep", "evolve", write(made, spec()), "--workdir", made.root, *HERE)
    second = sweep_file.read_sweep(there(made), "find-x")
    assert second.configurations[:3] == first.configurations and len(second.configurations) == 6
    assert second.code == first.code and second.resources.timeout_s == 600
