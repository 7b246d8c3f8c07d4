"""A folder of image files: what is read, in which order, how it is cut, and what is skipped."""
from __future__ import annotations

import os

import numpy as np
import pytest
from PIL import Image

from minigan.data import DataError, Loader, Scaled, image_folder


def save(path, pixels, **options):
    """Write an array as an image file; the suffix says in which format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels, np.uint8)).save(path, **options)


def plain(value, height=8, width=8):
    return np.full((height, width), value)


def coloured(*rgb, height=8, width=8):
    return np.broadcast_to(rgb, (height, width, 3))


def first(folder, size=(8, 8), channels=None):
    return image_folder(folder, size, channels)[0][0]


def test_images_are_bytes_in_the_order_of_their_paths_wherever_they_are_below_the_folder(tmp_path):
    for value, name in [(30, "b/c/x.png"), (10, "a.png"), (40, "c.bmp"), (20, "b/a.png")]:
        save(tmp_path / name, plain(value))
    images, labels = image_folder(tmp_path, (8, 8))
    assert images.shape == (4, 8, 8, 1) and images.dtype == np.uint8 and labels is None
    assert images[:, 0, 0, 0].tolist() == [10, 20, 30, 40]
    assert (images == image_folder(str(tmp_path), [8, 8])[0]).all()


def test_one_coloured_image_makes_all_of_them_coloured(tmp_path):
    save(tmp_path / "a.png", plain(7))
    save(tmp_path / "b.png", coloured(1, 2, 3))
    images, _ = image_folder(tmp_path, (8, 8))
    assert images[:, 0, 0].tolist() == [[7, 7, 7], [1, 2, 3]]


def test_the_number_of_channels_can_be_demanded(tmp_path):
    save(tmp_path / "a.png", coloured(200, 100, 50))
    save(tmp_path / "b.png", plain(7))
    grey, _ = image_folder(tmp_path, (8, 8), channels=1)
    luma = round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)  # ITU-R 601, as Pillow documents it
    assert grey[:, 0, 0, 0].tolist() == [luma, 7]
    (tmp_path / "a.png").unlink()
    assert first(tmp_path, channels=3)[0, 0].tolist() == [7, 7, 7]


@pytest.mark.parametrize("size", [(4, 4), (4, 8), (8, 4), (12, 12)])
@pytest.mark.parametrize("height, width", [(8, 24), (24, 8), (8, 8)])
def test_an_image_is_scaled_to_cover_the_size_and_cut_around_its_centre(tmp_path, size, height,
                                                                        width):
    # a ramp in both directions: where it is cut shows in its values, its slope is the scale
    y, x = np.mgrid[:height, :width] + 0.5
    save(tmp_path / "a.png", np.stack([4 * y, 4 * x, 0 * x], axis=2))
    image = first(tmp_path, size).astype(float)
    scale = max(size[0] / height, size[1] / width)
    inner = slice(1, -1)  # the outermost pixels feel the image's border
    for axis, (n, whole) in enumerate(zip(size, (height, width))):
        expected = 4 * (whole / 2 + (np.arange(n) + 0.5 - n / 2) / scale)
        found = image[..., axis].mean(axis=1 - axis)
        assert np.abs(found - expected)[inner].max() < 2


def test_the_orientation_in_the_exif_data_is_honoured(tmp_path):
    upright = np.zeros((8, 8))
    upright[:4] = 255  # white above black
    for orientation, rotated in [(1, upright), (3, upright[::-1]), (6, np.rot90(upright, 1))]:
        exif = Image.Exif()
        exif[0x0112] = orientation
        save(tmp_path / "a.png", rotated, exif=exif)
        assert (first(tmp_path)[..., 0] == upright).all(), orientation


def test_what_is_transparent_becomes_white(tmp_path):
    rgba = np.zeros((8, 8, 4), np.uint8)  # black, but to be seen on the left side only
    rgba[:, :4, 3] = 255
    save(tmp_path / "a.png", rgba)
    image = first(tmp_path)
    assert (image[:, :4] == 0).all() and (image[:, 4:] == 255).all()


def test_sixteen_bits_are_cut_to_the_eight_highest(tmp_path):
    Image.fromarray(np.full((8, 8), 0x1234, np.uint16)).save(tmp_path / "a.png")
    assert first(tmp_path).shape == (8, 8, 1) and (first(tmp_path) == 0x12).all()


def test_bilevel_images_are_grey_and_palettes_coloured(tmp_path):
    Image.fromarray(np.eye(8) > 0).save(tmp_path / "a.png")
    assert (first(tmp_path)[..., 0] == 255 * np.eye(8)).all()
    Image.fromarray(np.uint8(coloured(255, 0, 0))).quantize().save(tmp_path / "a.png")
    assert first(tmp_path)[0, 0].tolist() == [255, 0, 0]


def test_a_large_photograph_is_read_as_if_it_were_decoded_in_full(tmp_path):
    y, x = np.mgrid[:600, :800]
    save(tmp_path / "a.jpg", np.stack([x / 4, y / 3, 127 + 100 * np.sin(x / 50)], 2), quality=95)
    save(tmp_path / "b.png", np.asarray(Image.open(tmp_path / "a.jpg")))
    images = image_folder(tmp_path, (16, 16))[0].astype(float)
    assert np.abs(images[0] - images[1]).max() < 4


def test_unreadable_files_are_listed_and_skipped(tmp_path, capsys):
    save(tmp_path / "good.png", plain(5))
    save(tmp_path / "photo.jpg", np.random.default_rng(0).integers(0, 255, (64, 64, 3)))
    whole = (tmp_path / "photo.jpg").read_bytes()
    (tmp_path / "photo.jpg").write_bytes(whole[:len(whole) // 2])
    (tmp_path / "list.csv").write_text("name,label\n")
    (tmp_path / "empty.png").write_bytes(b"")
    Image.fromarray(np.zeros((8, 8), np.float32)).save(tmp_path / "depth.tiff")
    images, _ = image_folder(tmp_path, (8, 8))
    assert images.shape == (1, 8, 8, 1)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == f"skipped 4 of 5 files in {tmp_path}:"
    assert lines[1] == "  depth.tiff: pixels that Pillow reads as 32 bits have no known white"
    assert lines[2:4] == ["  empty.png: no image", "  list.csv: no image"]
    assert lines[4].startswith("  photo.jpg: ") and "truncated" in lines[4] and len(lines) == 5


def test_of_many_skipped_files_a_few_are_named_and_the_others_counted(tmp_path, capsys):
    save(tmp_path / "good.png", plain(5))
    for i in range(9):
        (tmp_path / f"note-{i}.txt").write_text("no image")
    image_folder(tmp_path, (8, 8))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 7 and lines[5] == "  note-4.txt: no image" and lines[6] == "  and 4 more"


def test_hidden_files_and_folders_are_left_out_without_a_word(tmp_path, capsys):
    for name in ("a.png", ".b.png", ".cache/c.png"):
        save(tmp_path / name, plain(5))
    assert len(image_folder(tmp_path, (8, 8))[0]) == 1
    assert capsys.readouterr().err == ""


def complaint(folder):
    with pytest.raises(DataError) as caught:
        image_folder(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_folder_without_a_readable_image_is_refused_in_one_line(tmp_path):
    assert complaint(tmp_path) == f"there is no readable image in {tmp_path}"
    (tmp_path / "a.txt").write_text("no image")
    assert complaint(tmp_path) == f"there is no readable image in {tmp_path}: a.txt: no image"


def test_what_is_no_folder_is_refused_in_one_line(tmp_path):
    assert "is not there" in complaint(tmp_path / "nowhere")
    save(tmp_path / "a.png", plain(5))
    assert "is no folder" in complaint(tmp_path / "a.png")
    assert "--data-dir" in complaint(None)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a named pipe")
def test_what_is_neither_file_nor_folder_is_not_opened(tmp_path):
    save(tmp_path / "a.png", plain(5))
    os.mkfifo(tmp_path / "pipe")  # reading it would wait for ever
    assert len(image_folder(tmp_path, (8, 8))[0]) == 1


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_links_to_folders_are_followed_but_not_in_circles(tmp_path):
    save(tmp_path / "elsewhere" / "a.png", plain(5))
    for name in ("cat", "dog"):
        (tmp_path / "all").mkdir(exist_ok=True)
        (tmp_path / "all" / name).symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to(tmp_path / "all")
    (tmp_path / "elsewhere" / "itself").symlink_to(tmp_path / "elsewhere")
    images, labels = image_folder(tmp_path / "all")
    assert len(images) == 2 and labels.tolist() == [0, 1]


def test_batches_of_bytes_and_of_floats_are_scaled_to_the_generators_range(tmp_path):
    save(tmp_path / "a.png", plain(255))
    images, _ = image_folder(tmp_path, (8, 8))
    for data in (images, images / np.float32(255)):
        for low, high in [(0, 1), (-1, 1)]:
            batch, = Loader(Scaled(data, (low, high)), batch_size=1)
            assert batch.dtype == np.float32 and batch.shape == (1, 8, 8, 1)
            np.testing.assert_allclose(batch, high, rtol=1e-6)
            black, = Loader(Scaled(0 * data, (low, high)), batch_size=1)
            assert (black == low).all()


FORMATS = ["AVIF", "BMP", "DIB", "GIF", "ICO", "JPEG", "JPEG2000", "MPO", "MSP", "PCX", "PNG",
           "PPM", "QOI", "SGI", "TGA", "TIFF", "WEBP"]
WAYS = {"JPEG": [{"progressive": True}], "WEBP": [{"lossless": True}],
        "TIFF": [{"compression": c} for c in ("tiff_lzw", "tiff_deflate", "jpeg", "packbits")]}
DENSE = {"AVIF", "GIF", "JPEG", "MPO", "PNG", "WEBP"}  # in the others zeros are pixels like any


def test_no_format_is_taken_for_whole_that_was_cut_or_of_which_a_part_was_never_written(tmp_path):
    y, x = np.mgrid[:24, :20]
    noise = np.random.default_rng(0).integers(0, 256, (24, 20))
    picture = Image.fromarray(np.stack([y * 10, x * 12, noise], 2).astype(np.uint8))
    path, seen = tmp_path / "picture", set()
    ways = [(name, mode, options) for name in FORMATS for mode in ("RGB", "L", "1", "P")
            for options in [{}, *WAYS.get(name, [])]]
    for name, mode, options in ways:
        if (name, mode) == ("PCX", "P"):  # its palette is its end, and it may have none
            continue
        try:
            picture.convert(mode).save(path, name, **options)
            right, _ = image_folder(tmp_path, (24, 20))
        except (OSError, ValueError, KeyError):  # not in this mode, or not by this Pillow
            continue
        seen.add(name)
        whole = path.read_bytes()
        for share in (0.1, 0.5, 0.7, 0.97):
            written = whole[:int(share * len(whole))]
            path.write_bytes(written)
            try:
                assert (image_folder(tmp_path, (24, 20))[0] == right).all(), (name, mode, share)
            except DataError as error:
                assert "no readable image" in str(error)
            if name in DENSE and share < 0.75:
                path.write_bytes(written + bytes(len(whole) - len(written)))
                assert complaint(tmp_path), (name, mode, share)
        if name == "JPEG":
            path.write_bytes(whole + bytes(len(whole)))  # as some cameras leave them
            assert (image_folder(tmp_path, (24, 20))[0] == right).all()
    assert {"BMP", "GIF", "JPEG", "PNG", "TIFF"} <= seen


def test_an_image_keeps_its_own_size_if_most_of_them_have_it(tmp_path, capsys):
    for i in range(3):
        save(tmp_path / f"{i}.png", np.arange(20 * 31).reshape(20, 31) % 251)
    images, _ = image_folder(tmp_path)
    assert (images[2, :, :, 0] == np.arange(20 * 31).reshape(20, 31) % 251).all()
    assert capsys.readouterr().err == ""
    save(tmp_path / "3.png", plain(7, 40, 62))
    save(tmp_path / "4.png", plain(7, 40, 40))
    assert image_folder(tmp_path)[0].shape == (5, 20, 31, 1)
    assert capsys.readouterr().err == (
        "scaled 2 of 5 images to 31x20, cutting 1 of them to its proportions: they were 62x40, "
        "40x40 (--image-size: to another)\n")
    save(tmp_path / "5.png", plain(7, 41, 40))
    assert image_folder(tmp_path)[0].shape == (6, 28, 28, 1)  # half of them are not most
    for height, size in [(128, (128, 8)), (129, (28, 28))]:
        save(tmp_path / str(height) / "a.png", plain(7, height))
        assert image_folder(tmp_path / str(height))[0].shape[1:3] == size


def test_sizes_of_all_formats_are_counted_as_they_are_seen(tmp_path, capsys):
    for suffix in ("png", "jpg", "tiff"):
        for orientation in range(1, 9):
            exif, folder = Image.Exif(), tmp_path / f"{suffix}{orientation}"
            exif[0x0112] = orientation
            save(folder / f"a.{suffix}", coloured(1, 2, 3, height=20, width=31), exif=exif)
            size = (31, 20) if orientation > 4 else (20, 31)
            assert image_folder(folder)[0].shape[1:3] == size
            assert capsys.readouterr().err == ""
            image_folder(folder, (8, 8))
            assert capsys.readouterr().err.endswith(f"they were {size[1]}x{size[0]}\n")


def test_folders_are_classes_if_all_images_are_in_them(tmp_path, capsys):
    for i, name in enumerate(["dog/1.png", "cat/b/2.png", "cat/a.png", "eel/0.png", "Ant/9.png"]):
        save(tmp_path / name, plain(i))
    save(tmp_path / ".hidden" / "a.png", plain(9))
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("no image")
    images, labels = image_folder(tmp_path)
    assert labels.dtype == np.int64 and labels.tolist() == [0, 1, 1, 2, 3]
    assert images[:, 0, 0, 0].tolist() == [4, 2, 1, 0, 3]
    assert "classes: 0 Ant, 1 cat, 2 dog, 3 eel\n" in capsys.readouterr().err
    assert image_folder(tmp_path / "cat")[1] is None  # some are outside
    save(tmp_path / "a.png", plain(5))
    assert image_folder(tmp_path)[1] is None
    for name in ("a.png", "cat", "dog", "eel"):
        (tmp_path / name).rename(tmp_path / f".{name}")
    assert image_folder(tmp_path)[1] is None  # one class is none


def test_a_png_with_a_flipped_byte_is_skipped(tmp_path, capsys):
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32), np.uint8)
    for name in "sound.png", "damaged.png":
        Image.fromarray(pixels).save(tmp_path / name)
    whole = bytearray((tmp_path / "damaged.png").read_bytes())
    for place in range(60, len(whole) - 20, 97):  # in the pixels, wherever
        broken = whole.copy()
        broken[place] ^= 0xff
        (tmp_path / "damaged.png").write_bytes(broken)
        images, _ = image_folder(tmp_path)
        assert len(images) == 1 and "damaged.png" in capsys.readouterr().err
