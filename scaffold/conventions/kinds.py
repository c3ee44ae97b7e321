"""What a script is for: train, eval, sweep, preprocess or other."""

from __future__ import annotations

import re

from scaffold.facts import Facts

_BY_NAME = (
    ("other", re.compile(r"plot|visuali|render|export|push|upload|serve|debug|inspect|compile|clean|docker|tracker")),
    (
        "sweep",
        re.compile(
            r"sweep|grid_?search|hparam|hyperopt|(^|_)tune(r|_|$)|schedule|launch_scan|ablation|run_all|run_experiments?$"
        ),
    ),
    (
        "preprocess",
        re.compile(
            r"pre_?process|prepare|download|tokeniz|featuri|dataset|data_?module|extract_|data_?prep|parse_"
            r"|(build|make|get|create|process|convert)_\w*(data|vocab|corpus)"
        ),
    ),
    ("other", re.compile(r"convert|unshard|merge_")),
    ("eval", re.compile(r"eval|^test$|^test_|_test$|infer|predict|score|bench|metric|enjoy|valid|rollout|spectra")),
    ("train", re.compile(r"train|fine_?tun|(^|_)(fit|learn|sft|dpo|ppo|orpo|grpo|distill|linprobe)(_|\d|$)|^main_")),
)
_BY_FOLDER = {
    **dict.fromkeys(("eval", "evals", "evaluation", "evaluate"), "eval"),
    **dict.fromkeys(("train", "training", "trainers", "pretrain", "finetune"), "train"),
    **dict.fromkeys(("preprocess", "preprocessing", "data_prep", "datasets"), "preprocess"),
}
_WEAKLY_OTHER = re.compile(r"sample|generat|demo|record|app")
# looked for as they are: a pattern of alternatives takes twenty times as long
_MAY_TRAIN = (
    *(".backward(", ".fit(", ".train(", "trainer(", "train_step", "train_one_epoch", "optimizer.step", ".learn("),
    *("optimizer.minimize", "optimiser.minimize"),
)
_A_CALL_THAT_MAY = re.compile(r"\b(?:value_and_grad|train)\(")
_TRAINS = (
    ".backward(",
    "$backward(",
    "train!(",
    "value_and_grad(",
    "optimizer.step(",
    "optimiser.step(",
    "GradientTape(",
    "_fn_and_grad",
)
_A_TRAINER = re.compile(r"[tT]rainer\w*\.(fit|train)\(")


def may_train(text: str) -> bool:
    """Whether a text has anything that looks like training."""
    if any(map(text.__contains__, _MAY_TRAIN)):
        return True
    return ("train(" in text or "value_and_grad(" in text) and bool(_A_CALL_THAT_MAY.search(text))


def trains(text: str) -> bool:
    """Whether a text trains for sure."""
    if any(map(text.__contains__, _TRAINS)):
        return True
    return (".fit(" in text or ".train(" in text) and bool(_A_TRAINER.search(text))


def stem_of(path: str) -> str:
    """The name that says what a script is for: the file's, of `pkg/__main__.py` the package's."""
    pieces = path.lower().rpartition(".")[0].split("/")
    return pieces[-2] if pieces[-1] == "__main__" and len(pieces) > 1 else pieces[-1]


def kind_of(facts: Facts, path: str) -> str:
    """By the name of the file, then its folder, then by what it does."""
    stem = stem_of(path)
    by_name = next((kind for kind, pattern in _BY_NAME if pattern.search(stem)), None)
    if by_name:
        return by_name
    folder = path.lower().rpartition("/")[0].rpartition("/")[2]
    if folder in _BY_FOLDER:
        return _BY_FOLDER[folder]
    text = facts.texts.get(path, "")
    if trains(text):
        return "train"
    if stem in ("main", "run", "cli"):
        by_folder = next((kind for kind, pattern in _BY_NAME if pattern.search(folder)), None)
        near = [facts.texts[p] for p in facts.imported(path)] if path.endswith(".py") else []
        return by_folder or ("train" if may_train(text) or any(map(trains, near)) else "other")
    return "train" if path.endswith(".py") and not _WEAKLY_OTHER.search(stem) and may_train(text) else "other"
