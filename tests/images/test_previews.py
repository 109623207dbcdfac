"""Files that hold more than their picture: previews, masks, raw data, large or odd metadata."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from stylelib.images.load import load_image
from tests.images.test_colours import DISPLAY_P3, curve, profile, rgb_profile, xyz
from tools.malformed import encoded

REDUCED, MASK = {254: 1}, {254: 4}
SENSOR, LINEAR = {262: 32803}, {262: 34892}
DNG = {50706: 0x01040000}


class Page:
    """A grey page of a TIFF: its size, its level, and tags beside the usual."""

    def __init__(self, size, level, *tags, within=()):
        self.size, self.level, self.within = size, level, within
        self.tags = {key: value for part in tags for key, value in part.items()}


def tiff(*pages, order="<", big=False, maker=b""):
    """Write a TIFF of pages that follow each other, each with pages within it."""
    word = "Q" if big else "I"
    head = struct.pack(f"{order}HHH", 43, 8, 0) if big else struct.pack(f"{order}H", 42)
    data = bytearray((b"II" if order == "<" else b"MM") + head)
    link = len(data)
    data += bytes(8 if big else 4) + maker

    def add(page, following):
        width, height = page.size
        within = [add(inner, 0) for inner in page.within]
        strip = len(data)
        data.extend(bytes([page.level]) * (width * height))
        tags = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: strip, 277: 1, 278: height}
        tags |= {279: width * height, **page.tags}
        if within:
            tags[330] = within if len(within) > 1 else within[0]
        many = {tag: value for tag, value in tags.items() if isinstance(value, list)}
        for tag, values in many.items():
            tags[tag] = len(data)
            data.extend(struct.pack(f"{order}{len(values)}{word}", *values))
        data.extend(bytes(len(data) % 2))
        place = len(data)
        data.extend(struct.pack(order + ("Q" if big else "H"), len(tags)))
        for tag, value in sorted(tags.items()):
            kind, count = (16 if big else 4), len(many.get(tag, [0]))
            data.extend(struct.pack(f"{order}HH{word}{word}", tag, kind, count, value))
        data.extend(struct.pack(order + word, following))
        return place

    place = 0
    for page in reversed(pages):
        place = add(page, place)
    struct.pack_into(order + word, data, link, place)
    return bytes(data)


SMALL, LARGE = ((16, 12), 50), ((64, 48), 200)


class TestTiff:
    @pytest.mark.parametrize("form", [{}, {"order": ">"}, {"big": True}])
    @pytest.mark.parametrize(
        "pages",
        [
            [Page(*SMALL, REDUCED, within=[Page(*LARGE)])],
            [Page(*SMALL, REDUCED, within=[Page((32, 24), 90, REDUCED), Page(*LARGE)])],
            [Page(*SMALL, REDUCED, DNG, within=[Page(*LARGE)])],
            [Page(*SMALL, {255: 2}), Page(*LARGE, {255: 1})],
            [Page(*SMALL, REDUCED), Page((32, 24), 90, REDUCED), Page(*LARGE)],
            [Page(*SMALL, REDUCED), Page((32, 24), 90, REDUCED), Page(*LARGE, REDUCED)],
            [Page(*SMALL, within=[Page(*LARGE)])],  # a preview that is not marked
            [Page(*SMALL, REDUCED), Page((99, 99), 90, MASK), Page(*LARGE)],
            [Page(*LARGE), Page(*SMALL, REDUCED), Page((128, 96), 90)],  # several: the first
            [Page(*LARGE, within=[Page((32, 24), 90, REDUCED), Page((128, 96), 90, REDUCED)])],
            [Page(*LARGE, REDUCED)],  # there is no other
            [Page(*LARGE, DNG)],
        ],
    )
    def test_the_picture_is_read_and_not_its_preview(self, pages, form):
        image = load_image(tiff(*pages, **form))
        assert image.shape == (48, 64, 3)
        assert (image == 200).all()

    @pytest.mark.parametrize(
        ("pages", "maker"),
        [
            ([Page(*SMALL, REDUCED, within=[Page(*LARGE, SENSOR)])], b""),  # NEF, ARW
            ([Page(*SMALL, REDUCED, DNG, within=[Page(*LARGE, SENSOR)])], b""),
            ([Page(*SMALL, REDUCED, DNG, within=[Page(*LARGE, LINEAR)])], b""),
            ([Page(*SMALL, REDUCED, DNG)], b""),
            ([Page(*SMALL, REDUCED, within=[Page(*LARGE, {259: 34713})])], b""),
            ([Page(*SMALL, within=[Page(*LARGE, {259: 7, 258: 14})])], b""),
            ([Page(*SMALL, REDUCED), Page(*LARGE, SENSOR)], b""),
            ([Page(*LARGE, SENSOR)], b""),  # PEF
            ([Page(*LARGE), Page(*SMALL)], b"CR\2\0" + bytes(4)),  # CR2
            ([Page(*SMALL)], b"IIII" + bytes(4)),  # IIQ
        ],
    )
    def test_a_raw_photograph_is_refused(self, pages, maker, tmp_path):
        path = tmp_path / "photo.dng"
        path.write_bytes(tiff(*pages, maker=maker))
        with pytest.raises(
            ValueError, match=r"photo\.dng: .*got a raw photograph: develop it first"
        ):
            load_image(path)

    @pytest.mark.parametrize(
        "start",
        [b"IIRO\x08\0\0\0", b"IIU\0\x18\0\0\0", b"FUJIFILMCCD-RAW ", b"\0\0\0\x18ftypcrx ",
         b"II\x1a\0\0\0HEAPCCDR", b"\0MRM", b"FOVb"],
    )  # fmt: skip
    def test_raw_photographs_that_are_no_tiff(self, start):
        with pytest.raises(ValueError, match="got a raw photograph: develop it first"):
            load_image(start + bytes(100))

    def test_circles_and_places_outside_end(self):
        data = bytearray(tiff(Page(*LARGE, within=[Page(*SMALL)])))
        with Image.open(io.BytesIO(bytes(data))) as picture:
            first = picture.tag_v2._offset
        count = struct.unpack_from("<H", data, first)[0]
        for place in (first, 2**31, len(data) - 1):
            struct.pack_into("<I", data, first + 2 + 12 * count, place)
            assert load_image(bytes(data)).shape == (48, 64, 3)

    @pytest.mark.parametrize("pages", [[Page(*SMALL, REDUCED, within=[Page(*LARGE)])]])
    def test_damage_anywhere_is_a_picture_or_one_line(self, pages, random):
        data = tiff(*pages)
        for place in random.integers(0, len(data), 300):
            damaged = bytearray(data)
            damaged[place] ^= 1 << int(place) % 8
            try:
                assert load_image(bytes(damaged)).shape[2] == 3
            except ValueError as error:
                assert str(error).startswith("cannot read the picture given: ")


def test_white_as_zero_in_more_than_8_bits_is_refused():
    deep = {258: 16, 262: 0, 279: 24}
    with pytest.raises(ValueError, match="expected 0 as black, got a TIFF with 0 as white"):
        load_image(tiff(Page((6, 4), 7, deep)))
    assert load_image(tiff(Page((6, 4), 0, {262: 0}))).min() == 255  # 8 bits are inverted


def test_planes_of_16_bits_are_refused():
    planes = {258: 16, 262: 2, 277: 3, 284: 2}
    with pytest.raises(ValueError, match="expected planes of 8 bits, got 16"):
        load_image(tiff(Page((6, 4), 7, planes)))


class TestOtherPreviews:
    def test_a_jpeg_with_a_thumbnail_in_its_exif_data(self):
        exif = Image.Exif()
        thumb = encoded(Image.new("RGB", (16, 12), "red"), "JPEG")
        exif.get_ifd(0x8769)[0x927C] = thumb
        data = encoded(Image.new("RGB", (64, 48), "blue"), "JPEG", exif=exif)
        assert load_image(data).shape == (48, 64, 3)

    @pytest.mark.parametrize("format", ["HEIF", "AVIF"])
    def test_a_thumbnail_beside_the_picture(self, format):
        if format not in Image.SAVE:
            pytest.skip(f"this Pillow writes no {format}")
        options = {"thumbnails": [16]} if format == "HEIF" else {}
        data = encoded(Image.new("RGB", (64, 48), "blue"), format, **options)
        assert load_image(data).shape == (48, 64, 3)

    @pytest.mark.parametrize("primary", [0, 1])
    def test_of_several_pictures_the_primary_one(self, primary):
        heif = pytest.importorskip("pillow_heif")
        file = heif.HeifFile()
        for size in ((32, 24), (64, 48)):
            file.add_from_pillow(Image.new("RGB", size))
        data = io.BytesIO()
        file.save(data, primary_index=primary)
        assert load_image(data).shape == ((24, 32, 3), (48, 64, 3))[primary]

    def test_the_default_of_an_animation_is_no_frame(self):
        frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "green", "blue")]
        data = encoded(
            frames[0], "PNG", save_all=True, append_images=frames[1:], default_image=True
        )
        assert load_image(data)[4, 4].tolist() == [0, 128, 0]

    def test_a_jpeg_2000_of_several_resolutions(self):
        data = encoded(Image.new("RGB", (64, 48), "blue"), "JPEG2000", num_resolutions=4)
        assert load_image(data).shape == (48, 64, 3)


def chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_with(*chunks, after=False, options=None):
    """Add chunks to a PNG before its pixels, or after them."""
    data = encoded(Image.new("RGB", (9, 6), (200, 30, 90)), "PNG", **(options or {}))
    place = data.index(b"IEND") - 4 if after else data.index(b"IDAT") - 4
    return data[:place] + b"".join(chunks) + data[place:]


LONG = zlib.compress(b"long" * 10**6)
LARGE_PROFILE = profile(
    b"RGB ",
    **{f"{c}XYZ": xyz(values) for c, values in zip("rgb", DISPLAY_P3, strict=True)},
    **{f"{c}TRC": curve(1.0) for c in "rgb"},
    note=b"text\0\0\0\0" + bytes(range(256)) * 8000,
)


class TestMetadata:
    @pytest.mark.parametrize("after", [False, True])
    @pytest.mark.parametrize(
        "chunks",
        [
            [chunk(b"iTXt", b"key\0\1\0\0\0" + LONG)],
            [chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + LONG)],
            [chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + bytes(3 * 10**6))],
            [chunk(b"zTXt", b"key\0\0" + LONG)],
            [chunk(b"zTXt", b"Raw profile type exif\0\0" + LONG)],
            [chunk(b"zTXt", b"key\0\7" + LONG)],  # packed in no known way
            [chunk(b"tEXt", b"key\0" + bytes(10**6))] * 80,
            [chunk(b"zTXt", b"key\0\0" + zlib.compress(bytes(10**6)))] * 80,
            [chunk(b"tEXt", b"key\0text")[:-1] + b"?"],  # a wrong checksum
            [chunk(b"eXIf", b"II*\0nothing")[:-1] + b"?"],
            [chunk(b"eXIf", bytes(10**6))],
            [chunk(b"pHYs", b""), chunk(b"gAMA", b"\0"), chunk(b"sRGB", b""), chunk(b"tIME", b"")],
            [chunk(b"acTL", b"\0")],  # animations that are none
            [chunk(b"acTL", b"\0\0\0\5\0\0\0\0")],
            [chunk(b"fcTL", bytes(26)), chunk(b"fdAT", b"")],
            [chunk(b"acTL", b"\0\0\0\1\0\0\0\0"), chunk(b"fcTL", bytes(3))],
            [chunk(b"iCCP", b"name\0\0" + LONG)],
            [chunk(b"iCCP", b"name\0\0" + zlib.compress(bytes(2**24 + 1)))],
            [chunk(b"iCCP", b"name\0\0damaged")],
            [chunk(b"iCCP", b"name\0\7" + LONG)],
            [chunk(b"iCCP", b"")],
        ],
    )  # fmt: skip
    def test_what_nobody_needs_never_costs_a_png(self, chunks, after):
        image = load_image(png_with(*chunks, after=after))
        np.testing.assert_array_equal(image, np.full((6, 9, 3), (200, 30, 90)))

    @pytest.mark.parametrize("format", ["PNG", "JPEG", "TIFF", "WEBP", "AVIF", "HEIF"])
    def test_a_large_profile_still_converts(self, format):
        if format not in Image.SAVE:
            pytest.skip(f"this Pillow writes no {format}")
        assert len(LARGE_PROFILE) > 2_000_000
        grey = Image.new("RGB", (16, 16), (128, 128, 128))
        data = encoded(grey, format, icc_profile=LARGE_PROFILE)
        np.testing.assert_allclose(load_image(data), 188, atol=2)
        small = encoded(grey, format, icc_profile=rgb_profile(DISPLAY_P3, 1.0))
        np.testing.assert_allclose(load_image(small), load_image(data), atol=1)

    @pytest.mark.slow
    def test_memory_stays_bounded(self):
        from tools.malformed import peak_memory

        before = peak_memory()
        bomb = zlib.compress(zlib.compress(bytes(2**28)) * 20)
        load_image(png_with(*[chunk(b"zTXt", b"key\0\0" + zlib.compress(bytes(2**26)))] * 9))
        load_image(png_with(chunk(b"iCCP", b"name\0\0" + bomb)))
        assert peak_memory() - before < 2**29

    @pytest.mark.parametrize("where", ["eXIf", "XMP", "raw profile"])
    def test_what_turns_a_png_is_kept(self, where):
        exif = Image.Exif()
        exif[0x0112] = 6
        hexed = b"\nexif\n      99\n" + exif.tobytes().hex().encode()
        xmp = b'<x:xmpmeta xmlns:tiff="t"><a tiff:Orientation="6"/></x:xmpmeta>'
        data = {
            "eXIf": lambda: png_with(options={"exif": exif}),
            "XMP": lambda: png_with(chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp)),
            "raw profile": lambda: png_with(
                chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(hexed))
            ),
        }[where]()
        assert load_image(data).shape == (9, 6, 3)

    @pytest.mark.parametrize(
        "odd",
        [(0x011A, 11, b"\0\0\xc0\x7f"), (0x0100, 8, b"\xff\xff\0\0"), (0x8769, 4, b"\xff" * 4)],
    )  # fmt: skip
    @pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
    def test_a_picture_is_turned_whatever_else_its_exif_data_hold(self, odd, format):
        tags = sorted([(0x0112, 3, b"\6\0\0\0"), odd])
        entries = b"".join(struct.pack("<HHI", tag, kind, 1) + value for tag, kind, value in tags)
        exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2) + entries + bytes(4)
        data = encoded(Image.new("RGB", (24, 16)), format, exif=exif)
        assert load_image(data).shape == (24, 16, 3)

    @pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
    def test_exif_data_that_break_off_cost_neither_picture_nor_warning(self, format):
        tags = struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0)
        tags += struct.pack("<HHII", 0x9000, 7, 10**6, 8)  # and seven more that are missing
        exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 9) + tags
        data = encoded(Image.new("RGB", (24, 16)), format, exif=exif)
        if format == "JPEG":  # as cameras write it, so that Pillow looks for the resolution
            data = data[:2] + data[data.index(b"\xff\xe1") :]
        assert load_image(data).shape == (24, 16, 3)

    @pytest.mark.parametrize("exif", [b"", b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0"])
    def test_xmp_turns_a_jpeg_where_exif_data_do_not(self, exif):
        xmp = b'<x:xmpmeta xmlns:tiff="t"><a tiff:Orientation="6"/></x:xmpmeta>'
        data = encoded(Image.new("RGB", (24, 16)), "JPEG", xmp=xmp, exif=exif)
        assert load_image(data).shape == (24, 16, 3)

    def test_jpeg_segments_that_mean_nothing(self):
        data = encoded(Image.new("RGB", (9, 6), "red"), "JPEG", comment=b"x" * 65_000)
        segments = [b"\xff\xe1\xff\xffhttp://ns.adobe.com/xap/1.0/\0" + bytes(65_533 - 29)] * 40
        segments += [
            b"\xff\xed\0\x20Photoshop 3.0\0" + b"8BIM\4\x0f\0\0\xff\xff\xff\xff" + bytes(4)
        ]
        segments += [b"\xff\xe2\0\x12ICC_PROFILE\0\7\1no"]  # of seven the first
        data = data[:2] + b"".join(segments) + data[2:]
        assert load_image(data).shape == (6, 9, 3)

    @pytest.mark.parametrize("size", [0, 1, 6])
    @pytest.mark.parametrize("head", [b"\xff\xe0JFIF\0", b"\xff\xeeAdobe"])
    def test_jpeg_segments_that_break_off(self, head, size):
        data = encoded(Image.new("RGB", (9, 6), "red"), "JPEG")
        body = head[2:] + bytes(size)
        segment = head[:2] + struct.pack(">H", 2 + len(body)) + body
        np.testing.assert_array_equal(load_image(data[:2] + segment + data[2:]), load_image(data))

    def test_settings_of_pillow_do_not_matter(self, monkeypatch):
        monkeypatch.setattr(PngImagePlugin, "MAX_TEXT_CHUNK", 10)
        monkeypatch.setattr(PngImagePlugin, "MAX_TEXT_MEMORY", 10)
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
        srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        data = png_with(chunk(b"tEXt", b"a\0" + bytes(99)), options={"icc_profile": srgb})
        assert load_image(data).shape == (6, 9, 3)
