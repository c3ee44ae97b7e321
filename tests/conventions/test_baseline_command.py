"""The baseline command is built: blanks marked or filled, variables written out, trials left out, what is required added."""

from __future__ import annotations

import pytest

from scaffold.conventions.blanks import is_blank_value, list_open_choices_in_command, unmarked_command_blanks
from scaffold.conventions.detect_all import derive_conventions
from scaffold.facts.model import facts_from_texts

TRAINS = "if __name__ == '__main__':\n    loss.backward()\n"


def parser(*options: str) -> str:
    """A training script with these `add_argument` calls."""
    lines = "".join(f"p.add_argument({option})\n" for option in options)
    return f"import argparse\np = argparse.ArgumentParser()\n{lines}args = p.parse_args()\n{TRAINS}"


def command(texts: dict[str, str], path: str = "train.py") -> str:
    return next(e.command for e in derive_conventions(facts_from_texts(texts)).entry_points if e.path == path)


def shown(*lines: str, script: str = TRAINS, **more: str) -> str:
    """The command of train.py where the README shows these lines in one block."""
    readme = "# R\n\n```bash\n" + "\n".join(lines) + "\n```\n"
    return command({"train.py": script, "README.md": readme, **more})


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("uv run train.py --lr 1", "uv run python train.py --lr 1"),
        ("uv run python train.py --lr 1", "uv run python train.py --lr 1"),
        ("A=1 uv run train.py --lr 1", "A=1 uv run python train.py --lr 1"),
        ("uv run env A=1 python train.py --lr 1", "A=1 uv run python train.py --lr 1"),
        ("uv run --with wandb -- python train.py --lr 1", "uv run python train.py --lr 1"),
        ("uv run accelerate launch train.py --lr 1", "uv run accelerate launch train.py --lr 1"),
        ("uv run -m train --lr 1", "uv run python -m train --lr 1"),
        ("python train.py --lr 1", "uv run python train.py --lr 1"),
    ],
)
def test_the_prefix_of_uv_stands_once(line: str, expected: str) -> None:
    assert shown(line, **{"uv.lock": "version = 1\n", "pyproject.toml": '[project]\nname = "r"\n'}) == expected


@pytest.mark.parametrize(
    "line",
    [
        "accelerate launch --num_processes 2 train.py --lr 1",
        "torchrun --nproc_per_node=2 train.py --lr 1",
        "xvfb-run -a python train.py --lr 1",
        "srun -n 4 python train.py --lr 1",
        "OMP_NUM_THREADS=1 python -u train.py --lr 1",
        "deepspeed --num_gpus 2 train.py --lr 1",
        "mpirun -n 4 python train.py --lr 1",
        "python -m torch.distributed.launch --nproc_per_node=2 train.py --lr 1",
    ],
)
def test_what_starts_the_script_stays(line: str) -> None:
    assert shown(line) == line


@pytest.mark.parametrize(
    "runner", ["poetry run", "conda run -n lab --no-capture-output", "pipenv run", "hatch run", "pdm run"]
)
def test_a_manager_that_the_set_up_line_replaces_is_left_out(runner: str) -> None:
    assert shown(f"{runner} python train.py --lr 1") == "python train.py --lr 1"


@pytest.mark.parametrize(
    "python", ["/path/to/python", "$PYTHON", "${PYTHON_BIN}", "/home/ann/miniconda3/bin/python3.10"]
)
def test_somebodys_python_is_python(python: str) -> None:
    assert shown(f"{python} train.py --lr 1") == "python train.py --lr 1"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("python train.py --fast_dev_run --lr 1", "python train.py --lr 1"),
        ("python train.py --lr 1 --dry-run", "python train.py --lr 1"),
        ("python train.py --lr 1 --debug", "python train.py --lr 1"),
        ("python train.py lr=1 trainer.fast_dev_run=True", "python train.py lr=1"),
        ("python train.py --trainer.fast_dev_run=True --lr 1", "python train.py --lr 1"),
        ("python train.py lr=1 ++debug=true", "python train.py lr=1"),
        ("python train.py --smoke-test --lr 1", "python train.py --lr 1"),
        ("python train.py lr=1 debug=false", "python train.py lr=1 debug=false"),
    ],
)
def test_what_only_tries_the_script_out_is_left_out(line: str, expected: str) -> None:
    assert shown(line) == expected


@pytest.mark.parametrize(
    "other",
    [
        "torchrun --nnodes 2 train.py --lr 2",
        "python train.py --num_nodes=2 --lr 2",
        "python train.py trainer.nnodes=4 lr=2",
        "python train.py debug --lr 2",
        "python train.py --help",
        "python train.py --mode sample --lr 2",
        "python train.py --eval --lr 2",
        "python train.py --lr 2 ...",
        "srun -p gpu python train.py --lr 2",
        "python train.py --fast-dev-run --lr 2",
        "python train.py --data-path <data> --lr 2",
    ],
)
def test_a_later_command_that_is_an_experiment_on_one_machine_comes_first(other: str) -> None:
    assert shown(other, "python train.py --lr 1") == "python train.py --lr 1"


@pytest.mark.parametrize(
    "blank",
    [
        "<path/to/config>",
        "< your data >",
        "/path/to/data",
        "path/to/data",
        "$DATA",
        "${DATA_DIR}",
        "YOUR_DATA",
        "your-data-here",
        "{dataset}",
        "`pwd`/data",
        "$(pwd)/data",
        "DATA_DIR",
        "/home/ann/data",
        "s3://lab/data",
        "MODEL_NAME_HERE",
        "$1",
    ],
)
def test_a_blank_becomes_an_open_choice_with_its_place(blank: str) -> None:
    built = shown(f"python train.py --lr 1 --data-x {blank}")
    assert built.startswith("python train.py --lr 1 --data-x '[choice: --data-x, shown as ")
    assert built.endswith("(README.md:4)]'")
    assert len(list_open_choices_in_command(built)) == 1
    assert unmarked_command_blanks(built) == []
    assert unmarked_command_blanks(f"python train.py --data-x {blank}") != [] or blank.startswith(
        ("/home", "s3:", "`", "$(")
    )


@pytest.mark.parametrize(
    "form", ["--gpu <GPU_ID>", "--gpu=<GPU_ID>", "gpu=<GPU_ID>", "[optional arguments]", "<GPU_ID>"]
)
def test_a_blank_in_any_form_is_one_word_of_the_shell(form: str) -> None:
    import shlex

    built = shown(f"python train.py --lr 1 {form}")
    words = shlex.split(built)
    assert words[:4] == ["python", "train.py", "--lr", "1"]
    assert "[choice: " in words[-1] and words[-1].endswith("]")


@pytest.mark.parametrize(
    "option", ["--config <path/to/config>", "--cfg $CFG", "-c CONFIG_FILE", "--config-file=path/to/x.yaml"]
)
def test_candidates_for_a_configuration_are_the_repositorys_own(option: str) -> None:
    name = option.replace("=", " ").split()[0]
    script = parser("'-c', '--cfg', '--config', '--config-file'")
    built = shown(
        f"python train.py {option}", script=script, **{"configs/b.yaml": "lr: 2\n", "configs/a.yaml": "lr: 1\n"}
    )
    if name == "-c":
        name = "-c"
    assert f"[choice: {name}, one of configs/a.yaml, configs/b.yaml (README.md:4)]" in built


def test_candidates_are_the_choices_of_the_parser() -> None:
    built = shown("python train.py --model <model>", script=parser("'--model', choices=['vit', 'mlp']"))
    assert built == "python train.py --model '[choice: --model, one of vit, mlp (README.md:4)]'"


@pytest.mark.parametrize(
    "option", ["'--width', type=int, default=8", "'--width', default='wide'", "'--width', default=0.5"]
)
def test_a_blank_of_what_has_a_default_falls(option: str) -> None:
    assert shown("python train.py --lr 1 --width <N>", script=parser("'--lr'", option)) == "python train.py --lr 1"


@pytest.mark.parametrize(
    "option",
    [
        "'--width'",
        "'--width', default=None",
        "'--width', default=''",
        "'--width', default='/data/me'",
        "'--width-dir', default='x'",
    ],
)
def test_a_blank_of_what_has_no_use_of_its_default_stays(option: str) -> None:
    name = option.split("'")[1]
    assert f"{name} '[choice: {name}" in shown(f"python train.py {name} <N>", script=parser(option))


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (['run_name="first"', "python train.py +run_name=${run_name}"], "python train.py +run_name=first"),
        (["export DATA=data/a", "python train.py --data-x $DATA"], "DATA=data/a python train.py --data-x data/a"),
        (["NAME=a; SIZE=3", 'python train.py --x "$NAME-$SIZE"'], "python train.py --x a-3"),
        (["FLAGS='--lr 1 --wd 2'", "python train.py $FLAGS"], "python train.py --lr 1 --wd 2"),
        (["for seed in 1 2 3; do", "python train.py --x $seed", "done"], "python train.py --x 1"),
        (["D=data", "D2=$D/b", "python train.py --x ${D2}"], "python train.py --x data/b"),
        (["python train.py --x ${WIDTH:-4}"], "python train.py --x 4"),
        (["T='two words'", 'python train.py --x="$T"'], "python train.py --x='two words'"),
        (["export OMP_NUM_THREADS=2", "python train.py --x 1"], "OMP_NUM_THREADS=2 python train.py --x 1"),
        (["export WANDB_API_KEY=abc", "python train.py --x 1"], "python train.py --x 1"),
        (['python train.py --x "$HOME/data"'], 'python train.py --x "$HOME/data"'),
    ],
)
def test_variables_of_the_lines_before_are_written_out(lines: list[str], expected: str) -> None:
    assert shown(*lines) == expected


def test_a_variable_that_an_earlier_block_sets_counts_and_its_export_does_not() -> None:
    readme = "```bash\nexport A=1\nDIR=data/x\n```\n\ntext\n\n```\npython train.py --x $DIR\n```\n"
    assert command({"train.py": TRAINS, "README.md": readme}) == "python train.py --x data/x"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["'--data', required=True"], "--data '[choice: --data (README.md:4)]'"),
        (["'--size', required=True, choices=['s', 'm']"], "--size '[choice: --size, one of s, m (README.md:4)]'"),
        (["'data_folder'"], "'[choice: data_folder (README.md:4)]'"),
        (["'mode', choices=['train', 'test']"], "train"),
        (["'-d', '--data-dir', required=True"], "--data-dir '[choice: --data-dir (README.md:4)]'"),
        (
            ["'--a', required=True", "'--b', required=True"],
            "--a '[choice: --a (README.md:4)]' --b '[choice: --b (README.md:4)]'",
        ),
    ],
)
def test_what_the_parser_requires_is_added(options: list[str], expected: str) -> None:
    assert shown("python train.py --lr 1", script=parser("'--lr'", *options)) == f"python train.py --lr 1 {expected}"


@pytest.mark.parametrize(
    "script",
    [
        "import click\n@click.command()\n@click.option('--data', required=True)\ndef main(data): loss.backward()\n"
        + TRAINS,
        "from absl import app, flags\nflags.DEFINE_string('data', None, '')\nflags.mark_flag_as_required('data')\n"
        + TRAINS,
        "import tyro\nfrom dataclasses import dataclass\n@dataclass\nclass Args:\n    data: str\n    lr: float = 1\n"
        + "args = tyro.cli(Args)\n"
        + TRAINS,
        "import fire\ndef main(data, lr=1): loss.backward()\nif __name__ == '__main__':\n    fire.Fire(main)\n    x.backward()\n",
        "from opts import parse_args\nargs = parse_args()\n" + TRAINS,
        "import argparse\ndef get_args():\n    p = argparse.ArgumentParser()\n    p.add_argument('--data', required=True)\n"
        + "    return p.parse_args()\n"
        + TRAINS,
    ],
)
def test_what_other_libraries_require_is_added(script: str) -> None:
    texts = {
        "train.py": script,
        "opts.py": "import argparse\np = argparse.ArgumentParser()\np.add_argument('--data', required=True)\n",
    }
    assert command(texts) == "python train.py --data '[choice: --data]'"


def test_hydras_mandatory_keys_are_open_in_the_plain_command() -> None:
    texts = {
        "train.py": "import hydra\n@hydra.main(config_path='conf', config_name='config')\ndef main(cfg): loss.backward()\n"
        + TRAINS,
        "conf/config.yaml": "defaults:\n  - model: vit\n  - _self_\ndata_dir: ???\nlr: 1\n",
        "conf/model/vit.yaml": "width: ???\n",
    }
    assert command(texts) == "python train.py data_dir='[choice: data_dir]' model.width='[choice: model.width]'"


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("import sys\nif len(sys.argv) < 2:\n    print('usage')\n    sys.exit(1)\npath = sys.argv[1]\n", False),
        ("import sys\npath = sys.argv[1]\n", False),
        ("import sys\nlr = sys.argv[1] if len(sys.argv) > 1 else 1\n", True),
        ("import sys\nfor a in sys.argv[1:]:\n    print(a)\n", True),
    ],
)
def test_a_script_that_prints_its_usage_needs_arguments(text: str, bare: bool) -> None:
    assert command({"train.py": text + TRAINS}) == "python train.py" + ("" if bare else " '[choice: arguments]'")


@pytest.mark.parametrize("option", ["--old-name 3", "--gone", "--gone=4"])
def test_an_option_that_the_parser_does_not_know_is_left_out(option: str) -> None:
    assert shown(f"python train.py --lr 1 {option}", script=parser("'--lr'")) == "python train.py --lr 1"


@pytest.mark.parametrize(
    "more",
    [
        "args, rest = p.parse_known_args()\n",
        "sub = p.add_subparsers()\n",
        "add_lightning_args(p)\n",
        "for n in names: p.add_argument(n)\n",
    ],
)
def test_where_the_parser_may_know_more_every_option_stays(more: str) -> None:
    script = parser("'--lr'") + more
    assert shown("python train.py --lr 1 --other 3", script=script) == "python train.py --lr 1 --other 3"


@pytest.mark.parametrize(
    "line",
    ["python train.py --lr 1 > log.txt 2>&1", "python train.py --lr 1 | tee log", "(cd . && python train.py --lr 1)"],
)
def test_where_the_output_goes_is_the_recorders_business(line: str) -> None:
    assert shown(line) == "python train.py --lr 1"


def test_what_no_shell_reads_is_not_taken() -> None:
    assert shown("python train.py --layers [(512, 10)] --lr 1") == "python train.py"


def test_the_parts_of_a_script_that_the_readme_runs_come_before_others() -> None:
    texts = {
        "train.py": TRAINS,
        "scripts/a_ablation.sh": "python train.py --lr 2\n",
        "scripts/main.sh": "for lr in 1 3; do\n  python -u train.py --lr $lr > logs/$lr.txt\ndone\n",
        "README.md": "```\nbash scripts/main.sh\n```\n",
    }
    assert command(texts) == "python -u train.py --lr 1"


@pytest.mark.parametrize(
    "value",
    ["ETTh1", "GPT2", "M", "vit_base_patch16", "data/my_set", "Qwen/Qwen2.5-0.5B", "[1,2]", "CartPole-v1", "A100"],
)
def test_a_value_is_no_blank(value: str) -> None:
    assert not is_blank_value(value)
    assert shown(f"python train.py --x {value}") == f"python train.py --x {value}"


def test_what_the_script_formats_itself_is_no_blank() -> None:
    script = "logdir = args.logdir.format(timestamp=now())\n" + TRAINS
    assert (
        shown("python train.py --logdir ~/x/{timestamp}", script=script) == "python train.py --logdir ~/x/{timestamp}"
    )


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("xvfb-run -a python train.py --lr 1", "xvfb-run -a python train.py --lr 1"),
        ("env OMP_NUM_THREADS=1 python train.py --lr 1", "OMP_NUM_THREADS=1 python train.py --lr 1"),
        ("nohup python train.py --lr 1 &", "python train.py --lr 1"),
        ("numactl -N 0 python train.py --lr 1", "numactl -N 0 python train.py --lr 1"),
        ("taskset -c 0 python train.py --lr 1", "taskset -c 0 python train.py --lr 1"),
        ("cd . && python train.py --lr 1", "python train.py --lr 1"),
    ],
)
def test_a_block_without_a_language_has_wrapped_commands_too(line: str, expected: str) -> None:
    for readme in (f"# R\n\n```\n{line}\n```\n", f"# R\n\n    {line}\n"):
        assert command({"train.py": TRAINS, "README.md": readme}) == expected


def test_a_folder_is_entered_where_a_block_without_a_language_says_so() -> None:
    readme = "```\npip install -e .\ncd impls && python main.py --lr 1\n```\n"
    assert (
        command({"impls/main.py": TRAINS, "README.md": readme}, "impls/main.py") == "cd impls && python main.py --lr 1"
    )


@pytest.mark.parametrize("blank", ["<GPU_ID>", "$GPU", "${GPU_ID}"])
def test_which_gpus_are_used_is_for_the_launcher(blank: str) -> None:
    assert shown(f"CUDA_VISIBLE_DEVICES={blank} A=1 python train.py --lr 1") == "A=1 python train.py --lr 1"
    assert shown("CUDA_VISIBLE_DEVICES=0 python train.py") == "CUDA_VISIBLE_DEVICES=0 python train.py"


@pytest.mark.parametrize("argument", ["[optional arguments]", "[options]", "<args>"])
def test_what_a_parser_has_no_place_for_is_left_out(argument: str) -> None:
    assert shown(f"python train.py {argument}", script=parser("'--lr', type=float, default=1")) == "python train.py"
    needed = shown(f"python train.py {argument}", script=parser("'data'"))
    assert list_open_choices_in_command(needed) and unmarked_command_blanks(needed) == []


@pytest.mark.parametrize("option", ["--from_resume 1", "--resume-from last.pt", "--resume_ckpt last.pt", "--resume"])
def test_what_goes_on_with_an_earlier_run_is_no_baseline(option: str) -> None:
    assert shown(f"python train.py {option}", "python train.py --lr 1") == "python train.py --lr 1"
    assert shown(f"python train.py {option}") == "python train.py"


@pytest.mark.parametrize("setting", ["export DATA=~/data", "DATA=~/data"])
def test_the_home_of_a_variable_is_found_inside_a_word(setting: str) -> None:
    built = shown(setting, "python train.py --data=$DATA/x --lr 1")
    assert '"--data=$HOME/data/x"' in built and "~" not in built.partition("train.py")[2]


@pytest.mark.parametrize("name", ["BUDGET", "WORKSPACE", "PROJECT", "MY_BUCKET", "MODEL", "REPO"])
def test_a_shouted_part_behind_an_owner_is_a_blank(name: str) -> None:
    assert list_open_choices_in_command(shown(f"python train.py --place lab/{name}"))


@pytest.mark.parametrize(
    "value", ["google/T5", "openai/GSM8K", "lab/CIFAR", "a/README.md", "data/VOC", "EleutherAI/MODEL"]
)
def test_a_name_in_capitals_behind_an_owner_is_no_blank(value: str) -> None:
    assert not list_open_choices_in_command(shown(f"python train.py --place {value}"))


@pytest.mark.parametrize("name", ["--local_rank", "--local-rank"])
@pytest.mark.parametrize("default", ["", ", type=int"])
def test_the_rank_is_the_launchers_to_give(name: str, default: str) -> None:
    line = "python -m torch.distributed.launch --nproc_per_node=2 train.py --lr 1"
    options = ("'--lr'", f"'{name}', required=True{default}")
    assert shown(line, script=parser(*options)) == line
    assert "[choice: --local" in shown("python train.py --lr 1", script=parser(*options))


@pytest.mark.parametrize("trial", ["debug.yaml", "smoke.yaml", "tiny_debug.yaml", "dummy.yaml"])
def test_a_trial_configuration_is_a_choice_among_those_beside_it(trial: str) -> None:
    line = f"python train.py --config conf/{trial}"
    files = {f"conf/{trial}": "a: 1\n", "conf/large.yaml": "a: 1\n", "conf/eval.yaml": "a: 1\n"}
    assert "such as conf/large.yaml" in shown(line, **files)
    assert shown(line, **{f"conf/{trial}": "a: 1\n"}) == line


@pytest.mark.parametrize(
    "blank", ["/your_data/train.csv", "/path/to/data", "path/to/data", "'/your-folder/x'", "<your data>"]
)
def test_a_configuration_with_blanks_is_to_be_copied(blank: str) -> None:
    line = "python train.py --config conf/a.yaml"
    command_line = shown(line, **{"conf/a.yaml": f"lr: 1\ndata: {blank}\n"})
    assert "a copy of conf/a.yaml with your own paths (conf/a.yaml:2)" in command_line
    assert shown(line, **{"conf/a.yaml": f"lr: 1\n# data: {blank}\n"}) == line


def test_a_configuration_of_blank_lines_is_read_in_linear_time() -> None:
    """A hundred thousand of them took minutes where each was a beginning of all below it; this ends at once, or not today."""
    line = "python train.py --config conf/a.yaml"
    command_line = shown(line, **{"conf/a.yaml": "\n" * 100_000 + "data: /your_data/train.csv\n"})
    assert "with your own paths (conf/a.yaml:100001)" in command_line


@pytest.mark.parametrize(
    "option", ["--enable-wandb", "--use_wandb", "--set evo.enable_wandb_logging=true", "--with-comet"]
)
def test_a_command_that_needs_no_account_comes_first(option: str) -> None:
    assert shown(f"python train.py --lr 1 {option}", "python train.py --lr 1") == "python train.py --lr 1"


DATA = {"data/cora/cora.cites": "1\n"}


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ({"net/train.py": "open('../data/cora/cora.cites')\n" + TRAINS, **DATA}, "cd net && python train.py"),
        (
            {"net/train.py": "from net.utils import f\n" + TRAINS, "net/utils.py": "P = '../data/cora/'\n", "setup.py": "", **DATA},
            "cd net && python train.py",
        ),
        ({"net/train.py": "open('../data/gone')\n" + TRAINS, **DATA}, "python net/train.py"),
        ({"net/train.py": "open('../data/cora/cora.cites', __file__)\n" + TRAINS, **DATA}, "python net/train.py"),
        ({"net/train.py": "open('data/cora/cora.cites')\n" + TRAINS, **DATA}, "python net/train.py"),
        ({"net/train.py": "from src.models import h3\n" + TRAINS, "src/models.py": ""}, "PYTHONPATH=. python net/train.py"),
        ({"net/train.py": "import models\n" + TRAINS, "models.py": ""}, "PYTHONPATH=. python net/train.py"),
        ({"net/train.py": "import models\n" + TRAINS, "models.py": "", "net/models.py": ""}, "python net/train.py"),
        ({"net/train.py": "import models\n" + TRAINS, "models.py": "", "setup.py": ""}, "python net/train.py"),
        ({"net/train.py": "import sys, models\nsys.path.append('.')\n" + TRAINS, "models.py": ""}, "python net/train.py"),
        ({"net/train.py": "from .models import m\n" + TRAINS, "net/models.py": ""}, "python -m net.train"),
    ],
)  # fmt: skip
def test_a_script_starts_where_its_own_code_finds_things(texts: dict[str, str], expected: str) -> None:
    assert command(texts, "net/train.py") == expected
