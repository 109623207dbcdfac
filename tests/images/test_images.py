import io
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from stylelib.images import load as images
from stylelib.images import sources
from stylelib.images.load import load_image
from stylelib.images.save import ENDINGS, check_output, save_image
from stylelib.images.sizes import scaled_size

RED = (255, 0, 0)


def encoded(picture, format="PNG", **options):
    file = io.BytesIO()
    picture.save(file, format=format, **options)
    return file.getvalue()


@pytest.fixture
def picture(random):
    return Image.fromarray(random.integers(0, 256, (6, 9, 3), dtype=np.uint8))


class TestSources:
    def test_every_kind_gives_the_same_image(self, picture, tmp_path):
        path = tmp_path / "picture.png"
        path.write_bytes(encoded(picture))
        expected = np.array(picture)
        with path.open("rb") as file:
            sources = [str(path), path, path.read_bytes(), bytearray(path.read_bytes())]
            sources += [file, picture, expected]
            for source in sources:
                image = load_image(source)
                assert image.dtype == np.uint8
                np.testing.assert_array_equal(image, expected)

    def test_the_array_is_a_copy(self):
        array = np.zeros((4, 4, 3), np.uint8)
        load_image(array)[:] = 7
        assert array.max() == 0

    def test_a_text_file_is_refused(self, tmp_path):
        path = tmp_path / "a.png"
        path.write_bytes(b"\xff\xfe\xfa")
        with path.open(encoding="utf-8") as file, pytest.raises(ValueError, match=r"read .*a\.png"):
            load_image(file)
        with pytest.raises(ValueError, match="expected a file opened in binary mode"):
            load_image(io.StringIO("text"))

    @pytest.mark.parametrize("source", [None, 12, object(), ["a.png"]])
    def test_another_kind_is_refused(self, source):
        with pytest.raises(ValueError, match="expected a path, an https address"):
            load_image(source)

    def test_a_missing_file_and_a_folder_are_named(self, tmp_path):
        with pytest.raises(ValueError, match=r"gone\.png: there is no such file"):
            load_image(tmp_path / "gone.png")
        with pytest.raises(ValueError, match="it is a folder"):
            load_image(tmp_path)

    def test_a_file_that_may_not_be_read_is_named(self, tmp_path, monkeypatch):
        path = tmp_path / "secret.png"
        path.write_bytes(b"")

        def refuse(path, mode):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(sources, "open", refuse, raising=False)  # root may read anything
        with pytest.raises(ValueError, match=r"secret\.png: Permission denied"):
            load_image(path)

    @pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n"])
    def test_a_file_that_is_no_picture_is_named(self, content, tmp_path):
        path = tmp_path / "text.png"
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"cannot read .*text\.png"):
            load_image(path)

    @pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP"])
    def test_a_file_cut_short_is_named(self, format, picture, tmp_path):
        data = encoded(picture.resize((60, 40)), format)
        path = tmp_path / "short"
        path.write_bytes(data[: len(data) // 2])
        with pytest.raises(ValueError, match="cannot read .*short"):
            load_image(path)


class TestModes:
    """Every mode that Pillow knows becomes 8-bit RGB."""

    @pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "CMYK", "YCbCr", "HSV", "LAB"])
    def test_opaque(self, mode):
        image = load_image(
            Image.new("RGB", (5, 4), "white").convert("RGB").convert(mode)
            if mode != "LAB"
            else Image.new("LAB", (5, 4), (255, 128, 128))
        )
        assert image.shape == (4, 5, 3)
        assert image.min() >= 254

    def test_transparency_is_laid_over_white(self):
        half = load_image(Image.new("RGBA", (1, 1), (255, 0, 0, 128)))
        np.testing.assert_allclose(half[0, 0], (255, 127, 127), atol=1)
        hidden = load_image(Image.new("LA", (1, 1), (0, 0)))
        np.testing.assert_array_equal(hidden[0, 0], (255, 255, 255))

    def test_a_transparent_palette_is_laid_over_white(self):
        palette = Image.new("P", (2, 1))
        palette.putpalette([255, 0, 0, 0, 0, 255])
        palette.putpixel((1, 0), 1)
        image = load_image(encoded(palette, transparency=1))
        np.testing.assert_array_equal(image, [[RED, (255, 255, 255)]])

    @pytest.mark.parametrize("mode", ["I;16", "I"])
    def test_16_bit_grey_is_scaled(self, mode):
        values = np.array([[0, 32896, 65535]], np.uint16 if mode == "I;16" else np.int32)
        image = load_image(encoded(Image.fromarray(values), "TIFF"))
        np.testing.assert_array_equal(image[0, :, 0], (0, 128, 255))

    def test_16_bit_png(self):
        image = load_image(encoded(Image.fromarray(np.array([[0, 65535]], np.uint16))))
        np.testing.assert_array_equal(image[0, :, 1], (0, 255))

    def test_floating_point_tiff(self):
        values = np.array([[0.0, 0.5, 1.0]], np.float32)
        image = load_image(encoded(Image.fromarray(values), "TIFF"))
        np.testing.assert_array_equal(image[0, :, 2], (0, 128, 255))

    @pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG"])
    def test_of_an_animation_the_first_frame(self, format):
        frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
        data = encoded(frames[0], format, save_all=True, append_images=frames[1:])
        np.testing.assert_allclose(load_image(data)[4, 4], RED, atol=8)

    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_exif_orientation_is_applied(self, orientation):
        upright = np.zeros((16, 24, 3), np.uint8)
        upright[:8, :8] = 255  # a white corner, top left
        turn = {
            1: lambda a: a, 2: np.fliplr, 3: lambda a: np.rot90(a, 2), 4: np.flipud,
            5: lambda a: a.swapaxes(0, 1), 6: lambda a: np.rot90(a, 1),
            7: lambda a: np.rot90(a, 2).swapaxes(0, 1), 8: lambda a: np.rot90(a, 3),
        }[orientation]  # fmt: skip
        exif = Image.Exif()
        exif[0x0112] = orientation
        stored = Image.fromarray(np.ascontiguousarray(turn(upright)))
        np.testing.assert_array_equal(load_image(encoded(stored, exif=exif)), upright)


class TestArrays:
    @pytest.mark.parametrize(
        ("array", "expected"),
        [
            (np.array([[True, False]]), (255, 0)),
            (np.array([[65535, 257]], np.uint16), (255, 1)),
            (np.array([[65535, 257]], ">u2"), (255, 1)),
            (np.array([[1.0, 0.2]]), (255, 51)),
            (np.array([[[9], [8]]], np.uint8), (9, 8)),
        ],
    )
    def test_the_dtype_tells_the_range(self, array, expected):
        np.testing.assert_array_equal(load_image(array)[0, :, 0], expected)

    def test_alpha_is_laid_over_white(self):
        np.testing.assert_array_equal(load_image(np.zeros((1, 1, 4), np.uint8))[0, 0], 255)

    @pytest.mark.parametrize(
        "shape", [(4,), (4, 4, 2), (2, 4, 4, 3), (1, 1, 4, 4, 3), (0, 4, 3), ()]
    )
    def test_a_wrong_shape_is_refused(self, shape):
        with pytest.raises(ValueError, match="expected an array of shape"):
            load_image(np.zeros(shape, np.uint8))

    @pytest.mark.parametrize("dtype", ["complex64", "datetime64[s]", "U1", object])
    def test_what_is_no_number_is_refused(self, dtype):
        with pytest.raises(ValueError, match="expected bool, integers or floats, got "):
            load_image(np.zeros((2, 2), dtype))


class TestSizes:
    def test_max_size_bounds_the_longer_side_and_never_enlarges(self, picture):
        assert load_image(picture, max_size=6).shape == (4, 6, 3)
        assert load_image(picture, max_size=100).shape == (6, 9, 3)

    def test_size_is_exact(self, picture):
        assert load_image(picture, size=(20, 10)).shape == (20, 10, 3)
        assert load_image(picture, size=np.array([20, 10])).shape == (20, 10, 3)

    def test_an_extreme_picture_keeps_a_pixel(self):
        assert load_image(np.zeros((1, 4000), np.uint8), max_size=10).shape == (1, 10, 3)

    @given(st.tuples(st.integers(1, 5000), st.integers(1, 5000)), st.integers(1, 4096))
    def test_scaled_size_keeps_proportions(self, size, longer_side):
        scaled = scaled_size(size, longer_side)
        assert max(scaled) == longer_side
        assert min(scaled) >= 1
        exact = min(size) * longer_side / max(size)
        assert abs(min(scaled) - max(1, exact)) <= 0.5

    def test_reducing_averages_over_pixels_unless_asked_not_to(self):
        checkerboard = np.indices((64, 64)).sum(axis=0) % 2 * np.uint8(255)
        inner = load_image(checkerboard, max_size=32)[4:-4, 4:-4]
        assert np.abs(inner.astype(int) - 127.5).max() < 10
        assert set(load_image(checkerboard, max_size=32, resampling="nearest").ravel()) <= {0, 255}

    def test_resampling_is_a_choice(self):
        steps = np.array([[0, 255]], np.uint8)
        assert set(load_image(steps, size=(4, 8), resampling="nearest").ravel()) == {0, 255}
        with pytest.raises(ValueError, match="expected resampling lanczos"):
            load_image(steps, resampling="cubic")

    @pytest.mark.parametrize(
        "options",
        [{"max_size": 0}, {"max_size": 2.5}, {"size": 4}, {"size": (4, 0)}, {"size": (1, 2, 3)},
         {"max_size": 4, "size": (4, 4)}, {"max_size": True}],
    )  # fmt: skip
    def test_a_size_that_cannot_be_is_refused(self, options, picture):
        with pytest.raises(ValueError, match="expected .*size"):
            load_image(picture, **options)

    def test_a_size_too_large_to_make_is_refused(self, picture):
        with pytest.raises(ValueError, match="expected size of at most 128,000,000 pixels"):
            load_image(picture, size=(10**6, 10**6))

    def test_too_many_pixels_are_refused(self, picture, monkeypatch):
        monkeypatch.setattr(images, "MAX_PIXELS", 53)
        with pytest.raises(ValueError, match="expected at most 53 pixels, got 9 × 6"):
            load_image(encoded(picture))

    @pytest.mark.slow
    def test_a_decompression_bomb_is_refused_unread(self):
        bomb = encoded(Image.new("1", (30_000, 30_000)))
        assert len(bomb) < 200_000
        with pytest.raises(ValueError, match="cannot read the picture given"):
            load_image(bomb)


class TestSave:
    @pytest.mark.parametrize("ending", [".png", ".bmp", ".tiff"])
    def test_a_lossless_file_holds_the_image(self, ending, picture, tmp_path):
        path = tmp_path / f"a{ending}"
        save_image(path, np.array(picture))
        np.testing.assert_array_equal(load_image(path), np.array(picture))
        assert os.listdir(tmp_path) == [path.name]

    def test_jpeg_is_close(self, tmp_path):
        image = np.full((16, 16, 3), (200, 30, 90), np.uint8)
        save_image(str(tmp_path / "a.JPG"), image)
        np.testing.assert_allclose(load_image(tmp_path / "a.JPG"), image, atol=3)

    @pytest.mark.parametrize(
        "image", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)]
    )
    def test_another_array_is_refused(self, image, tmp_path):
        with pytest.raises(ValueError, match="expected an image, a uint8 array"):
            save_image(tmp_path / "a.png", image)

    def test_outputs_that_cannot_be(self, tmp_path, monkeypatch):
        (tmp_path / "folder.png").mkdir()
        with pytest.raises(ValueError, match="it is a folder"):
            check_output(tmp_path / "folder.png")
        with pytest.raises(ValueError, match="there is no folder"):
            check_output(tmp_path / "gone" / "a.png")
        with pytest.raises(ValueError, match="File name too long"):
            check_output(tmp_path / f"{'a' * 252}.png")
        for path in ("a", "a.h5", "a.ico", "a.gif"):
            with pytest.raises(ValueError, match="expected an ending .png, .jpg"):
                check_output(tmp_path / path)
        with pytest.raises(ValueError, match="expected a path to write to, got None"):
            save_image(None, np.zeros((4, 4, 3), np.uint8))

        def refuse(self):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "touch", refuse)  # root may write anywhere
        with pytest.raises(ValueError, match=r"a\.png: Permission denied"):
            check_output(tmp_path / "a.png")

    @pytest.mark.parametrize("ending", ENDINGS)
    def test_every_ending_that_is_promised_keeps_the_size(self, ending, picture, tmp_path):
        path = check_output(tmp_path / f"a{ending}")
        save_image(path, np.array(picture))
        assert load_image(path).shape == (6, 9, 3)

    def test_a_full_disk_keeps_the_old_file_and_leaves_nothing(self, tmp_path, monkeypatch):
        path = tmp_path / "a.png"
        path.write_bytes(b"old")

        def fail(self, file, **options):
            file.write(b"half")
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Image.Image, "save", fail)
        with pytest.raises(ValueError, match=r"cannot write .*a\.png: No space left on device"):
            save_image(path, np.zeros((4, 4, 3), np.uint8))
        assert Path(path).read_bytes() == b"old"
        assert os.listdir(tmp_path) == ["a.png"]


class TestPicturesTurnedByHand:
    """A PIL image is turned as the EXIF data say that it carries."""

    @pytest.fixture
    def turned(self):
        exif = Image.Exif()
        exif[0x0112] = 6
        return Image.open(io.BytesIO(encoded(Image.new("RGB", (24, 16)), "JPEG", exif=exif)))

    def test_what_was_only_converted_is_still_turned(self, turned):
        for picture in (turned, turned.copy(), turned.convert("L"), turned.resize((24, 16))):
            assert load_image(picture).shape == (24, 16, 3)

    def test_what_pillow_has_turned_is_not_turned_again(self, turned):
        assert load_image(ImageOps.exif_transpose(turned)).shape == (24, 16, 3)
        assert load_image(np.asarray(turned.rotate(90, expand=True))).shape == (24, 16, 3)
        by_hand = turned.rotate(90, expand=True)
        del by_hand.info["exif"]
        assert load_image(by_hand).shape == (24, 16, 3)

    def test_exif_data_that_were_changed_count(self, turned):
        turned.getexif()[0x0112] = 1
        assert load_image(turned).shape == (16, 24, 3)


@pytest.mark.parametrize("ending", [".webp", ".jpg"])
def test_lossy_formats_are_better_than_by_default(ending, tmp_path, content_image):
    save_image(tmp_path / f"ours{ending}", content_image)
    Image.fromarray(content_image).save(tmp_path / f"default{ending}")
    ours, default = (
        np.square(load_image(tmp_path / f"{name}{ending}") - content_image.astype(float)).mean()
        for name in ("ours", "default")
    )
    assert ours < 0.7 * default
