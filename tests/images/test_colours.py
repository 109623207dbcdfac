"""Colours: every mode and depth that Pillow knows, and profiles made by hand, become sRGB."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from stylelib.images import formats
from stylelib.images.load import load_image
from tools.malformed import encoded

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()

# Red, green and blue as a profile holds them: XYZ under the light D50.
RED, GREEN, BLUE = (0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141)
DISPLAY_P3 = (0.5151, 0.2412, -0.0011), (0.2919, 0.6922, 0.0419), (0.1572, 0.0666, 0.7841)
D50 = (0.9642, 1.0, 0.8249)


def profile(space, pcs=b"XYZ ", **tags):
    """Write an ICC profile, version 2.1."""
    name = b"made by hand\0"
    tags["desc"] = b"desc\0\0\0\0" + struct.pack(">I", len(name)) + name + bytes(78)
    tags["cprt"] = b"text\0\0\0\0CC0\0"
    tags["wtpt"] = xyz(D50)
    start, table, body = 132 + 12 * len(tags), b"", b""
    for key, value in tags.items():
        table += key.encode() + struct.pack(">II", start + len(body), len(value))
        body += value + bytes(-len(value) % 4)
    head = struct.pack(
        ">I4xI4s4s4s12x4s", start + len(body), 0x02100000, b"prtr", space, pcs, b"acsp"
    )
    head = (head + bytes(28) + fixed(*D50)).ljust(128, b"\0")
    return head + struct.pack(">I", len(tags)) + table + body


def fixed(*values):
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))


def xyz(values):
    return b"XYZ \0\0\0\0" + fixed(*values)


def curve(gamma):
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))


def rgb_profile(primaries, gamma=2.2):
    tags = {f"{c}XYZ": xyz(values) for c, values in zip("rgb", primaries, strict=True)}
    return profile(b"RGB ", **tags, **{f"{c}TRC": curve(gamma) for c in "rgb"})


def cmyk_profile():
    """Describe a press that prints red where it is told cyan, and black for every other ink."""
    white, red, black = (255, 128, 128), (135, 208, 195), (0, 128, 128)
    colours = [white, *[black] * 7, red, *[black] * 7]  # cyan counts slowest
    same = bytes(range(256))
    table = b"mft1\0\0\0\0\4\3\2\0" + fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    table += same * 4 + bytes(np.array(colours, np.uint8)) + same * 3
    return profile(b"CMYK", b"Lab ", A2B0=table)


def png(depth, kind, row, **chunks):
    """Write a PNG of one row as no library would."""
    width = len(row) * 8 // depth // {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[kind]
    header = struct.pack(">IIBBBBB", width, 1, depth, kind, 0, 0, 0)
    chunks = {"IHDR": header, **chunks, "IDAT": zlib.compress(b"\0" + row), "IEND": b""}
    data = b"\x89PNG\r\n\x1a\n"
    for name, body in chunks.items():
        named = name.encode() + body
        data += struct.pack(">I", len(body)) + named + struct.pack(">I", zlib.crc32(named))
    return data


@pytest.fixture
def noise(random):
    return Image.fromarray(random.integers(0, 256, (16, 16, 3), dtype=np.uint8))


def expected(picture, to_linear, primaries):
    """Compute what a profile means, without any library."""
    linear = to_linear(np.asarray(picture) / 255)
    into = np.linalg.inv(np.array([RED, GREEN, BLUE]).T) @ np.array(primaries).T
    linear = np.clip(linear @ into.T, 0, 1)
    return 255 * np.where(linear < 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


class TestProfiles:
    @pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP", "PIL"])
    def test_srgb_changes_nothing(self, format, noise):
        noise.info["icc_profile"] = SRGB
        options = {"lossless": True} if format == "WEBP" else {}
        source = noise if format == "PIL" else encoded(noise, format, icc_profile=SRGB, **options)
        np.testing.assert_allclose(load_image(source).astype(int), np.array(noise), atol=1)

    @pytest.mark.parametrize("gamma", [1.0, 1.8, 2.2])
    @pytest.mark.parametrize(
        "primaries",
        [(RED, GREEN, BLUE), (GREEN, RED, BLUE), DISPLAY_P3],
        ids=["same", "swap", "p3"],
    )
    def test_primaries_and_gamma_are_followed(self, primaries, gamma, noise):
        image = load_image(encoded(noise, "PNG", icc_profile=rgb_profile(primaries, gamma)))
        gamma = round(gamma * 256) / 256
        exact = expected(noise, lambda values: values**gamma, primaries)
        # Near black a linear curve is steep, and the library's tables are 16 bits fine.
        np.testing.assert_allclose(image, exact, atol=2.5)

    def test_formats_of_cameras_carry_profiles(self):
        grey = Image.new("RGB", (16, 16), (128, 128, 128))
        for format in {"JPEG", "AVIF", "HEIF"} & set(Image.SAVE):
            data = encoded(grey, format, icc_profile=rgb_profile(DISPLAY_P3, 1.0))
            np.testing.assert_allclose(load_image(data), 188, atol=2)

    def test_grey_profiles(self):
        linear = profile(b"GRAY", kTRC=curve(1.0))
        values = np.array([[0, 32896, 65535]], np.uint16)
        for picture in (Image.fromarray(values), Image.fromarray(np.uint8([[0, 128, 255]]))):
            image = load_image(encoded(picture, "PNG", icc_profile=linear))
            np.testing.assert_allclose(image[0, :, 0], (0, 188, 255), atol=1)
        clear = load_image(encoded(Image.new("LA", (1, 1), (128, 128)), "PNG", icc_profile=linear))
        np.testing.assert_allclose(clear, 188 / 2 + 255 / 2, atol=2)

    def test_grey_and_palette_pictures_with_profiles_of_colour(self):
        linear = rgb_profile((RED, GREEN, BLUE), 1.0)
        for mode in ("L", "P", "1"):
            picture = Image.new("L", (2, 1), 128 if mode != "1" else 255).convert(mode)
            image = load_image(encoded(picture, "PNG", icc_profile=linear))
            np.testing.assert_allclose(image, 188 if mode != "1" else 255, atol=1)

    def test_transparency_stays(self):
        swap = rgb_profile((GREEN, RED, BLUE))
        picture = Image.new("RGBA", (2, 1), (255, 0, 0, 255))
        picture.putpixel((1, 0), (255, 0, 0, 0))
        image = load_image(encoded(picture, "PNG", icc_profile=swap))
        np.testing.assert_allclose(image, [[(0, 255, 0), (255, 255, 255)]], atol=1)

    @pytest.mark.parametrize("format", ["JPEG", "TIFF"])
    def test_cmyk_goes_through_its_profile(self, format):
        cyan = Image.new("CMYK", (16, 16), (255, 0, 0, 0))
        assert load_image(encoded(cyan, format))[0, 0].tolist() == [0, 255, 255]
        image = load_image(encoded(cyan, format, icc_profile=cmyk_profile()))
        np.testing.assert_allclose(image[0, 0].astype(int), (255, 0, 0), atol=12)
        white = Image.new("CMYK", (16, 16), (0, 0, 0, 0))
        image = load_image(encoded(white, format, icc_profile=cmyk_profile()))
        np.testing.assert_allclose(image, 255, atol=1)

    @pytest.mark.parametrize(
        "broken",
        [b"\0", b"no profile" * 50, SRGB[:200], SRGB[:-100], SRGB.replace(b"RGB ", b"Luv "),
         cmyk_profile(), profile(b"GRAY", kTRC=curve(1.0)), profile(b"RGB ")],
    )  # fmt: skip
    def test_one_that_is_broken_or_of_other_colours_is_passed_over(self, broken, noise):
        # SRGB[:-100] may still be good: then it changes nothing either.
        image = load_image(encoded(noise, "PNG", icc_profile=broken))
        np.testing.assert_allclose(image.astype(int), np.array(noise), atol=1)

    def test_a_profile_of_the_wrong_type_is_passed_over(self, noise):
        for wrong in ("text", 12, (1, 2)):
            noise.info["icc_profile"] = wrong
            np.testing.assert_array_equal(load_image(noise), np.array(noise))


class TestModes:
    @pytest.mark.parametrize("mode", sorted(Image.MODES))
    def test_every_mode_that_pillow_knows(self, mode):
        image = load_image(Image.new(mode, (3, 2)))
        assert image.shape == (2, 3, 3)
        assert image.dtype == np.uint8
        assert (image == image[0, 0]).all()

    def test_premultiplied_grey(self):
        grey = Image.new("LA", (1, 1), (100, 128)).convert("La")
        np.testing.assert_allclose(load_image(grey), 100 / 2 + 255 / 2, atol=1)

    def test_no_pixels_at_all(self):
        with pytest.raises(ValueError, match="expected at least one pixel, got 0 × 5"):
            load_image(Image.new("RGB", (0, 5)))

    def test_rounding_of_all_16_bit_values(self):
        values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
        np.testing.assert_array_equal(load_image(values)[:, :, 0], np.round(values / 257))

    @pytest.mark.parametrize("value", [-1, 65536])
    def test_more_than_16_bits_are_refused(self, value):
        with pytest.raises(ValueError, match=f"between 0 and 65535, got {value} to {value}"):
            load_image(Image.new("I", (2, 2), value))

    @pytest.mark.parametrize("value", [np.nan, np.inf, 1.5, -0.5])
    def test_a_tiff_of_floats_outside_0_to_1_is_refused(self, value, tmp_path):
        path = tmp_path / "hdr.tiff"
        Image.fromarray(np.array([[0.5, value]], np.float32)).save(path)
        with pytest.raises(ValueError, match=r"hdr\.tiff: expected floats between 0 and 1"):
            load_image(path)


class TestTga:
    @pytest.mark.parametrize(("alpha_bits", "first"), [(8, [255, 255, 255]), (0, [30, 20, 10])])
    def test_a_fourth_byte_counts_only_where_the_header_says_so(self, alpha_bits, first):
        header = struct.pack("<BBB5xHHHHBB", 0, 0, 2, 0, 0, 2, 1, 32, 0x20 | alpha_bits)
        image = load_image(header + bytes([10, 20, 30, 0, 40, 50, 60, 255]))
        assert image[0].tolist() == [first, [60, 50, 40]]


class TestTiff:
    @pytest.mark.parametrize("turned", [1, 3])
    def test_grey_with_a_sign(self, turned):
        def file(values):
            picture = Image.fromarray(np.array([values], np.int8).view(np.uint8))
            return encoded(picture, "TIFF", tiffinfo={339: 2, 274: turned})

        assert load_image(file([0, 5, 127]))[0, :: 2 - turned, 0].tolist() == [0, 5, 127]
        with pytest.raises(ValueError, match="expected integers .* got -1 to 5"):
            load_image(file([0, 5, -1]))

    @pytest.mark.parametrize("turned", [1, 3])
    def test_white_as_zero_is_refused_however_it_is_turned(self, turned):
        deep = Image.fromarray(np.array([[0, 65535]], np.uint16))
        with pytest.raises(ValueError, match="expected 0 as black, got a TIFF with 0 as white"):
            load_image(encoded(deep, "TIFF", tiffinfo={262: 0, 274: turned}))


class TestPng:
    @pytest.mark.parametrize("depth", [1, 2, 4])
    def test_few_bits_of_grey(self, depth):
        image = load_image(png(depth, 0, b"\x0f"))
        assert image.shape == (1, 8 // depth, 3)
        assert (image.min(), image.max()) == (0, 255)

    def test_16_bits_with_alpha(self):
        colour = struct.pack(">8H", 65535, 0, 32896, 65535, 9, 9, 9, 0)
        assert load_image(png(16, 6, colour)).tolist() == [[[255, 0, 128], [255, 255, 255]]]
        grey = struct.pack(">4H", 32896, 65535, 9, 0)
        assert load_image(png(16, 4, grey))[0, :, 0].tolist() == [128, 255]

    def test_one_transparent_grey(self):
        row = struct.pack(">3H", 0, 256, 65535)
        data = png(16, 0, row, tRNS=struct.pack(">H", 256))
        assert load_image(data)[0, :, 0].tolist() == [0, 255, 255]
        data = png(8, 0, bytes([0, 128, 255]), tRNS=struct.pack(">H", 0))
        assert load_image(data)[0, :, 0].tolist() == [255, 128, 255]

    @pytest.mark.parametrize(("depth", "row"), [(2, b"\x1b"), (4, b"\x05\xaf")])
    def test_one_transparent_grey_of_few_bits(self, depth, row):
        levels = load_image(png(depth, 0, row))[0, :, 0].tolist()
        assert levels == [0, 85, 170, 255]
        for place, level in enumerate(levels):
            key = struct.pack(">H", level * (2**depth - 1) // 255)
            shown = [*levels[:place], 255, *levels[place + 1 :]]
            assert load_image(png(depth, 0, row, tRNS=key))[0, :, 0].tolist() == shown

    def test_one_transparent_colour_of_16_bits(self):
        row = np.array([0, 0, 0, 30000, 20000, 10000, 65535, 0, 0], ">u2").tobytes()
        image = load_image(png(16, 2, row, tRNS=row[6:12]))
        assert image[0].tolist() == [[0, 0, 0], [255, 255, 255], [255, 0, 0]]

    def test_a_palette_that_is_partly_transparent(self):
        data = png(8, 3, bytes([0, 1, 2]), PLTE=bytes([255, 0, 0] * 3), tRNS=bytes([255, 51, 0]))
        assert load_image(data).tolist() == [[[255, 0, 0], [255, 204, 204], [255, 255, 255]]]


class TestPhotographs:
    def test_of_a_file_of_several_photographs_the_first(self):
        first, second = (Image.new("RGB", (16, 16), colour) for colour in ("red", "blue"))
        data = encoded(first, "MPO", save_all=True, append_images=[second])
        assert Image.open(io.BytesIO(data)).format == "MPO"
        np.testing.assert_allclose(load_image(data)[8, 8], (255, 0, 0), atol=3)

    @pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF", "HEIF"])
    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_orientation_in_every_format_that_has_it(self, orientation, format, tmp_path):
        if format not in Image.SAVE:
            pytest.skip(f"this Pillow writes no {format}")
        exif = Image.Exif()
        exif[0x0112] = orientation
        stored = Image.new("RGB", (24, 16))
        stored.paste("white", (0, 0, 8, 8))
        path = tmp_path / "turned"
        stored.save(path, format=format, exif=exif.tobytes())  # pillow-heif wants bytes
        image = load_image(path)[:, :, 0]
        assert image.shape == ((16, 24) if orientation < 5 else (24, 16))
        right, bottom = orientation in {2, 3, 7, 6}, orientation in {3, 4, 7, 8}
        corner = image[-4 if bottom else 3, -4 if right else 3]
        assert corner > 240
        assert image.mean() < 80

    @pytest.mark.parametrize("broken", [b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0nonsense"])
    def test_damaged_exif_data_cost_nobody_the_picture(self, broken, noise):
        image = load_image(encoded(noise, "PNG", exif=broken))
        np.testing.assert_array_equal(image, np.array(noise))

    def test_heic_says_what_it_needs(self, monkeypatch):
        readers = {name: how for name, how in formats._readers().items() if name != "HEIF"}
        monkeypatch.setattr(formats, "_readers", lambda: readers)
        with pytest.raises(ValueError, match="HEIC needs the package pillow-heif"):
            load_image(b"\0\0\0\x18ftypheic" + bytes(40))
