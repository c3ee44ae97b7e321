"""R and Julia: scripts, seeds, environments and tests."""

from __future__ import annotations

import pytest

from scaffold.conventions.detect_all import derive_conventions
from scaffold.conventions.seed_options import seed_flag
from scaffold.facts.model import facts_from_texts

OPTPARSE = """library(optparse)
options <- list(
  make_option(c("-o", "--out"), default = "out"),
  make_option(c("-s", "--seed"), type = "integer", default = 1, help = "seed")
)
opt <- parse_args(OptionParser(option_list = options))
set.seed(opt$seed)
"""
ARGPARSE_JL = """using ArgParse, Random
s = ArgParseSettings()
@add_arg_table! s begin
    "--lr"
        arg_type = Float64
    "--seed", "-s"
        help = "random seed"
        arg_type = Int
end
args = parse_args(s)
Random.seed!(args["seed"])
"""


@pytest.mark.parametrize(
    ("path", "text", "flag"),
    [
        ("fit.R", OPTPARSE, "--seed"),
        ("fit.R", 'library(argparse)\np <- ArgumentParser()\np$add_argument("--seed", type="integer")\n', "--seed"),
        ("fit.R", 'library(argparser)\np <- arg_parser("x")\np <- add_argument(p, "--seed1", help="x")\n', "--seed1"),
        ("fit.r", "library(docopt)\nd <- docopt('Usage:\n  fit.r [--seed=<n>]\n')\n", "--seed"),
        ("fit.jl", ARGPARSE_JL, "--seed"),
        ("fit.jl", "using Random\nRandom.seed!(1)\n", None),
        ("fit.R", "args <- commandArgs(TRUE)\nset.seed(as.integer(args[1]))\n", None),
        ("fit.R", "set.seed(42)\n", None),
        ("fit.R", 'library(optparse)\n# make_option("--seed")\n', None),
        ("fit.R", 'args <- commandArgs(TRUE)\nsystem2("Rscript", c("step.R",\n  "--seed", seed,\n  "x"))\n', None),
        ("fit.jl", 'println(ARGS)\nrun(`julia step.jl $(["--seed", "1"])`)\n', None),
    ],
)
def test_the_seed_option_is_read_where_it_is_declared(path: str, text: str, flag: str | None) -> None:
    assert seed_flag(facts_from_texts({path: text}), path) == flag


def test_an_option_of_a_file_that_the_script_takes_in_is_its_own() -> None:
    facts = facts_from_texts({"scripts/main.jl": 'include("../src/args.jl")\n', "src/args.jl": ARGPARSE_JL})
    assert seed_flag(facts, "scripts/main.jl") == "--seed"
    facts = facts_from_texts({"main.R": 'source(file.path("R", "args.R"))\n', "R/args.R": OPTPARSE})
    assert seed_flag(facts, "main.R") == "--seed"


def test_a_seed_out_of_a_file_of_settings_is_named_by_its_key() -> None:
    text = 'cfg <- yaml::read_yaml("config.yml")\nset.seed(cfg$seed)\n'
    assert seed_flag(facts_from_texts({"fit.R": text, "config.yml": "lr: 1\nseed: 3\n"}), "fit.R") == "config:seed"
    julia = 'cfg = YAML.load_file("config.yml")\nRandom.seed!(cfg["train_seed"])\n'
    assert seed_flag(facts_from_texts({"fit.jl": julia}), "fit.jl") == "config:train_seed"


def test_a_shell_script_that_hands_its_arguments_on_has_the_option_of_what_it_starts() -> None:
    facts = facts_from_texts({"run.sh": 'Rscript fit.R "$@"\n', "fit.R": OPTPARSE})
    assert seed_flag(facts, "run.sh") == "--seed"


def test_what_reads_a_command_line_is_a_script_and_what_others_take_in_is_none() -> None:
    found = derive_conventions(
        facts_from_texts(
            {
                "fit_model.R": OPTPARSE + 'source("R/lib.R")\n',
                "R/lib.R": "f <- function() commandArgs()\n",
                "helpers.R": "g <- function(x) x\n",
                "scripts/simulate.jl": 'include("args.jl")\nmain(ARGS)\n',
                "scripts/args.jl": ARGPARSE_JL,
                "test/runtests.jl": "parse_args(ARGS)\n",
                "Project.toml": '[deps]\nArgParse = "c7e460c6"\n',
            }
        )
    )
    assert [(e.path, e.kind, e.seed_flag, e.command) for e in found.entry_points] == [
        ("fit_model.R", "train", "--seed", "Rscript fit_model.R"),
        ("scripts/simulate.jl", "other", "--seed", "julia --project=. scripts/simulate.jl"),
    ]


def test_a_shown_command_makes_any_file_a_script() -> None:
    found = derive_conventions(
        facts_from_texts({"README.md": "```bash\nRscript step1.R --n 3\n```\n", "step1.R": "x <- 1\n"})
    )
    assert [(e.path, e.command) for e in found.entry_points] == [("step1.R", "Rscript step1.R --n 3")]
    assert found.evidence["entry_points"][0].text == "a command runs it"


def test_what_trains_is_a_training_script() -> None:
    found = derive_conventions(
        facts_from_texts({"README.md": "```bash\njulia a.jl\n```\n", "a.jl": "Flux.train!(loss, ps, data, opt)\n"})
    )
    assert found.entry_points[0].kind == "train"
    assert "a.jl has no seed option" in found.risks


@pytest.mark.parametrize(
    ("texts", "line", "risks"),
    [
        ({"renv.lock": "{}"}, "Rscript -e 'renv::restore(prompt = FALSE)'", ("no tests",)),
        (
            {"Project.toml": '[deps]\nFlux = "587475ba"\n'},
            "julia --project=. -e 'using Pkg; Pkg.instantiate()'",
            ("no lock file", "no tests"),
        ),
        (
            {"Project.toml": '[deps]\nFlux = "587475ba"\n', "Manifest.toml": "[[deps.Flux]]\n"},
            "julia --project=. -e 'using Pkg; Pkg.instantiate()'",
            ("no tests",),
        ),
        ({"Project.toml": '[tool]\nname = "x"\n'}, "", ("no declared environment", "no tests")),
    ],
)
def test_renv_and_pkg_build_an_environment(texts: dict[str, str], line: str, risks: tuple[str, ...]) -> None:
    found = derive_conventions(facts_from_texts(texts))
    assert (found.environment.manager, found.environment.setup) == ("none", line)
    assert found.risks == risks


def test_a_python_environment_comes_before_that_of_another_language() -> None:
    found = derive_conventions(facts_from_texts({"renv.lock": "{}", "requirements.txt": "torch\n"}))
    assert found.environment.setup == "uv venv .venv && source .venv/bin/activate && uv pip install -r requirements.txt"


@pytest.mark.parametrize("path", ["test/runtests.jl", "tests/testthat.R", "tests/testthat/test-a.R"])
def test_tests_of_another_language_are_tests(path: str) -> None:
    assert "no tests" not in derive_conventions(facts_from_texts({path: "x\n"})).risks
