"""The points of a sweep: which transfers it consists of, each checked before the first one runs."""

import collections
import dataclasses
import hashlib
import itertools
import math
import os
import re
from collections.abc import Mapping
from typing import NamedTuple

from stylelib._utils.checks import one_line
from stylelib._utils.files import to_json
from stylelib.images.load import load_image
from stylelib.recipes.optimizers import ALIASES
from stylelib.recipes.recipe import Recipe
from stylelib.runs.job import transfer_job

#: Largest grid of settings.
MAX_POINTS = 100_000


class Point(NamedTuple):
    """One transfer of a sweep."""

    number: int
    changes: dict  # what sets it apart from the other points
    arguments: dict  # of `transfer_job`
    names: dict  # of its pictures
    key: str  # the same for the same pixels and settings, and for no others

    @property
    def title(self):
        """Its changes in words."""
        return ", ".join(f"{name} {_words(value)}" for name, value in self.changes.items())

    @property
    def stem(self):
        """Name of its files, without the ending."""
        words = [re.sub(r"\.\w+$", "", name) for name in self.names.values()] + [self.title]
        slug = re.sub(r"[^\w.+-]+", "_", "-".join(words)).strip("._-")
        return f"{slug.encode()[:80].decode(errors='ignore')}-{self.key}"

    def job(self):
        """Make it ready to run, with the names of its pictures in place of their pixels."""
        job = transfer_job(**self.arguments)
        named = {role: job.settings[role] | {"source": name} for role, name in self.names.items()}
        init = job.settings["init"] | {"source": os.path.basename(job.settings["init"]["source"])}
        return dataclasses.replace(job, settings=job.settings | named | {"init": init})


def checked_points(content, style, changes, settings):
    """All points, after each of them was made ready once."""
    points = []
    pictures = [_read_pictures(role, of) for role, of in (("content", content), ("style", style))]
    combinations = itertools.product(*pictures, _listed(changes))
    for number, (content, style, change) in enumerate(combinations, start=1):
        names = {"content": content[0], "style": style[0]}
        arguments = {"content": content[1], "style": style[1], **settings, **change}
        point = Point(number, change, arguments, names, "")
        try:
            _check_plain(change)
            point = point._replace(key=_key(point.job().settings))
        except (ValueError, TypeError) as error:
            where = f"point {number}" + (f" ({point.title})" if change else "")
            raise ValueError(f"{where}: {one_line(error)}") from error
        points.append(point)
    counts = collections.Counter(point.key for point in points)
    for point in points:
        if counts[point.key] > 1:
            raise ValueError(
                f"expected each point once, got {point.title or 'no changes'} "
                f"{counts[point.key]} times"
            )
    return points


def _listed(changes):
    """The changes of each point."""
    if isinstance(changes, Mapping):
        for name, values in changes.items():
            no_list = isinstance(values, (str, Mapping)) or not hasattr(values, "__len__")
            if no_list or len(values) == 0:
                raise ValueError(
                    f"expected a list of values for {name} in the grid, got {values!r}"
                )
        count = math.prod(len(values) for values in changes.values())
        if count > MAX_POINTS:
            raise ValueError(f"expected a grid of at most {MAX_POINTS:,} points, got {count:,}")
        combinations = itertools.product(*changes.values())
        return [dict(zip(changes, values, strict=True)) for values in combinations]
    if not isinstance(changes, (list, tuple)) or not all(isinstance(c, Mapping) for c in changes):
        raise ValueError(f"expected changes as a dict of lists or a list of dicts, got {changes!r}")
    if not changes:
        raise ValueError("expected at least one point, got an empty list of changes")
    return [dict(change) for change in changes]


def _read_pictures(role, sources):
    """Name and pixels of each picture, read once for all points."""
    sources = sources if isinstance(sources, (list, tuple)) else [sources]
    if not sources:
        raise ValueError(f"expected at least one {role} image, got an empty list")
    return [(_name(source, role), load_image(source)) for source in sources]


def _name(source, role):
    """The last part of a path or an address: where a folder lies is nobody's business."""
    if isinstance(source, (str, os.PathLike)):
        return os.path.basename(os.fspath(source)) or role
    return role


def _check_plain(change):
    """Whatever sets points apart is written into a JSON file, pictures in a place of their own."""
    for name, value in change.items():
        if name in ("content", "style"):
            raise ValueError(f"expected changes of settings, got {name}; give a list of pictures")
        try:
            to_json(value)
        except (TypeError, ValueError, AttributeError):
            kind = type(value).__name__
            raise ValueError(f"expected {name} as text or numbers, got a {kind}") from None


def _key(settings):
    """Twelve digits that tell whether two points are the same.

    Settings of the recipe at their defaults are left out, so that results stay known when a later
    version of the library has more settings.
    """
    plain = {field.name: field.default for field in dataclasses.fields(Recipe)}
    told = {"name", "source", "notes", "published", "init"}  # no part of the run, or told elsewhere
    former = {name: before for before, name in ALIASES.items()}  # the names in stored keys
    recipe = {
        former.get(name, name): value
        for name, value in settings["recipe"].items()
        if name not in told and value != plain[name]
    }
    pictures = {role: settings[role]["sha256"] for role in ("content", "style")}
    init = settings["init"].get("sha256", settings["init"]["source"])
    told_apart = settings | pictures | {"init": init, "recipe": recipe}
    del told_apart["tile"]  # changes how the losses are computed, not what they are
    text = to_json(_as_floats(told_apart), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _as_floats(value):
    """Replace 1000 by 1000.0, wherever it is."""
    if isinstance(value, dict):
        return {name: _as_floats(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_as_floats(inner) for inner in value]
    if isinstance(value, (str, bool)) or value is None:
        return value
    return float(value)


def _words(value):
    if isinstance(value, (list, tuple)):
        return " ".join(map(_words, value))
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, (str, os.PathLike)):
        return os.path.basename(value)
    return " ".join(str(value).split())[:60]
