"""What the words of a metric's name say: which way it is better. Loads nothing, so that a comparison need not load detection."""

from __future__ import annotations

import re
from typing import Literal

Direction = Literal["minimize", "maximize"]

HIGHER_IS_BETTER = frozenset(
    "acc accuracy top1 top5 f1 auc auroc auprc map ap ap50 map50 bleu rouge rougel reward rewards return returns score success "  # noqa: SIM905
    "dice iou miou psnr ssim recall precision r2 exact em winrate elo ndcg mrr hits pass likelihood".split()
)
LOWER_IS_BETTER = frozenset(
    "loss error err nll bpb bpc ppl perplexity fid kid mse mae rmse mape smape wer cer elbo divergence eer lpips fvd regret".split()  # noqa: SIM905
)
_WORD = re.compile(r"[A-Z]?[a-z]+\d*|[A-Z]+(?![a-z])\d*|\d+")


def split_metric_name(name: str) -> set[str]:
    """The words of a name, in lower case: `valAcc_top1` is `val`, `acc`, `top1`."""
    return {word.lower() for word in _WORD.findall(name)}


def guess_direction(name: str) -> Direction | None:
    """Which way a metric of this name is better; None where its name does not say.

    A word for errors decides over one for quality: `error_score` and `accuracy_loss` are losses.
    """
    words = split_metric_name(name)
    if words & LOWER_IS_BETTER:
        return "minimize"
    return "maximize" if words & HIGHER_IS_BETTER else None
