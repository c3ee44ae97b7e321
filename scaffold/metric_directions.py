"""What a metric's name says: which way it is better. Loads nothing, so that a comparison need not load detection.

A direction is known only where the whole name is: its head noun (`loss`, `accuracy`), what negates it (`neg_`, `1-`), and every other
word as one that changes nothing (`val`, `mean`, `top5`). One word that is not known could turn it round, so it makes the name one to
ask about: a wrong direction announces the loser.
"""

from __future__ import annotations

import re
from typing import Literal

Direction = Literal["minimize", "maximize"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


HIGHER_IS_BETTER = _words(
    "acc accuracy accuracies top1 top5 prec1 prec5 acc1 acc5 f1 f1score auc auroc auprc rocauc prauc map ap ap50 ap75 map50 map75 map5095 "
    "bleu sacrebleu rouge rouge1 rouge2 rougel rougelsum meteor cider spice chrf reward rewards return returns score scores success "
    "successes solved dice iou miou jaccard psnr ssim msssim recall precision r2 r2score exact em winrate win wins elo ndcg mrr hits "
    "hit pass likelihood loglikelihood explainedvariance kappa mcc sensitivity specificity tpr tnr spearman pearson spearmanr pearsonr "
    "matthews silhouette bertscore comet clipscore epret"
)
LOWER_IS_BETTER = _words(
    "loss losses error err nll bpb bpc bpd bpw ppl perplexity fid kid mse rmse mae mape smape rmsle nrmse nmse mase medae wape "
    "wer cer eer lpips fvd fad regret logloss crossentropy xent brier ece hausdorff hd95 chamfer epe ade fde minade minfde crps pinball "
    "fpr fnr failure failures collision collisions violation violations crash crashes misclassification drawdown hallucination "
    "hallucinations toxicity degradation forgetting latency falsealarm miss timeouts costto"
)
# words that leave the direction as it is, and say nothing by themselves
_NEUTRAL = _words(
    "train training trn tr val vali valid validation valset eval evaluation evaluator dev test testing tst heldout held out holdout ood id "
    "mean avg average averaged median final best last max min maximum minimum total overall global macro micro weighted balanced epoch "
    "step iter iteration batch per over all at k n running smoothed ema interval current cur now new top of the and on in by for "
    "class cls classification binary multiclass multilabel multi label token tokens word char sentence sample samples image img pixel "
    "node edge graph link frame video text seq sequence episode episodes episodic ep undiscounted discounted cumulative raw clean robust "
    "natural model student teacher ensemble linear probe knn zeroshot zero shot few fewshot normalized norm unnormalized strict relaxed "
    "squared absolute percentage percent pct root square relative symmetric log l1 l2 huber smooth focal hinge triplet contrastive nce "
    "infonce "
    "ce bce ctc lm mlm nsp mlp recon reconstruction rec seg segmentation detection det bbox box mask depth pose sup unsup supervised "
    "unsupervised ssl pretrain finetune regression pred prediction forecast base full main metric metrics stats scalars summary charts "
    "performance results result perc accum accumulated denoising diffusion ddpm noise mc "
    "loader split set subset dataset data task tasks user item query document doc retrieval t2i i2t i2t t2v r1 r5 r10 code math human "
    "vlb greedy beam oracle hard easy medium small large mm mnli cifar cifar10 cifar100 imagenet mnist coco ade20k wikitext hellaswag "
    "arc piqa winogrande lambada gsm8k mmlu boolq squad sst2 cola qnli rte b m"
)
# words that make a score or a rate of the heads before them, and leave their direction; behind others they are a weight, a share
_TRANSPARENT = {
    "score": None,
    "scores": None,
    "value": None,
    "rate": _words(
        "success error errors failure collision violation crash win hit hits pass miss solved hallucination timeouts"
    ),
    **dict.fromkeys(("coef", "coefficient", "index", "ratio"), _words("dice jaccard iou kappa matthews silhouette")),
}
# what is lost, of the heads before them
_COSTS = _words("gap drop")
_NEGATIONS = _words("neg negative negated minus inverse inv")
# how far values lie apart, how much they count, how they changed: no quality
_SPREAD = _words(
    "std stdev stddev sd var variance range iqr sem stderr ci conf spread quantile percentile hist weight weights scale lambda threshold "
    "thr target num count counts grad gradient lr delta diff change improvement tolerance patience"
)
_COMPOUNDS = (
    ("cross entropy", "crossentropy"),
    ("x ent", "xent"),
    ("exact match", "em"),
    ("explained variance", "explainedvariance"),
    ("explained var", "explainedvariance"),
    ("log likelihood", "loglikelihood"),
    ("log lik", "loglikelihood"),
    ("mean average precision", "map"),
    ("average precision", "ap"),
    ("false positive rate", "fpr"),
    ("false negative rate", "fnr"),
    ("true positive rate", "tpr"),
    ("true negative rate", "tnr"),
    ("false alarm rate", "falsealarm"),
    ("acc norm", "acc"),
    ("log loss", "logloss"),
    ("win rate", "winrate"),
    ("m ap", "map"),
    ("m iou", "miou"),
    ("m ae", "mae"),
    ("r 2", "r2"),
    ("f 1", "f1"),
    ("roc auc", "auc"),
    ("pr auc", "auc"),
    ("auc roc", "auc"),
    ("auc pr", "auc"),
    ("mean squared error", "mse"),
    ("mean absolute error", "mae"),
    ("one minus", "neg"),
    ("rouge l", "rougel"),
    ("rouge lsum", "rougelsum"),
    ("m io u", "miou"),
    ("ep ret", "epret"),
    ("ep rew", "reward"),
    *(
        (f"{unit} to", "costto")
        for unit in ("time", "times", "step", "steps", "epoch", "epochs", "iterations", "samples", "tokens")
    ),
)
_WORD = re.compile(r"[A-Z]?[a-z]+\d*|[A-Z]+(?![a-z])\d*|\d+")
_ONE_MINUS = re.compile(r"(?:^|/)1\s*[-\u2212]\s*(?=[A-Za-z])")


def split_metric_name(name: str) -> set[str]:
    """The words of a name, in lower case: `valAcc_top1` is `val`, `acc`, `top1`."""
    return {word.lower() for word in _WORD.findall(name)}


def guess_direction(name: str) -> Direction | None:
    """Which way a metric of this name is better; None where its name, as a whole, does not say."""
    *scopes, last = [part for part in _ONE_MINUS.sub("/neg ", name).split("/") if part] or [""]
    turning = _SPREAD | _NEGATIONS | {"costto"}
    if any(turning.intersection(_ordered_words(scope)) for scope in scopes if scope != "neg"):
        return None
    words = _ordered_words(last)
    if scopes and not _HEADS.intersection(words):  # TensorBoard's `Loss/train`
        words = [*_ordered_words(scopes[-1]), *words]
    return _direction_of_words(words)


def _ordered_words(text: str) -> list[str]:
    """The words of a text in order, in lower case, compounds as one word."""
    words = " ".join(word.lower() for word in _WORD.findall(text))
    for compound, word in _COMPOUNDS:
        if compound in words:
            words = re.sub(rf"\b{compound}\b", word, words)
    return words.split()


def _direction_of_words(words: list[str]) -> Direction | None:
    negations, heads = 0, list[Direction]()
    before = ""
    for word in words:
        if word in _TRANSPARENT and before in (_TRANSPARENT[word] or _HEADS):
            continue
        before = word
        if word in _NEGATIONS:
            negations += 1
        elif word in _HEADS:
            heads.append("minimize" if word in LOWER_IS_BETTER else "maximize")
        elif word in _COSTS and heads:
            heads.append("minimize")
        elif not (word in _NEUTRAL or word.isdigit()):
            return None
    if not heads or ("minimize" in heads and heads[-1] == "maximize" and "costto" not in words):
        return None
    direction: Direction = "minimize" if "costto" in words else heads[-1]
    if negations % 2:
        direction = "maximize" if direction == "minimize" else "minimize"
    return direction


_HEADS = HIGHER_IS_BETTER | LOWER_IS_BETTER
