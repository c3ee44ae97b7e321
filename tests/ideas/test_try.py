"""Ideas from the working tree to their verdict: kept, dropped, known, refused; and that nothing of the user's is lost on the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from scaffold.ideas.tree import changes, forbidden_changes
from tests.ideas.conftest import FILES, TRAIN, IdeaLoop, MakeLoop, seeds_of


@pytest.fixture
def loop(make_loop: MakeLoop) -> IdeaLoop:
    return make_loop("--apply")


def test_a_good_idea_is_kept_on_new_seeds_and_committed_with_what_was_found(loop: IdeaLoop) -> None:
    head = loop.git("rev-parse", "HEAD").strip()
    loop.edit()
    answer = loop.json("try", "a gain of 0.3", "--because", "it has to help")
    idea = answer["idea"]
    assert (idea["status"], idea["tree"], answer["known"]) == ("kept", "done", False)
    assert idea["change"] == pytest.approx(-0.3) and idea["low"] < -0.3 < idea["high"] < 0
    assert (
        loop.git("rev-parse", "HEAD^").strip() == head
        and idea["result_commit"] == loop.git("rev-parse", "HEAD").strip()
    )
    message = loop.git("log", "-1", "--format=%B")
    assert message.startswith("a gain of 0.3\n\nIdea: 1 of val-bpb\nBecause: it has to help\nVerdict: kept, -0.3 [")
    assert "Runs: " in message and loop.code_changes() == []
    own, baseline = seeds_of(loop.asked, 1), seeds_of(loop.asked, 0)
    assert own[-3:] == baseline[-3:] and own[-3] > max(own[:-3]), "confirmed on seeds that neither had used"


def test_a_verdict_may_be_quoted_in_its_words(loop: IdeaLoop) -> None:
    loop.edit("GAIN = 0", "GAIN = -0.3")
    verdict = loop("try", "worse", code=3).stdout
    prose = loop.root / "text.md"
    prose.write_text(f"The idea was {verdict.splitlines()[0].partition(': ')[2]}.\n")
    assert "backed" in loop("report", "--check", str(prose)).stderr, verdict
    prose.write_text(prose.read_text() + "It gave val_bpb = 7.7777.\n")
    assert "no run backs 7.7777" in loop("report", "--check", str(prose), code=3).stdout


def test_a_bad_idea_is_taken_back_and_remembered(loop: IdeaLoop) -> None:
    (loop.root / "new.py").write_text("x = 1\n")
    loop.edit("GAIN = 0", "GAIN = -0.3")
    idea = loop.json("try", "worse", code=3)["idea"]
    assert (idea["status"], idea["paths"]) == ("dropped", ["new.py", "train.py"])
    assert loop.code_changes() == [] and not (loop.root / "new.py").exists()
    assert loop.content("refs/scaffold/ideas/val-bpb/1", "new.py") == "x = 1\n"
    count = len(loop.asked)
    (loop.root / "new.py").write_text("x = 1\n")
    loop.edit("GAIN = 0", "GAIN = -0.3")
    again = loop.json("try", "other words", code=3)
    assert again["known"] and again["idea"]["idea"] == 1 and len(loop.asked) == count
    assert loop.code_changes() == [], "its verdict is done to the tree again"
    loop.edit("GAIN = 0", "GAIN = -0.3  # a comment")
    (loop.root / "new.py").write_text("x  =  1\n")
    assert loop.json("try", "again?", code=3)["similar"] == [{"idea": 1, "status": "dropped", "how": "the same lines"}]
    loop("ideas", "restore", "1")
    assert loop.git("diff", "--cached", "--name-only") == "", "nothing is staged for its user"
    assert "GAIN = -0.3\n" in loop.train.read_text() and (loop.root / "new.py").read_text() == "x = 1\n"


def test_an_earlier_idea_is_taken_up_as_a_change_on_top_of_what_was_kept_since(loop: IdeaLoop) -> None:
    """`again` and `keep` would else judge, and bring back, the code of its time: without all that was kept since."""
    loop.edit("WIDTH = 64", "WIDTH = 65", "model.py")
    assert loop.json("try", "nothing", code=3)["idea"]["status"] == "dropped"
    loop.edit("BONUS = 0", "BONUS = 0.3")
    assert loop.json("try", "a gain")["idea"]["status"] == "kept"
    done = loop("ideas", "again", "1", code=3)
    assert "idea 2 was kept since: idea 3 is judged on top of it" in done.stderr
    again = loop.study.ideas[3]
    assert again.base == 2 and abs(again.effect or 0.0) < 0.1
    assert "BONUS = 0.3" in loop.content(again.commit) and loop.content(again.commit, "model.py") == "WIDTH = 65\n"
    assert "has idea 2 in it" in loop("ideas", "again", "2", code=1).stderr
    assert "it is without idea 2, kept since" in loop("ideas", "restore", "1").stdout
    loop("ideas", "restore", "2")
    loop("ideas", "keep", "1", "--because", "it is good practice")
    assert loop.code_changes() == [] and "BONUS = 0.3" in loop.train.read_text()
    assert loop.content("HEAD", "model.py") == "WIDTH = 65\n" and loop.study.ideas[1].base == 2


def test_without_apply_the_tree_is_not_touched(make_loop: MakeLoop) -> None:
    loop = make_loop()
    loop.edit()
    assert loop.json("try", "better")["idea"]["tree"] == "none"
    assert loop.code_changes() == [" M train.py"]
    loop.git("checkout", "-q", "train.py")
    loop.edit("WIDTH = 64", "WIDTH = 65", "model.py")
    done = loop("try", "on top", code=1)
    assert "the tree lacks idea 1, which was kept and stands" in done.stderr and "ideas restore 1" in done.stderr


def test_what_is_no_idea_is_said_and_left(loop: IdeaLoop) -> None:
    assert "nothing is changed against the code that stands" in loop("try", "nothing", code=2).stderr
    (loop.root / "results.tsv").write_text("a\tb\n")
    loop.edit("nothing yet", "something", "notes.md")
    (loop.root / "weights.bin").write_bytes(b"\0" * 100)
    (loop.root / "more.ignored.py").write_text("x = 1\n")
    done = loop("try", "nothing that runs", code=2)
    for text in (
        "results.tsv: it cannot matter",
        "notes.md: it cannot matter",
        "weights.bin: it is binary",
        "more.ignored.py: git ignores it",
    ):
        assert text in done.stderr
    loop.edit("GAIN = 0", "GAIN = -0.3")
    loop("try", "worse", code=3)
    assert (loop.root / "notes.md").read_text() == "something\n" and (loop.root / "weights.bin").exists()
    assert loop.code_changes() == [" M notes.md", "?? results.tsv", "?? weights.bin"]


@pytest.mark.parametrize(
    ("path", "old", "new", "reason"),
    [
        ("tests/test_model.py", "import model", "import sys", "may not change tests/test_model.py"),
        ("train.py", "val_bpb: {1 - GAIN", "val_bpb: {0.5 - GAIN", "lines that compute or print val_bpb: train.py:7"),
        ("seeded.py", "SEED = 1", "SEED = 2", "nothing but the seed"),
    ],
)
def test_fences(make_loop: MakeLoop, path: str, old: str, new: str, reason: str) -> None:
    loop = make_loop("--apply", files={**FILES, "seeded.py": "SEED = 1  # of all\n"})
    before = loop.study
    loop.edit(old, new, path)
    assert reason in loop("try", "refused", code=1).stderr
    assert loop.study == before and loop.code_changes() == [f" M {path}"]


EVALUATION = {
    "train.py": TRAIN.replace("print(f", "import prepare\nval_bpb = prepare.evaluate(1 - GAIN - BONUS)\nprint(f"),
    "prepare.py": "def evaluate(loss):\n    return loss\n",
}


@pytest.mark.parametrize(
    ("path", "line", "reason"),
    [
        ("prepare.py", "X = 1", "may not change prepare.py: what is measured would be another thing"),
        ("prepare/__init__.py", "def evaluate(loss): return 0", "would be imported in place of prepare.py"),
        ("train.py", "prepare.evaluate = abs", "lines that compute or print val_bpb: train.py"),
        ("train.py", "setattr(prepare, 'LIMIT', 1)", "lines that compute or print val_bpb: train.py"),
        ("helper.py", "from prepare import evaluate as original\ndef evaluate(loss): return 0", "val_bpb: helper.py"),
    ],
)
def test_the_evaluation_cannot_be_got_around(make_loop: MakeLoop, path: str, line: str, reason: str) -> None:
    loop = make_loop("--apply", files={**FILES, **EVALUATION})
    before = loop.study
    assert before.never == ("prepare.py", "tests/test_model.py")
    loop.edit()  # something else beside it does not help
    (loop.root / path).parent.mkdir(exist_ok=True)
    with (loop.root / path).open("a") as file:
        file.write(line + "\n")
    assert reason in loop("try", "refused", code=1).stderr and loop.study == before


@pytest.mark.parametrize(
    ("line", "is_named"),
    [
        ("prepare.evaluate = abs", True),
        ("prepare.evaluate == 1", False),
        ("loss = prepare.evaluate(x)", False),
        ("my_prepare.limit = 3", False),
        ("x.prepare.limit = 3", False),
        ("evaluate = torch.compile(evaluate)", True),
        ("evaluated = 3", False),
        ("patch.object(prepare, 'evaluate', abs)", True),
        ("    val_bpb = 3", True),
    ],
)
def test_lines_that_make_the_metric(line: str, is_named: bool) -> None:
    hunk = changes.Hunk(path="train.py", first=3, removed=(), added=(line,))
    assert forbidden_changes.metric_hunks([hunk], "val_bpb", (), ["evaluate"], ["prepare.py"]) == [hunk] * is_named


def test_only_and_checks(make_loop: MakeLoop) -> None:
    loop = make_loop("--apply", "--only", "train.py", "--check", "test ! -e stop")
    loop.edit("WIDTH = 64", "WIDTH = 65", "model.py")
    assert "outside of what this study may change (--only train.py): model.py" in loop("try", "x", code=1).stderr
    loop.git("checkout", "-q", "model.py")
    (loop.root / "stop").touch()
    loop.edit()
    count = len(loop.asked)
    idea = loop.json("try", "better", code=3)["idea"]
    assert idea["why"] == "the check `test ! -e stop` failed" and len(loop.asked) == count


def test_a_crash_is_failed_and_its_cause_is_named(loop: IdeaLoop) -> None:
    loop.edit("GAIN = 0", "GAIN = 0.3  # CRASH")
    idea = loop.json("try", "crashes", code=3)["idea"]
    assert (idea["status"], idea["notes"]) == ("failed", ["ValueError: it diverged"])
    assert len(seeds_of(loop.asked, 1)) == 2, "once more, and no more"


def test_the_tree_is_left_alone_where_somebody_went_on_editing(loop: IdeaLoop) -> None:
    loop.edit("GAIN = 0", "GAIN = -0.3")

    def edit() -> None:
        (loop.root / "model.py").write_text("WIDTH = 128\n")

    loop.during = edit
    done = loop("try", "worse", code=3)
    assert "model.py was changed while the idea was judged" in done.stderr
    assert loop.code_changes() == [" M model.py", " M train.py"] and loop.study.ideas[1].application == "by hand"


def test_a_persons_decision_is_written_down_as_such(loop: IdeaLoop) -> None:
    loop.edit("GAIN = 0", "GAIN = -0.01")
    loop("try", "simpler", code=3)
    idea = loop.json("ideas", "keep", "1", "--because", "it is much simpler")["idea"]
    assert (idea["status"], idea["by_hand"]) == ("kept", "it is much simpler")
    assert "Decided-by: it is much simpler" in loop.git("log", "-1", "--format=%B")
    assert loop.study.incumbent == 1 and "GAIN = -0.01" in loop.train.read_text()
    loop("ideas", "drop", "1", "--because", "no")
    assert loop.study.incumbent == 0 and "GAIN = 0\n" in loop.train.read_text()


def test_a_claim_is_made_on_seeds_of_its_own(loop: IdeaLoop) -> None:
    loop.give = lambda train, seed: (0.7 if "0.3" in train else 1.0) + (seed * 31 + 7 * ("0.3" in train)) % 97 / 90000
    assert loop("ideas", "claim", code=3).stderr.startswith("no idea was kept")
    loop.edit()
    loop("try", "better")
    used = {seed for _, seed in loop.asked}
    claim = loop.json("ideas", "claim")
    assert (
        claim["low"] < claim["change"] < claim["high"] < -0.29
        and not used & set(claim["seeds"])
        and claim["claims"] == 1
    )
    assert loop.json("ideas", "claim")["claims"] == 2


def test_a_start_needs_a_clean_tree_with_a_commit(make_loop: MakeLoop, tmp_path: Path) -> None:
    loop = make_loop(started=False)
    loop.edit()
    words = ("ideas", "start", "--metric", "val_bpb", "--minimize", "--", "python3", "train.py")
    done = loop(*words, code=1)
    assert "the code differs from HEAD (train.py)" in done.stderr and "git stash" in done.stderr
    assert "no study of ideas is open" in loop("try", "x", code=1).stderr
    loop.git("update-ref", "-d", "HEAD")
    assert "has no commit yet" in loop(*words, code=1).stderr
