"""Measured runs -> samples: which runs ask the same question, and which of those with one seed counts."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from scaffold.observations.model import MeasuredRun, MetricValue, RunWithoutResult
from scaffold.results.metrics import configurations
from scaffold.results.metrics.configurations import CODE, COMMAND, EXPERIMENT, Configuration
from scaffold.results.tables.text_format import format_number

if TYPE_CHECKING:
    from scaffold.results.configuration.code_states import CodeEquivalenceClasses
    from scaffold.results.metrics.query import QueryResult
    from scaffold.runs.model import Run, Scalar

# characters of a command in a column
MOST_SHOWN = 60
# what stands for the experiment where all count as one
ANY_EXPERIMENT = "any experiment"
_SEED, _REPEATS = operator.attrgetter("seed"), operator.attrgetter("repeats")


class RunGroupingRule(NamedTuple):
    """How runs are folded: by their configurations without what is `ignored`, or by what `by` names of these."""

    by: Sequence[str] | None
    ignored: Collection[str]
    code_states: CodeEquivalenceClasses

    def configuration(self, run: Run) -> Configuration:
        """What makes another run the same question."""
        ignored = self.ignored
        params = configurations.configuration_key(run.params, without=ignored)
        command: str | None = run.form
        if ignored:
            options = (word for word in run.form.split(" ") if word.lstrip("-+~").rstrip("=") not in ignored)
            command = None if COMMAND in ignored else " ".join(options)
        code = None if CODE in ignored else self.code_states.state_of(run)
        return Configuration(self.experiment(run), params, command, code)

    def experiment(self, run: Run) -> str:
        """The experiment that a run counts in: one for all, where experiments are ignored."""
        return ANY_EXPERIMENT if EXPERIMENT in self.ignored else run.experiment

    def row_key(self, run: Run, configuration: Configuration) -> Configuration:
        """What the runs of one row have in common."""
        if self.by is None:
            return configuration
        values: dict[str, Scalar] = dict(run.params)
        if CODE in self.by:
            values.setdefault(CODE, self.code_states.label(run))
        if "commit" in self.by:
            values.setdefault("commit", (run.commit or "none")[:7])
        params = configurations.configuration_key(values, only=self.by, without=self.ignored)
        return Configuration(configuration.experiment, params)


class SeedSample(NamedTuple):
    """One draw of a configuration: its first run of a seed (each run, where there is no effective seed), with the first value of each
    metric. `repeats` are what ran again with the same seed; those of other names are passed over, as `skipped` says."""

    configuration: Configuration
    seed: int | None
    measured: MeasuredRun
    repeats: tuple[MeasuredRun, ...] = ()
    skipped: tuple[RunWithoutResult, ...] = ()


def choose_seed_samples(result: QueryResult, folding: RunGroupingRule) -> list[SeedSample]:
    """The samples of a query's runs, in the order in which they started."""
    samples: dict[tuple[int, object], SeedSample] = {}
    again: dict[tuple[int, object], list[MeasuredRun]] = {}
    for m, configuration in zip(result.measured, _configurations(result.measured, folding), strict=True):
        seed = m.run.effective_seed
        draw = (id(configuration), m.run.path if seed is None else seed)
        sample = SeedSample(configuration, seed, m)
        if samples.setdefault(draw, sample) is not sample:
            again.setdefault(draw, []).append(m)
    if not again and not result.repeats:
        return [*samples.values()]
    return [_add_repeats(sample, again.get(draw, ()), result.repeats) for draw, sample in samples.items()]


def _configurations(measured: Sequence[MeasuredRun], folding: RunGroupingRule) -> Iterator[Configuration]:
    """The configuration of each run: one object for those of the same, since it takes long to hash one."""
    distinct: dict[Configuration, Configuration] = {}
    # the seeds of a configuration have one mapping of parameters (`runs.index_columns`), which need not be looked at for each
    by_alike: dict[tuple[object, ...], Configuration] = {}
    for m in measured:
        run = m.run
        alike = (id(run.params), run.form, run.code, run.scripts, run.experiment)
        configuration = by_alike.get(alike)
        if configuration is None:
            configuration = folding.configuration(run)
            configuration = by_alike[alike] = distinct.setdefault(configuration, configuration)
        yield configuration


def _add_repeats(
    sample: SeedSample, others: Sequence[MeasuredRun], repeats_by_name: Mapping[str, Sequence[MeasuredRun]]
) -> SeedSample:
    """A sample with the `others` of its seed, and with what repeats any of them."""
    first = sample.measured
    repeats = repeats_by_name.get(first.run.name, ()) if sample.seed is not None else ()
    if not others and not repeats:
        return sample
    values: dict[str, MetricValue] = {}
    for m in (first, *others):
        values = {**m.values, **values}
    reason = f"seed {first.run.seed} again: the first, {first.run.label}, counts"
    skipped = tuple(RunWithoutResult(label=m.run.label, path=m.run.path, reason=reason) for m in others)
    counted = MeasuredRun(run=first.run, values=values) if others else first
    more = (r for m in others for r in repeats_by_name.get(m.run.name, ()))
    return sample._replace(measured=counted, repeats=(*others, *repeats, *more), skipped=skipped)


def sort_by_seed(samples: Sequence[SeedSample]) -> list[SeedSample]:
    """By seed, those without one last; samples are in the order in which they started, and stay so where this is equal."""
    if None in map(_SEED, samples):
        return sorted(samples, key=lambda sample: (sample.seed is None, sample.seed or 0))
    return sorted(samples, key=_SEED)


def list_row_warnings(
    samples: Sequence[SeedSample], folding: RunGroupingRule, metrics: Sequence[str]
) -> tuple[str, ...]:
    """What to beware of before a row is believed."""
    if folding.by is None and CODE not in folding.ignored and not _is_remarkable(samples):
        return ()  # nearly all, of tens of thousands
    return tuple(_row_warnings(samples, folding, metrics))


def _row_warnings(samples: Sequence[SeedSample], folding: RunGroupingRule, metrics: Sequence[str]) -> Iterator[str]:
    again = [str(s.measured.run.seed) for s in samples if s.skipped]
    if again:
        yield f"{_seeds(again)} ran more than once: the same seed is no new sample, only the first counts"
    if any(s.repeats for s in samples):
        yield from _differences(samples, metrics)
    runs = [s.measured.run for s in samples]
    states = {folding.code_states.state_of(run) for run in runs}
    if len(states) > 1:
        yield f"its runs come from {len(states)} states of the code"
    seedless = sum(run.seed is None for run in runs)
    if seedless and len(runs) > 1:
        yield f"{seedless} of its {len(runs)} runs have no seed: nothing says that they are independent"
    labelled = [run for run in runs if run.seed is not None and run.effective_seed is None]
    if labelled:
        yield (
            f"the seeds of {len(labelled)} of its {len(runs)} runs are mere labels: nothing shows that they reached the command, so they "
            "count as runs without a seed, and are not paired"
        )
    if folding.by is not None:
        folded = {s.configuration for s in samples}
        if len(folded) > 1:
            yield f"it folds {len(folded)} configurations: its spread is not that of seeds alone"


def _is_remarkable(samples: Sequence[SeedSample]) -> bool:
    """Whether samples of one code state alone give reason for a warning."""
    return None in map(_SEED, samples) or any(map(_REPEATS, samples))


def _differences(samples: Sequence[SeedSample], metrics: Sequence[str]) -> Iterator[str]:
    """Seeds whose runs did not give the same again: the first metric that shows it, and the largest difference."""
    for metric in metrics:
        apart = []
        for sample in samples:
            value = sample.measured.values.get(metric)
            for repeat in sample.repeats if value is not None else ():
                other = repeat.values.get(metric)
                if value is not None and other is not None and not _is_same(value.value, other.value):
                    apart.append((abs(value.value - other.value), value.value, other.value, sample, repeat))
        if apart:
            size, value_, other_, sample, repeat = max(apart, key=lambda entry: (math.isfinite(entry[0]), entry[0]))
            seeds = _seeds(sorted({str(entry[3].measured.run.seed) for entry in apart}))
            yield (
                f"not deterministic: {seeds} ran again and did not give the same {metric}, up to {format_number(size, None)} apart "
                f"({value_:.6g}, then {other_:.6g} in {repeat.run.label}); the first counts"
            )
            return


def _is_same(a: float, b: float) -> bool:
    return a == b or (math.isnan(a) and math.isnan(b))


def _seeds(texts: Sequence[str]) -> str:
    return f"{'seed' if len(texts) == 1 else 'seeds'} {', '.join(texts)}"


def row_columns(
    keys: Sequence[Configuration], first_runs: Callable[[], Mapping[str | None, Run]], folding: RunGroupingRule
) -> dict[Configuration, dict[str, Scalar]]:
    """What tells rows apart that have the same parameters: the rest of their command, their code; none for all others."""
    alike: dict[tuple[str, configurations.ConfigurationKey], list[Configuration]] = {}
    for key in keys if folding.by is None else ():
        alike.setdefault((key.experiment, key.params), []).append(key)
    names = {name for key in keys for name, _ in key.params}
    command_name = "command line" if COMMAND in names else COMMAND
    code_name = "code state" if CODE in names else CODE
    columns: dict[Configuration, dict[str, Scalar]] = {}
    first_by_code: Mapping[str | None, Run] = {}
    for group in alike.values():
        if len(group) == 1:
            continue
        commands = {key.command for key in group}
        if len(commands) > 1:
            texts = extract_command_differences([command or "" for command in commands])
            by_command = dict(zip(commands, texts, strict=True))
            for key in group:
                columns.setdefault(key, {})[command_name] = by_command[key.command]
        if len({key.code for key in group}) > 1:
            first_by_code = first_by_code or first_runs()
            for key in group:
                columns.setdefault(key, {})[code_name] = folding.code_states.label(first_by_code[key.code])
    return columns


def extract_command_differences(commands: Sequence[str]) -> list[str]:
    """Of each command what the others do not have: without the words that all begin or end with; an option stays with its value."""
    words = [command.split() for command in commands]
    shortest = min(map(len, words))
    start = next((i for i in range(shortest) if len({w[i] for w in words}) > 1), shortest)
    if start and any(len(w) > start for w in words) and words[0][start - 1].startswith("-"):
        start -= 1
    room = min(len(w) - start for w in words)
    end = next((i for i in range(room) if len({w[-1 - i] for w in words}) > 1), room)
    texts = [" ".join(w[start : len(w) - end]) or "-" for w in words]
    return [text if len(text) <= MOST_SHOWN else text[: MOST_SHOWN - 3] + "..." for text in texts]


def list_code_split_warnings(
    keys: Sequence[Configuration], columns: Mapping[Configuration, Mapping[str, Scalar]], folding: RunGroupingRule
) -> Iterator[str]:
    """A line for what had rows split by their code: the files that differ, and how to fold them all the same."""
    groups: dict[tuple[str, configurations.ConfigurationKey, str | None], list[str | None]] = {}
    for key in keys:
        if key in columns:
            groups.setdefault((key.experiment, key.params, key.command), []).append(key.code)
    sets = {frozenset(states) for states in groups.values() if len(states) > 1}
    lines = set()
    for states in sets:
        files = folding.code_states.differing_files(states)
        if files is None:
            what = "the code of some is no longer in this repository, so that it cannot be compared"
        else:
            shown = ", ".join(files[:5]) + (f" and {len(files) - 5} more" if len(files) > 5 else "")
            what = f"it differs in {shown}" if files else "it differs"
        lines.add(f"rows are split by the state of their code: {what}; --ignore code folds them")
    yield from sorted(lines)
