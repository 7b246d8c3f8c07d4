"""What a notebook shows of a training, and what stays when it is stopped."""
from __future__ import annotations

import re
import signal
import sys
import threading
import warnings

import numpy as np
import pytest

from minigan import nn
from minigan.data import Loader, digits
from minigan.gan import (GAN, Conditional, ConditionalGenerator, Options, Run, RunError, Trainer,
                         models, notebook)

IMAGES, LABELS = digits()

numpy_only = pytest.mark.numpy_only("a notebook's part in it is the same for every array library")


def bare(**options):
    networks = models.digits(width=8, latent=4, rng=np.random.default_rng(0))
    return Trainer(GAN(*networks), Loader(IMAGES[:64], batch_size=16), **options)


def small(folder, **options):
    return Run.new(folder, "digits", Options(), batch_size=16, **options)


def weights(trainer):
    return trainer.state_dict()["game"]


@numpy_only
def test_outside_of_a_notebook_a_trainer_shows_nothing_and_loads_no_ipython(capsys, monkeypatch):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    bare().run(2)
    assert capsys.readouterr() == ("", "") and "IPython" not in sys.modules


def test_a_notebook_shows_one_picture_that_changes_and_the_training_has_the_same_bits(
        kernel, monkeypatch):
    monkeypatch.setattr(notebook, "SECONDS", 0)
    monkeypatch.setattr(notebook, "SHARE", 1e9)
    trainer, alone = bare(), bare()
    alone.display = None
    alone.run(12)
    assert not kernel.shown
    trainer.run(12)
    (first, *others, last), = kernel.shown
    assert len(others) > 10 and "<svg" not in first and last.count("<svg viewBox") == 2
    pictures = [re.search('src="(data:image/png;base64,[^"]+)"', text)[1] for text in (first, last)]
    assert pictures[0] != pictures[1] and "step 12 of 12: 8 x 8 images" in last
    assert all((v == weights(alone)[k]).all() for k, v in weights(trainer).items())
    assert not trainer.callbacks
    trainer.run(14)  # another cell: the curves go on
    assert kernel.shown[1][-1].count("<svg viewBox") == 2 and len(trainer.display.rows) == 2


@numpy_only
def test_looks_take_no_more_than_their_share_of_the_time(kernel, monkeypatch):
    now, looked = 0.0, []
    monkeypatch.setattr(notebook.time, "perf_counter", lambda: now)

    def look(display, trainer):
        nonlocal now
        looked.append(now)
        now += 1.0
        return ""

    def pass_time(trainer, result):
        nonlocal now
        now += 0.5

    monkeypatch.setattr(notebook.Display, "html", look)
    bare(callbacks=[pass_time]).run(100)
    between = np.diff(looked[1:-1])  # beside the first and the last
    assert len(between) >= 2 and between.min() > 10


@numpy_only
def test_points_have_curves_and_what_cannot_be_sampled_is_told(kernel):
    rng = np.random.default_rng(0)
    plane = models.Generator(2, nn.Dense(2, 2, rng=rng))
    critic = models.Discriminator(nn.Dense(2, 1, rng=rng))
    points = Trainer(GAN(plane, critic), Loader(np.zeros((8, 2), np.float32), batch_size=4))
    points.run(1)
    assert "<img" not in kernel.shown[0][-1] and "<svg" in kernel.shown[0][-1]
    broken = bare()
    broken.average.module.forward = None
    broken.run(1)
    assert "no samples: " in kernel.shown[1][-1] and broken.step == 1


def test_a_conditional_picture_is_of_the_loaders_first_conditions(kernel):
    known = np.eye(10, dtype=np.float32)[LABELS[:40]]
    generator, _ = models.digits(width=8, latent=14, rng=np.random.default_rng(0))
    discriminator = models.Discriminator(
        nn.Flatten(), nn.Dense(8 * 8 * 11, 1, rng=np.random.default_rng(1)))
    game = GAN(ConditionalGenerator(generator, 10), Conditional(discriminator))
    trainer = Trainer(game, Loader(IMAGES[:40], known, batch_size=20))
    trainer.run(1)
    assert "6 x 7 images" in kernel.shown[0][-1]
    assert (trainer.display.latent[1].numpy() == known).all()


@numpy_only
def test_readings_are_thinned(kernel, monkeypatch):
    monkeypatch.setattr(notebook, "ROWS", 4)
    monkeypatch.setattr(notebook, "EVERY", 1)
    trainer = bare()
    trainer.run(9)
    steps = [row["step"] for row in trainer.display.rows]
    assert len(steps) <= 4 and steps[0] == 1 and steps[-1] == 9


@numpy_only
def test_a_run_and_a_trainer_show_themselves_once_in_a_cell(kernel, tmp_path):
    run = small(tmp_path / "run", steps=3)
    assert "step 0 of 3" in run._repr_html_() and "<img" not in run._repr_html_()
    trainer = run.train()
    assert trainer._repr_html_() == ""  # as the value of the cell that showed the training
    kernel.shell.execution_count += 1
    for shows, html in (("step 3 of 3: 8 x 8", trainer._repr_html_()),
                        ("digits on digits, seed 0: step 3 of 3", run._repr_html_())):
        assert shows in html and "<img" in html and "<svg" in html
    trainer.display = None
    assert trainer._repr_html_() is None
    (run.folder / "samples/step-000003.png").write_bytes(b"no picture")
    assert "<img" not in run._repr_html_() and "<svg" in run._repr_html_()


@numpy_only
def test_a_run_trains_to_its_steps_then_to_more_and_lets_its_folder_go(tmp_path, capsys):
    run = small(tmp_path / "run", steps=2)
    trainer, lock = run.train(), run.folder / ".lock"
    assert trainer.step == 2 and run.saved_steps() == [1, 2] and not lock.exists()
    assert "step 2/2" in capsys.readouterr().err
    run.train(3)
    assert run.saved_steps() == [1, 2, 3] and run.config.steps == 3 and not lock.exists()
    again = Run.open(run.folder).train(4)
    again.run(5)  # which writes into the folder, too
    assert lock.exists() and run.saved_steps()[-1] == 5
    again.callbacks[0].close()


@numpy_only
def test_a_run_that_diverges_in_a_notebook_says_where_and_lets_its_folder_go(
        kernel, tmp_path, capsys):
    run = Run.new(tmp_path / "run", "digits", Options(lr=1e30), batch_size=16, steps=20)
    with pytest.raises(RunError, match="made the first number that is not finite"):
        run.train()
    assert not (run.folder / ".lock").exists() and len(kernel.shown) == 1  # not the replay


@pytest.fixture
def main_thread():
    if threading.current_thread() is not threading.main_thread():
        pytest.skip("only the main thread hears of signals")


def interrupted(run, number=signal.SIGINT):
    """The run, which gets a signal in its third step."""
    make = run.trainer

    def trainer():
        made = make()
        if made.step < 3:
            made.callbacks.append(
                lambda trainer, result: trainer.step == 3 and signal.raise_signal(number))
        return made

    run.trainer = trainer
    return run


@numpy_only
def test_the_stop_button_of_a_notebook_saves_and_the_same_cell_goes_on(
        main_thread, kernel, tmp_path, capsys):
    stopped = interrupted(small(tmp_path / "stopped", steps=6))
    trainer = stopped.train()
    assert trainer.step == 3 and not trainer.stop and 3 in stopped.saved_steps()
    assert "stopped and saved at step 3; train() goes on" in capsys.readouterr().out
    whole = small(tmp_path / "whole", steps=6).train()
    assert all((v == weights(whole)[k]).all() for k, v in weights(stopped.train()).items())


@numpy_only
def test_ctrl_c_elsewhere_saves_and_then_ends_what_the_run_is_a_part_of(main_thread, tmp_path):
    run = interrupted(small(tmp_path / "run", steps=6))
    with pytest.raises(KeyboardInterrupt):
        run.train()
    assert 3 in run.saved_steps() and not (run.folder / ".lock").exists()


@numpy_only
def test_a_run_is_trained_in_a_thread_which_hears_of_no_signals(tmp_path):
    run = small(tmp_path / "run", steps=1)
    thread = threading.Thread(target=run.train)
    thread.start()
    thread.join()
    assert run.saved_steps() == [1]


@numpy_only
def test_steps_that_are_made_already_are_told_and_others_are_not(tmp_path):
    trainer, run = bare(), small(tmp_path / "run", steps=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trainer.run(0)
        trainer.run(2)
        run.train()
    with pytest.warns(UserWarning, match=r"run\(2\) counts them all: for 2 more it is run\(4\)"):
        trainer.run(2)
    with pytest.warns(UserWarning, match=r"train\(2\) counts .* it is train\(4\)") as told:
        run.train()
    assert told[0].filename == __file__
    trainer.stop = True
    with pytest.warns(UserWarning, match="trainer.stop = False lets it go on") as told:
        trainer.run(4)
    assert told[0].filename == __file__ and trainer.step == 2
