"""Wrong command lines -> what is wrong, an example that is right, and where the rest stands."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, MutableMapping, Sequence
from typing import Any

import click

from scaffold.cli.common.examples import EXAMPLES
from scaffold.errors import WrongUsage

# where a context keeps which command is called
COMMAND_KEY = "scaffold.command"


def command_path_words(ctx: click.Context) -> tuple[str, ...]:
    """The command of a context as its words, without `scaffold`."""
    return (*command_path_words(ctx.parent), str(ctx.info_name)) if ctx.parent is not None else ()


def examples_epilog(command: Sequence[str]) -> str | None:
    """The examples of a command, as its help ends with them."""
    lines = EXAMPLES.get(" ".join(command), ())
    return (
        "\b\n" + "\n".join([f"Example{'s' if len(lines) > 1 else ''}:", *(f"  {line}" for line in lines)])
        if lines
        else None
    )


@contextlib.contextmanager
def explain_usage_errors(root: click.Group, meta: MutableMapping[str, Any]) -> Iterator[None]:
    """Errors of usage in here become WrongUsage with a hint: an example, and where all options stand."""
    try:
        yield
    except click.exceptions.NoArgsIsHelpError:
        raise
    except WrongUsage as error:
        if error.hint is None:
            error.hint = _usage_hint(meta.get(COMMAND_KEY, ()), None)
        raise
    except click.UsageError as error:
        command = meta.get(COMMAND_KEY, ()) if error.ctx is None else command_path_words(error.ctx)
        raise WrongUsage(
            _as_our_sentence(error.format_message()), hint=_usage_hint(command, _faulty_option(root, error, command))
        ) from error


def unknown_command_error(ctx: click.Context, word: str) -> WrongUsage:
    """What to say of a word that is no command: the nearest one of this group, or where a command of that name is."""
    from scaffold.cli.common import answer_schemas, options

    group, path = ctx.command, " ".join(("scaffold", *command_path_words(ctx)))
    assert isinstance(group, click.Group)
    root = ctx.find_root().command
    assert isinstance(root, click.Group)
    namesakes = [
        " ".join(("scaffold", *words)) for words, _ in answer_schemas.list_cli_commands(root) if words[-1] == word
    ]
    suggestion = (
        f", did you mean `{namesakes[0]}`?" if namesakes else options.did_you_mean(word, group.list_commands(ctx))
    )
    return WrongUsage(f"`{path}` has no command {word!r}{suggestion}", hint=f"{path} --help lists them")


def _as_our_sentence(text: str) -> str:
    """click's sentences begin with a capital and end with a full stop; ours do not."""
    return text[:1].lower() + text[1:].removesuffix(".")


def _faulty_option(root: click.Group, error: click.UsageError, command: Sequence[str]) -> click.Option | None:
    """The option that an error is about, where there is one."""
    parameter = getattr(error, "param", None)
    name = getattr(error, "option_name", None) or getattr(error, "param_hint", None)
    if parameter is None and name:
        parameter = next((p for p in _command_parameters(root, command) if name in (*p.opts, *p.secondary_opts)), None)
    return parameter if isinstance(parameter, click.Option) else None


def _command_parameters(root: click.Group, words: Sequence[str]) -> Sequence[click.Parameter]:
    """What a command takes."""
    command: click.Command | None = root
    for word in words:
        command = command.get_command(click.Context(command), word) if isinstance(command, click.Group) else None
    return command.params if command is not None else ()


def _usage_hint(command: Sequence[str], option: click.Option | None) -> str:
    """An example, with the option where the error is about one, and where the rest stands."""
    lines = EXAMPLES.get(" ".join(command), ())
    path = " ".join(("scaffold", *command))
    if not lines:
        return f"{path} --help lists what there is"
    flag = option.opts[0] if option is not None else ""
    line = next((example for example in lines if flag and flag in example.split()), lines[0])
    if option is not None and flag not in line.split():
        head, dashes, rest = line.partition(" -- ")
        line = f"{head} {flag} {_example_value(option)}{dashes}{rest}"
    return f"for example: {line} (all options: {path} --help)"


def _example_value(option: click.Option) -> str:
    """A value that an option takes."""
    kind = option.type
    if isinstance(kind, click.Choice):
        return str(kind.choices[0])
    if isinstance(kind, (click.IntRange, click.FloatRange)):
        return str(max(1, int(kind.min or 0)))
    if isinstance(kind, (click.types.IntParamType, click.types.FloatParamType)):
        return "10"
    return option.metavar or ("FILE" if isinstance(kind, click.Path) else "TEXT")
