"""What the words of a metric's name say: which way it is better. Loads nothing, so that a comparison need not load detection."""

from __future__ import annotations

import re
from typing import Literal

Direction = Literal["minimize", "maximize"]

QUALITY_UP = frozenset(
    [
        "acc",
        "accuracy",
        "top1",
        "top5",
        "f1",
        "auc",
        "auroc",
        "auprc",
        "map",
        "ap",
        "ap50",
        "map50",
        "bleu",
        "rouge",
        "rougel",
        "reward",
        "rewards",
        "return",
        "returns",
        "score",
        "success",
        "dice",
        "iou",
        "miou",
        "psnr",
        "ssim",
        "recall",
        "precision",
        "r2",
        "exact",
        "em",
        "winrate",
        "elo",
        "ndcg",
        "mrr",
        "hits",
        "pass",
        "likelihood",
    ]
)
QUALITY_DOWN = frozenset(
    [
        "loss",
        "error",
        "err",
        "nll",
        "bpb",
        "bpc",
        "ppl",
        "perplexity",
        "fid",
        "kid",
        "mse",
        "mae",
        "rmse",
        "mape",
        "smape",
        "wer",
        "cer",
        "elbo",
        "divergence",
        "eer",
        "lpips",
        "fvd",
        "regret",
    ]
)
_PIECE = re.compile(r"[A-Z]?[a-z]+\d*|[A-Z]+(?![a-z])\d*|\d+")


def pieces(name: str) -> set[str]:
    """The words of a name, in lower case: `valAcc_top1` is `val`, `acc`, `top1`."""
    return {p.lower() for p in _PIECE.findall(name)}


def direction(name: str) -> Direction | None:
    """Which way a metric of this name is better; None where its name does not say."""
    words = pieces(name)
    if words & QUALITY_DOWN:
        return "minimize"
    return "maximize" if words & QUALITY_UP else None
