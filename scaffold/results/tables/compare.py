"""Two or more configurations -> effects with intervals, corrected p-values and a verdict in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from scaffold.errors import ScaffoldError
from scaffold.metric_directions import Direction
from scaffold.results.metrics import configurations
from scaffold.results.stats import pair_test, power, summary, t_tests
from scaffold.results.stats.distributions import ALPHA
from scaffold.results.stats.pair_test import PairTest
from scaffold.results.tables import fold, text_format, verdicts
from scaffold.results.tables.model import MetricComparison, ResultRow, ResultTable


@dataclass(frozen=True, slots=True, kw_only=True)
class RowPair:
    """Two rows to be compared, with their names; `a` is the reference."""

    a: ResultRow
    b: ResultRow
    name_a: str
    name_b: str


def compare_pairs(
    pairs: Sequence[RowPair],
    metrics: Sequence[str],
    directions: Mapping[str, Direction],
    floor: ResultRow | None = None,
) -> list[MetricComparison]:
    """Compare each pair in each metric; p-values are corrected for all of them together (Holm).

    The noise floor is that of each pair's own reference, or of `floor`, where it has 3 runs or more.
    """
    drafts = [_draft(pair, metric, floor) for metric in metrics for pair in pairs]
    corrected = t_tests.holm_correction([c.p for c, _, _ in drafts])
    tests = sum(c.p is not None for c, _, _ in drafts)
    return [
        _told(replace(c, p_holm=p, comparisons=tests), found, pair, directions.get(c.metric))
        for (c, found, pair), p in zip(drafts, corrected, strict=True)
    ]


def _draft(pair: RowPair, metric: str, floor: ResultRow | None) -> tuple[MetricComparison, PairTest, RowPair]:
    found = pair_test.run_pair_test(pair.a.values(metric), pair.b.values(metric))
    mean_a, mean_b = (summary.moments(side).mean if side else None for side in (found.a, found.b))
    test = found.test
    effect = test.effect if test else None if mean_a is None or mean_b is None else mean_b - mean_a
    luck = only_seeds_differ(pair)
    noise = None
    if found.a and found.b:
        baseline = [v for _, v in (floor or pair.a).values(metric) if math.isfinite(v)]
        noise = power.noise_floor(baseline, len(found.a), len(found.b)) if baseline else None
    made = MetricComparison(
        metric=metric,
        a=pair.name_a,
        b=pair.name_b,
        n_a=len(found.a),
        n_b=len(found.b),
        mean_a=mean_a,
        mean_b=mean_b,
        paired=found.paired,
        test=test.name if test else "none",
        effect=effect,
        low=test.low if test else None,
        high=test.high if test else None,
        p=None if luck or test is None else test.p,
        p_holm=None,
        p_exact=None if luck else pair_test.permutation_p(found),
        comparisons=0,
        noise_floor=noise,
        detectable=power.detectable_effect(test.error, test.df) if test else None,
        distinguishable=False,
        better=None,
        seeds_needed=_seeds_needed(found),
        verdict="",
    )
    return made, found, pair


def _seeds_needed(found: PairTest) -> int | None:
    test = found.test
    if test is None or test.p is None:
        return None
    if found.paired:
        return power.seeds_needed(test.effect, test.error * math.sqrt(len(found.a)), paired=True)
    spreads = [summary.moments(side).sd or 0.0 for side in (found.a, found.b)]
    return power.seeds_needed(test.effect, math.hypot(*spreads) / math.sqrt(2), paired=False)


def _told(c: MetricComparison, found: PairTest, pair: RowPair, direction: Direction | None) -> MetricComparison:
    seed_only = only_seeds_differ(pair)
    told = c.p_holm is not None and c.p_holm <= ALPHA
    is_better = verdicts.is_better(c.effect, direction) if told and c.effect is not None else None
    winner = None if is_better is None else c.b if is_better else c.a
    c = replace(c, distinguishable=told, better=winner, seeds_needed=None if told else c.seeds_needed)
    c = replace(c, verdict=verdicts.verdict_sentence(c, direction, seed_only=seed_only))
    return replace(c, warnings=tuple(_warnings(c, found, pair, direction)))


def only_seeds_differ(pair: RowPair) -> bool:
    """Whether both rows are one configuration of the same code: then any difference is luck."""
    same = pair.a.experiment == pair.b.experiment
    codes = [{m.run.code for m in row.runs} for row in (pair.a, pair.b)]
    return (
        same
        and configurations.configuration_key(pair.a.config) == configurations.configuration_key(pair.b.config)
        and codes[0] == codes[1]
    )


def _warnings(c: MetricComparison, found: PairTest, pair: RowPair, direction: Direction | None) -> list[str]:
    said = [f"{name}: {warning}" for name, row in ((c.a, pair.a), (c.b, pair.b)) for warning in row.warnings]
    for name, row in ((c.a, pair.a), (c.b, pair.b)):
        summary = row.summaries.get(c.metric)
        lost = summary.not_finite if summary else 0
        if lost:
            said.append(
                f"{name}: {lost} of {lost + (summary.n if summary else 0)} values are NaN or infinite and left out: "
                "the rest flatters it"
            )
        if row.missing:
            some = "1 run has" if len(row.missing) == 1 else f"{len(row.missing)} runs have"
            said.append(f"{name}: {some} no result ({row.missing[0].reason}): the rest may flatter it")
    if found.left_out:
        seeds = ", ".join("none" if seed is None else str(seed) for seed in found.left_out)
        said.append(f"paired by seed: runs without a partner are left out (seeds {seeds})")
    if c.p_exact is not None and c.p is not None and (c.p <= ALPHA) != (c.p_exact <= ALPHA):
        said.append(
            f"the exact permutation test, which assumes no normal distribution, says {text_format.format_p(c.p_exact)}: "
            "look for an outlier"
        )
    if c.distinguishable and c.noise_floor is not None and c.effect is not None and abs(c.effect) <= c.noise_floor:
        said.append(
            f"it is within the noise floor {text_format.format_number(c.noise_floor)}: only the pairs by seed show it"
        )
    if direction is None and c.effect is not None:
        said.append(
            f"whether {c.metric} is better high or low is not known: --maximize {c.metric} or --minimize {c.metric}"
        )
    return said


def pair_rows(name_a: str, a: ResultTable, name_b: str, b: ResultTable) -> tuple[list[RowPair], list[str]]:
    """The rows of two sides that belong together, and sentences about rows that have no partner.

    One configuration is compared with each of the other side; several on both sides are matched by the parameters that vary
    within either. Raises ScaffoldError where they do not match.
    """
    if len(a.rows) == 1 or len(b.rows) == 1:
        made = [
            RowPair(a=x, b=y, name_a=_name(name_a, x, a), name_b=_name(name_b, y, b)) for x in a.rows for y in b.rows
        ]
        return made, []
    names = sorted(
        {
            *configurations.varying_params([r.config for r in a.rows]),
            *configurations.varying_params([r.config for r in b.rows]),
        }
    )
    ours, theirs = (_by_key(t.rows, names) for t in (a, b))
    common = [key for key in ours if key in theirs]
    if len(ours) < len(a.rows) or len(theirs) < len(b.rows) or not common:
        raise ScaffoldError(
            f"{name_a!r} stands for {len(a.rows)} configurations and {name_b!r} for {len(b.rows)}, and they do not match "
            f"by {', '.join(names)}",
            hint=f"name one configuration on each side, for example '{_example(a)}'",
        )
    made = [
        RowPair(
            a=ours[k], b=theirs[k], name_a=_name(name_a, ours[k], a, names), name_b=_name(name_b, theirs[k], b, names)
        )
        for k in common
    ]
    alone = len(ours) + len(theirs) - 2 * len(common)
    return made, [_alone(alone, name_a, name_b)] if alone else []


def _alone(number: int, name_a: str, name_b: str) -> str:
    return f"{text_format.count_noun(number, 'configuration')} of {name_a} and {name_b} {'has' if number == 1 else 'have'} no partner"


def _by_key(rows: Sequence[ResultRow], names: Sequence[str]) -> dict[configurations.ConfigurationKey, ResultRow]:
    return {configurations.configuration_key(row.config, only=names): row for row in rows}


def _name(text: str, row: ResultRow, side: ResultTable, names: Sequence[str] | None = None) -> str:
    if len(side.rows) == 1:
        return text
    said = fold.row_label(row, names or side.by, experiment=False)
    return f"{text} {said}" if len({r.experiment for r in side.rows}) == 1 else f"{text} {row.experiment} {said}"


def _example(side: ResultTable) -> str:
    row = side.rows[0]
    return " and ".join(
        [
            f"experiment={row.experiment}",
            *(f"{n}={configurations.format_value(row.config[n])}" for n in side.by if n in row.config),
        ]
    )
