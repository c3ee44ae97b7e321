"""Which way metrics are better, by their names: 200 names as public code logs them. None where only the code can say."""

from __future__ import annotations

import pytest

from scaffold.metric_directions import guess_direction

# what a reader of the code says; "asked" are those whose names do not settle it (a loss that plays against another, a share, a count)
LOWER = """
val/loss train/loss test/loss train_loss val_loss valid_loss eval_loss test_loss loss Loss/loss Loss/train Loss/val val_bpb val/bpb bpb
eval/perplexity val/perplexity valid_ppl train_ppl ppl test_ppl train_nll_loss dae_nll_loss bt_nll_loss nll test_nll val_nll
neg_log_likelihood avg_eer eer FID fid val/fid KID fvd lpips val_lpips mse val_mse test_mse rmse RMSE val/rmse mae MAE test_mae mape
val_smape wer val_wer test_wer cer eval_wer eval/cer train/CrossEntropyLoss train_cross_entropy val_cross_entropy logloss log_loss
brier_score ece val/ece hd95 chamfer EPE ADE FDE minADE train_loss_ema train_loss_last losses/loss losses/reconstruction_loss
train/recon_loss val/recon_loss train/box_loss val/box_loss val/cls_loss train/cls_loss perf/test_loss eval/mlm_loss ctc_loss
train/l1_loss val/l2_loss validation_loss dev_loss best_val_loss final_loss avg_loss mean_loss epoch_loss loss_epoch loss_step
running_loss total_loss test_error error_rate train_error top1_error top5_err val_err accuracy_gap acc_drop time_to_accuracy
steps_to_accuracy 1-acc one_minus_ssim regret cumulative_regret eval/regret false_positive_rate fpr collision_rate failure_rate
charts/offline/loss eval_data1_loss val_crps pinball_loss wape charts/crash_rate symmetric_mape latency
""".split()  # noqa: SIM905
HIGHER = """
val/acc train/acc test/acc val_acc valid_accuracy train_acc test_acc val/acc_best best_acc acc accuracy Accuracy/test val/accuracy
perf/test_acc1 perf/test_acc5 acc@1 acc@5 top1 top5 top1_acc test_top5 val/top1 Top1_accuracy custom_accuracy_score eval_accuracy
eval/f1 f1 f1_score val_F1_macro micro_f1 weighted_f1 avg_f1 avg_precision avg_recall precision recall recall@10 hits@10 hits@1 mrr
ndcg@10 AUROC val_auc roc_auc auprc average_precision mAP mAP@0.5 metrics/mAP50(B) metrics/mAP50-95(B) metrics/precision(B)
metrics/recall(B) bleu test_bleu sacrebleu rougeL rouge1 eval_rouge2 meteor cider charts/episodic_return charts/avg_episodic_return
eval/episodic_return episode_reward mean_reward eval/mean_reward rollout/ep_rew_mean episode/score success_rate eval/success win_rate
iou mIoU val_miou dice val_dice dice_coef psnr val/psnr ssim R2 r2_score val_r2 exact_match em eval_exact_match pass@1 pass@10
hellaswag/acc_norm acc_norm arc_easy_acc spearmanr val_pearson mcc kappa explained_variance losses/explained_variance log_likelihood
neg_mean_squared_error EpRet rewards/accuracies objective/scores linear_probe_acc knn_top1 zeroshot_acc clean_acc robust_acc
""".split()  # noqa: SIM905
ASKED = """
acc_std std_acc reward_std loss_std losses/policy_loss losses/value_loss policy_loss d_loss g_loss loss_D loss_G Loss/D_real
actor/pg_loss actor/kl_loss actor/entropy losses/entropy losses/approx_kl losses/clipfrac charts/SPS charts/learning_rate
charts/epsilon charts/episodic_length grad_norm train/lr lr train/mfu train/tok_per_sec train/dt loss_weight loss_scale reward_coef
rewards/chosen rewards/margins rewards/rejected objective/kl objective/rlhf_kl val/ratio gnorm wpb ntokens learning_rate epoch_time
kl elbo entropy beta spike_rate num_errors loss_threshold losses/alpha losses/qf1_values accuracy_range val_time reward_rate
""".split()  # noqa: SIM905
EXPECTED = [
    *((name, "minimize") for name in LOWER),
    *((name, "maximize") for name in HIGHER),
    *((name, None) for name in ASKED),
]


def test_no_direction_of_200_names_is_wrong() -> None:
    assert len(EXPECTED) >= 200 and len(dict(EXPECTED)) == len(EXPECTED)
    guessed = {name: guess_direction(name) for name, _ in EXPECTED}
    assert {name: way for name, way in guessed.items() if way is not None and way != dict(EXPECTED)[name]} == {}
    assert sum(way is not None for way in guessed.values()) >= 120


@pytest.mark.parametrize(
    ("name", "better"),
    [
        ("neg_log_likelihood", "minimize"),
        ("neg_mean_squared_error", "maximize"),
        ("acc_std", None),
        ("accuracy_gap", "minimize"),
        ("time_to_accuracy", "minimize"),
        ("1-acc", "minimize"),
        ("error_score", "minimize"),
        ("accuracy_loss", "minimize"),
        ("spike_rate", None),
        ("", None),
    ],
)
def test_what_turns_a_name_round(name: str, better: str | None) -> None:
    assert guess_direction(name) == better
