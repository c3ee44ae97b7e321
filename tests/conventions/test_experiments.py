"""Which script is an experiment: what trains or measures, not what shows, tunes, or tries an extension out; each kind as small trees."""

from __future__ import annotations

import pytest

from scaffold.conventions.baseline_command import choose_baseline_entry_point
from scaffold.conventions.detect_all import derive_conventions
from scaffold.facts.model import facts_from_texts

GUARD = "\nif __name__ == '__main__':\n    main()\n"
EVALUATES = f"print(f'accuracy {{accuracy}}'){GUARD}"
TRAINS = f"import argparse\np = argparse.ArgumentParser()\nloss.backward()\n{GUARD}"


def readme(*commands: str) -> str:
    return "# R\n\n```bash\n" + "\n".join(commands) + "\n```\n"


def baseline(texts: dict[str, str]) -> str | None:
    """The command of the plan's baseline in a repository of these files."""
    points = derive_conventions(facts_from_texts(texts)).entry_points
    at = choose_baseline_entry_point([point.kind for point in points])
    return None if at is None else points[at].command


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("app.py", "import gradio as gr\nwith gr.Blocks() as page:\n    pass\n"),
        ("chat.py", "while True:\n    answer(input('you: '))\n"),
        ("manual_control.py", "import pygame\nfor event in pygame.event.get():\n    print(f'reward={reward}')\n"),
        ("sample.py", "image = model.sample()\nimage.save('out.png')\n"),
        ("generate_text.py", "print(model.generate(prompt))\n"),
        ("demo_web.py", "import streamlit as st\nst.title('demo')\n"),
        ("play.py", "def on_press(key):\n    env.step(key)\n"),
        ("webcam.py", "while True:\n    cv2.waitKey(1)\n"),
        ("viewer.py", "root.mainloop()\n"),
    ],
)
def test_what_waits_for_a_person_or_only_samples_is_no_experiment(name: str, text: str) -> None:
    shown = {name: text + GUARD, "README.md": readme(f"python {name}")}
    assert baseline(shown) is None
    assert baseline({**shown, "evaluate.py": EVALUATES}) == "python evaluate.py"
    answer = derive_conventions(facts_from_texts(shown))
    assert [e.path for e in answer.lost["entry_points"]] == [name]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("sample.py", "print(f'FID {fid}')\n"),
        ("infer.py", "print('psnr', psnr)\n"),
        ("simulate.py", "result = run(1000)\n"),
        ("predict.py", "print('accuracy', accuracy)\n"),
        ("run_demo.py", "optimizer.step()\n"),
        ("generate.py", "perplexity = math.exp(loss)\n"),
    ],
)
def test_what_measures_or_trains_is_an_experiment_whatever_its_name(name: str, text: str) -> None:
    assert baseline({name: text + GUARD, "README.md": readme(f"python {name}")}) == f"python {name}"


def test_where_something_trains_a_sampler_stays_an_entry_point() -> None:
    texts = {"train.py": TRAINS, "sample.py": f"print(model.sample()){GUARD}", "README.md": readme("python sample.py")}
    assert {e.path for e in derive_conventions(facts_from_texts(texts)).entry_points} == {"train.py", "sample.py"}
    assert baseline(texts) == "python train.py"


@pytest.mark.parametrize(
    ("tuner", "experiment"),
    [
        ("tune.py", "evaluate.py"),
        ("tune_kernel.py", "benchmarks/benchmark_speed.py"),
        ("hparam_search.py", "simulate.py"),
        ("scripts/optuna_tuning.py", "evals/evaluate.py"),
        ("csrc/cauchy/tune_cauchy.py", "benchmarks/bench.py"),
        ("grid_search.py", "train.py"),
    ],
)
def test_a_search_for_settings_comes_after_what_it_wraps(tuner: str, experiment: str) -> None:
    text = f"import argparse\nargparse.ArgumentParser(){GUARD}"
    assert baseline({tuner: text, experiment: text, "run.sh": f"python {tuner}\n"}) == f"python {experiment}"


@pytest.mark.parametrize("folder", ["csrc/scan", "kernels", "cuda", "cpp_extensions", "ops/kernels", "extensions/k"])
def test_what_belongs_to_a_compiled_extension_comes_after_the_rest(folder: str) -> None:
    text = f"import argparse\nargparse.ArgumentParser()\n# loss.backward(){GUARD}"
    texts = {f"{folder}/benchmark_it.py": text, "evals/evaluate.py": f"import argparse{GUARD}"}
    assert baseline(texts) == "python evals/evaluate.py"


@pytest.mark.parametrize(
    ("kinds", "at"),
    [
        (["eval", "train"], 1),
        (["sweep", "train"], 1),
        (["eval", "other"], 0),
        (["other", "eval"], 0),
        (["preprocess", "eval"], 1),
        (["preprocess"], None),
        ([], None),
    ],
)
def test_the_baseline_trains_else_it_is_the_first_that_is_no_preparation(kinds: list[str], at: int | None) -> None:
    assert choose_baseline_entry_point(kinds) == at


TOML = '[project]\nname = "r"\n[project.scripts]\nsft = "r.sft:main"\n'


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ("uv run sft --lr 1", "uv run sft --lr 1"),
        ("uv run --extra gpu sft --lr 1", "uv run --extra gpu sft --lr 1"),
        ("A=1 uv run sft --lr 1", "A=1 uv run sft --lr 1"),
        ("uv run -- sft --lr 1", "uv run sft --lr 1"),
        ("sft --lr 1", "uv run sft --lr 1"),
        ("poetry run sft --lr 1", "uv run sft --lr 1"),
    ],
)
def test_an_installed_name_is_found_behind_what_enters_the_environment(shown: str, expected: str) -> None:
    texts = {"src/r/sft.py": f"loss.backward(){GUARD}", "pyproject.toml": TOML, "uv.lock": "version = 1\n"}
    assert (baseline({**texts, "README.md": readme(shown)}) or "").replace(" --extra gpu", "") == expected.replace(
        " --extra gpu", ""
    )


CONFIGS = {"configs/debug/sft.toml": "a = 1\n", "configs/base/sft.toml": "a = 1\n", "configs/one.yaml": "a: 1\n"}


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (
            "train.py @ sft.toml",
            "'[choice: the file, one of configs/base/sft.toml, configs/debug/sft.toml (README.md:4)]'",
        ),
        ("train.py --file sft.toml", "one of configs/base/sft.toml, configs/debug/sft.toml"),
        ("train.py --file=sft.toml", "one of configs/base/sft.toml, configs/debug/sft.toml"),
        ("train.py --file configs/base/sft.toml", "--file configs/base/sft.toml"),
        ("train.py --file one.yaml", "--file one.yaml"),  # its folder may be the script's to know
        ("train.py --file new.toml", "--file new.toml"),  # for its user to write
        ("train.py --config-name sft.toml", "--config-name sft.toml"),  # Hydra looks for it by itself
    ],
)
def test_a_file_that_lies_elsewhere_is_a_choice_where_several_bear_its_name(shown: str, expected: str) -> None:
    command = baseline({"train.py": f"loss.backward(){GUARD}", **CONFIGS, "README.md": readme(f"python {shown}")})
    assert expected in (command or "")


def test_a_configuration_that_only_tries_out_is_not_the_baseline() -> None:
    shown = readme("python train.py @ configs/debug/sft.toml", "python train.py @ configs/base/sft.toml")
    command = baseline({"train.py": f"loss.backward(){GUARD}", **CONFIGS, "README.md": shown})
    assert command == "python train.py @ configs/base/sft.toml"


WRAPPER = 'N=$1\nshift\ntorchrun --nproc_per_node=$N train.py "$@"\n'


@pytest.mark.parametrize(
    ("script", "shown", "expected"),
    [
        (WRAPPER, "./dist.sh 4 --lr 1", "torchrun --nproc_per_node=4 train.py --lr 1"),
        (WRAPPER, "bash dist.sh 8 --model 'a b'", "torchrun --nproc_per_node=8 train.py --model 'a b'"),
        (
            'torchrun --nproc_per_node=$1 train.py "${@:2}"\n',
            "sh dist.sh 2 --lr 1",
            "torchrun --nproc_per_node=2 train.py --lr 1",
        ),
        ("python train.py $*\n", "./dist.sh --lr 1", "python train.py --lr 1"),
        ("python train.py --lr $1\n", "./dist.sh 3", "python train.py --lr 3"),
        ("python train.py --lr $LR\n", "LR=2\n./dist.sh", "python train.py --lr 2"),
        ("python train.py --lr $LR\n", "export LR=2\nbash dist.sh", "python train.py --lr 2"),
        (WRAPPER, "./dist.sh 4 --data /data/imagenet", "train.py --data '[choice: --data, shown as /data/imagenet"),
        (
            "python train.py --data $DATA/a\n",
            "export DATA={your_data}\nbash dist.sh",
            "[choice: --data, shown as {your_data}/a",
        ),
    ],
)
def test_what_is_handed_to_a_wrapper_reaches_the_script(script: str, shown: str, expected: str) -> None:
    texts = {"train.py": f"loss.backward(){GUARD}", "dist.sh": script, "README.md": readme(*shown.split("\n"))}
    assert expected in (baseline(texts) or "")


def parser(*options: str, more: str = "") -> str:
    lines = "".join(f"p.add_argument({option})\n" for option in options)
    return f"import argparse\np = argparse.ArgumentParser()\n{lines}args = p.parse_args()\n{more}\nloss.backward()\n{GUARD}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (parser("'--data-dir'"), "python train.py --data-dir '[choice: --data-dir]'"),
        (
            parser("'data', nargs='?'", "'--data-dir'", "'--dataset', default=''"),
            "python train.py --data-dir '[choice: --data-dir]'",
        ),
        (parser("'--data_path', default=None"), "python train.py --data_path '[choice: --data_path]'"),
        (parser("'--train-file'"), "python train.py --train-file '[choice: --train-file]'"),
        (parser("'--dataset', type=str"), "python train.py --dataset '[choice: --dataset]'"),
        (parser("'--dataset_root', default=''"), "python train.py --dataset_root '[choice: --dataset_root]'"),
        (parser("'--data-dir'", "'--dataset', default='cifar10'"), "python train.py"),
        (parser("'--data-dir'", more="if args.data_dir is None: make()"), "python train.py"),
        (parser("'--data-dir'", more="folder = args.data_dir or 'data'"), "python train.py"),
        (parser("'--data-dir'", more="CIFAR10(download=True)"), "python train.py"),
        (parser("'--lr'"), "python train.py"),
    ],
)
def test_data_that_nothing_else_gives_is_a_choice(text: str, expected: str) -> None:
    assert baseline({"train.py": text}) == expected


def test_data_that_the_shown_command_gives_is_no_choice() -> None:
    shown = {"train.py": parser("'--data-dir'"), "README.md": readme("python train.py --data-dir data/a")}
    assert baseline(shown) == "python train.py --data-dir data/a"


def test_the_readme_says_what_a_repository_is_about_before_its_other_pages() -> None:
    texts = {
        "train.py": f"loss.backward(){GUARD}",
        "README.md": readme("python train.py --task countdown --data <data>"),
        "docs/start/quickstart.md": readme("python train.py --task other"),
        "CONTRIBUTING.md": readme("python train.py --task try"),
    }
    assert "--task countdown" in (baseline(texts) or "")


@pytest.mark.parametrize(
    ("more", "is_experiment"),
    [
        ("", True),
        ("import unittest\n", False),
        ("import pytest\n", False),
        ("def test_it(): ...\n", False),
        ("class T(TestCase): ...\n", False),
    ],
)
def test_a_script_named_like_a_test_that_trains_is_an_experiment(more: str, is_experiment: bool) -> None:
    answer = derive_conventions(facts_from_texts({"mnist/mnist_test.py": parser("'--lr'") + more}))
    assert [e.kind for e in answer.entry_points] == ["train"] * is_experiment
    assert answer.tests.runner is None or not is_experiment


@pytest.mark.parametrize("folder", ["tests/", "test/"])
def test_in_a_folder_of_tests_it_is_a_test(folder: str) -> None:
    assert baseline({f"{folder}mnist_test.py": parser("'--lr'")}) is None


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ("python train.py -n s -o [--cache]", "python train.py -n s -o"),
        ("python train.py [--resume CKPT] -n s", "python train.py -n s"),
        ("python train.py --config {DATASET}.yml", "[choice: --config, one of a.yml, b.yml (README.md:4)]"),
        ("python train.py --config configs/{DATASET}.yml", "[choice: --config, one of configs/a.yml, configs/b.yml"),
    ],
)
def test_brackets_fall_and_candidates_have_the_shape_that_is_shown(shown: str, expected: str) -> None:
    texts = {"train.py": f"loss.backward(){GUARD}", "configs/a.yml": "a: 1\n", "configs/b.yml": "a: 1\n"}
    assert expected in (baseline({**texts, "README.md": readme(shown)}) or "")
