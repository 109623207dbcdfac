"""From the colours of a picture to 8-bit sRGB: profiles, modes and transparency."""

import io

from PIL import Image, ImageCms

# Kinds of profile, and the mode of the pixels that they describe.
_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
_GREY = {"1", "L", "LA", "La"}


def to_srgb(picture):
    """Convert a picture of at most 8 bits, through its profile if it has one.

    Parameters
    ----------
    picture : PIL.Image.Image
        Of any mode but ``I``, ``F`` and their kin. A profile is taken from ``info``.

    Returns
    -------
    PIL.Image.Image
        Of mode RGB, or RGBA where it has transparency. Where a profile is damaged, or is of another
        kind of colours than the picture, the pixels are taken as they are.

    Examples
    --------
    >>> to_srgb(Image.new("LA", (1, 1), (0, 51))).getpixel((0, 0))
    (0, 0, 0, 51)
    """
    profile = picture.info.get("icc_profile")
    alpha = None
    grey = picture.mode in _GREY
    if picture.has_transparency_data:
        if picture.mode == "La":  # which converts to LA only
            picture = picture.convert("LA")
        if picture.mode != "RGBA":
            picture = picture.convert("RGBA")
        alpha = picture.getchannel("A")
    mode = "L" if grey and alpha is None else "RGB"
    if picture.mode not in {mode, "CMYK"}:
        picture = picture.convert(mode)
    if profile:
        picture = _through_profile(picture, profile, grey)
    if picture.mode != "RGB":
        picture = picture.convert("RGB")
    if alpha is not None:
        picture.putalpha(alpha)
    return picture


def on_white(picture):
    """Lay a picture of mode RGBA on white; one of mode RGB stays as it is.

    Examples
    --------
    >>> on_white(Image.new("RGBA", (1, 1), (0, 0, 0, 51))).getpixel((0, 0))
    (204, 204, 204)
    """
    if picture.mode == "RGB":
        return picture
    white = Image.new("RGB", picture.size, "white")
    white.paste(picture.convert("RGB"), mask=picture.getchannel("A"))
    return white


def _through_profile(picture, profile, grey):
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = _MODES[source.profile.xcolor_space.strip()]
        if (mode == "L" and not grey) or (mode == "CMYK") != (picture.mode == "CMYK"):
            return picture
        return ImageCms.profileToProfile(
            picture if picture.mode == mode else picture.convert(mode),
            source,
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.PERCEPTUAL,
            outputMode="RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except Exception:  # a damaged profile, in any of many ways, costs nobody the picture
        return picture
