"""How one sets the seed of a script, as one types it."""

from __future__ import annotations

import pytest

from scaffold.conventions.seed_options import seed_flag
from scaffold.facts.model import facts_from_texts

PARSER = "import argparse\np = argparse.ArgumentParser()\np.add_argument('--{}', type=int)\n"


@pytest.mark.parametrize(
    ("train", "flag"),
    [
        (PARSER.format("seed"), "--seed"),
        (PARSER.format("random-seed"), "--random-seed"),
        (PARSER.format("global_seed"), "--global_seed"),
        (PARSER.format("data_seed") + "p.add_argument('-s', '--seed')\n", "--seed"),
        (PARSER.format("seedling"), None),
        ("SEED = 1337\nimport torch\ntorch.manual_seed(SEED)\n", None),
        ("import click\n@click.command()\n@click.option('--seed', type=int)\ndef main(seed): ...\n", "--seed"),
        ("import typer\napp = typer.Typer()\n@app.command()\ndef main(random_seed: int = 0): ...\n", "--random-seed"),
        ("import fire\ndef main(seed=0): ...\nfire.Fire(main)\n", "--seed"),
        ("from absl import flags\nflags.DEFINE_integer('seed', 0, 'x')\n", "--seed"),
        (
            "import tyro\nfrom dataclasses import dataclass\n@dataclass\nclass Args:\n    start_seed: int = 1\na = tyro.cli(Args)\n",
            "--start-seed",
        ),
        (
            "from transformers import HfArgumentParser, TrainingArguments\np = HfArgumentParser((Model, TrainingArguments))\n",
            "--seed",
        ),
        ("from trl import SFTConfig, TrlParser\nclass Mine(SFTConfig): ...\np = TrlParser((A, Mine))\n", "--seed"),
        ("from lightning.pytorch.cli import LightningCLI\nLightningCLI(M)\n", "--seed_everything"),
        ("from jsonargparse import CLI\ndef main(seed: int = 0): ...\nCLI(main)\n", "--seed"),
        ("from jsonargparse import CLI\ndef main(lr: float = 0): ...\nCLI(main)\n", None),
        ("from sacred import Experiment\nex = Experiment('x')\n", "seed="),
        ("seed = 1337\nexec(open('configurator.py').read())\n", "--seed"),
    ],
)
def test_an_option_of_the_script(train: str, flag: str | None) -> None:
    assert seed_flag(facts_from_texts({"train.py": train}), "train.py") == flag


def test_a_parser_that_extends_hugging_faces_takes_the_fields_of_its_classes_and_of_their_bases() -> None:
    texts = {
        "train.py": "from pkg import utils\nfrom pkg.utils import Plus\np = Plus((utils.Config, Model))\n",
        "pkg/__init__.py": "",
        "pkg/utils.py": "from transformers import HfArgumentParser\nfrom dataclasses import dataclass\n"
        "class Plus(HfArgumentParser): ...\n@dataclass\nclass Base:\n    seed: int = 1\n"
        "@dataclass\nclass Config(Base):\n    lr: float = 1\n",
    }
    assert seed_flag(facts_from_texts(texts), "train.py") == "--seed"
    without = {**texts, "pkg/utils.py": texts["pkg/utils.py"].replace("    seed: int", "    size: int")}
    assert seed_flag(facts_from_texts(without), "train.py") is None


@pytest.mark.parametrize(
    ("call", "flag"), [("config.cli()", "--seed"), ("config.get('small')", None), ("tyro.cli(main)", None)]
)
def test_a_script_that_asks_for_a_whole_configuration_takes_its_fields(call: str, flag: str | None) -> None:
    texts = {
        "train.py": f"import tyro\nfrom pkg import config\ndef main(): ...\n{call}\n",
        "pkg/__init__.py": "",
        "pkg/config.py": "import tyro\nfrom dataclasses import dataclass\n@dataclass\nclass Config:\n    seed: int = 1\n"
        "def cli():\n    return tyro.extras.overridable_config_cli(TABLE)\ndef get(name): ...\n",
    }
    assert seed_flag(facts_from_texts(texts), "train.py") == flag


def test_options_that_fairseq_generates_from_a_dataclass() -> None:
    texts = {
        "pkg/cli/train.py": "from pkg import options\nif __name__ == '__main__':\n    options.get_training_parser()\n",
        "pkg/__init__.py": "",
        "pkg/cli/__init__.py": "",
        "pkg/options.py": "import argparse\nfrom pkg.configs import Common\ndef get_training_parser():\n"
        "    gen_parser_from_dataclass(argparse.ArgumentParser(), Common())\n",
        "pkg/configs.py": "from dataclasses import dataclass\n@dataclass\nclass Common:\n    seed: int = 1\n",
    }
    assert seed_flag(facts_from_texts(texts), "pkg/cli/train.py") == "--seed"


def test_a_seed_of_a_structured_configuration_that_a_module_beside_it_stores() -> None:
    texts = {
        "pkg/main.py": "import hydra\nfrom pkg import configs\n@hydra.main(config_name='config')\ndef main(c): ...\n",
        "pkg/__init__.py": "",
        "pkg/configs/__init__.py": "from pkg.configs.config import Config\ncs.store(name='config', node=Config)\n",
        "pkg/configs/config.py": "from dataclasses import dataclass\n@dataclass\nclass Config:\n    seed: int = 1\n",
    }
    assert seed_flag(facts_from_texts(texts), "pkg/main.py") == "seed="


HYDRA = "import hydra\n@hydra.main(config_path='configs', config_name='{}')\ndef main(cfg): ...\n"


@pytest.mark.parametrize(
    ("name", "configs", "flag"),
    [
        ("train.yaml", {"configs/train.yaml": "seed: null\nmodel:\n  seed: 1\n"}, "seed="),
        ("train", {"configs/train.yaml": "trainer:\n  seed: 1\n"}, "trainer.seed="),
        ("eval", {"configs/train.yaml": "seed: 1\n", "configs/eval.yaml": "ckpt: null\n"}, None),
        (
            "train",
            {"configs/train.yaml": "defaults:\n  - train\n", "configs/train/default.yaml": "seed: 1\n"},
            "train.seed=",
        ),
        ("train", {"configs/train.yaml": "# seed: 1\nlr: 0.1\n"}, None),
        (
            "x",
            {"README.md": "```console\n(lab)[repo]$ python run.py --config-name=a training.seed=42\n```\n"},
            "training.seed=",
        ),
        ("x", {"README.md": "```\npython other.py training.seed=42\n```\n"}, None),
    ],
)
def test_a_key_of_the_hydra_configuration(name: str, configs: dict[str, str], flag: str | None) -> None:
    assert seed_flag(facts_from_texts({"run.py": HYDRA.format(name), **configs}), "run.py") == flag


def test_a_key_of_a_config_flag() -> None:
    train = "from ml_collections import config_flags\nconfig_flags.DEFINE_config_file('config')\nrng = key(config.get('seed', 0))\n"
    assert seed_flag(facts_from_texts({"train.py": train}), "train.py") == "--config.seed"


def test_a_nested_dataclass_gives_its_prefix() -> None:
    texts = {
        "train.py": "from pkg.config import parse\ncfg = parse()\n",
        "pkg/config.py": "import tyro\nfrom pkg.debug import Debug\nclass Config:\n    debug: Debug = Debug()\n"
        "def parse():\n    return tyro.cli(Config)\n",
        "pkg/debug.py": "class Debug:\n    seed: int = 0\n",
    }
    assert seed_flag(facts_from_texts(texts), "train.py") == "--debug.seed"


SHARED = """import argparse
def get_args_parser():
    p = argparse.ArgumentParser(add_help=False)
    p.add_argument('--seed')
    return p
"""


@pytest.mark.parametrize(
    ("texts", "flag"),
    [
        (
            {
                "train.py": "import argparse\nfrom gpu import add_gpu_params\np = argparse.ArgumentParser()\nadd_gpu_params(p)\n",
                "gpu.py": "def add_gpu_params(parser):\n    parser.add_argument('--random_seed')\n",
            },
            "--random_seed",
        ),
        (
            {
                "train.py": "from options import get_args_parser\na = get_args_parser().parse_args()\n",
                "options.py": SHARED,
            },
            "--seed",
        ),
        (
            {
                "submit.py": "import argparse\nimport main as trainer\n"
                "p = argparse.ArgumentParser(parents=[trainer.get_args_parser()])\np.add_argument('--nodes')\n",
                "main.py": SHARED + "if __name__ == '__main__':\n    main()\n",
            },
            "--seed",
        ),
        (
            {
                "train.py": "from pkg.train import train\ntrain()\n",
                "pkg/train.py": SHARED + "if __name__ == '__main__':\n    train()\n",
            },
            "--seed",
        ),
        (
            {
                "plot.py": "import argparse\nimport options\np = argparse.ArgumentParser()\np.add_argument('--out')\n",
                "options.py": SHARED,
            },
            None,
        ),
        (
            {"tool.py": "from other import helper\n", "other.py": SHARED + "if __name__ == '__main__':\n    go()\n"},
            None,
        ),
    ],
)
def test_an_option_taken_over_from_another_module(texts: dict[str, str], flag: str | None) -> None:
    assert seed_flag(facts_from_texts(texts), next(iter(texts))) == flag


@pytest.mark.parametrize(
    ("texts", "flag"),
    [
        (
            {
                "train.py": "import yaml\nparams = yaml.safe_load(open('params.yaml'))['train']\nseed = params['seed']\n",
                "params.yaml": "prepare:\n  seed: 1\ntrain:\n  seed: 2\n",
            },
            "config:train.seed",
        ),
        (
            {
                "train.py": "import elements\nimport ruamel.yaml as yaml\n"
                "c = yaml.YAML(typ='safe').load(t)\nc = elements.Flags(c).parse(argv)\n",
                "configs.yaml": "defaults:\n  seed: 0\n  use_seed: 1\nsmall:\n  size: 1\n",
            },
            "--seed",
        ),
        (
            {
                "train.py": "from mmengine.config import Config\nc = Config.fromfile(args.config)\n",
                "configs/base.py": "randomness = dict(seed=None, deterministic=False)\n",
            },
            "config:randomness.seed",
        ),
        (
            {
                "train.py": "from pkg.a import load_all\n",
                "pkg/__init__.py": "",
                "pkg/a.py": "from pkg.b import load_all\n",
                "pkg/b.py": "import yaml\nfrom pkg.c import Args\nx = yaml.safe_load(f)\n",
                "pkg/c.py": "from dataclasses import dataclass\n@dataclass\nclass Args:\n    seed: int = 1\n",
                "a.yml": "seed: 1\n",
            },
            "config:seed",
        ),
        ({"train.py": "import yaml\ncfg = yaml.safe_load(f)\nx = cfg['lr']\n", "c.yaml": "lr: 1\n"}, None),
        (
            {"train.py": "from omegaconf import OmegaConf\nc = OmegaConf.from_cli()\n", "conf/a.yaml": "seed: 1\n"},
            "seed=",
        ),
    ],
)
def test_a_seed_that_a_file_sets(texts: dict[str, str], flag: str | None) -> None:
    assert seed_flag(facts_from_texts(texts), "train.py") == flag


@pytest.mark.parametrize(
    ("script", "flag"),
    [
        ('torchrun train.py --lr 1 "$@"\n', "--seed"),
        ("torchrun train.py --lr 1\n", None),
        ('python -m train "$@"\n', "--seed"),
    ],
)
def test_a_shell_script_hands_its_arguments_on(script: str, flag: str | None) -> None:
    assert seed_flag(facts_from_texts({"run.sh": script, "train.py": PARSER.format("seed")}), "run.sh") == flag


ARGUMENTS = "import argparse\np = argparse.ArgumentParser()\n"
SETS = "if __name__ == '__main__':\n    loss.backward()\n"


@pytest.mark.parametrize(
    ("texts", "flag"),
    [
        # parsers that are built in functions, here and elsewhere
        (
            {
                "train.py": "import argparse\ndef get_args():\n    p = argparse.ArgumentParser()\n    p.add_argument('--seed')\n"
                + SETS
            },
            "--seed",
        ),
        (
            {
                "train.py": "from opts import get_args\nargs = get_args()\n" + SETS,
                "opts.py": "import argparse\ndef get_args():\n    p = argparse.ArgumentParser()\n    p.add_argument('--seed')\n",
            },
            "--seed",
        ),
        (
            {
                "train.py": "import argparse\np = argparse.ArgumentParser()\np.add_argument('--data_random_seed')\n"
                + SETS
            },
            "--data_random_seed",
        ),
        (
            {
                "train.py": "import argparse\np = argparse.ArgumentParser()\np.add_argument('--model-init-seed')\n"
                + SETS
            },
            "--model-init-seed",
        ),
        (
            {
                "train.py": "import argparse\nfrom dataclasses import dataclass, fields\n@dataclass\nclass Config:\n    seed: int = 0\n"
                "p = argparse.ArgumentParser()\nfor f in fields(Config):\n    p.add_argument(f'--{f.name}', type=f.type)\n"
                + SETS
            },
            "--seed",
        ),
        # Hydra: the defaults list, groups of groups, packages
        (
            {
                "train.py": "import hydra\n@hydra.main(config_path='conf', config_name='main')\ndef main(cfg): ...\n"
                + SETS,
                "conf/main.yaml": "defaults:\n  - trainer: gpu\n  - _self_\nlr: 1\n",
                "conf/trainer/gpu.yaml": "seed: 1\n",
            },
            "trainer.seed=",
        ),
        (
            {
                "train.py": "import hydra\n@hydra.main(config_path='conf', config_name='main')\ndef main(cfg): ...\n"
                + SETS,
                "conf/main.yaml": "defaults:\n  - experiment: base\n",
                "conf/experiment/base.yaml": "# @package _global_\ndefaults:\n  - /run: plain\n",
                "conf/run/plain.yaml": "random_seed: 1\n",
            },
            "run.random_seed=",
        ),
        (
            {
                "train.py": "import hydra\n@hydra.main(config_path='conf', config_name='main')\ndef main(cfg): ...\n"
                + SETS,
                "conf/main.yaml": "defaults:\n  - actor@worker.actor: small\n",
                "conf/actor/small.yaml": "defaults:\n  - base\nwidth: 1\n",
                "conf/actor/base.yaml": "seed: 1\n",
            },
            "worker.actor.seed=",
        ),
        # trees of dataclasses and pydantic models
        (
            {
                "train.py": "import tyro\nfrom cfg import Config\ncfg = tyro.cli(Config)\n" + SETS,
                "cfg.py": "from dataclasses import dataclass\n@dataclass\nclass Run:\n    seed: int = 0\n"
                "@dataclass\nclass Config:\n    run: Run\n",
            },
            "--run.seed",
        ),
        (
            {
                "train.py": "from pydantic_settings import BaseSettings, CliApp\nclass Settings(BaseSettings):\n    seed: int = 0\n"
                "CliApp.run(Settings)\n" + SETS
            },
            "--seed",
        ),
        (
            {
                "train.py": "from trl import DPOConfig, ScriptArguments, TrlParser\ndataclass_types = (ScriptArguments, DPOConfig)\n"
                "parser = TrlParser(dataclass_types)\n" + SETS
            },
            "--seed",
        ),
        # a key that only a file sets
        (
            {
                "train.py": "import yaml\nconfig = yaml.safe_load(open('c.yaml'))\nset_seed(config.get('seed', 0))\n"
                + SETS,
                "c.yaml": "seed: 1\n",
            },
            "config:seed",
        ),
        (
            {
                "train.py": "from yacs.config import CfgNode\ncfg.merge_from_file(args.config)\nset_seed(cfg.SEED)\n"
                + SETS,
                "configs/a.yaml": "SEED: 1\n",
            },
            "config:SEED",
        ),
    ],
)
def test_seeds_behind_many_kinds_of_doors(texts: dict[str, str], flag: str) -> None:
    assert seed_flag(facts_from_texts(texts), "train.py") == flag


@pytest.mark.parametrize(
    "text",
    [
        "x = config.get('seeding')\n",
        ARGUMENTS + "p.add_argument('--seed-file')\n",
        "reseed = 1\n",
        "cfg.get('lr')\n",
    ],
)
def test_what_only_sounds_like_a_seed_is_none(text: str) -> None:
    assert seed_flag(facts_from_texts({"train.py": text + SETS}), "train.py") is None


YACS_MAIN = "from config import get_config\nif __name__ == '__main__':\n    get_config().merge_from_list(opts)\n"


@pytest.mark.parametrize(
    ("defaults", "flag"),
    [
        ("_C.SEED = 1", "config:SEED"),
        ("_C.TRAIN = CN()\n_C.TRAIN.SEED = 0", "config:TRAIN.SEED"),
        ("_C.RNG_SEED = 2", "config:RNG_SEED"),
        ("cfg.SEED = -1", "config:SEED"),
        ("_C.DATA.SEED = 3\n_C.SEED = 1", "config:SEED"),
        ("__C.TRAIN.RANDOM_SEED = 3", "config:TRAIN.RANDOM_SEED"),
        ("_C.LR = 0.1", None),
        ("if _C.SEED == 1: pass", None),
    ],
)
def test_the_defaults_of_yacs_have_a_seed(defaults: str, flag: str | None) -> None:
    config = f"from yacs.config import CfgNode as CN\n_C = CN()\n{defaults}\ndef get_config():\n    return _C\n"
    assert seed_flag(facts_from_texts({"train.py": YACS_MAIN, "config.py": config}), "train.py") == flag
