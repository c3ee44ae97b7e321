"""Files that the cheap first look passes over: parsing them would not have changed the answer."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from scaffold.conventions import launchers, metrics, model, trackers
from scaffold.conventions.detected import DetectedValue
from scaffold.conventions.risks import find_repository_risks
from scaffold.conventions.script_kinds import is_training_code, may_be_training_code
from scaffold.conventions.script_ranking import rank_scripts
from scaffold.facts import Facts
from scaffold.facts.model import facts_from_texts

SPEAKING = [
    "import wandb\n",
    "import os, \\\n    wandb\n",
    "from torch.utils \\\n    import tensorboard\n",
    "from torch.utils import (  # the logger (ours)\n    data,\n    tensorboard,\n)\n",
    "def main():\n\tif use: import aim; aim.Run()\n",
    "try:\r\n    import mlflow\r\nexcept ImportError:\r\n    pass\r\n",
    "from lightning.pytorch.loggers import CSVLogger as C, CometLogger as D\n",
    "from lib import (\n    VisdomLogger\n)\n",
    "import tensorflow as tf\nw = tf.summary.\\\n    create_file_writer('x')\n",
    "callbacks = [tf.keras.callbacks.TensorBoard('logs')]\n",
    "args = TrainingArguments(report_to=['wandb', 'none'])\n",
    "acc = Accelerator(log_with='tensorboard')\n",
    "# café déjà vu ünï 数\nimport clearml\n",
    "#import neptune\n# from comet_ml import Experiment\n",
    "import submitit\n",
    "from torch.distributed import run\n",
    "import sky.jobs\n",
    '"""Start it.\n\n    torchrun --nproc_per_node=2 train.py\n"""\n',
    "import subprocess\nsubprocess.run(['sbatch', 'job.sh'])\n",
    "shell.run('srun python train.py')\n",
    "os.system('mpirun -n 4 python x.py')\n",
    "notebook_launcher(main, args=())\n",
    "# a comment\n\n'Start it: `srun python train.py`'\nx = 1\n",
    '#!/usr/bin/env python\nr"""Start it.\n\n    srun python train.py \\""" x\n"""\n',
    "c.run ('sbatch job.sh')\n",
    "subprocess.Popen(['deepspeed', 'x.py'])\nos.popen('kubectl apply')\n",
    "subprocess.check_call('accelerate launch x.py', shell=True)\n",
    "logger.log({'val/loss': 1})\n",
    "self.log('val/acc', 1)\n",
    "writer.add_scalars('val/loss', {})\n",
    "metrics['test_acc'] = 1\n",
    'summary["val/loss"] = 2\n',
    "json.dump({'accuracy': acc}, f)\n",
    "live.log_metric('val/map', 1)\n",
    "experiment.measure('val/f1', 1)\n",
]
SILENT = [
    "x = 1\n",
    "def wandb(): ...\n",
    "text = 'import nothing of interest'\n",
    "import numpy as np\n\n\ndef f(a):\n    return a / 2\n",
    "print 'no Python 3'\n",
    "from . import b\n",
    "",
]


def subjects(facts: Facts) -> list[DetectedValue[tuple[str, ...]]]:
    return [ask(facts) for ask in (trackers.detect_trackers, launchers.detect_launchers, metrics.detect_metric_names)]


def unhurried(monkeypatch: pytest.MonkeyPatch, facts: Facts) -> list[DetectedValue[tuple[str, ...]]]:
    """The same subjects where every file is parsed."""

    def every(self: Facts, _words: Iterable[str], among: Iterable[str]) -> list[str]:
        return [p for p in among if p in self.texts]

    with monkeypatch.context() as patched:
        patched.setattr(Facts, "files_mentioning", every)
        patched.setattr(Facts, "files_importing", every)
        patched.setattr(launchers, "_may_start", lambda _path, _text: True)
        patched.setattr(metrics, "may_log_metrics", lambda _text: True)
        return subjects(facts)


@pytest.mark.parametrize("text", SPEAKING)
def test_a_file_that_speaks_is_heard(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    found = subjects(facts_from_texts({"a.py": text, "b.py": SILENT[0]}))
    assert found == unhurried(monkeypatch, facts_from_texts({"a.py": text, "b.py": SILENT[0]}))
    assert any(f.value or f.lost for f in found)


def test_what_is_passed_over_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {f"m{n}.py": text for n, text in enumerate([*SPEAKING, *SILENT])}
    facts = facts_from_texts(texts)
    assert subjects(facts) == unhurried(monkeypatch, facts_from_texts(texts))
    passed_over = [p for p in texts if facts.parsed_before(p) is None]
    assert {texts[p] for p in passed_over} == set(SILENT)


def test_many_modules_that_do_nothing_of_interest_are_not_parsed() -> None:
    texts = {
        f"lib/m{n}.py": "import numpy as np\n\n\nclass A:\n    def f(self, x):\n        return x / 2\n"
        for n in range(50)
    }
    facts = facts_from_texts(
        {**texts, "train.py": "import wandb\nif __name__ == '__main__':\n    wandb.log({'loss': 1})\n"}
    )
    rank_scripts(facts)
    subjects(facts)
    find_repository_risks(facts, (), model.RepositoryEnvironment(), model.RepositoryTests())
    assert [p for p in facts.texts if facts.parsed_before(p) is not None] == ["train.py"]


@pytest.mark.parametrize(
    "text", ["for x in y:\n    pass\n", "import a\nmain()\n", "import a\n\nwith a.b():\n    c()\n"]
)
def test_work_at_the_top_level_makes_a_script_on_whatever_line_it_begins(text: str) -> None:
    assert [s.path for s in rank_scripts(facts_from_texts({"go.py": text}))] == ["go.py"]


@pytest.mark.parametrize(
    ("text", "may", "does"),
    [
        ("loss.backward()", True, True),
        ("optimiser.step()", False, True),
        ("optimizer.step()", True, True),
        ("optimiser.minimize(x)", True, False),
        ("model.fit(x)", True, False),
        ("my_trainer.fit(x)", True, True),
        ("Trainer2.train()", True, True),
        ("train(x)", True, False),
        ("retrain(x)", False, False),
        ("jax.value_and_grad(f)", True, True),
        ("hvalue_and_grad(f)", False, True),
        ("x = 1", False, False),
    ],
)
def test_what_looks_like_training(text: str, may: bool, does: bool) -> None:
    assert (may_be_training_code(text), is_training_code(text)) == (may, does)


@pytest.mark.parametrize(
    "line", ["\tcd /home/ann/data", "/scratch/ann/run.sh", "x='/mnt/data'", "A=/data/x python a.py"]
)
def test_absolute_paths_are_found_wherever_a_word_may_begin(line: str) -> None:
    found = find_repository_risks(
        facts_from_texts({"run.sh": f"{line}\n"}), (), model.RepositoryEnvironment(), model.RepositoryTests()
    )
    assert any("hard-coded absolute paths: run.sh:1" in text for text in found.value)
