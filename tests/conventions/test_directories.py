"""Which directories play which role, and where experiments live."""

from __future__ import annotations

import pytest

from scaffold.conventions.directories import existing_experiment_dirs, experiment_root, role_dirs
from scaffold.facts.model import facts_from_texts


def roles(texts: dict[str, str]) -> dict[str, tuple[str, ...]]:
    return {role: found.value for role, found in role_dirs(facts_from_texts(texts)).items() if found.value}


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        ({"scripts/train.sh": "x"}, {"scripts": ("scripts",)}),
        ({"tools/train.py": "if __name__ == '__main__':\n    main()\n"}, {"scripts": ("tools",)}),
        ({"pkg/tools/a.py": "if __name__ == '__main__':\n    main()\n", "pkg/tools/__init__.py": ""}, {}),
        ({"runs/a.sh": "x", "runs/b.sh": "x"}, {"scripts": ("runs",)}),
        ({"conf/base.config": "process {}\n"}, {"configs": ("conf",)}),
        ({"tools/geometry.py": "def f(): ...\n", "tools/__init__.py": ""}, {}),
        ({"bench/a.sh": "x", "bench/b.sh": "x"}, {"scripts": ("bench",)}),
        ({"logs/.gitkeep": ""}, {"logs": ("logs",)}),
        (
            {"exp/logs/a.log": "", "exp/analysis/plot.py": "x = 1\n", "exp/metadata/m.json": ""},
            {"logs": ("exp/logs",), "analysis": ("exp/analysis",), "metadata": ("exp/metadata",)},
        ),
        ({"outputs/model.pt": "", "results/a.csv": ""}, {"outputs": ("outputs",), "results": ("results",)}),
        ({"outputs/__init__.py": "", "outputs/writer.py": "def f(): ...\n"}, {}),
        ({"notebooks/a.ipynb": "", "study/b.ipynb": ""}, {"analysis": ("notebooks", "study")}),
        ({"configs/a.yaml": "lr: 1\n", "configs/model/b.yaml": "n: 1\n"}, {"configs": ("configs",)}),
        ({"pkg/configs/a.py": "def get_config(): ...\n"}, {"configs": ("pkg/configs",)}),
        ({"config/train.py": "lr = 0.1\n"}, {"configs": ("config",)}),
        ({"pkg/config/__init__.py": "", "pkg/config/manager.py": "class Manager: ...\n"}, {}),
        ({"tests/configs/a.yaml": "x: 1\n", "docs/scripts/a.sh": "x", "data/logs/a.log": ""}, {}),
        ({"third_party/lib/configs/a.yaml": "x: 1\n"}, {}),
    ],
)
def test_a_role_by_name_and_content(texts: dict[str, str], found: dict[str, tuple[str, ...]]) -> None:
    assert roles(texts) == found


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        ({"exps/yolox_s.py": "class Exp: ...\n"}, ("exps",)),
        (
            {"experiments/m4/a.gin": "", "experiments/m4/main.py": "x = 1\n", "experiments/__init__.py": ""},
            ("experiments",),
        ),
        ({"runs/r1/metrics.json": ""}, ("runs",)),
        ({"experiments/__init__.py": "", "experiments/trainer.py": "class T: ...\n"}, ()),
        ({"checkpoints/evaluate.py": "x = 1\n"}, ()),
        ({"records/a/1.log": "", "records/b/2.log": "", "records/c/3.log": ""}, ("records",)),
        ({"src/experiments/a.yaml": "x: 1\n"}, ()),
        ({"recipes/a.yaml": "x: 1\n"}, ()),
    ],
)
def test_top_level_directories_that_hold_experiments_or_outputs(texts: dict[str, str], found: tuple[str, ...]) -> None:
    assert existing_experiment_dirs(facts_from_texts(texts)).value == found


def test_a_package_with_an_entry_point_holds_experiments() -> None:
    texts = {"experiments/__init__.py": "", "experiments/m4/main.py": "x = 1\n"}
    assert existing_experiment_dirs(facts_from_texts(texts), ["experiments/m4/main.py"]).value == ("experiments",)


@pytest.mark.parametrize(
    ("texts", "root"),
    [
        ({"train.py": "x = 1\n"}, ".wild/experiments"),
        ({"experiments/a.yaml": "x: 1\n"}, ".wild/experiments"),
        ({"src/exp/a.yaml": "x: 1\n"}, ".wild/experiments"),
        ({"exp/logs/a.log": "", "exp/plot.py": "import csv\n"}, "exp"),
        ({"exp/__init__.py": "", "exp/exp_basic.py": "class Exp: ...\n"}, ".wild/experiments"),
        ({"run.py": "from exp.basic import Exp\n", "exp/basic.py": "class Exp: ...\n"}, ".wild/experiments"),
        ({"exp/a/run.py": "from exp.a.model import M\n", "exp/a/model.py": "class M: ...\n"}, "exp"),
    ],
)
def test_the_experiment_root_is_exp_unless_it_is_source(texts: dict[str, str], root: str) -> None:
    assert experiment_root(facts_from_texts(texts)).value == root


def test_the_import_that_makes_exp_source_is_the_evidence() -> None:
    found = experiment_root(
        facts_from_texts({"run.py": "import os\nfrom exp.basic import Exp\n", "exp/basic.py": "class Exp: ...\n"})
    )
    assert [(e.path, e.line, e.text) for e in found.evidence] == [("run.py", 2, "imports exp/basic.py")]
    assert found.lost[0].path == "exp"
