"""Which scripts one runs, most important first, what for, and how."""

from __future__ import annotations

import pytest

from scaffold.conventions.baseline_command import build_baseline_command
from scaffold.conventions.script_kinds import script_kind
from scaffold.conventions.script_ranking import rank_scripts
from scaffold.facts.model import facts_from_texts

MAIN = "import argparse\nif __name__ == '__main__':\n    argparse.ArgumentParser().parse_args()\n"
LOOP = MAIN + "    loss.backward()\n"


def ranked(texts: dict[str, str]) -> list[str]:
    return [s.path for s in rank_scripts(facts_from_texts(texts))]


def command(texts: dict[str, str], path: str) -> str:
    facts = facts_from_texts(texts)
    return build_baseline_command(facts, next(s for s in rank_scripts(facts) if s.path == path))[0]


def test_a_train_script_comes_before_helpers_and_deep_ones() -> None:
    texts = {"train.py": LOOP, "tools/plot_curves.py": MAIN, "a/b/c/train.py": LOOP, "eval.py": MAIN}
    assert ranked(texts) == ["train.py", "a/b/c/train.py", "eval.py", "tools/plot_curves.py"]


def test_the_script_that_the_readme_runs_comes_first() -> None:
    texts = {"train_a.py": LOOP, "train_b.py": LOOP, "README.md": "```bash\npython train_b.py --lr 1\n```\n"}
    [first, *_] = rank_scripts(facts_from_texts(texts))
    assert (first.path, first.reasons) == (
        "train_b.py",
        ("has a main guard", "reads the command line", "trains", "the README runs it"),
    )


@pytest.mark.parametrize(
    "texts",
    [
        {"tests/test_train.py": MAIN},
        {"docs/conf.py": MAIN},
        {"third_party/x/train.py": MAIN},
        {"node_modules/x/train.py": MAIN},
        {".hidden/train.py": MAIN},
        {"setup.py": "from setuptools import setup\nsetup()\n"},
        {"model.py": "class Model: ...\n"},
        {"config/train.py": "lr = 0.1\n", "README.md": "`python train.py config/train.py`\n"},
        {"docker/install.sh": "apt-get install python3\n"},
    ],
)
def test_what_is_no_script(texts: dict[str, str]) -> None:
    assert ranked(texts) == []


def test_a_script_without_a_main_guard_works_at_its_top_level_and_is_imported_by_nobody() -> None:
    texts = {
        "train.py": "import model\nfor step in range(10):\n    loss.backward()\n",
        "model.py": "for n in range(3):\n    print(n)\n",
        "sample.py": "exec(open('configurator.py').read())\nprint(1)\n",
        "configurator.py": "for arg in sys.argv:\n    globals()[arg] = 1\n",
    }
    assert ranked(texts) == ["train.py", "sample.py"]


MODULE = "class Data:\n    '''Handed to trainer.fit().'''\n\nif __name__ == '__main__':\n    Data()\n"


@pytest.mark.parametrize(
    "config",
    ["_target_: lib.mnist.Data\n", "data:\n  class_path: lib.mnist.Data\n", 'x: {"_target_": "lib.mnist.Data"}\n'],
)
def test_a_module_that_a_configuration_builds_is_no_script_for_its_main_guard(config: str) -> None:
    texts = {"src/lib/mnist.py": MODULE, "evaluate.py": MAIN, "configs/data/mnist.yaml": config}
    assert ranked(texts)[0] == "evaluate.py"
    assert ranked({**texts, "README.md": "```\npython src/lib/mnist.py\n```\n"})[0] == "src/lib/mnist.py"
    assert ranked({**texts, "configs/data/mnist.yaml": "name: mnist\n"})[0] == "src/lib/mnist.py"


def test_a_data_module_prepares_data_and_trains_nothing() -> None:
    found = {
        s.path: s.kind
        for s in rank_scripts(facts_from_texts({"mnist_datamodule.py": MODULE, "data_module.py": MODULE}))
    }
    assert found == {"mnist_datamodule.py": "preprocess", "data_module.py": "preprocess"}


def test_no_kind_takes_all_places() -> None:
    texts = {f"train_{n}.py": LOOP for n in range(20)} | {"evaluate.py": MAIN, "prepare_data.py": MAIN}
    first = ranked(texts)[:12]
    assert len(first) == 12
    assert {"evaluate.py", "prepare_data.py"} <= set(first)


def test_a_batch_script_and_a_launching_shell_script_are_entry_points() -> None:
    texts = {
        "train.py": LOOP,
        "jobs/train.sbatch": "#!/bin/bash\n#SBATCH -p gpu\nsrun python train.py\n",
        "run.sh": "python train.py\n",
    }
    assert set(ranked(texts)) == {"train.py", "jobs/train.sbatch", "run.sh"}


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        ("python -m app.main --fname configs/pretrain/vit.yaml", "train"),
        ("python -m app.main finetune_lora --lr 1", "train"),
        ("python -m app.main --mode evaluate", "eval"),
        ("python -m app.main --constrain 1", "other"),
    ],
)
def test_a_script_whose_name_says_nothing_is_for_what_its_command_asks(command: str, kind: str) -> None:
    texts = {"app/main.py": MAIN, "README.md": f"```bash\n{command}\n```\n"}
    assert [s.kind for s in rank_scripts(facts_from_texts(texts))] == [kind]


def test_a_shell_script_is_for_what_it_starts() -> None:
    texts = {
        "run_a.sh": "python train.py --lr 1\n",
        "run_b.sh": "python evaluate.py\n",
        "train.py": LOOP,
        "evaluate.py": MAIN,
    }
    texts |= {"all.sh": "python prepare_data.py\npython evaluate.py\npython train.py\n", "prepare_data.py": MAIN}
    found = {s.path: s.kind for s in rank_scripts(facts_from_texts(texts))}
    assert (found["run_a.sh"], found["run_b.sh"], found["all.sh"]) == ("train", "eval", "train")


def test_a_program_for_many_things_is_shown_with_what_it_is_for() -> None:
    readme = "```bash\npython -m lit serve model\npython -m lit finetune_lora model\n```\n"
    texts = {"lit/__main__.py": MAIN, "README.md": readme}
    assert command(texts, "lit/__main__.py") == "python -m lit finetune_lora model"


def test_a_document_of_a_folder_speaks_less_than_many_scripts() -> None:
    texts = {
        "ours/run.py": LOOP,
        **{f"ours/scripts/{n}.sh": "python -u run.py --lr 1\n" for n in range(20)},
        "ours/baselines/old/main_old.py": LOOP,
        "ours/baselines/old/README.md": "```\npython main_old.py\n```\n",
    }
    assert ranked(texts)[0] == "ours/run.py"


@pytest.mark.parametrize(
    ("path", "text", "kind"),
    [
        ("train.py", "", "train"),
        ("finetune_lm.py", "", "train"),
        ("evaluate.py", "", "eval"),
        ("prepare_data.py", "", "preprocess"),
        ("run_sweep.py", "", "sweep"),
        ("plot_train.py", "", "other"),
        ("convert_hf.py", "x.train()", "other"),
        ("learning_rate_at_step.py", "", "other"),
        ("dqn.py", "loss.backward()", "train"),
        ("eval/linear.py", "loss.backward()", "eval"),
        ("main.py", "trainer.fit(model)", "train"),
        ("datasets/main.py", "", "preprocess"),
        ("pkg/preprocess/__main__.py", "", "preprocess"),
        ("fid.py", "", "eval"),
        ("evals/main_distributed.py", "", "eval"),
        ("main_distributed.py", "", "train"),
        ("eval_model_on_dataset.py", "", "eval"),
        ("dpo_tune_cache.py", "", "train"),
        ("tune.py", "", "sweep"),
        ("run_pretrained_fold.py", "", "other"),
        ("tools/model_converters/vit2mmpretrain.py", "x.train()", "other"),
        ("vis_scheduler.py", "", "other"),
        ("record_training.py", "", "other"),
        ("analysis_fit.py", "", "other"),
        ("hpo/run_tune_pbt.py", "", "sweep"),
    ],
)
def test_what_a_script_is_for(path: str, text: str, kind: str) -> None:
    assert script_kind(facts_from_texts({path: text}), path) == kind


@pytest.mark.parametrize(
    ("texts", "path", "expected"),
    [
        ({"train.py": LOOP}, "train.py", "python train.py"),
        (
            {
                "train.py": LOOP,
                "README.md": "```\n$ torchrun --nproc_per_node=2 \\\n    train.py --lr 1  # fast\n```\n",
            },
            "train.py",
            "torchrun --nproc_per_node=2 train.py --lr 1",
        ),
        ({"train.py": LOOP, "README.md": "`python train.py --help`\n"}, "train.py", "python train.py"),
        ({"pkg/train.py": "from . import x\n" + LOOP}, "pkg/train.py", "python -m pkg.train"),
        ({"pkg/run/__main__.py": MAIN}, "pkg/run/__main__.py", "python -m pkg.run"),
        (
            {"src/pkg/train.py": LOOP, "README.md": "```sh\npython -m pkg.train -n 1\n```\n"},
            "src/pkg/train.py",
            "python -m pkg.train -n 1",
        ),
        (
            {"gcn/train.py": LOOP, "README.md": "```bash\ncd gcn\npython train.py\n```\n"},
            "gcn/train.py",
            "cd gcn && python train.py",
        ),
        (
            {"d2/train.py": LOOP, "d2/README.md": "```bash\npython train.py -x\n```\n"},
            "d2/train.py",
            "cd d2 && python train.py -x",
        ),
        ({"job.slurm": "#!/bin/bash\n#SBATCH -p x\nsrun hostname\n"}, "job.slurm", "sbatch job.slurm"),
        ({"run.sh": "python a.py\n"}, "run.sh", "bash run.sh"),
        ({"my train.py": LOOP}, "my train.py", "python 'my train.py'"),
        (
            {
                "pkg/train.py": LOOP,
                "pyproject.toml": '[project.scripts]\nlab-train = "pkg.train:main"\n',
                "README.md": "```bash\nlab-train --lr 1\n```\n",
            },
            "pkg/train.py",
            "lab-train --lr 1",
        ),
        (
            {"dvc.yaml": "stages:\n  t:\n    cmd: python src/train.py data\n", "src/train.py": LOOP},
            "src/train.py",
            "python src/train.py data",
        ),
        ({"workflow/Snakefile": "rule all:\n"}, "workflow/Snakefile", "snakemake --cores all"),
    ],
)
def test_the_command_line_as_the_readme_shows_it_or_the_plain_one(
    texts: dict[str, str], path: str, expected: str
) -> None:
    assert command(texts, path) == expected


def test_a_shell_script_that_the_readme_trains_with_is_one_whatever_it_starts() -> None:
    """What it starts may stand in a variable that another file sets."""
    hidden = '#!/bin/bash\nsource base.sh\neval "$header" "$args"\n'
    many = {f"lib/scripts/info/get_{n}.sh": "python less/info.py\n" for n in range(9)}
    texts = {"lib/scripts/lora_train.sh": hidden, "lib/scripts/pack.sh": hidden, "train.py": LOOP, **many}
    readme = "```bash\n./lib/scripts/lora_train.sh a b\n./lib/scripts/pack.sh\n```\n"
    assert "lib/scripts/lora_train.sh" in ranked({**texts, "README.md": readme})
    assert "lib/scripts/pack.sh" not in ranked({**texts, "README.md": readme})
    assert "lib/scripts/lora_train.sh" not in ranked(texts)


@pytest.mark.parametrize(
    "other",
    [
        "mode=sample_eval",
        "--mode test",
        "--mode=ppl_eval",
        "run.phase=predict",
        "--stage inference",
        "action='generate'",
    ],
)
def test_a_train_script_is_shown_with_the_command_that_trains(other: str) -> None:
    readme = f"```bash\npython main.py {other} model=small\n```\nTrain:\n```bash\npython main.py mode=train_small model=big\n```\n"
    assert command({"main.py": LOOP, "README.md": readme}, "main.py") == "python main.py mode=train_small model=big"


@pytest.mark.parametrize(
    "same", ["--mode sampled_softmax_off", "--model=test_net", "mode=contest", "--stage 2", "--mode resample"]
)
def test_a_word_that_only_looks_like_another_purpose_changes_no_command(same: str) -> None:
    readme = f"```bash\npython main.py {same}\n```\n```bash\npython main.py --lr 1\n```\n"
    assert command({"main.py": LOOP, "README.md": readme}, "main.py") == f"python main.py {same}"


def test_a_script_that_a_wrapper_starts_is_mentioned_but_the_wrapper_is_the_command() -> None:
    texts = {"deepy.py": MAIN, "train.py": LOOP, "README.md": "```\npython deepy.py train.py conf.yml\n```\n"}
    assert ranked(texts)[0] == "train.py"
    assert command(texts, "deepy.py") == "python deepy.py train.py conf.yml"
    assert command(texts, "train.py") == "python train.py"


@pytest.mark.parametrize(
    ("harder", "made_whole"),
    [
        (
            "python train.py --data {path_to_data}",
            "python train.py --data '[choice: --data, shown as {path_to_data} (README.md:2)]'",
        ),
        (
            "python train.py --data $DATA_DIR",
            "python train.py --data '[choice: --data, shown as $DATA_DIR (README.md:2)]'",
        ),
        (
            "python train.py --out runs/`date +%F`",
            "python train.py --out '[choice: --out, shown as runs/date +%F (README.md:2)]'",
        ),
        ("python train.py --num_machines 2 --machine_rank 0", "python train.py"),
        ("torchrun --nnodes 2 train.py", "python train.py"),
        ("python train.py --eval --resume best.pth", "python train.py"),
        (
            "python train.py --data /path/to/data",
            "python train.py --data '[choice: --data, shown as /path/to/data (README.md:2)]'",
        ),
    ],
)
def test_of_several_commands_the_one_that_can_be_typed_as_it_stands(harder: str, made_whole: str) -> None:
    readme = f"```bash\n{harder}\npython train.py --lr 1\npython train.py --lr 2\n```\n"
    assert command({"train.py": LOOP, "README.md": readme}, "train.py") == "python train.py --lr 1"
    alone = f"```bash\n{harder}\n```\n"
    assert command({"train.py": LOOP, "README.md": alone}, "train.py") == made_whole
