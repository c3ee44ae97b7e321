"""A shell command -> the experiment that it would start past the recorder, found through whatever it is wrapped in.

For the hooks of coding agents, which ask before every command: nothing here imports more than a moment's worth, and what is not
understood is let through. It is a help against a slip, no wall: who wants to get around it can.
"""

from __future__ import annotations

import bisect
import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

# as long as one argument of a program may be (Linux): no shell is given a longer command in one piece
LONGEST_COMMAND = 131_072
# what few commands hold is compiled, by `re` itself, when one does: a hook pays for each expression at every call
HEREDOC = r"<<-?[ \t]*(['\"]?)(\w+)\1"
# Why not `shlex`? It takes time by the square of a word's length, and a hook may not wait.
TOKEN = re.compile(
    r"""[ \t\r]+|\#[^\n]*|(?P<sign>[();<>|&\n]+)|(?P<word>(?:[^ \t\r\n();<>|&\\'"]+|\\.|'[^']*'|"(?:[^"\\]|\\.)*")+)|(?P<open>.)""",
    re.DOTALL,
)
QUOTING = r"""(?s)\\(.)|'([^']*)'|"((?:[^"\\]|\\.)*)\""""
SUBSTITUTION = r"\$\(((?:[^()]|\([^()]*\))*)\)|`([^`]*)`"
ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")
PYTHON = re.compile(r"python[\d.]*$|pypy\d*$")
SHELLS = frozenset(["bash", "sh", "zsh", "dash", "ksh"])
KEYWORDS = frozenset(["if", "then", "else", "elif", "do", "while", "until", "!", "{", "(", "time", "coproc"])
# programs that run the rest of their line: name -> the options of theirs that take a value
WRAPPERS = {
    "env": "-u -C -S",
    "nohup": "",
    "timeout": "-s -k",
    "nice": "-n",
    "ionice": "-c -n",
    "stdbuf": "",
    "setsid": "",
    "exec": "-a",
    "command": "",
    "builtin": "",
    "sudo": "-u -g",
    "xargs": "-I -n -P -L -d -a -s",
    "chrt": "",
    "taskset": "",
    "caffeinate": "",
    "numactl": "",
    "unbuffer": "",
    "doas": "-u",
    "parallel": "-j",
    "watch": "-n",
    "strace": "-o -e",
}
# `uv run python x.py` and its like: program -> the word behind which the command begins, and options that take a value
RUNNERS = {
    "uv": ("run", "--with --extra --group --python -p --project --env-file --directory"),
    "poetry": ("run", "-C"),
    "pdm": ("run", "-p"),
    "pixi": ("run", "-e --environment"),
    "hatch": ("run", ""),
    "rye": ("run", ""),
    "pipenv": ("run", ""),
    "conda": ("run", "-n -p --name --prefix --cwd"),
    "mamba": ("run", "-n -p"),
    "micromamba": ("run", "-n -p --name --prefix"),
    "coverage": ("run", "--source --rcfile -m"),
    "accelerate": ("launch", ""),
}
LAUNCHERS = frozenset(["torchrun", "deepspeed", "mpirun", "mpiexec", "srun", "sbatch", "horovodrun", "accelerate"])
LAUNCHER_MODULES = frozenset(
    ["torch.distributed.run", "torch.distributed.launch", "accelerate.commands.launch", "deepspeed"]
)
# by the first part of their names
_HARMLESS = "pytest unittest py_compile compileall ruff mypy pyflakes pylint black flake8 doctest pydoc pip venv json"
HARMLESS_MODULES = frozenset(_HARMLESS.split())
# programs that only read, write or check the words behind them
_READING = """
cat less more head tail grep rg ag ack ls cp mv rm ln touch mkdir chmod stat file wc sort uniq diff cmp echo printf sed awk cut tr tee
git gh code vim vi nano emacs ed ruff mypy black isort flake8 pylint pyright pytest py.test tox nox pre-commit man which type whereis
sha256sum md5sum tar zip unzip rsync scp curl wget cd pwd export source . alias set unset test [ true false sleep pip pip3 jq yq tree
du df basename dirname realpath pgrep pkill ps kill
"""
READERS = frozenset(_READING.split())
PASSING = frozenset(("--help", "-h", "--version", "-V", "--usage", "--print-config"))
USUAL_TRAINING = re.compile(r"(?:pre|fine_?)?train\w*\.py$|finetune\w*\.py$|run_experiments?\.(?:py|sh)$")
TRACKED_SCRIPTS = frozenset(("record_run.py", "run.sbatch"))
MAX_DEPTH = 8


class LaunchCommand(NamedTuple):
    """A command that starts a run: its program as the words say it, the script, and whether the recorder keeps it."""

    command: str
    script: str
    recorded: bool = False


def find_launches_in_command(text: str, entry_points: Sequence[str] | None, depth: int = 0) -> Iterator[LaunchCommand]:
    """Every launch in a shell command, in order; `entry_points` are the paths of scripts that run experiments (None: any may be one)."""
    if depth > MAX_DEPTH:
        return
    if len(text) > LONGEST_COMMAND:
        raise ValueError(f"it is longer than {LONGEST_COMMAND:,} letters")
    plain, bodies = _set_heredocs_aside(text.replace("\\\n", " "))
    has_inner = "$(" in plain or "`" in plain
    for inner in re.findall(SUBSTITUTION, re.sub(r"'[^']*'", "''", plain)) if has_inner else ():
        yield from find_launches_in_command(inner[0] or inner[1], entry_points, depth + 1)
    for words in _split_commands(plain):
        heredocs = [bodies[int(word[8:])] for word in words if word.startswith("HEREDOC_") and word[8:].isdecimal()]
        yield from _launches_of(words, heredocs, entry_points, depth)


def _set_heredocs_aside(text: str) -> tuple[str, list[str]]:
    """The text with a word `HEREDOC_n` in the place of each here-document, and their bodies."""
    if "<<" not in text:
        return text, []
    lines = text.split("\n")
    ends: dict[str, list[int]] = {}
    for number, line in enumerate(lines):
        ends.setdefault(line.strip(" \t"), []).append(number)
    rest: list[str] = []
    bodies: list[str] = []
    number = 0
    while number < len(lines):
        line, following = lines[number], number + 1
        if start := re.search(HEREDOC, line):
            places = ends.get(start[2], [])
            at = bisect.bisect_left(places, following)
            if at < len(places):
                line = f"{line[: start.start()]} HEREDOC_{len(bodies)} {line[start.end() :]}"
                bodies.append("\n".join(lines[following : places[at]]))
                following = places[at] + 1
        rest.append(line)
        number = following
    return "\n".join(rest), bodies


def _split_commands(text: str) -> Iterator[list[str]]:
    """The simple commands of a line of shell, each as its words without redirections. Raises ValueError for quotes that stay open."""
    words: list[str] = []
    skip_target = False
    for token in TOKEN.finditer(text):
        sign, word = token["sign"], token["word"]
        if token["open"]:
            raise ValueError("a quote stays open")
        if sign and not sign.strip("();|&\n"):
            yield words
            words = []
        elif sign:
            skip_target = sign[-1] in "<>" or sign.endswith(("&", "|"))
        elif word and skip_target:
            skip_target = False
        elif word:
            words.append(re.sub(QUOTING, _unquote, word) if any(sign in word for sign in "\\'\"") else word)
    yield words


def _unquote(piece: re.Match[str]) -> str:
    if piece[3] is not None:
        return re.sub(r"\\([\"\\$`])", r"\1", piece[3])
    return piece[1] or piece[2] or ""


def _launches_of(
    words: list[str], heredocs: list[str], entry_points: Sequence[str] | None, depth: int
) -> Iterator[LaunchCommand]:
    """The launches of one simple command: what it is itself, behind all that it is wrapped in."""
    while words and (ASSIGNMENT.match(words[0]) or words[0] in KEYWORDS):
        words = words[1:]
    if not words:
        return
    program, rest = PurePosixPath(words[0]).name, words[1:]
    if program == "find":
        program, rest = "env", rest[rest.index("-exec") + 1 :] if "-exec" in rest else []
    if program in WRAPPERS:
        rest = _without_options(rest, WRAPPERS[program].split())
        rest = rest[1:] if program == "timeout" else rest
        yield from _launches_of(rest, heredocs, entry_points, depth)
    elif program in RUNNERS and RUNNERS[program][0] in rest and program != "accelerate":
        behind = rest[rest.index(RUNNERS[program][0]) + 1 :]
        behind = _without_options(behind, RUNNERS[program][1].split())
        python = ["python"] if behind and behind[0].endswith(".py") else []
        yield from _launches_of([*python, *behind], heredocs, entry_points, depth)
    elif program in SHELLS or program in ("eval", "ssh", "tmux", "screen"):
        yield from _launches_in_shell(program, rest, heredocs, entry_points, depth)
    elif program == "scaffold":
        yield from _scaffold_launch(words, rest)
    elif program not in READERS:
        yield from _direct_launch(program, words, entry_points)


def _scaffold_launch(words: list[str], rest: list[str]) -> Iterator[LaunchCommand]:
    own = rest[: rest.index("--")] if "--" in rest else rest
    starts = rest[:1] in (["run"], ["try"]) or rest[:2] in (["sweep", "launch"], ["sweep", "evolve"], ["runs", "rerun"])
    if starts and not PASSING.intersection(own):
        yield LaunchCommand(shlex.join(words), "scaffold", recorded=True)


def _launches_in_shell(
    program: str, rest: list[str], heredocs: list[str], entry_points: Sequence[str] | None, depth: int
) -> Iterator[LaunchCommand]:
    if program in SHELLS:
        scripts = [word for word in rest if not word.startswith("-")]
        if any(re.fullmatch(r"-[a-z]*c[a-z]*", word) for word in rest):
            inner = scripts[:1]
        elif scripts and not scripts[0].startswith("HEREDOC_"):
            inner = []
            if not any(word in ("-n", "--help") for word in rest):
                yield from _script_launch(
                    [program, *rest], scripts[0], rest[rest.index(scripts[0]) + 1 :], entry_points
                )
        else:
            inner = heredocs
    else:
        inner = [" ".join(rest[1:])] if program == "ssh" else rest if program == "eval" else rest[-1:]
        inner = [" ".join(inner)] if program == "eval" else inner
    for text in inner:
        yield from find_launches_in_command(text, entry_points, depth + 1)


def _direct_launch(program: str, words: list[str], entry_points: Sequence[str] | None) -> Iterator[LaunchCommand]:
    """A Python script, a launcher, a script that is its own program, or whatever runs one of these."""
    rest = words[1:]
    if PYTHON.match(program):
        options = _without_options(rest, ["-W", "-X"])
        if rest[:1] == ["-c"] or (not options and "-m" not in rest):
            return
        if "-m" in rest and (not options or rest.index("-m") < rest.index(options[0])):
            module, behind = (rest[rest.index("-m") + 1 :] or [""])[0], rest[rest.index("-m") + 2 :]
            if module.partition(".")[0] in HARMLESS_MODULES:
                return
            if module in LAUNCHER_MODULES:
                yield from _launcher_launch(words, behind)
            elif behind and behind[0].endswith(".py"):  # cProfile, pdb, trace
                yield from _script_launch(words, behind[0], behind[1:], entry_points)
            else:
                yield from _script_launch(words, module.replace(".", "/") + ".py", behind, entry_points)
            return
        script = options[0]
        yield from _script_launch(words, script, options[1:], entry_points)
    elif program in LAUNCHERS:
        yield from _launcher_launch(words, rest)
    elif program.endswith((".py", ".sh", ".bash")):
        yield from _script_launch(words, words[0], rest, entry_points)
    else:
        start = next(
            (i for i, word in enumerate(rest) if PYTHON.match(PurePosixPath(word).name) or word in LAUNCHERS), None
        )
        if start is not None:  # a profiler, a container, a queue
            yield from _direct_launch(PurePosixPath(rest[start]).name, rest[start:], entry_points)


def _launcher_launch(words: list[str], behind: list[str]) -> Iterator[LaunchCommand]:
    if words[0] == "accelerate" and behind[:1] != ["launch"]:
        return
    names = [PurePosixPath(word).name for word in behind]
    if not behind or TRACKED_SCRIPTS.intersection(names) or PASSING.intersection(behind) or "scaffold" in names:
        if TRACKED_SCRIPTS.intersection(names) or "scaffold" in names:
            yield LaunchCommand(shlex.join(words), names[0], recorded=True)
        return
    script = next((word for word in behind if re.search(r"\.(?:py|sh|bash|sbatch|slurm)$", word)), words[0])
    yield LaunchCommand(shlex.join(words), script)


def _script_launch(
    words: list[str], script: str, arguments: list[str], entry_points: Sequence[str] | None
) -> Iterator[LaunchCommand]:
    name = PurePosixPath(script).name
    if name in TRACKED_SCRIPTS:
        if not PASSING.intersection(arguments[: arguments.index("--")] if "--" in arguments else arguments):
            yield LaunchCommand(shlex.join(words), script, recorded=True)
    elif not PASSING.intersection(arguments) and (_is_entry_point(script, entry_points) or USUAL_TRAINING.match(name)):
        yield LaunchCommand(shlex.join(words), script)


def _is_entry_point(script: str, entry_points: Sequence[str] | None) -> bool:
    """Whether a script is one of these, from whatever directory it is named: one path is the end of the other."""
    if entry_points is None:
        return True
    parts = [part for part in PurePosixPath(script).parts if part not in (".", "..")]
    return any(
        parts[-len(entry) :] == entry[-len(parts) :] if len(parts) < len(entry) else parts[-len(entry) :] == entry
        for entry in ([*PurePosixPath(point).parts] for point in entry_points)
        if parts
    )


def _without_options(words: list[str], with_value: Sequence[str]) -> list[str]:
    """The words behind a program's own options and assignments."""
    index = 0
    while index < len(words) and (words[index].startswith("-") or ASSIGNMENT.match(words[index])):
        if words[index] == "--":
            return words[index + 1 :]
        index += 2 if words[index] in with_value else 1
    return words[index:]
