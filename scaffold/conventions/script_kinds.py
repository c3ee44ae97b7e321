"""What a script is for: train, eval, sweep, preprocess or other."""

from __future__ import annotations

import re
from collections.abc import Iterable

from scaffold.facts import Facts
from scaffold.facts.quick_scan import is_experiment_script

_BY_NAME = (
    (
        "other",
        re.compile(
            r"plot|visuali|render|export|push|upload|serve|debug|inspect|compile|clean|docker|tracker|^record_|(^|_)vis_|^analy[sz]"
        ),
    ),
    ("eval", re.compile(r"^eval")),
    (
        "sweep",
        re.compile(
            r"sweep|grid_?search|hparam|hyperopt|^tuner?_|(^|_)tuner?$|^run_tune_|(^|_)hpo(_|$)|schedule|launch_scan|ablation|run_all|run_experiments?$"
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
    (
        "eval",
        re.compile(r"eval|^test$|^test_|_test$|infer|predict|score|bench|metric|enjoy|valid|rollout|spectra|^fid(_|$)"),
    ),
    (
        "train",
        re.compile(
            r"train(?!ed)|fine_?tun|(^|_)(fit|learn|sft|dpo|ppo|orpo|grpo|distill|linprobe)(_|\d|$)|^(run_)?rl$"
        ),
    ),
)
_CONVERTERS = re.compile(r"convert(er)?s?$")
_NOT_TRAINING = re.compile(r"generat|sampl|demo|interactive|chat|serv|app(_|$)|export|plot|visual")
_MAIN = re.compile(r"^main_")
_BY_FOLDER = {
    **dict.fromkeys(("eval", "evals", "evaluation", "evaluate"), "eval"),
    **dict.fromkeys(("train", "training", "trainers", "pretrain", "finetune"), "train"),
    **dict.fromkeys(("preprocess", "preprocessing", "data_prep", "datasets"), "preprocess"),
}
_SAYS_NOTHING = ("main", "run", "cli")
# words of a command line that says what it is for: `--config configs/pretrain/vit.yaml`, `main.py train`
_ASKED = (
    ("train", re.compile(r"(?<![a-z])(pre_?)?train(ing)?(?![a-z])|(?<![a-z])fine-?_?tun(e|ing)(?![a-z])")),
    ("eval", re.compile(r"(?<![a-z])eval(uate|uation)?(?![a-z])")),
)
_WEAKLY_OTHER = re.compile(r"sample|generat|demo|record|app")
# looked for as they are: a pattern of alternatives takes twenty times as long
_MAY_TRAIN = (
    *(".backward(", ".fit(", ".train(", "trainer(", "train_step", "train_one_epoch", "optimizer.step", ".learn("),
    *("optimizer.minimize", "optimiser.minimize"),
)
_A_CALL_THAT_MAY = re.compile(r"\b(?:value_and_grad|train)\(")
_TRAINS = (
    *(".backward(", "$backward(", "train!(", "value_and_grad(", "optimizer.step(", "optimiser.step("),
    *("GradientTape(", "_fn_and_grad"),
)
_A_TRAINER = re.compile(r"[tT]rainer\w*\.(fit|train)\(")
# what waits for a person: a chat, a game, a page
_INTERACTIVE = re.compile(
    r"(?<![\w.])(?:raw_)?input\(|pygame\.(?:event|key)|\bgr\.(?:Blocks|Interface|ChatInterface)\(|import (?:gradio|streamlit)"
    r"|\.mainloop\(|on_press|cv2\.waitKey\(|launch\(share="
)
_SHOWS = re.compile(r"demo|sampl|generat|chat|play|interact|(^|_)app(_|$)|serv|gui|control|infer|predict|render|visual")
_MEASURES = re.compile(
    r"(?<![a-z])(?:acc|accuracy|rewards?|returns?|scores?|perplexity|ppl|bleu|rouge|f1|auc|psnr|ssim|fid|loss(?:es)?|mse|rmse|iou|recall"
    r"|precision|success_rate|throughput|latency|fps|error_rate|metrics?)(?![a-z])",
    re.IGNORECASE,
)


def may_be_training_code(text: str) -> bool:
    """Whether a text has anything that looks like training."""
    if any(map(text.__contains__, _MAY_TRAIN)):
        return True
    return ("train(" in text or "value_and_grad(" in text) and bool(_A_CALL_THAT_MAY.search(text))


def is_training_code(text: str) -> bool:
    """Whether a text trains for sure."""
    if any(map(text.__contains__, _TRAINS)):
        return True
    return (".fit(" in text or ".train(" in text) and bool(_A_TRAINER.search(text))


def only_demonstrates(facts: Facts, path: str, kind: str) -> bool:
    """Whether a script shows what there is rather than trying anything: it waits for a person, or samples, and neither trains nor measures.

    Of a `__main__.py` and its like the modules that it imports say so.
    """
    stem = script_purpose_name(path)
    if kind not in ("other", "eval") or not path.endswith(".py"):
        return False
    near = facts.imported_files(path) if stem in _SAYS_NOTHING or path.endswith("__main__.py") else ()
    texts = [facts.texts.get(p, "") for p in (path, *near)]
    if any(may_be_training_code(t) or is_training_code(t) for t in texts):
        return False
    if kind == "other" and any(map(_INTERACTIVE.search, texts)):
        return True
    return bool(_SHOWS.search(stem)) and not any(map(_MEASURES.search, texts))


def script_purpose_name(path: str) -> str:
    """The name that says what a script is for: the file's, of `pkg/__main__.py` the package's."""
    pieces = path.lower().rpartition(".")[0].split("/")
    return pieces[-2] if pieces[-1] == "__main__" and len(pieces) > 1 else pieces[-1]


def script_kind(facts: Facts, path: str, commands: Iterable[str] = ()) -> str:
    """By the name of the file, then its folder, then by what it does, then by what the `commands` that run it ask for."""
    kind = _kind_by_itself(facts, path)
    if kind == "other" and (script_purpose_name(path) in _SAYS_NOTHING or path.endswith("__main__.py")):
        return next(filter(None, map(kind_in_command, commands)), kind)
    return kind


def kind_in_command(command: str) -> str | None:
    """What the words of a command line ask for: train or eval, if they say so."""
    return next((kind for kind, pattern in _ASKED if pattern.search(command)), None)


def _kind_by_itself(facts: Facts, path: str) -> str:
    stem = script_purpose_name(path)
    if any(_CONVERTERS.search(folder) for folder in path.lower().split("/")[:-1]):
        return "other"
    by_name = next((kind for kind, pattern in _BY_NAME if pattern.search(stem)), None)
    if by_name:
        return "train" if stem.endswith("_test") and is_experiment_script(facts.texts.get(path, "")) else by_name
    folder = path.lower().rpartition("/")[0].rpartition("/")[2]
    if folder in _BY_FOLDER:
        return _BY_FOLDER[folder]
    if _MAIN.search(stem) and not _NOT_TRAINING.search(stem):
        return "train"
    text = facts.texts.get(path, "")
    if is_training_code(text):
        return "train"
    if stem in _SAYS_NOTHING:
        by_folder = next((kind for kind, pattern in _BY_NAME if pattern.search(folder)), None)
        near = [facts.texts[p] for p in facts.imported_files(path)] if path.endswith(".py") else []
        return by_folder or ("train" if may_be_training_code(text) or any(map(is_training_code, near)) else "other")
    return (
        "train" if path.endswith(".py") and not _WEAKLY_OTHER.search(stem) and may_be_training_code(text) else "other"
    )
