"""A shown command made whole: blanks become open choices with candidates, or fall where the script has a default of its own;
what only tries the script out is left out, and what the script cannot start without is added."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from scaffold.conventions.blanks import format_open_choice, has_unfilled_blank, is_blank_value, is_personal_path
from scaffold.conventions.command_line_parameters import (
    AcceptedArguments,
    CommandLineOption,
    add_hydra_keys,
    read_accepted_arguments,
)
from scaffold.conventions.documented_command import DocumentedCommand, replace_option_value, split_option_value
from scaffold.conventions.missing_inputs import (
    CONFIG_SUFFIXES,
    config_sort_key,
    find_blank_in_config,
    find_config_candidates,
    find_undeclared_data_option,
    is_debug_config,
    list_training_configs_beside,
)
from scaffold.conventions.script_kinds import kind_in_command
from scaffold.conventions.script_mentions import ScriptMention
from scaffold.conventions.script_options import ScriptWithImports
from scaffold.facts import Facts
from scaffold.facts.shell_words import Word, quote_shell_word

# options by their last part, with Hydra's `trainer.` or LightningCLI's `--trainer.` before it or not
_BEFORE = r"^(?:--?|\+{0,2})?(?:[\w.]*\.)?"
_MACHINES = re.compile(
    _BEFORE
    + r"(?:nnodes|n_nodes|num[-_](?:machines|nodes)|nodes|machine[-_]rank|node[-_]rank|rdzv\w*|dist[-_]url|master[-_]addr)$"
)
_TRIES_OUT = re.compile(
    _BEFORE
    + r"(?:fast[-_]dev[-_]run|dry[-_]?run|debug(?:[-_]mode)?|smoke(?:[-_]?test)?|test[-_]run|sanity[-_]check|overfit[-_]batches"
    r"|(?:dummy|fake|synthetic)(?:[-_]data)?)$"
)
_RUN_NAME = re.compile(_BEFORE + r"(?:wandb[-_])?(?:run|exp|experiment|job)[-_]?(?:name|id|tag)$")
_OPTIONAL_OPTION = re.compile(r"^\[--?\w[^\[\]]*\]$")
_TRACKS = re.compile(
    r"(?:^|[._-])(?:enable|use|with)[-_]?(?:wandb|mlflow|comet|neptune|clearml)\w*(?:=true|=1)?$", re.I
)
_SUBMITS = ("srun", "sbatch", "ray", "sky", "kubectl", "qsub", "bsub")
_A_TRIAL = re.compile(r"^(?:debug|dummy|smoke|smoke_test|toy|test)$")
_NO_TRAINING = re.compile(
    r"--(?:(?:eval|evaluate|test|predict|inference|export)\b|resume|from[-_]resume)"
    r"|(?<![\w-])(?:--?)?[\w.]*(?:mode|phase|stage|action)[ =]['\"]?(?:\w+_)?"
    r"(?:eval(?:uat\w+)?|test|sampl(?:e|es|ing)|infer(?:ence)?|predict(?:ion)?|generat(?:e|ion))(?![A-Za-z])"
)
_DATA = re.compile(
    r"^-{0,2}(?:(?:data|dataset|train|training)[-_]?)?(?:data|dataset|data_?set|root|path|dir|files?|folder)"
    r"(?:[-_]?(?:dir|path|root|folder|file))?$"
)
_DATA_OPTION = re.compile(r"(?:^|[-_.])(?:data|dataset)s?(?:[-_](?:path|dir|root|files?|name))?$|train[-_]files?$")
_PATH_NAME = re.compile(
    r"(?:^|[-_.])(?:data|dataset|path|dir|root|folder|file|ckpt|checkpoint|weights|config|cfg)s?(?:$|[-_.])"
)
_CONFIG_NAME = re.compile(
    r"(?:^|[-_.])(?:config|cfg|conf|ya?ml|recipe|hparams|spec|params?)(?:$|[-_.]|_?(?:file|path|name)$)"
)
_CONFIG_FOLDER = re.compile(r"(?:^|/)(?:configs?|cfgs?|conf|recipes|params|hparams|experiments?)(?:/|$)", re.IGNORECASE)


class CommandBuilder:
    """One script with what it takes on its command line."""

    def __init__(self, facts: Facts, path: str, kind: str) -> None:
        self.facts, self.path, self.kind = facts, path, kind
        self.text = facts.texts.get(path, "")
        self.command_line = AcceptedArguments()
        if path.endswith(".py"):
            script = ScriptWithImports(facts, path, facts.parse(path), facts.import_closure(path, depth=3, limit=80))
            self.command_line = add_hydra_keys(read_accepted_arguments(script), facts, path)

    def distance(self, parts: DocumentedCommand) -> int:
        """How far a shown command is from what the script is for: more machines, an evaluation, a trial."""
        arguments = [w.value for w in parts.arguments if not _OPTIONAL_OPTION.match(w.raw)]
        text = " ".join(arguments)
        distance = 2 * self._is_for_more_machines(parts) + 2 * any(map(_A_TRIAL.match, arguments[:1]))
        distance += 2 * (self.kind == "train" and bool(_NO_TRAINING.search(text)))
        if self.path.endswith("__main__.py") and self.kind in ("train", "eval"):  # one program for many things
            distance += kind_in_command(text) != self.kind
        return distance

    def inconvenience(self, parts: DocumentedCommand) -> int:
        """What makes a shown command worse than another: options that only try the script out, or that its parser
        does not know (they are left out, and what they stood for may be missing), a tracker that wants an account, a cluster that it
        is submitted to, more to come."""
        groups = group_words_by_option(parts.arguments, self.command_line)
        submits = any(w.value in _SUBMITS for w in parts.launcher[:1])
        tries = any(is_debug_config(value) for _, value, _ in groups)
        left_out = sum(
            is_trial_option(n.rstrip("="), value) or 2 * self.is_unknown(n.rstrip("=")) for n, value, _ in groups
        )
        left_out += (
            2 * any(not n and has_unfilled_blank(words[-1]) for n, _, words in groups) * self.command_line.complete
        )
        tracks = any(_TRACKS.search(part) for n, value, _ in groups for part in (n.rstrip("="), value))
        return left_out + submits + tries + tracks + 2 * parts.goes_on

    def data_options(self, parts: DocumentedCommand) -> set[str]:
        """The options of a shown command that name its data."""
        names = (
            name.rstrip("=").lstrip("+~-") for name, _, _ in group_words_by_option(parts.arguments, self.command_line)
        )
        return {name for name in names if _DATA_OPTION.search(name)}

    def _is_for_more_machines(self, parts: DocumentedCommand) -> bool:
        pairs = group_words_by_option((*parts.launcher, *parts.arguments), self.command_line)
        return any(_MACHINES.match(name.rstrip("=")) and value not in ("1", "0", "") for name, value, _ in pairs)

    def is_unknown(self, name: str) -> bool:
        """Whether the script's parser would refuse an option; argparse takes the beginning of a name for the whole."""
        if not self.command_line.complete or not name.startswith("--") or name == "--":
            return False
        positive = "--" + name.removeprefix("--no-").removeprefix("--no_").lstrip("-")
        return not any(
            o.startswith(name) or o.replace("_", "-") in (name.replace("_", "-"), positive.replace("_", "-"))
            for o in self.command_line.options
        )

    def complete(self, parts: DocumentedCommand, mention: ScriptMention | None = None) -> DocumentedCommand:
        """The command with its blanks filled or marked, without what tries it out, and with what is required."""
        place = f"{mention.command.path}:{mention.command.line}" if mention else ""
        arguments = self._arguments(parts.arguments, place, parts.folder)
        return parts._replace(
            variables=tuple(
                _marked(w, place) if has_unfilled_blank(w) else w
                for w in parts.variables
                if not _leaves_devices_open(w)
            ),
            launcher=tuple(
                w for group in group_words_by_option(parts.launcher) for w in self._launcher_words(group, place)
            ),
            arguments=(
                *arguments,
                *self._missing(arguments, place, given_by_launcher(w.value for w in parts.launcher)),
            ),
        )

    def _launcher_words(self, group: OptionGroup, place: str) -> Sequence[Word]:
        name, _, words = group
        return self._choice_words(name, words, None, place) if any(map(has_unfilled_blank, words)) else words

    def _arguments(self, words: Sequence[Word], place: str, folder: str) -> list[Word]:
        """The script's own arguments, its blanks filled or marked."""
        filled: list[Word] = []
        positionals = iter(self.command_line.positionals)
        for name, value, group in group_words_by_option(words, self.command_line):
            plain = name.rstrip("=").lstrip("+~")
            option = self.command_line.options.get(plain) if name else next(positionals, None)
            if _OPTIONAL_OPTION.match(group[-1].raw):  # `-o [--cache]`: the bracket is no value
                group = group[:-1]
                if not group:
                    continue
            if is_trial_option(plain, value) or self.is_unknown(plain):
                continue
            if marked := self._configuration_choice(name, value or group[-1].value, folder, place):
                filled += [*group[:-1], replace_option_value(group[-1], marked)]
            elif not any(map(self.is_open, group)):
                filled += group
            elif not name and option is None and self.command_line.complete:
                continue  # `[optional arguments]`: its parser takes none of its own place
            elif _RUN_NAME.match(plain):
                filled += [*group[:-1], replace_option_value(group[-1], "baseline")]
            elif option is None or not self._has_usable_default(option):
                filled += self._choice_words(name, group, option, place)
        return filled

    def _configuration_choice(self, name: str, value: str, folder: str, place: str) -> str:
        """A configuration that is no baseline as it lies there, as an open choice; empty for any other value."""
        what = name.rstrip("=").lstrip("+~") or "the file"
        if edited := find_blank_in_config(self.facts, value, folder):
            return format_open_choice(f"{what}, a copy of {value} with your own paths", place=edited)
        files = find_config_candidates(self.facts, name, value, folder) or list_training_configs_beside(
            self.facts, value, folder
        )
        return format_open_choice(what, files, place=place) if files else ""

    def is_open(self, word: Word) -> bool:
        """Whether a word is to be filled in here; not where the script itself formats `{timestamp}`."""
        value = split_option_value(word)[1]
        formatted = re.findall(r"\{(\w+)\}", value)
        if formatted and all(f"{name}=" in self.text or f"{{{name}}}" in self.text for name in formatted):
            return False
        return has_unfilled_blank(word) or is_personal_path(value)

    def _has_usable_default(self, option: CommandLineOption) -> bool:
        """Whether a script does what is meant without an option: it has a default that is no file, and nobody's own path."""
        default = option.default
        if isinstance(default, (bool, int, float)):
            return True
        if not isinstance(default, str) or not default or is_blank_value(default) or is_personal_path(default):
            return False
        folder = self.path.rpartition("/")[0]
        is_file = self.facts.has(default) or self.facts.has(f"{folder}/{default}")
        return is_file or not _PATH_NAME.search(option.name.strip("-"))

    def _choice_words(
        self, name: str, group: Sequence[Word], option: CommandLineOption | None, place: str
    ) -> list[Word]:
        """An option with an open choice for its value."""
        what = name.rstrip("=") or (option.name if option else "the argument")
        shown = " ".join(split_option_value(w)[1] if name else w.value for w in (group[1:] or group))
        candidates = self._candidates(option.name if option else what, option)
        if shown.endswith(CONFIG_SUFFIXES) and "/" not in shown:  # the script knows the folder
            candidates = [c.rpartition("/")[2] for c in candidates]
        marked = format_open_choice(what, candidates, shown=shown[:60], place=place)
        if len(group) > 1:
            return [group[0], _word(marked)]
        return [replace_option_value(group[0], marked)]

    def _missing(self, arguments: Sequence[Word], place: str, launched: Sequence[str] = ()) -> Iterator[Word]:
        """What the script cannot start without, and the command does not give, each as an open choice."""
        names = {(split_option_value(w)[0].rstrip("=") or w.value).lstrip("+~").replace("_", "-") for w in arguments}
        count = sum(not name for name, _, _ in group_words_by_option(arguments, self.command_line))
        for option in self.command_line.positionals[count:]:
            fitting = next((c for c in option.choices if c in ("fit", "train")), None)
            if option.required or (not place and _needs_data(option)):
                yield _word(
                    fitting or format_open_choice(option.name, self._candidates(option.name, option), place=place)
                )
        required = self.command_line.required()
        required += self._undeclared_data(arguments, names)
        required += [o for o in self.command_line.each() if not place and _needs_data(o)][:1]
        for option in required:
            if place and not option.name.startswith("-"):
                continue  # what Hydra misses only counts where the script looks for it, and whoever shows a command has run it
            dashed = {n.replace("_", "-") for n in option.names}
            if not dashed.isdisjoint({*names, *launched}):
                continue
            default = option.default if isinstance(option.default, str) and option.default != "???" else ""
            marked = format_open_choice(option.name, self._candidates(option.name, option), shown=default, place=place)
            if option.name.startswith("-"):
                yield from (_word(option.name), _word(marked))
            else:  # a key of Hydra's
                yield _word(f"{option.name}={marked}")

    def _undeclared_data(self, arguments: Sequence[Word], names: set[str]) -> list[CommandLineOption]:
        """The data of a training script, as a choice, where the command gives none and nothing else does."""
        is_given = any(not name for name, _, _ in group_words_by_option(arguments, self.command_line))
        if self.kind != "train" or is_given:
            return []
        return [*filter(None, [find_undeclared_data_option(self.command_line, self.text, names)])]

    def _candidates(self, name: str, option: CommandLineOption | None) -> list[str]:
        """The values that an option takes: its own choices, or for a configuration the files of that kind in the repository.

        Of the files those nearest to the script come first, and those for training before others.
        """
        if option is not None and option.choices:
            return list(option.choices)
        if not _CONFIG_NAME.search(name.strip("-").lower()):
            return []
        files = (p for p in self.facts.notable if p.endswith(CONFIG_SUFFIXES))
        configs = [p for p in files if _CONFIG_FOLDER.search(p.rpartition("/")[0])]
        near = [p for p in configs if p.startswith(self.path.rpartition("/")[0])] or configs
        return sorted(near, key=config_sort_key)


OptionGroup = tuple[str, str, list[Word]]


def group_words_by_option(words: Sequence[Word], command_line: AcceptedArguments | None = None) -> list[OptionGroup]:
    """(name, value, words) of each option, override and argument; an argument has no name, a flag no value."""
    options = command_line.options if command_line else {}
    groups: list[OptionGroup] = []
    at = 0
    while at < len(words):
        word, end = words[at], at + 1
        name, value = split_option_value(word)
        if not name and word.value.startswith("-") and not re.match(r"^-\d|^--?$", word.value):
            name, option = word.value, options.get(word.value)
            if (option is None or option.takes_value) and end < len(words) and _is_value(words[end]):
                end += 1
            value = " ".join(w.value for w in words[at + 1 : end])
        groups.append((name, value, list(words[at:end])))
        at = end
    return groups


def _is_value(word: Word) -> bool:
    """Whether a word behind an option belongs to it."""
    return not word.value.startswith("-") or re.match(r"^-\d|^-$", word.value) is not None


def is_trial_option(name: str, value: str) -> bool:
    """Whether an option tries the script out: `--fast_dev_run`, `debug=true`; one that is switched off does not matter."""
    return bool(_TRIES_OUT.match(name)) and value.lower() not in ("false", "0", "null", "none")


def given_by_launcher(words: Iterable[str]) -> tuple[str, ...]:
    """The options that a launcher adds to each process, with dashes: one that stood in the command too would be every process's rank."""
    launcher = set(words)
    adds_rank = "torch.distributed.launch" in launcher and launcher.isdisjoint(("--use_env", "--use-env"))
    return ("--local-rank",) if adds_rank else ()


def _leaves_devices_open(word: Word) -> bool:
    """Whether a variable has its reader say which GPUs are used: whatever launches a run says that."""
    return word.value.startswith("CUDA_VISIBLE_DEVICES=") and has_unfilled_blank(word)


def _needs_data(option: CommandLineOption) -> bool:
    """Whether an option names data that only its author has: its default is an absolute path."""
    return isinstance(option.default, str) and is_personal_path(option.default) and bool(_DATA.match(option.name))


def _marked(word: Word, place: str) -> Word:
    """A variable with an open choice for its value."""
    name, value = split_option_value(word)
    return replace_option_value(word, format_open_choice(name.rstrip("="), shown=value[:60], place=place))


def _word(value: str) -> Word:
    return Word(quote_shell_word(value), value)
