"""What exercise 7.5 compares a broken picture with: exhibits of notebook 07."""

from itertools import permutations
from pathlib import Path

import numpy as np

from stylelib import load_image

PAVILION = Path(__file__).parent.parent / "data" / "images" / "summer_palace.jpg"
#: Exhibits of notebook 07 that two pictures are enough to recognise.
MUSEUM = {
    1: "channels in another order",
    2: "one number added to each channel",
    3: "one colour",
    4: "less contrast, with black turned grey",
    5: "pixels left out",
    8: "a change along the border alone",
}


def known_exhibits(broken, right):
    """Say which exhibits of `MUSEUM` a picture is like, its channels in any order (exercise 7.5).

    Two pictures (H, W, 3) as floats from 0 to 255 -> a list of str, empty if it is like none.
    """
    found = {3} if broken.std((0, 1)).max() < 2 else set()
    margin = max(1, min(right.shape[:2]) // 4)
    if _distance(*(each[margin:-margin, margin:-margin] for each in (broken, right))) < 0.5:
        found.add(8)
    rows, columns = _pixels_left_out(broken.mean(-1), right.mean(-1))  # whatever the order is
    fewer = right[rows][:, columns]
    jagged = load_image(PAVILION, size=right.shape[:2], resampling="nearest")
    for order in permutations(range(3)):
        other = right[..., order]
        if order != (0, 1, 2) and _distance(broken, other) <= 1:
            found.add(1)
        if _is_a_sum(broken, other):
            found.add(2)
        if _has_less_contrast(broken, other):
            found.add(4)
        if _distance(broken, fewer[..., order]) <= 2 < _distance(broken, other):
            found.add(5)
        if _distance(broken, jagged[..., order]) <= 1:
            found.add(5)
    return [f"{MUSEUM[number]} (exhibit {number})" for number in sorted(found)]


def _distance(one, other):
    return np.abs(one - other).mean()


def _is_a_sum(broken, right):
    """Whether each channel of `broken` is that of `right` plus one number, where not clipped."""
    valid = (broken > 0) & (broken < 255)
    shifts = [(broken - right)[..., c][valid[..., c]] for c in range(3)]
    return all(s.size and np.ptp(s) < 2 < abs(s.mean()) for s in shifts)


def _has_less_contrast(broken, right):
    """Whether each channel of `broken` is that of `right`, black made grey, white not brighter."""
    for c in range(3):
        b, r = broken[..., c], right[..., c]
        slope = np.mean((b - b.mean()) * (r - r.mean())) / max(r.var(), 1)
        black = b.mean() - slope * r.mean()  # what has become of 0
        if not 2 < black < black + 255 * slope < 257 or _distance(b, black + slope * r) > 1:
            return False
    return True


def _pixels_left_out(broken, right):
    """Find the rows and columns of `right` of which `broken` is made, if it leaves pixels out."""
    found = []
    for axis, m in enumerate(right.shape):
        pixel = np.arange(m)
        kept = [np.minimum(pixel // n * n + k, m - 1) for n in range(2, 9) for k in range(n)]
        for size in range(max(1, m // 9), m + 1):  # reduced to this size, and enlarged again
            for half in (0, 1):  # the nearest pixel to the corner, or to the centre
                there = (2 * np.arange(size) + half) * m // (2 * size)
                kept.append(there[(2 * pixel + half) * size // (2 * m)])
        off = [_distance(np.take(right, numbers, axis), broken) for numbers in kept]
        found.append(kept[np.argmin(off)])
        right = np.take(right, found[-1], axis)
    return found
