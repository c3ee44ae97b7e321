"""Whether public task lists survive the commands of the plan: no box, no dependency and no word of theirs is lost.

    python -m tools.plan_conformance FOLDER... [--verbose]

Each FOLDER is a clone of a public repository, bare or not, or a folder of such clones. Every Markdown file of its last commit that holds a
box (`[ ]`, `[x]`) is read; nothing is changed or run, and nothing is fetched. The exit code is 3 where a file breaks one of the demands:

- a box in a list or a table, outside of code and comments, is a task or a finding (P208),
- `fix` applied twice gives what it gives once, and each `depends` of a task still means the same task (also of a plan made of the list),
- `convert` makes one task of each box and of each element `<task>`, with its mark, and loses no word.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scaffold.plan.document.field_values import dependency_ids
from scaffold.plan.document.fix import fix_plan
from scaffold.plan.document.markdown_lines import scan_lines
from scaffold.plan.document.model import Plan
from scaffold.plan.document.parse import parse_plan
from scaffold.plan.tasks.foreign_task_lists import convert_plan, foreign_task_list_kind

# told without the package's own expressions, so that what these do not see is seen here
LIST_BOX = re.compile(r"\s*(?:[-*+]|\d{1,9}[.)])\s+\[[ xX/]\]\s+\S")
CELL_BOX = re.compile(r"\|\s*\[[ xX/]?\]\s*(?=\|)|^\s*\|?\s*\[[ xX/]\]\s[^|]*\|")
WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class FileResult:
    """What became of one file: its boxes, and what it breaks."""

    boxes: int
    dependencies: int
    foreign: bool
    problems: tuple[str, ...]


def box_lines(text: str) -> list[int]:
    """The numbers of the lines with a box in a list or a table, outside of code, comments and quotes."""
    return [
        line.number
        for line in scan_lines(text).lines
        if line.kind not in ("code", "comment", "quote") and (LIST_BOX.match(line.text) or CELL_BOX.search(line.text))
    ]


def meant_tasks(plan: Plan) -> dict[tuple[int, int], int | None]:
    """(line of a task, which of its dependencies) -> the line of the task that it means; None where there is none of that id."""
    lines = {task.id: task.line for task in plan.tasks if task.id}
    return {
        (task.line, number): lines.get(dependency)
        for task in plan.tasks
        for number, dependency in enumerate(dependency_ids(task))
    }


def check_text(text: str) -> FileResult:
    """Hold one file against the demands."""
    plan, boxes = parse_plan(text), box_lines(text)
    problems = []
    seen = {task.line for task in plan.tasks} | {near_miss.line for near_miss in plan.near_misses}
    if lost := [number for number in boxes if number not in seen]:
        problems.append(f"line {lost[0]}: a box is neither task nor finding ({len(lost)} in all)")
    kind = foreign_task_list_kind(plan)
    chained = chain_tasks(convert_plan(text)) if kind is not None else text
    problems += [problem for each in {text, chained} for problem in _check_fixed(each)]
    if kind is not None:
        problems += _check_converted(text, convert_plan(text), boxes)
    return FileResult(len(boxes), len(meant_tasks(parse_plan(chained))), kind is not None, tuple(problems))


def chain_tasks(text: str) -> str:
    """A plan in which every third task has lost its id, and each other depends on the one before it that has one.

    Lists of other tools have no `depends`: so `fix` has something to number, and something that it must not redirect.
    """
    lines, before = text.split("\n"), ""
    for number, task in enumerate(parse_plan(text).tasks):
        line = lines[task.line - 1].rstrip("\r")
        if number % 3 == 2:
            line = line.replace(f"[{task.id}] ", "", 1)
        else:
            line, before = f"{line} | depends: {before}" if before else line, task.id
        lines[task.line - 1] = line
    return "\n".join(lines)


def _check_fixed(text: str) -> Iterator[str]:
    mended = fix_plan(text)
    if fix_plan(mended) != mended:
        yield "fix does not settle"
    meant, meant_then = meant_tasks(parse_plan(text)), meant_tasks(parse_plan(mended))
    if any(meant_then.get(key) != target for key, target in meant.items()):
        yield "fix changes what a task depends on"


def _check_converted(text: str, converted: str, boxes: list[int]) -> Iterator[str]:
    before, after = Counter(WORD.findall(text)), Counter(WORD.findall(converted))
    # the mark `X` is written `x`
    missing = Counter({word: count for word, count in (before - after).items() if word not in ("x", "X")})
    if missing:
        yield f"convert loses {missing.most_common(1)[0][0]!r} and {len(missing) - 1} other words"
    plan = parse_plan(converted)
    if len(plan.tasks) < len(boxes):
        yield f"convert makes {len(plan.tasks)} tasks of {len(boxes)} boxes"
    if unnamed := [task for task in plan.tasks if not task.id]:
        yield f"convert leaves {len(unnamed)} tasks without an id"
    if foreign_task_list_kind(plan) is not None:
        yield "what convert makes is no plan"


def list_repositories(folders: list[Path]) -> Iterator[tuple[str, Path]]:
    """Name and git directory of each clone in the folders."""
    for folder in folders:
        clones = [folder] if _git_dir(folder) else [*sorted(folder.iterdir()), *sorted(folder.glob("*/repo"))]
        for path in clones:
            if git_dir := _git_dir(path):
                yield (path.parent if path.name == "repo" else path).name, git_dir


def _git_dir(path: Path) -> Path | None:
    return next((folder for folder in (path / ".git", path) if (folder / "HEAD").is_file()), None)


def read_texts(git_dir: Path) -> Iterator[tuple[str, str]]:
    """Path and text of each Markdown file of the last commit that holds a box or an element of a task; equal texts once."""
    pattern = r"\[[ xX/]?\]|^[[:space:]]*<task[ >]"
    command = ["git", "--git-dir", str(git_dir), "grep", "-z", "-l", "-E", pattern, "HEAD", "--", "*.md"]
    names = subprocess.run(command, capture_output=True, check=False).stdout.decode("utf-8", "surrogateescape")
    texts = set()
    for name in filter(None, names.split("\0")):
        shown = subprocess.run(["git", "--git-dir", str(git_dir), "show", name], capture_output=True, check=False)
        text = shown.stdout.decode("utf-8", "replace")
        if shown.returncode == 0 and text not in texts and len(text) < 1_000_000:
            texts.add(text)
            yield name.partition(":")[2], text


def main() -> None:
    """Check every file, print a row a repository, and the sum."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--verbose", action="store_true", help="name every file")
    options = parser.parse_args()
    total, repositories, wrong = Counter[str](), 0, 0
    for name, git_dir in list_repositories(options.folders):
        row = Counter[str]()
        for path, text in read_texts(git_dir):
            result = check_text(text)
            if result.boxes == 0 and not result.foreign:
                continue
            row.update(files=1, boxes=result.boxes, dependencies=result.dependencies, converted=result.foreign)
            wrong += bool(result.problems)
            if options.verbose or result.problems:
                print(f"  {name}/{path}: {result.boxes} boxes{''.join('; ' + problem for problem in result.problems)}")
        if row["files"]:
            repositories += 1
            total.update(row)
            print(f"{name:<45} {row['files']:>5} files {row['boxes']:>6} boxes {row['converted']:>5} converted")
    print(
        f"\n{total['files']} files of {repositories} repositories: {total['boxes']} boxes, {total['dependencies']} dependencies, "
        f"{total['converted']} lists of other tools; {wrong} files break a demand"
    )
    sys.exit(3 if wrong else 0)


if __name__ == "__main__":
    main()
