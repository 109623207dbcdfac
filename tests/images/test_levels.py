"""The table of `load_image`: what numbers mean, in arrays, PIL images, files and tensors alike."""

import io
import itertools

import numpy as np
import pytest
from PIL import Image

from stylelib.images.levels import to_levels
from stylelib.images.load import load_image
from tests.images.test_colours import png
from tools.malformed import encoded

INTEGERS = ("uint8", "int8", "uint16", ">u2", "int16", "int32", ">i4", "uint32", "int64", "uint64")
FLOATS = ("float16", "float32", ">f4", "float64", "longdouble")
BLACK = "nearly black"

# numbers, kinds of number, levels or what the error says
TABLE = [
    ([0, 1], ["bool"], [0, 255]),
    ([0, 100, 127], INTEGERS, [0, 100, 127]),
    ([0, 1, 1], INTEGERS, [0, 1, 1]),
    ([0, 128, 255], [kind for kind in INTEGERS if kind != "int8"], [0, 128, 255]),
    ([0, 257, 32767], INTEGERS[2:], [0, 1, 127]),
    (
        [128, 129, 385, 386, 65535],
        ["uint16", ">u2", "int32", "uint32", "uint64"],
        [0, 1, 1, 2, 255],
    ),
    ([0, 4096], INTEGERS[2:], [0, 16]),
    ([0, 256], INTEGERS[2:], BLACK),
    ([0, 1023], INTEGERS[2:], BLACK),
    ([0, 4095], INTEGERS[2:], BLACK),
    ([-1, 100], ["int8", "int16", "int32", "int64"], "expected integers .* got -1 to 100"),
    ([0, 65536], ["int32", "uint32", "int64", "uint64"], "expected integers .* got 0 to 65536"),
    ([0, 0.5, 1], FLOATS, [0, 128, 255]),
    ([0.0, 0.0, 0.0], FLOATS, [0, 0, 0]),
    ([0, 1.001], FLOATS, [0, 255]),
    ([-0.001, 1.0000001], FLOATS, [0, 255]),
    ([0, 100.4, 255], FLOATS, [0, 100, 255]),
    ([-0.4, 16], FLOATS, [0, 16]),
    ([-0.4, 255.4], FLOATS[1:], [0, 255]),
    ([0, 1.01], FLOATS, BLACK),
    ([0, 15], FLOATS, BLACK),
    ([-0.01, 0.5], FLOATS, "expected floats between 0 and 1, .* got -0.01"),
    ([-1, 1], FLOATS, "expected floats .* got -1 to 1"),
    ([-123.68, 151.06], FLOATS, "deprocess brings a picture back from VGG space"),
    ([0, 256], FLOATS, "expected floats .* got 0 to 256"),
    ([0, 65535], FLOATS[1:], "expected floats .* got 0 to 65535"),
    ([0.5, np.nan], FLOATS, "expected floats .* got nan to nan"),
    ([0.5, np.inf], FLOATS, "expected floats .* got 0.5 to inf"),
    ([-np.inf, 0.5], FLOATS, "expected floats .* got -inf to 0.5"),
]
ROWS = [(numbers, kind, meaning) for numbers, kinds, meaning in TABLE for kind in kinds]

PIL_KINDS = {"int32": "I", "float32": "F", "uint16": "I;16", ">u2": "I;16B", "uint8": "L"}


def colour(numbers, kind):
    """Three channels of the numbers: (1, W, 3)."""
    return np.repeat(np.array([numbers]).astype(kind)[..., None], 3, axis=2)


def check(source, meaning):
    if isinstance(meaning, str):
        with pytest.raises(ValueError, match=f"^cannot read .*{meaning}"):
            load_image(source)
    else:
        np.testing.assert_array_equal(load_image(source)[0, :, 0], meaning)


def rows(wanted):
    chosen = [row for row in ROWS if wanted(row[1])]
    return pytest.mark.parametrize(("numbers", "kind", "meaning"), chosen)


class TestTable:
    @rows(lambda kind: True)
    def test_arrays(self, numbers, kind, meaning):
        array = colour(numbers, kind)
        for source in (array, array[:, :, 0], array[:, :, :1], array[None], array[None, :, :, :1]):
            check(source, meaning)

    @pytest.mark.parametrize("kind", ["float16", "float32", "int32", "uint16"])
    def test_alpha_has_a_range_of_its_own(self, kind):
        ranges = (1, 255) if kind.startswith("float") else (255, 65535)
        for largest, opaque in itertools.product(ranges, ranges):
            array = np.zeros((1, 2, 4), kind)
            array[0, :, :3], array[0, :, 3] = [[0], [largest]], opaque
            check(array, [0, 255])

    @rows(lambda kind: kind in PIL_KINDS)
    def test_pil_images_and_files(self, numbers, kind, meaning):
        picture = Image.fromarray(np.array([numbers]).astype(kind))
        assert picture.mode == PIL_KINDS[kind]
        check(picture, meaning)
        for format in ("TIFF", "PNG", "JPEG2000"):
            writes = {"I": {"TIFF"}, "F": {"TIFF"}, "I;16B": {"TIFF", "PNG"}}.get(picture.mode)
            if writes is None or format in writes:
                check(encoded(picture, format), meaning)

    @rows(lambda kind: not kind.startswith((">", "long")))
    def test_tensors(self, numbers, kind, meaning):
        tf = pytest.importorskip("tensorflow")
        for tensor in (
            tf.constant(colour(numbers, kind)),
            tf.Variable(colour(numbers, kind)[None]),
        ):
            check(tensor, meaning)


class TestContainers:
    @pytest.mark.parametrize("kind", ["uint8", "int64"])
    def test_alpha_up_to_1_in_integers_is_refused(self, kind):
        array = np.full((2, 2, 4), 100, kind)
        array[:, :, 3] = 1
        with pytest.raises(ValueError, match="expected alpha up to .* got none above 1 of 255"):
            load_image(array)

    def test_an_axis_of_one_picture_before_grey(self):
        grey = np.arange(30, dtype=np.uint8).reshape(5, 6)
        np.testing.assert_array_equal(load_image(grey[None]), load_image(grey))
        assert load_image(np.zeros((1, 5, 3), np.uint8)).shape == (1, 5, 3)  # a row of pixels
        with pytest.raises(ValueError, match=r"got \(3, 5, 6\)"):
            load_image(np.zeros((3, 5, 6), np.uint8))

    def test_pictures_of_keras(self):
        keras = pytest.importorskip("keras")
        image = np.arange(240, dtype=np.uint8).reshape(8, 10, 3)
        array = keras.utils.img_to_array(Image.fromarray(image))
        assert (array.dtype, array.max()) == (np.float32, 239)
        sources = [array, array[None], keras.ops.convert_to_tensor(array), keras.Variable(array)]
        for source in [*sources, array / 255, keras.ops.cast(image, "uint8")]:
            np.testing.assert_array_equal(load_image(source), image)

    def test_short_floats(self):
        tf = pytest.importorskip("tensorflow")
        x = tf.constant([[[0.0, 0.5, 1.0]]], tf.bfloat16)
        assert load_image(x).tolist() == [[[0, 128, 255]]]
        assert load_image(x * 255)[0, 0, 2] in (255, 254)

    def test_what_has_no_values_is_one_line(self):
        keras = pytest.importorskip("keras")
        for symbol in (keras.Input((8, 8, 3)), _OnAnotherDevice()):
            with pytest.raises(ValueError, match="^cannot read .*: expected an array, ") as caught:
                load_image(symbol)
            assert len(str(caught.value).splitlines()) == 1

    @pytest.mark.parametrize("source", [[[0, 255]], ((0.5,),), {"a": 1}, iter([1]), range(3)])
    def test_lists_are_no_arrays(self, source):
        with pytest.raises(ValueError, match="expected a path, .* or an array; got a "):
            load_image(source)

    def test_strings_of_numpy_are_paths(self):
        with pytest.raises(ValueError, match="there is no such file"):
            load_image(np.str_("gone.png"))

    def test_subclasses_of_arrays(self):
        values = np.uint8([[1, 2], [3, 4]])
        for source in (np.ma.array(values, mask=values > 3), values.view(np.matrix)):
            np.testing.assert_array_equal(load_image(source)[:, :, 0], values)

    def test_twelve_bits_of_a_tiff(self):
        data = bytearray(encoded(Image.fromarray(np.full((1, 2), 4095, np.uint16)), "TIFF"))
        place = data.index(b"\x02\x01\x03\x00\x01\x00\x00\x00\x10\x00")  # tag 258, 16 bits
        data[place + 8] = 12
        data = bytes(data).replace(b"\xff\x0f\xff\x0f", b"\xff\xff\xff\x00")
        np.testing.assert_array_equal(load_image(data), 255)

    def test_colour_of_16_bits_that_would_be_lost(self):
        def row(value):
            return np.full(6, value, ">u2").tobytes()

        assert (load_image(png(16, 2, row(65535))) == 255).all()
        assert (load_image(png(16, 2, row(4096))) == 16).all()
        blue = np.array([0, 0, 4096] * 2, ">u2").tobytes()
        assert load_image(png(16, 2, blue))[0, 0].tolist() == [0, 0, 16]
        ppm = b"P6 2 1 65535\n"
        assert (load_image(ppm + row(65535)) == 255).all()
        for dark in (png(16, 2, row(255)), png(16, 2, row(4095)), ppm + row(1000)):
            with pytest.raises(ValueError, match="between 0 and 65535, got none above 4095"):
                load_image(dark)

    def test_a_file_is_read_from_its_start(self, tmp_path):
        picture = Image.new("RGB", (3, 2), "red")
        file = io.BytesIO()
        picture.save(file, "PNG")
        for position in (file.tell(), 0, 7):
            file.seek(position)
            assert load_image(file).shape == (2, 3, 3)
        path = tmp_path / "a.png"
        with path.open("w+b") as written:
            picture.save(written, "PNG")
            assert load_image(written).shape == (2, 3, 3)


class _OnAnotherDevice:
    def __array__(self, dtype=None, copy=None):
        raise TypeError("can't convert\ncuda:0 device type tensor to numpy")


def test_values_survive_any_order_of_bytes_and_strides():
    values = np.arange(0, 65536, 257).astype(">u2").reshape(16, 16)
    np.testing.assert_array_equal(to_levels(values[::2, ::-1]), (values[::2, ::-1] / 257))


def test_the_state_of_numpy_does_not_matter():
    with np.errstate(all="raise"):
        assert to_levels(np.array([1e-300, 1.0])).tolist() == [0, 255]
        with pytest.raises(ValueError, match="got nan"):
            to_levels(np.array([np.nan, 1.0]))
