import io
import math
import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigan.viz import image_grid, save_grid
from minigan.viz.png import png

Image = pytest.importorskip("PIL.Image", reason="pictures need matplotlib, which brings Pillow")


@given(n=st.integers(1, 12), height=st.integers(1, 4), width=st.integers(1, 4),
       channels=st.sampled_from([1, 3]), columns=st.none() | st.integers(1, 5),
       padding=st.integers(0, 2))
def test_every_image_is_found_at_its_place(n, height, width, channels, columns, padding):
    images = np.random.default_rng(0).random((n, height, width, channels), np.float32)
    picture = image_grid(images, columns=columns, padding=padding)
    columns = columns or math.ceil(math.sqrt(n))
    rows = math.ceil(n / columns)
    assert picture.shape[:2] == (rows * (height + padding) + padding,
                                 columns * (width + padding) + padding)
    assert picture.shape[2:] == (() if channels == 1 else (3,))
    for i, image in enumerate(images):
        top = padding + i // columns * (height + padding)
        left = padding + i % columns * (width + padding)
        tile = picture[top:top + height, left:left + width]
        np.testing.assert_array_equal(tile.reshape(image.shape), image)


def test_the_value_range_becomes_black_to_white_and_the_rest_is_clipped():
    images = np.array([-9, -1, 0, 1, 9, np.inf, np.nan]).reshape(1, 1, 7, 1)
    assert image_grid(images, (-1, 1), padding=0).tolist() == [[0, 0, 0.5, 1, 1, 1, 0]]


def test_what_no_image_covers_is_neither_black_nor_white():
    picture = image_grid(np.zeros((3, 2, 2, 1)), columns=2)
    assert 0 < picture[0, 0] < 1 and picture[0, 0] == picture[-2, -2]


def test_the_images_given_are_not_changed():
    images = np.full((1, 2, 2, 1), 7, np.float32)
    image_grid(images)
    assert (images == 7).all()


@pytest.mark.parametrize("shape", [(3, 4, 4), (3, 4, 4, 2), (3, 1, 4, 4), (0, 4, 4, 1)])
def test_what_is_no_batch_of_images_is_refused_with_its_shape(shape):
    with pytest.raises(ValueError, match=re.escape(f"got {shape}")):
        image_grid(np.zeros(shape))


@pytest.mark.parametrize("shape, mode", [((1, 1), "L"), ((7, 5), "L"), ((7, 5, 3), "RGB"),
                                         ((3, 40, 4), "RGBA")])
def test_a_png_is_read_as_the_pixels_it_was_made_of(shape, mode):
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    with Image.open(io.BytesIO(png(pixels))) as picture:
        picture.verify()  # its checksums
    with Image.open(io.BytesIO(png(pixels))) as picture:
        assert picture.mode == mode
        np.testing.assert_array_equal(np.asarray(picture), pixels)


@pytest.mark.parametrize("name, channels", [("x.png", 1), ("x.png", 3), ("x.bmp", 3)])
def test_a_saved_grid_has_the_pixels_of_the_grid_enlarged(tmp_path, name, channels):
    images = np.random.default_rng(0).uniform(-1, 1, (6, 5, 4, channels))
    save_grid(tmp_path / "new" / name, images, (-1, 1), columns=3, scale=2)
    with Image.open(tmp_path / "new" / name) as picture:
        pixels = np.asarray(picture)
    grid = image_grid(images, (-1, 1), columns=3)
    np.testing.assert_array_equal(pixels[::2, ::2], np.rint(255 * grid))
    np.testing.assert_array_equal(pixels[1::2, 1::2], pixels[::2, ::2])


def test_a_picture_that_cannot_be_written_leaves_the_old_one_and_nothing_else(
        tmp_path, monkeypatch):
    path = tmp_path / "grid.png"
    path.write_bytes(b"old")

    def fail(file, data):
        with open(file, "wb") as half:
            half.write(data[:9])
        raise OSError("disk full")
    monkeypatch.setattr("pathlib.Path.write_bytes", fail)
    with pytest.raises(OSError, match="disk full"):
        save_grid(path, np.zeros((1, 2, 2, 1)))
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_importing_viz_does_not_import_what_draws():
    program = "import minigan.viz, sys; assert not {'matplotlib', 'PIL'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("dtype, white", [(np.uint8, 255), (np.uint16, 65535), (bool, True),
                                          (np.float32, 1), (np.float64, 1)])
def test_the_range_is_the_types_own(dtype, white):
    images = np.array([0, white], dtype).reshape(2, 1, 1, 1)
    assert image_grid(images)[1, [1, 3]].tolist() == [0, 1]
    half = np.array([white / 2], dtype).reshape(1, 1, 1, 1)
    if dtype is not bool:
        assert image_grid(half)[1, 1] == pytest.approx(0.5, abs=0.01)


def test_signed_integers_need_a_range():
    images = np.array([[[[100]]]])
    with pytest.raises(ValueError, match="int64 numbers mean black and white"):
        image_grid(images)
    assert image_grid(images, (0, 200))[1, 1] == 0.5
