import numpy as np
import pytest

from minigan.errors import UserError
from minigan.viz import film, save_film

Image = pytest.importorskip("PIL.Image", reason="pictures need matplotlib, which brings Pillow")


def pictures(n, *shape):
    return np.random.default_rng(0).integers(0, 256, (n, *shape), np.uint8)


@pytest.mark.parametrize("shape", [(24, 30), (24, 30, 3)])
def test_a_gif_shows_every_picture_in_turn_and_begins_again(tmp_path, shape):
    made = pictures(5, *shape)
    save_film(tmp_path / "deep" / "a.gif", iter(made), per_second=10)
    with Image.open(tmp_path / "deep" / "a.gif") as gif:
        assert (gif.n_frames, gif.info["loop"], gif.info["duration"]) == (5, 0, 100)
        for i, picture in enumerate(made):
            gif.seek(i)
            shown = np.asarray(gif.convert("RGB" if len(shape) == 3 else "L"))
            assert np.abs(shown - picture.astype(int)).mean() < 20
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["a.gif"]


def test_what_is_no_film_is_told_before_the_first_picture_is_made(tmp_path, monkeypatch):
    def never():
        raise AssertionError
        yield

    with pytest.raises(UserError, match="a film is a .gif or an .mp4, and 'a.png' ends in neither"):
        save_film(tmp_path / "a.png", never())
    with pytest.raises(UserError, match="a GIF shows 50 pictures a second at most, not 60: write"):
        save_film(tmp_path / "a.gif", never(), per_second=60)
    monkeypatch.setattr(film, "encoder", lambda: None)
    with pytest.raises(UserError, match="install it, or pip install imageio-ffmpeg"):
        save_film(tmp_path / "a.mp4", never())
    with pytest.raises(UserError, match="not of none"):
        save_film(tmp_path / "a.gif", [])
    with pytest.raises(UserError, match=r"one size, not of \(8, 8\) and \(8, 9\)"):
        save_film(tmp_path / "a.gif", [*pictures(1, 8, 8), *pictures(1, 8, 9)])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("shape", [(64, 100), (65, 101, 3)])
def test_an_mp4_is_written_where_there_is_an_encoder(tmp_path, shape):
    if film.encoder() is None:
        pytest.skip("there is no ffmpeg")
    save_film(tmp_path / "a.mp4", pictures(5, *shape), per_second=5)
    assert (tmp_path / "a.mp4").read_bytes()[4:8] == b"ftyp"


def test_an_encoder_that_fails_is_told_in_a_sentence(tmp_path, monkeypatch):
    (tmp_path / "ffmpeg").write_text("#!/bin/sh\ncat > /dev/null\nexit 3\n")
    (tmp_path / "ffmpeg").chmod(0o755)
    monkeypatch.setattr(film, "encoder", lambda: str(tmp_path / "ffmpeg"))
    with pytest.raises(UserError, match="ffmpeg could not write the film: .*status 3"):
        save_film(tmp_path / "a.mp4", pictures(2, 64, 64))
    assert not (tmp_path / "a.mp4").exists()


@pytest.mark.parametrize("shape", [(24, 60), (24, 60, 3)])
def test_a_caption_stands_below_the_picture(shape):
    picture, = pictures(1, *shape)
    told = film.captioned(picture, "step 5")
    assert told.shape == (44, *shape[1:]) and told[24:].any()
    np.testing.assert_array_equal(told[:24], picture)
