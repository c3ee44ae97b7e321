"""Entry points that a researcher would name first, and those that are none, in small trees of many kinds."""

from __future__ import annotations

import pytest

from scaffold.conventions.detect_all import derive_conventions
from scaffold.conventions.script_kinds import script_kind
from scaffold.facts.model import facts_from_texts

LOOP = "import torch\n\nclass Net(torch.nn.Module):\n    pass\n\nnet = Net()\nfor step in range(100):\n    loss.backward()\n"
GUARDED = "if __name__ == '__main__':\n    loss.backward()\n"
NOTEBOOK = '{"cells": [{"cell_type": "code", "source": ["for x in data:\\n", "    loss.backward()\\n"]}]}'


def entries(texts: dict[str, str]) -> list[str]:
    return [e.path for e in derive_conventions(facts_from_texts(texts)).entry_points]


@pytest.mark.parametrize(
    "text",
    [
        LOOP,
        LOOP.replace("for step in range(100):", "while True:"),
        "class A: pass\nimport jax\nfor i in range(3):\n    g = jax.value_and_grad(f)(x)\n",
        "class Net: pass\nepochs = 3\nfor epoch in range(epochs):\n    for x in data:\n        optimizer.step()\n",
        "def get(): ...\nclass M: pass\nm = M()\nfor e in range(2):\n    m.train()\n    loss.backward()\n",
        "class Data: pass\nmodel.fit(x)\nfor r in range(3):\n    model.fit(x)\n",
    ],
)
def test_a_class_and_a_loop_at_the_top_level_are_a_script(text: str) -> None:
    assert entries({"gpt.py": text, "names.txt": "a"}) == ["gpt.py"]


def test_a_module_of_classes_is_none() -> None:
    assert entries({"net.py": LOOP.partition("net = ")[0]}) == []
    assert entries({"net.py": LOOP, "main.py": "from net import Net\n" + GUARDED}) == ["main.py"]


def test_a_notebook_is_offered_where_nothing_else_trains() -> None:
    found = derive_conventions(
        facts_from_texts({"nb/train_it.ipynb": NOTEBOOK, "docs/x.ipynb": NOTEBOOK, "plot.py": "print(1)\n"})
    )
    first = found.entry_points[0]
    assert (first.path, first.kind) == ("nb/train_it.ipynb", "train")
    assert (
        first.command == "jupyter nbconvert --to notebook --execute --output-dir '{RUN_OUTPUT_DIR}' nb/train_it.ipynb"
    )
    assert entries({"train_it.ipynb": NOTEBOOK, "train.py": GUARDED}) == ["train.py"]


@pytest.mark.parametrize(
    "dead",
    [
        "train_old.py",
        "old/train.py",
        "train_backup.py",
        "template/train.py",
        "train.bak.py",
        "deprecated/train.py",
        "legacy/train.py",
        "train_copy.py",
        "archive/train.py",
        "skeleton_train.py",
    ],
)
def test_skeletons_and_dead_copies_rank_behind_the_real_one(dead: str) -> None:
    script = "import argparse\np = argparse.ArgumentParser()\n" + GUARDED
    found = entries({dead: script, "src/fit_model.py": script, "README.md": f"```\npython {dead}\n```\n"})
    assert found[0] == "src/fit_model.py"


@pytest.mark.parametrize(
    "name", ["train_a_big_model_on_many_gpus.py", "run_my_very_long_training.py", "fine_tune_on_my_data_set.py"]
)
def test_underscores_cost_a_script_nothing_to_speak_of(name: str) -> None:
    assert entries({name: GUARDED, "evaluate.py": GUARDED.replace("loss.backward()", "print(1)")})[0] == name


@pytest.mark.parametrize(
    "name", ["tensorboard.sh", "start_tensorboard.sh", "scripts/tensorboard.sh", "jupyter.sh", "monitor.sh"]
)
def test_what_shows_results_comes_behind_what_makes_them(name: str) -> None:
    texts = {name: "tensorboard --logdir runs\npython show.py\n", "show.py": "print(1)\n", "fit.py": GUARDED}
    assert entries({**texts, "README.md": f"```\nbash {name}\n```\n"})[0] == "fit.py"


@pytest.mark.parametrize(
    "loader",
    [
        'import importlib\nm = importlib.import_module(f"agents.{name}")\n',
        "import importlib\nm = importlib.import_module('agents.' + name)\n",
        'm = __import__("agents." + name)\n',
    ],
)
def test_a_module_that_is_loaded_by_its_name_is_no_script(loader: str) -> None:
    texts = {"agents/ppo.py": "import x\nregister(x)\nfor a in b:\n    a.train()\n", "main.py": loader + GUARDED}
    assert entries(texts) == ["main.py"]


def test_a_module_of_a_package_with_a_test_of_itself_is_no_script() -> None:
    texts = {
        "lib/__init__.py": "",
        "lib/model.py": "x = 1\nif __name__ == '__main__':\n    print(x)\n",
        "train.py": GUARDED,
    }
    assert entries(texts) == ["train.py"]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("main_generation.py", "other"),
        ("main_sampling.py", "other"),
        ("main_demo.py", "other"),
        ("main_export.py", "other"),
        ("main_pretrain.py", "train"),
        ("main_sac.py", "train"),
        ("main_eval.py", "eval"),
    ],
)
def test_a_main_script_is_for_what_its_name_says(path: str, kind: str) -> None:
    assert script_kind(facts_from_texts({path: "x = 1\n"}), path) == kind


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ({"Snakefile": 'rule a:\n    conda: "envs/a.yaml"\n'}, "snakemake --cores all --use-conda"),
        (
            {
                "workflow/Snakefile": "include: 'rules/a.smk'\n",
                "workflow/rules/a.smk": "rule a:\n    conda: 'x.yaml'\n",
            },
            None,
        ),
        ({"Snakefile": "rule a:\n    shell: 'true'\n"}, "snakemake --cores all"),
        ({"main.nf": "process A {}\n"}, "nextflow run main.nf"),
        (
            {"main.nf": "process A {}\n", "nextflow.config": "profiles {\n  docker {\n  }\n  conda {\n  }\n}\n"},
            "nextflow run main.nf -profile '[choice: -profile, one of docker, conda]'",
        ),
        (
            {
                "main.nf": "process A {}\n",
                "nextflow.config": "profiles {\n    test { }\n    singularity { x = 1 }\n}\n",
            },
            "nextflow run main.nf -profile '[choice: -profile, such as singularity]'",
        ),
    ],
)
def test_the_environments_of_workflows_are_used(texts: dict[str, str], expected: str | None) -> None:
    (entry,) = derive_conventions(facts_from_texts(texts)).entry_points
    assert entry.command == (expected or "snakemake --cores all --use-conda")
