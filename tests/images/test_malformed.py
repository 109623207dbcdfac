"""Damaged and hostile files: each gives an image, or a ValueError that names it, and soon."""

import io
import os
import shlex
import struct
import subprocess
import sys
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from stylelib.images import load as images
from stylelib.images import sources
from stylelib.images.formats import FORMATS
from stylelib.images.jpeg import count_scans
from stylelib.images.load import load_image
from tools import malformed
from tools.malformed import DAMAGES, corpus, damaged, encoded, peak_memory

SHARE = st.floats(0, 1)
GROWTH = 100 * 2**20  # bytes for a million pixels, where 4 to 16 bytes a pixel are usual


@pytest.fixture(scope="class")
def small_limit():
    """Refuse more than a million pixels, so that a claim of more would be seen in the memory."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(images, "MAX_PIXELS", malformed.LIMIT)
        yield


def check(data):
    """Load, and fail on anything but an image or a ValueError that names the source."""
    try:
        image = load_image(data)
    except ValueError as error:
        assert str(error).startswith("cannot read the picture given: ")
        assert "\n" not in str(error)
        return None
    assert image.dtype == np.uint8
    assert image.ndim == 3
    assert image.shape[2] == 3
    assert 0 < image.size <= 3 * images.MAX_PIXELS
    return image


def test_every_file_of_the_corpus_is_read():
    assert len(corpus()) > 60
    for name, data in corpus().items():
        assert check(data) is not None, name


damages_of_a_file = given(
    st.sampled_from(sorted(corpus())),
    st.lists(st.tuples(st.sampled_from(DAMAGES), SHARE, SHARE, SHARE), min_size=1, max_size=4),
)


@pytest.mark.usefixtures("small_limit")
class TestDamage:
    @pytest.mark.slow
    @settings(max_examples=2500, suppress_health_check=[HealthCheck.too_slow])
    @damages_of_a_file
    def test_damaged_files(self, name, damages):
        self.check_damaged(name, damages)

    @settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
    @damages_of_a_file
    def test_some_damaged_files(self, name, damages):
        self.check_damaged(name, damages)

    def check_damaged(self, name, damages):
        before = peak_memory()
        check(damaged(name, damages))
        assert peak_memory() - before < GROWTH

    @given(st.binary(max_size=200), st.sampled_from(sorted(corpus())), st.integers(0, 40))
    def test_random_bytes_behind_a_true_beginning(self, noise, name, length):
        check(corpus()[name][:length] + noise)

    @pytest.mark.parametrize("name", sorted(corpus()))
    def test_cut_at_every_tenth(self, name):
        data = corpus()[name]
        for tenth in range(10):
            check(data[: len(data) * tenth // 10])

    @pytest.mark.slow
    def test_nothing_is_printed(self):
        """In a process of its own, since libtiff writes past Python's standard error."""
        here = Path(__file__)
        code = "import test_malformed; test_malformed.print_nothing()"
        done = subprocess.run(
            [sys.executable, "-W", "always", "-c", code],
            capture_output=True,
            text=True,
            cwd=here.parent.parent.parent,
            env=os.environ | {"PYTHONPATH": str(here.parent)},
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    def test_nothing_is_printed_here(self, capfd):
        print_nothing()
        assert capfd.readouterr() == ("", "")


def print_nothing():
    """Read what makes libtiff and Pillow's logger speak."""
    check(tiff(t256=9, t257=9, data=b"nothing that was deflated"))
    check(tiff(t256=9, t257=9, t277=99, data=b"too many samples"))


class TestBombs:
    """Small files that ask for much."""

    @pytest.mark.parametrize("format", ["PNG", "GIF", "TIFF", "BMP", "WEBP", "JPEG2000"])
    def test_too_many_pixels_are_refused_before_they_are_decoded(self, format):
        small = Image.new("RGB", (12, 9))
        data = {
            "PNG": lambda: bytes(malformed._mended(huge(encoded(small, "PNG"), ">I", 16))),
            "GIF": lambda: huge(encoded(small, "GIF"), "<H", 6),
            "TIFF": lambda: huge_tiff(),
            "BMP": lambda: huge(encoded(small, "BMP"), "<I", 18),
            "WEBP": lambda: riff(b"VP8X" + struct.pack("<II", 10, 0) + b"\xff\xff\x00" * 2),
            "JPEG2000": lambda: huge(encoded(small, "JPEG2000"), ">I", 48),
        }[format]()
        before = peak_memory()
        with pytest.raises(ValueError, match="cannot read the picture given: expected"):
            load_image(data)
        assert peak_memory() - before < GROWTH

    @pytest.mark.slow
    def test_a_picture_of_one_pixel_with_a_huge_tile(self):
        self.check_tile(20_000, "128,000,000")

    def test_a_picture_of_one_pixel_with_a_large_tile(self, monkeypatch):
        monkeypatch.setattr(images, "MAX_PIXELS", malformed.LIMIT)
        self.check_tile(3000, "1,000,000")

    def check_tile(self, side, most):
        before = peak_memory()
        with pytest.raises(ValueError, match=f"expected tiles of at most {most} pixels"):
            load_image(huge_tile(side))
        assert peak_memory() - before < GROWTH
        assert load_image(huge_tile(16)).shape == (1, 1, 3)

    def test_a_jpeg_that_is_refined_for_ever(self):
        data = encoded(Image.new("L", (64, 64), 77), "JPEG", progressive=True)
        scans = count_scans(data)
        assert 1 < scans < 12
        last = data[data.rindex(b"\xff\xda") : -2]
        assert load_image(data[:-2] + 9 * last + b"\xff\xd9").shape == (64, 64, 3)
        with pytest.raises(ValueError, match=r"expected a JPEG of at most 100 scans, got \d+"):
            load_image(data[:-2] + 100 * last + b"\xff\xd9")

    def test_what_follows_a_photograph_is_not_counted(self):
        data = encoded(Image.new("L", (64, 64), 77), "JPEG")  # as phones append a film
        assert load_image(data + b"\xff\xda" * 200).shape == (64, 64, 3)

    @pytest.mark.parametrize("format", ["EPS", "FITS", "PSD", "QOI", "ICNS", "WMF"])
    def test_other_formats_are_not_opened(self, format):
        assert format not in FORMATS

    def test_eps_never_reaches_ghostscript(self, monkeypatch):
        monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("ran a program"))
        data = encoded(Image.new("RGB", (9, 9)), "EPS")
        with pytest.raises(ValueError, match="expected a picture, got a damaged file or none of"):
            load_image(data)

    @pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (4000, 1), (7, 3), (17, 33)])
    @pytest.mark.parametrize(
        "format", ["PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "HEIF"]
    )
    def test_odd_sizes(self, shape, format):
        if format not in Image.SAVE:
            pytest.skip(f"this Pillow writes no {format}")
        picture = Image.new("RGB", shape[::-1], (9, 99, 199))
        image = load_image(encoded(picture, format))
        assert image.shape == (*shape, 3)
        np.testing.assert_allclose(image[0, 0].astype(int), (9, 99, 199), atol=25)


def huge(data, form, place):
    width = (1 << 16) - 1
    data = bytearray(data)
    struct.pack_into(form + form[1], data, place, width, width)
    return bytes(data)


def riff(chunks):
    return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WEBP" + chunks


def tiff(**tags):
    """Write a TIFF of one deflated strip or tile."""
    data = tags.pop("data")
    numbers = {258: 8, 259: 8, 262: 1, 277: 1}
    numbers |= {int(tag[1:]): value for tag, value in tags.items()}
    start = 8 + 2 + 12 * (len(numbers) + 2) + 4
    offsets, counts = (324, 325) if 322 in numbers else (273, 279)
    numbers |= {offsets: start, counts: len(data)}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, n) for tag, n in sorted(numbers.items()))
    return b"II*\0" + struct.pack("<IH", 8, len(numbers)) + entries + bytes(4) + data


def huge_tile(side):
    packer = zlib.compressobj()
    rows = [packer.compress(bytes(side)) for _ in range(side)]
    data = b"".join([*rows, packer.flush()])
    return tiff(t256=1, t257=1, t322=side, t323=side, data=data)


def huge_tiff():
    return tiff(t256=60_000, t257=60_000, data=zlib.compress(b"no picture"))


class Reader(io.RawIOBase):
    """A raw file that hands on a little at a time, for ever or until it fails."""

    def __init__(self, data=None, error=None):
        self.data, self.error = data, error

    def read(self, size=-1):
        if self.error:
            raise self.error
        if self.data is None:
            return bytes(size)
        part, self.data = self.data[:7], self.data[7:]
        return part


class TestFiles:
    def test_one_that_hands_on_a_little_at_a_time(self):
        assert load_image(Reader(corpus()["PNG RGB 4"])).shape == (7, 13, 3)

    @pytest.mark.parametrize("error", [EOFError("cut"), RuntimeError("no"), zlib.error("bad data")])
    def test_one_that_fails_in_its_own_way(self, error):
        with pytest.raises(ValueError, match=f"cannot read the picture given: {error}"):
            load_image(Reader(error=error))

    def test_one_without_end_and_one_that_is_too_large(self, monkeypatch, tmp_path):
        monkeypatch.setattr(sources, "MAX_BYTES", 10_000)
        with pytest.raises(ValueError, match="expected at most 10,000 bytes"):
            load_image(Reader())
        path = tmp_path / "large.webp"
        path.write_bytes(bytes(10_001))
        with pytest.raises(ValueError, match=r"large\.webp: expected at most 10,000 bytes"):
            load_image(path)

    def test_bytes_with_gaps(self):
        data = corpus()["PNG RGB 4"]
        wide = memoryview(bytes(2 * len(data))).cast("B")[::2]
        with pytest.raises(ValueError, match="cannot read the picture given"):
            load_image(wide)
        spread = bytearray(2 * len(data))
        spread[::2] = data
        assert load_image(memoryview(spread)[::2]).shape == (7, 13, 3)

    def test_empty_ones_and_ones_of_text(self, tmp_path):
        path = tmp_path / "a.jpg"
        path.write_bytes(b"")
        with pytest.raises(ValueError, match=r"a\.jpg: expected a picture, the file is empty"):
            load_image(path)
        path.write_text("a text\n" * 100)
        with pytest.raises(ValueError, match=r"a\.jpg: expected a picture, got a damaged file or"):
            load_image(path)

    def test_links_and_pipes(self, tmp_path, monkeypatch):
        link = tmp_path / "link.png"
        link.symlink_to(tmp_path / "gone.png")
        with pytest.raises(ValueError, match=r"link\.png: it is a link to nothing"):
            load_image(link)
        link.unlink()
        link.symlink_to(link)
        with pytest.raises(ValueError, match=r"link\.png: it is a link to nothing"):
            load_image(link)
        monkeypatch.setattr(sources, "MAX_WAIT", 0.05)
        os.mkfifo(tmp_path / "pipe.png")  # reading it would wait for ever
        with pytest.raises(ValueError, match=r"pipe\.png: it is a pipe to which nobody writes"):
            load_image(tmp_path / "pipe.png")

    @pytest.mark.slow
    def test_pipes_and_devices_are_read(self, tmp_path, monkeypatch):
        data = corpus()["PNG RGB 4"]
        pipe = tmp_path / "pipe.png"
        os.mkfifo(pipe)
        writer = threading.Thread(target=pipe.write_bytes, args=(data,))
        writer.start()
        assert load_image(pipe).shape == (7, 13, 3)
        writer.join()
        monkeypatch.setattr(sources, "MAX_WAIT", 0.05)
        code = "from stylelib import load_image; print(load_image('/dev/stdin').shape)"
        for command in ("cat {0} |", "(sleep 0.3; cat {0}) |", ""):  # slower than MAX_WAIT, too
            (tmp_path / "a.png").write_bytes(data)
            given = "" if command else "< {0}"
            line = f"{command} {sys.executable} -c {shlex.quote(code)} {given}"
            line = line.format(shlex.quote(str(tmp_path / "a.png")))
            done = subprocess.run(line, shell=True, capture_output=True, text=True)  # noqa: S602
            assert (done.stdout, done.stderr) == ("(7, 13, 3)\n", "")
        with pytest.raises(ValueError, match="/dev/null: expected a picture, the file is empty"):
            load_image("/dev/null")

    @pytest.mark.parametrize(
        "name", ["data:image/png;base64," + "A" * 10**6, "a/" * 10**6, " data:,"]
    )
    def test_long_sources_are_repeated_in_short(self, name):
        with pytest.raises(ValueError, match="cannot read ") as caught:
            load_image(name)
        assert len(str(caught.value)) < 200

    @pytest.mark.parametrize("name", ["a\nb.png", "a\0b.png", "a\udcff.png", "", "a" * 5000])
    def test_names_that_no_file_has_stay_in_one_line(self, name):
        with pytest.raises(ValueError, match="cannot read .*there is no such file") as caught:
            load_image(name)
        str(caught.value).encode()
        assert len(str(caught.value).splitlines()) == 1

    def test_an_entry_of_a_folder_listed_in_bytes(self, tmp_path):
        (tmp_path / "a.png").write_bytes(corpus()["PNG RGB 4"])
        with os.scandir(os.fsencode(tmp_path)) as entries:
            assert load_image(next(entries)).shape == (7, 13, 3)

    def test_a_picture_whose_file_is_closed(self, tmp_path):
        path = tmp_path / "a.png"
        path.write_bytes(corpus()["PNG RGB 4"])
        with Image.open(path) as picture:
            pass
        with pytest.raises(ValueError, match=r"cannot read .*a\.png: the picture is damaged"):
            load_image(picture)


def test_the_tool_counts(capsys, monkeypatch):
    monkeypatch.setattr(images, "MAX_PIXELS", images.MAX_PIXELS)  # the tool lowers it
    malformed.main(["--inputs", "70"])
    printed = capsys.readouterr().out
    assert printed.startswith("70 inputs from ")
    assert len(printed.splitlines()) == 2
