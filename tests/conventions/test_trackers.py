"""Which experiment trackers the code logs to."""

from __future__ import annotations

import pytest

from scaffold.conventions.trackers import detect_trackers
from scaffold.facts.model import facts_from_texts


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        ({"train.py": "import wandb\n"}, ("wandb",)),
        (
            {"train.py": "def f():\n    try:\n        import wandb\n    except ImportError:\n        wandb = None\n"},
            ("wandb",),
        ),
        ({"train.py": "from torch.utils.tensorboard import SummaryWriter\n"}, ("tensorboard",)),
        ({"train.py": "from lightning.pytorch.loggers import WandbLogger, MLFlowLogger\n"}, ("mlflow", "wandb")),
        ({"train.py": "import tensorflow as tf\nw = tf.summary.create_file_writer('logs')\n"}, ("tensorboard",)),
        ({"train.py": "import tensorflow as tf\nc = tf.keras.callbacks.TensorBoard('logs')\n"}, ("tensorboard",)),
        ({"train.py": "from transformers.integrations import WandbCallback, NeptuneCallback\n"}, ("neptune", "wandb")),
        (
            {"train.py": "from accelerate.tracking import CometMLTracker\nfrom x import DVCLiveLogger\n"},
            ("comet", "dvclive"),
        ),
        ({"train.py": "from comet_ml import Experiment\nimport aim\n"}, ("aim", "comet")),
        ({"train.py": "args = TrainingArguments(report_to=['wandb', 'tensorboard'])\n"}, ("tensorboard", "wandb")),
        ({"train.py": "import pl\nl = pl.loggers.TensorBoardLogger('logs')\n"}, ("tensorboard",)),
        ({"train.py": "import elements\no = elements.logger.WandBOutput(name)\n"}, ("wandb",)),
        ({"train.py": "a = Accelerator(log_with='trackio')\n"}, ("trackio",)),
        ({"recipes/sft.yaml": "report_to:\n- wandb\n- tensorboard\n"}, ("tensorboard", "wandb")),
        ({"configs/logger/w.yaml": "w:\n  _target_: lightning.pytorch.loggers.wandb.WandbLogger\n"}, ("wandb",)),
        (
            {"configs/l.yaml": "a: !custom\n  _type_: catalyst.loggers.tensorboard.TensorboardLogger\n"},
            ("tensorboard",),
        ),
        ({"run.sh": "accelerate launch train.py --report_to wandb\n"}, ("wandb",)),
        ({"train.py": "import swanlab, visdom, clearml\n"}, ("clearml", "swanlab", "visdom")),
    ],
)
def test_a_use_is_an_import_a_logger_class_or_report_to(texts: dict[str, str], found: tuple[str, ...]) -> None:
    assert detect_trackers(facts_from_texts(texts)).value == found


@pytest.mark.parametrize(
    "texts",
    [
        {"train.py": "# import wandb\nprint(1)\n"},
        {"train.py": 'HELP = "import wandb"\n"""\nimport wandb\n"""\n'},
        {"third_party/lib/train.py": "import wandb\n"},
        {"requirements.txt": "wandb\n"},
        {"README.md": "Log in with `wandb login`.\n"},
        {"configs/logger/w.yaml": "# _target_: lightning.pytorch.loggers.wandb.WandbLogger\na: 1\n"},
        {"tests/test_log.py": "import wandb\n"},
        {"train.py": "import claims\nfrom trainset import x\n"},
        {"train.py": "args = TrainingArguments(report_to='none')\n"},
        {"docs/conf.yaml": "report_to: wandb\n"},
        {"environment.yml": "dependencies:\n  - tensorboard\n  - python-json-logger\n"},
    ],
)
def test_a_mention_is_no_use(texts: dict[str, str]) -> None:
    assert detect_trackers(facts_from_texts(texts)).value == ()


def test_evidence_is_the_line_of_the_import() -> None:
    [evidence] = detect_trackers(facts_from_texts({"train.py": "import os\n\nimport wandb  # tracking\n"})).evidence
    assert (evidence.path, evidence.line, evidence.text) == ("train.py", 3, "import wandb  # tracking")


def test_examples_speak_only_where_there_is_nothing_else() -> None:
    example = {"examples/demo.py": "import neptune\n"}
    assert detect_trackers(facts_from_texts(example)).value == ("neptune",)
    assert detect_trackers(facts_from_texts({**example, "train.py": "import wandb\n"})).value == ("wandb",)


def test_a_requirement_and_a_commented_import_are_told_as_what_lost() -> None:
    texts = {
        "train.py": "import wandb\n# import mlflow\n",
        "requirements.txt": "torch\ntensorboard==2.1\nwandb\ntensorboard-data-server\n",
    }
    found = detect_trackers(facts_from_texts(texts))
    assert found.value == ("wandb",)
    assert [(e.path, e.line, e.text) for e in found.lost] == [
        ("requirements.txt", 2, "tensorboard: only a requirement"),
        ("train.py", 2, "mlflow: a commented import"),
    ]


@pytest.mark.parametrize(
    ("text", "tracker"),
    [
        ("import importlib\nwandb = importlib.import_module('wandb')\n", "wandb"),
        ("wandb = __import__('wandb') if use else None\n", "wandb"),
        ("from importlib import import_module\nw = import_module('torch.utils.tensorboard')\n", "tensorboard"),
        ("TrainingArguments(report_to='wandb' if use else 'none')\n", "wandb"),
        ("Accelerator(log_with='trackio' if args.log else None)\n", "trackio"),
        ("if use:\n    import mlflow\nelse:\n    mlflow = None\n", "mlflow"),
        ("logger = WandbLogger() if use else None\nfrom lightning.pytorch.loggers import WandbLogger\n", "wandb"),
    ],
)
def test_trackers_behind_conditions_and_importlib(text: str, tracker: str) -> None:
    assert detect_trackers(facts_from_texts({"train.py": text})).value == (tracker,)
