"""Which configuration systems the main scripts use."""

from __future__ import annotations

import pytest

from scaffold.conventions.config_systems import detect_config_systems
from scaffold.facts.model import facts_from_texts


@pytest.mark.parametrize(
    ("train", "found"),
    [
        ("import argparse\np = argparse.ArgumentParser()\n", ("argparse",)),
        ("from argparse import ArgumentParser\np = ArgumentParser()\n", ("argparse",)),
        ("import hydra\nfrom omegaconf import DictConfig\n@hydra.main()\ndef main(c): ...\n", ("hydra", "omegaconf")),
        ("import click\n@click.command()\ndef main(): ...\n", ("click",)),
        ("import typer\n", ("typer",)),
        ("import tyro\nargs = tyro.cli(Args)\n", ("tyro",)),
        ("from fire import Fire\nimport gin\nFire(main)\n", ("fire", "gin")),
        ("from absl import app, flags\nfrom ml_collections import config_flags\n", ("absl", "ml_collections")),
        ("from absl import logging\n", ()),
        ("import tensorflow as tf\nflags = tf.app.flags\nflags.DEFINE_string('a', 'b', 'c')\n", ("absl",)),
        ("from transformers import HfArgumentParser\np = HfArgumentParser((A, B))\n", ("hfargparser",)),
        ("from trl import TrlParser\np = TrlParser((A, B))\n", ("hfargparser",)),
        ("from transformers import HfArgumentParser\nclass Parser(HfArgumentParser): ...\n", ("hfargparser",)),
        ("from lightning.pytorch.cli import LightningCLI\nLightningCLI()\n", ("lightning_cli",)),
        ("from yacs.config import CfgNode\n", ("yacs",)),
        ("from mmengine.config import Config\n", ("mmengine",)),
        ("from sacred import Experiment\nex = Experiment()\n", ("sacred",)),
        ("import yaml\nc = yaml.safe_load(open('params.yaml'))\n", ("other",)),
        (
            "import argparse, yaml\np = argparse.ArgumentParser()\nc = yaml.safe_load(open(p.config))\n",
            ("argparse", "other"),
        ),
        ("import hydra, yaml\n@hydra.main()\ndef main(c):\n    yaml.safe_load('x')\n", ("hydra",)),
    ],
)
def test_what_a_train_script_uses(train: str, found: tuple[str, ...]) -> None:
    assert detect_config_systems(facts_from_texts({"train.py": train}), ["train.py"]).value == found


def test_a_shared_module_that_builds_the_parser_counts_and_a_helper_script_does_not() -> None:
    texts = {
        "train.py": "from options import get_args\nimport convert\nargs = get_args()\n",
        "options.py": "import argparse\ndef get_args():\n    return argparse.ArgumentParser().parse_args()\n",
        "convert.py": "import click\nif __name__ == '__main__':\n    main()\n",
    }
    assert detect_config_systems(facts_from_texts(texts), ["train.py"]).value == ("argparse",)


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        ({"train.py": "exec(open('configurator.py').read())\n", "config/a.py": "lr = 0.1\n"}, ("python_files",)),
        ({"train.py": "exec(open('configurator.py').read())\n"}, ()),
        (
            {
                "train.py": "import importlib\nimportlib.import_module(x)\n",
                "configs/get_data.py": "url = 'x'\nfetch(url)\n",
            },
            (),
        ),
        (
            {"train.py": "import importlib\ne = importlib.import_module(f)\n", "exps/a.py": "class Exp: ...\n"},
            ("python_files",),
        ),
    ],
)
def test_python_files_are_configs_where_there_is_a_folder_of_them(
    texts: dict[str, str], found: tuple[str, ...]
) -> None:
    assert detect_config_systems(facts_from_texts(texts), ["train.py"]).value == found


def test_a_snakemake_configfile_is_a_system_of_its_own() -> None:
    found = detect_config_systems(facts_from_texts({"workflow/Snakefile": 'configfile: "config/config.yaml"\n'}), [])
    assert found.value == ("other",)
    assert found.evidence[0].line == 1
