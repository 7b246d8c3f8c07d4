import numpy as np

from minigan.data import IMAGE_SETS, digits


def test_digits_are_1797_images_in_the_unit_interval_with_their_labels():
    images, labels = digits()
    assert images.shape == (1797, 8, 8, 1) and images.dtype == np.float32
    assert labels.shape == (1797,) and labels.dtype == np.int64
    assert images.min() == 0 and images.max() == 1


def test_digits_have_the_published_number_of_each_class():
    _, labels = digits()
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_every_caller_gets_digits_of_its_own():
    images, _ = digits()
    images[:] = -1
    assert digits()[0].min() == 0


def test_the_table_of_image_sets_calls_digits_with_a_data_dir_like_the_others():
    images, labels = IMAGE_SETS["digits"](data_dir=None)
    assert len(images) == len(labels) == 1797
    assert set(IMAGE_SETS) == {"digits", "mnist", "fashion-mnist", "kmnist", "stacked-digits",
                               "stacked-mnist", "images"}
