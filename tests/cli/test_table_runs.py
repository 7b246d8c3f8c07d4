"""`minigan train table` and `minigan sample RUN --csv F`: a run on the rows of a CSV file."""
from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from minigan.cli import main
from minigan.data import Table, read_table, write_table
from minigan.errors import UserError
from minigan.gan import Options, Run, RunError


PLAIN = "--batch-size", "8", "--recipe", "as-written"


def animals(n=60, seed=0):
    rng = np.random.default_rng(seed)
    cats = rng.random(n) < 0.5
    return Table(("kind", "weight", "legs"), [
        ("cat" if cat else "dog, large", f"{rng.normal(4 if cat else 30, 1):.2f}", "4")
        for cat in cats])


def trained(file, out, *more):
    assert main([str(word) for word in ("train", "table", "--data", file, "--device", "cpu",
                                        "--out", out, *more)]) == 0
    return out


@pytest.fixture(scope="module", autouse=True)
def no_curves():
    """Of the losses, which take longer than the steps: tests/cli/test_train.py looks at them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("minigan.gan.folder.RunFolder.save_losses", lambda run: None)
        yield


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("table") / "animals.csv"
    write_table(path, animals())
    return path


@pytest.fixture(scope="module")
def run(file, tmp_path_factory):
    """Six steps, saved after each three."""
    return trained(file, tmp_path_factory.mktemp("runs") / "whole", "--steps", 6, "--save-every", 3,
                   *PLAIN)


def mistake(capsys, *words):
    """The line that the command answers a mistake with."""
    capsys.readouterr()
    try:
        status = main([str(word) for word in words])
    except SystemExit as error:  # of argparse
        status = error.code
    line, = [line for line in capsys.readouterr().err.splitlines()]
    assert status == 2
    return line


def test_a_run_leaves_rows_a_page_and_all_that_is_known_of_the_columns(run, file):
    assert read_table(run / "samples" / "step-000006.csv").names == animals().names
    assert not list(run.glob("samples/*.png"))
    page = (run / "index.html").read_text()
    assert "60 rows of 3 columns, 1 of numbers and 2 of a few texts (kind, legs)" in page
    assert "<th>weight</th>" in page and "dog, large</td>" in page
    real = page.partition("<h2>Real rows</h2>")[2].partition("</table>")[0]
    assert real.count("<tr>") == 11 and f"<td>{float(animals().rows[9][1])}</td>" in real
    assert "table on animals.csv, seed 0" in page
    assert "step 6 of 6" in Run.open(run)._repr_html_()
    assert json.loads((run / "config.json").read_text())["data_dir"] == str(file)


def test_doctor_finds_a_run_whole_and_makes_lost_rows_again(file, tmp_path, capsys, monkeypatch):
    run = trained(file, tmp_path / "run", "--steps", 2, "--save-every", 1, *PLAIN)
    monkeypatch.setattr("minigan.gan.folder.find_spec", lambda name: None)  # no matplotlib
    (run / "losses.svg").write_text("</svg>\n")
    capsys.readouterr()
    assert main(["doctor", str(run)]) == 0
    assert capsys.readouterr().out == f"{run} is whole; the last saved step is 2\n"
    first, second = sorted(run.glob("samples/*"))
    before = first.read_bytes(), second.read_bytes()
    first.unlink()
    second.write_text('kind,weight,legs\ncat,"4')
    assert main(["doctor", str(run)]) == 1
    assert main(["doctor", str(run), "--repair"]) == main(["doctor", str(run)]) == 0
    assert capsys.readouterr().out.count("step-000001.csv is missing or damaged") == 2
    assert (first.read_bytes(), second.read_bytes()) == before


def test_the_device_is_told_once_the_table_is_read(tmp_path, capsys):
    (tmp_path / "wrong.csv").write_text("a;b\n1;2\n")
    assert main(["train", "table", "--data", str(tmp_path / "wrong.csv")]) == 2
    assert capsys.readouterr().out == ""


def test_systems_lists_a_file_as_the_tables_data(capsys):
    assert main(["systems"]) == 0
    assert "the rows of a CSV file; data FILE.csv, batch 64" in capsys.readouterr().out


def test_sample_writes_a_csv_file_from_the_run_folder_alone(run, file, tmp_path, capsys):
    hidden = file.rename(file.with_suffix(".away"))
    try:
        assert main(["sample", str(run), "--csv", str(tmp_path / "made.csv"), "--n", "5"]) == 0
        assert main(["sample", str(run), "--step", "3"]) == 0
    finally:
        hidden.rename(file)
    said = capsys.readouterr().out.split()
    assert said == [str(tmp_path / "made.csv"), str(run / "sample-step-000003-seed-0-n-1000.csv")]
    made, many = (read_table(path) for path in said)
    assert made == Run.open(run).table(5) and len(many.rows) == 1000
    weights = [float(weight) for weight in animals().column("weight")]
    assert all(min(weights) <= float(row[1]) <= max(weights) for row in many.rows)
    assert {*many.column("kind")} == {"cat", "dog, large"} and {*many.column("legs")} == {"4"}


def test_sample_puts_its_rows_in_place_of_no_other_file(run, file, capsys):
    before = file.read_bytes()
    assert "is there already: name another" in mistake(capsys, "sample", run, "--csv", file)
    assert file.read_bytes() == before


def test_a_run_of_three_steps_resumed_with_a_moved_file_equals_one_of_six(run, file, tmp_path,
                                                                          capsys):
    moved, parts = tmp_path / "moved.csv", tmp_path / "parts"
    moved.write_bytes(file.read_bytes())
    trained(moved, parts, "--steps", 3, "--save-every", 3, *PLAIN)
    moved.unlink()
    assert f"{moved}, is not there: bring it back, or say where it is (--resume --data FILE.csv)" \
        in mistake(capsys, "train", "--resume", "--out", parts, "--device", "cpu")
    assert main(["doctor", str(parts)]) == 1 and "training cannot" in capsys.readouterr().out
    assert main(["train", "--resume", "--data", str(file), "--steps", "6", "--out", str(parts),
                 "--device", "cpu"]) == 0
    for name in ("state.safetensors", "samples/step-000006.csv"):
        assert (parts / name).read_bytes() == (run / name).read_bytes(), name


def test_a_resumed_run_sees_the_rows_that_it_began_with_or_says_so(run, tmp_path, capsys):
    for name, rows, says in [("texts", animals(seed=1).rows + [("fish", "1", "0")], "a text that"),
                             ("others", animals(seed=1).rows, "60 rows, .* and they were 60 rows")]:
        write_table(tmp_path / f"{name}.csv", Table(animals().names, rows))
        line = mistake(capsys, "train", "--resume", "--out", run, "--steps", 9, "--data",
                       tmp_path / f"{name}.csv", "--device", "cpu")
        assert "not those that the run began with: bring those back" in line
        assert re.search(says, line)
    assert Run.open(run).saved()["progress"]["step"] == 6


@pytest.mark.parametrize("words, says", [
    (["sample", "RUN", "--grid", "2x2"], "--grid is for images"),
    (["sample", "RUN", "--separate"], "--separate is for images"),
    (["sample", "RUN", "--out", "f.png"], "--out is for images"),
    (["sample", "RUN", "--label", "1"], "--label is for images"),
    (["sample", "RUN", "--truncation", "0.3"], "would change how often each text is there"),
    (["walk", "RUN"], "a walk is of images"), (["walk", "RUN", "--training"], "a film is of"),
    (["evaluate", "RUN"], "the measures are of images"), (["export", "RUN"], "an export is of"),
    (["neighbours", "RUN"], "neighbours are of images, and this run makes rows of a table: minigan "
     "sample RUN --csv"),
    (["train", "--resume", "--out", "RUN", "--data-dir", "."], "--data FILE.csv, not by"),
    (["train", "table", "--data-dir", "FILE"], "named by --data FILE.csv, not by --data-dir"),
    (["train", "--data-dir", "FILE"], "named by --data FILE.csv, not by --data-dir"),
    (["train", "table"], "learns from the rows of a CSV file: --data FILE.csv"),
    (["train", "table", "--data", "digits"], "learns from the rows of a CSV file"),
    (["train", "mlp", "--data", "FILE"], "are for the system table, not for mlp"),
    (["train", "table", "--data", "nowhere.csv"], "No such file or directory: nowhere.csv"),
    (["train", "table", "--data", "FILE", "--image-size", "8"], "named by --data FILE.csv alone"),
    (["train", "table", "--data", "FILE", "--batch-size", "61"], "more than the 60 rows"),
    (["train", "table", "--data", "FILE", "--keep-best", "kernel"], "the measures are of images"),
    (["train", "table", "--data", "FILE", "--conditional"], "needs classes, and these data have"),
    (["train", "table", "--data", "FILE", "--diff-augment"], "is for images")])
def test_what_makes_no_sense_for_a_table_is_refused_in_a_line(run, file, words, says, capsys,
                                                              tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = [{"RUN": run, "FILE": file}.get(word, word) for word in words]
    more = ["--device", "cpu"] if words[0] == "train" else []
    assert says in mistake(capsys, *words, *more)
    assert not list(Path(".").iterdir())


def test_rows_are_asked_only_of_a_run_that_makes_them(tmp_path, capsys):
    images = Run.new(tmp_path / "run", "digits", Options(), steps=1, batch_size=8)
    images.trainer().run(1)
    images.close()
    assert "makes images, and no rows" in mistake(capsys, "sample", images.folder, "--csv", "f.csv")
    with pytest.raises(RunError, match="makes images"):
        images.table()


def test_few_rows_are_a_batch_and_a_csv_file_alone_names_the_system(tmp_path):
    write_table(tmp_path / "few.csv", animals(12))
    run = Run.new(tmp_path / "run", data=str(tmp_path / "few.csv"))
    assert run.config.system == "table" and run.config.batch_size == 12
    assert run.config.game == Options.recipe("table")


@pytest.mark.parametrize("game", [{"generators": 2}, {"codes": (3, 1)}, {"discriminators": 2}])
def test_games_of_more_players_make_rows_too(file, tmp_path, game):
    run = Run.new(tmp_path / "run", "table", Options(**game), data=str(file), steps=1, batch_size=8)
    run.trainer().run(1)
    run.close()
    assert len(Run.open(tmp_path / "run").table(9).rows) == 9


def test_weights_of_another_table_keep_its_columns(run, tmp_path, capsys):
    write_table(tmp_path / "more.csv", animals(40, seed=3))
    new = Run.new(tmp_path / "run", data=str(tmp_path / "more.csv"), weights_of=Run.open(run))
    assert new.config.columns == Run.open(run).config.columns
    new.trainer().run(1)
    new.close()
    write_table(tmp_path / "few.csv", animals(7))
    few = tmp_path / "few.csv"
    assert ("a batch size of 8, which is that of the run that --from names, is more than the 7 "
            f"rows of {few}: give a smaller one (--batch-size)") in mistake(
                capsys, "train", "--from", run, "--data", few, "--device", "cpu")


def test_a_captured_step_of_a_table_makes_the_bits_of_one_that_is_not(file, tmp_path):
    states = []
    for captured in (True, False):
        run = Run.new(tmp_path / str(captured), data=str(file), steps=12, batch_size=8,
                      save_every=12)
        trainer = run.trainer()
        if not captured:
            trainer.captured = trainer._step
        trainer.run(12)
        assert not captured or trainer.captured.replay is not None
        run.close()
        states.append((run.folder / "state.safetensors").read_bytes())
    assert states[0] == states[1]


def test_a_folder_is_no_csv_file(tmp_path):
    with pytest.raises(UserError, match="learns from the rows of a CSV file"):
        Run.new(tmp_path / "run", data="table", data_dir=tmp_path)
