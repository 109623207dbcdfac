"""Feed `load_image` damaged pictures and say what came of it, and how long the longest took.

``python -m tools.malformed --inputs 20000 --seed 1``
"""

import argparse
import collections
import contextlib
import functools
import io
import random
import struct
import sys
import time
import zlib

from PIL import Image, ImageCms

from stylelib.images import load as images

LIMIT = 1_000_000  # pixels, instead of `MAX_PIXELS`: a small file may claim any size
SIZES = (0, 1, 2, 999, 4000, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
DAMAGES = ("cut", "flip", "splice", "insert", "drop", "size16", "size32", "noise", "mend")


def encoded(picture, format, **options):
    """Encode a picture in memory."""
    file = io.BytesIO()
    picture.save(file, format=format, **options)
    return file.getvalue()


def register_formats():
    """Let Pillow write all that it can, and HEIF where pillow-heif is installed."""
    Image.init()
    with contextlib.suppress(ImportError):
        import pillow_heif

        pillow_heif.register_heif_opener()


@functools.cache
def corpus():
    """Small valid files of every format, mode and feature: name -> bytes."""
    ramp = Image.linear_gradient("L").resize((13, 7))
    colour = Image.merge("RGB", (ramp, ramp.rotate(180), Image.new("L", ramp.size, 90)))
    clear = colour.copy()
    clear.putalpha(ramp)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    turned = Image.Exif()
    turned[0x0112] = 6
    saved = {
        "1": ramp.convert("1"), "L": ramp, "LA": clear.convert("LA"), "P": colour.convert("P"),
        "RGB": colour, "RGBA": clear, "CMYK": colour.convert("CMYK"),
        "YCbCr": colour.convert("YCbCr"), "LAB": Image.new("LAB", ramp.size, (90, 99, 99)),
        "I;16": ramp.convert("I").point(lambda v: v * 257).convert("I;16"),
        "F": ramp.convert("F").point(lambda v: v * 0.003 + 0.01),
    }  # fmt: skip
    variants = [
        *(("PNG", mode, {}) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")),
        *(("TIFF", mode, {}) for mode in saved if mode != "YCbCr"),
        *(("JPEG", mode, {}) for mode in ("L", "RGB", "CMYK", "YCbCr")),
        *(("BMP", mode, {}) for mode in ("1", "L", "P", "RGB", "RGBA")),
        *(("GIF", mode, {}) for mode in ("1", "L", "P", "RGBA")),
        *(("WEBP", mode, {"lossless": flag}) for mode in ("RGB", "RGBA") for flag in (True, False)),
        *(("JPEG2000", mode, {}) for mode in ("L", "LA", "RGB", "RGBA")),
        *(("PPM", mode, {}) for mode in ("1", "L", "RGB", "F")),
        *(("TGA", mode, {"rle": flag}) for mode in ("L", "P", "RGBA") for flag in (True, False)),
        *((format, mode, {}) for format in ("AVIF", "HEIF") for mode in ("RGB", "RGBA")),
        *(("TIFF", "RGB", {"compression": name}) for name in
          ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg")),
        ("TIFF", "1", {"compression": "group4"}),
        ("JPEG", "RGB", {"progressive": True, "exif": turned, "icc_profile": profile}),
        ("PNG", "P", {"transparency": 3}),
        ("PNG", "RGB", {"exif": turned, "icc_profile": profile}),
        ("TIFF", "RGB", {"exif": turned, "icc_profile": profile}),
        ("WEBP", "RGB", {"exif": turned, "icc_profile": profile}),
        *((format, "RGBA", {"save_all": True, "append_images": [colour.rotate(90)]})
          for format in ("GIF", "PNG", "WEBP", "TIFF")),
        ("MPO", "RGB", {"save_all": True, "append_images": [colour]}),
    ]  # fmt: skip
    register_formats()
    files = {}
    for format_, mode, options in variants:
        if format_ in Image.SAVE:  # not all versions have AVIF, and HEIF comes from pillow-heif
            name = " ".join([format_, mode, *options])
            files[f"{name} {len(files)}"] = encoded(saved[mode], format_, **options)
    return files


def damaged(name, damages):
    """Damage a file of the corpus: each damage is a kind and three numbers from 0 to 1."""
    files = corpus()
    data = bytearray(files[name])
    for kind, a, b, c in damages:
        start, length = int(a * len(data)), 1 + int(b * 32)
        other = list(files.values())[int(c * 0.999 * len(files))]
        if kind == "cut":
            del data[start:]
        elif kind == "flip" and data:
            data[start % len(data)] ^= 1 << int(b * 7.99)
        elif kind == "splice":
            data[start:] = other[int(b * len(other)) :]
        elif kind == "insert":
            data[start:start] = other[:length]
        elif kind == "drop":
            del data[start : start + length]
        elif kind in ("size16", "size32"):
            order, form = "<>"[b < 0.5], "HI"[kind == "size32"]
            number = SIZES[int(c * 0.999 * len(SIZES))] & (0xFFFF if form == "H" else 0xFFFFFFFF)
            place = int(a * min(len(data), 64)) if b % 0.5 < 0.4 else start  # mostly the header
            data[place : place + struct.calcsize(form)] = struct.pack(order + form, number)
        elif kind == "noise":
            data[start : start + length] = random.Random(c).randbytes(length)  # noqa: S311
        elif kind == "mend":
            data = bytearray(_mended(data))
    return bytes(data)


def _mended(data):
    """Give the chunks of a PNG checksums that fit, so that damage gets past them."""
    data = bytearray(data)
    place = 8
    while data.startswith(b"\x89PNG") and place + 12 <= len(data):
        end = place + 8 + int.from_bytes(data[place : place + 4], "big")
        if end + 4 > len(data):
            break
        data[end : end + 4] = zlib.crc32(data[place + 4 : end]).to_bytes(4, "big")
        place = end + 4
    return data


def peak_memory():
    """Tell how many bytes this process has held at most."""
    import resource  # which Windows lacks

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def main(arguments=None):
    """Try many damaged files at random, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    images.MAX_PIXELS = LIMIT
    draw = random.Random(options.seed)  # noqa: S311
    names = list(corpus())
    came, crashes, longest = collections.Counter(), collections.Counter(), (0, "")
    memory = peak_memory()
    for number in range(options.inputs):
        name = names[number % len(names)]
        damages = [
            (draw.choice(DAMAGES), draw.random(), draw.random(), draw.random())
            for _ in range(draw.randint(1, 4))
        ]
        data = damaged(name, damages)
        start = time.perf_counter()
        try:
            images.load_image(data)
            came["image"] += 1
        except ValueError as error:
            came["ValueError"] += 1
            if "the picture given" not in str(error):
                crashes[f"unnamed: {error}"] += 1
        except Exception as error:
            crashes[f"{name}: {error!r}"] += 1
        longest = max(longest, (time.perf_counter() - start, name))
    grown = (peak_memory() - memory) >> 20
    print(f"{options.inputs:,} inputs from {len(names)} files: {dict(came)}")
    print(f"longest {longest[0] * 1000:.1f} ms ({longest[1]}), memory +{grown} MiB")
    for crash, times in crashes.most_common(20):
        print(f"  {times} × {crash}")


if __name__ == "__main__":
    main()
