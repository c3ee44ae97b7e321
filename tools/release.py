"""Cut a release: version, changelog, and the template as a tag in the bundle that the package ships.

usage: python -m tools.release 0.2.0 [--date 2026-01-31]

Run it whenever `copier.yml` or anything below `template/` has changed: only released versions can be updated from, so the
newest tag in the bundle and the template beside the package must be the same (a test sees to it). Commit what it changes.
"""

from __future__ import annotations

import argparse
import datetime
import re
import shutil
import tempfile
from pathlib import Path

import git
from packaging.version import Version

ROOT = Path(__file__).parent.parent
BUNDLE = ROOT / "scaffold" / "template.bundle"
INIT = ROOT / "scaffold" / "__init__.py"
CHANGELOG = ROOT / "CHANGELOG.md"
AUTHOR = git.Actor("experiment-scaffold", "experiment-scaffold@localhost")


def main() -> None:
    """Check first, then write version, changelog and bundle."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("version", type=Version, help="the new version, such as 0.2.0")
    parser.add_argument(
        "--date", type=datetime.date.fromisoformat, default=datetime.date.today(), help="default: today"
    )
    options = parser.parse_args()
    version, date = str(options.version), options.date
    changelog = released_changelog(CHANGELOG.read_text(encoding="utf-8"), version, date.isoformat())
    add_to_bundle(version, date)
    INIT.write_text(
        re.sub(r'(__version__ = )"[^"]+"', rf'\1"{version}"', INIT.read_text(encoding="utf-8")), encoding="utf-8"
    )
    CHANGELOG.write_text(changelog, encoding="utf-8")
    print(f"released {version}: commit {', '.join(p.relative_to(ROOT).as_posix() for p in (INIT, CHANGELOG, BUNDLE))}")


def released_changelog(text: str, version: str, date: str) -> str:
    """The changelog with what was unreleased under the new version. Ends the program when nothing was."""
    match = re.search(r"^## Unreleased\n(?P<news>.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    if match is None or not match["news"].strip():
        raise SystemExit("CHANGELOG.md has nothing under `## Unreleased`: say there what is new, one sentence each")
    return (
        text[: match.start()]
        + f"## Unreleased\n\n## {version} - {date}\n\n{match['news'].strip()}\n\n"
        + text[match.end() :]
    )


def add_to_bundle(version: str, date: datetime.date) -> None:
    """Add the template as it is now to the bundle, under the tag `v<version>`. Ends the program when that tag is there."""
    with tempfile.TemporaryDirectory(prefix="scaffold-release-") as name:
        tree = Path(name) / "tree"
        repo = git.Repo.clone_from(str(BUNDLE), tree) if BUNDLE.exists() else git.Repo.init(tree, initial_branch="main")
        with repo:
            tags = {tag.name for tag in repo.tags}
            if any(Version(tag) >= Version(version) for tag in tags):
                raise SystemExit(f"{version} is not newer than what is released: {', '.join(sorted(tags))}")
            for old in tree.iterdir():
                if old.name != ".git":
                    shutil.rmtree(old) if old.is_dir() else old.unlink()
            shutil.copy2(ROOT / "copier.yml", tree)
            shutil.copytree(ROOT / "template", tree / "template", ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
            repo.git.add("--all", "--force")
            when = datetime.datetime.combine(date, datetime.time(), datetime.timezone.utc)
            repo.index.commit(
                f"Template {version}", author=AUTHOR, committer=AUTHOR, author_date=when, commit_date=when
            )
            repo.create_tag(f"v{version}")
            repo.git.bundle("create", "--quiet", str(BUNDLE), "HEAD", "--branches", "--tags")


if __name__ == "__main__":
    main()
