"""What a loop remembers: near-same changes, lines of the brief, tables and branches, ideas of elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from scaffold.ideas.loop_state import PastRun
from scaffold.ideas.memory import summary
from scaffold.ideas.metric_drift import estimate_incumbent_trend
from scaffold.ideas.tree import changes, forbidden_changes
from tests.ideas.conftest import IdeaLoop, MakeLoop


def diff(removed: str, added: str, path: str = "train.py", first: int = 3) -> list[changes.Hunk]:
    """A change of one line."""
    text = f"diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n@@ -{first} +{first} @@\n-{removed}\n+{added}\n"
    return changes.parse_hunks(text)


def test_the_same_change_is_known_without_white_space_and_comments() -> None:
    one = changes.fingerprint_changed_lines(diff("LR = 0.1", "LR = 0.2"))
    assert one == changes.fingerprint_changed_lines(diff("LR = 0.1", "LR  =  0.2   # faster", first=9))
    assert one != changes.fingerprint_changed_lines(diff("LR = 0.1", "LR = 0.3"))
    assert one != changes.fingerprint_changed_lines(diff("LR = 0.1", "LR = 0.2", path="other.py"))
    constants = changes.fingerprint_without_numbers(diff("LR = 0.1", "LR = 0.2"))
    assert constants == changes.fingerprint_without_numbers(diff("LR = 0.1", "LR = 3e-4")) != ()
    assert changes.fingerprint_without_numbers(diff("LR = 0.1", "RATE = 0.2")) == ()


@pytest.mark.parametrize(
    ("removed", "added", "is_seed"),
    [
        ("SEED = 1", "SEED = 2", True),
        ("torch.manual_seed(42)", "torch.manual_seed(7)  # luckier", False),
        ('p.add_argument("--seed", default=0)', 'p.add_argument("--seed", default=3)', True),
        ("LR = 1", "LR = 2", False),
    ],
)
def test_a_change_of_the_seed_alone_is_seen(removed: str, added: str, is_seed: bool) -> None:
    if is_seed:
        with pytest.raises(Exception, match="nothing but the seed"):
            forbidden_changes.refuse_seed_only_changes(diff(removed, added))
    else:
        forbidden_changes.refuse_seed_only_changes(diff(removed, added))


def test_a_loop_of_elsewhere_is_remembered_and_counts_for_nothing(make_loop: MakeLoop, tmp_path: Path) -> None:
    loop = make_loop("--apply")
    loop.git("switch", "-qc", "elsewhere")
    loop.edit("WIDTH = 64", "WIDTH = 128", "model.py")
    loop.git("commit", "-qam", "wider")
    commit = loop.git("rev-parse", "--short", "HEAD").strip()
    loop.git("switch", "-q", "main")
    table = tmp_path / "results.tsv"
    table.write_text(
        "commit\tval_bpb\tmemory_gb\tstatus\tdescription\n"
        f"aaaaaaa\t0.9979\t44\tkeep\tbaseline\n{commit}\t0.99\t44\tdiscard\ttwice the width\nbbbbbbb\t0\t0\tcrash\tno memory\n"
    )
    before = loop.study
    assert loop.json("ideas", "import", str(table))["imported"] == 2
    assert loop.json("ideas", "import", str(table))["imported"] == 0
    assert loop.study.history == before.history and [r.status for r in loop.study.ideas[1:]] == ["dropped", "failed"]
    for words in (("restore", "2"), ("again", "2"), ("keep", "2", "--because", "it was good there")):
        assert "the code of idea 2 is not here: from results.tsv" in loop("ideas", *words, code=1).stderr
    assert loop.study.history == before.history and loop.study.incumbent == 0, "nothing without code ever stands"
    loop.edit("WIDTH = 64", "WIDTH = 128", "model.py")
    assert loop.json("try", "wider", code=3)["known"]


@pytest.fixture
def loop(make_loop: MakeLoop) -> IdeaLoop:
    loop = make_loop("--apply")
    loop.edit("GAIN = 0", "GAIN = -0.3")
    loop("try", "worse", "--because", "why | not", code=3)
    loop.edit()
    loop("try", "=better")
    return loop


def test_a_study_is_written_as_a_table_and_as_a_branch(loop: IdeaLoop) -> None:
    rows = [line.split("\t") for line in loop("ideas", "export").stdout.splitlines()]
    assert [row[:2] for row in rows] == [["idea", "status"], ["0", "kept"], ["1", "dropped"], ["2", "kept"]]
    assert rows[3][9] == "'=better" and float(rows[3][2]) == pytest.approx(-0.3)
    assert loop.json("ideas", "export", "--branch", "kept")["ideas"] == 1
    assert loop.git("log", "--format=%s", "kept").splitlines()[:2] == ["=better", "workspace"]
    assert loop.content("kept") == loop.content("HEAD")
    assert "there is a branch kept already" in loop("ideas", "export", "--branch", "kept", code=1).stderr


def test_the_brief_has_the_study_in_forty_lines(loop: IdeaLoop) -> None:
    lines = summary.study_brief_lines(loop.study)
    text = loop("brief", "--for", "execution").stdout
    assert len(lines) <= 40 and all(line in text for line in lines)
    assert "- stands: idea 2: =better" in text and "because why " in text
    assert "- changes of constants of train.py: 1 of 2 kept" in text
    assert text.splitlines()[-1] and "## Ideas" in text


def test_the_report_has_the_course_and_every_idea_with_its_patch(loop: IdeaLoop) -> None:
    loop("report", "--out", str(loop.root / "exp/page.html"))
    page = (loop.root / "exp/page.html").read_text()
    assert "val_bpb, idea by idea" in page and "what idea 2 changes" in page and "+GAIN = 0.3" in page
    text = loop("report", "--md").stdout
    assert "## Ideas: val-bpb" in text and "2, kept, stands, -0.3" in text.replace("\\", "")


def test_a_machine_that_changes_is_seen() -> None:
    wobble = (0.1, -0.2, 0.15, -0.05)
    slower = [PastRun(n, 1.0 + 0.5 * n + wobble[n % 4], n) for n in range(12)]
    assert estimate_incumbent_trend(slower) == pytest.approx(5.5, abs=0.3)
    assert estimate_incumbent_trend([run._replace(value=1 + wobble[run.seed % 4]) for run in slower]) is None
    assert (
        estimate_incumbent_trend([run._replace(time=0) for run in slower]) is None
        and estimate_incumbent_trend(slower[:5]) is None
    )
