"""The trials of a sweep: which transfers it consists of, each made ready before the first runs."""

import collections
import dataclasses
import hashlib
import itertools
import json
import math
import os
import re
from collections.abc import Mapping

from stylelib._utils.checks import listed, one_line, plain, shortened, shown
from stylelib._utils.files import to_json
from stylelib.recipes.optimizers import ALIASES
from stylelib.recipes.recipe import Recipe
from stylelib.runs.job import Job, Pictures, by_content, by_role, make_job
from stylelib.vgg.layers import with_paper_names

#: Largest grid of settings.
MAX_TRIALS = 100_000


@dataclasses.dataclass(frozen=True)
class Trial:
    """One transfer of a sweep.

    Attributes
    ----------
    number : int
        From 1, in the order of the sweep.
    changes : dict
        What sets it apart from the other trials.
    job : Job
        Ready to run. The names of its pictures are without their folders.
    key : str
        The same for the same pixels and settings, and for no others.
    """

    number: int
    changes: dict
    job: Job
    key: str

    @property
    def title(self):
        """Its changes in words, at most 100 characters of them."""
        return shortened(_title(self.changes))

    @property
    def stem(self):
        """Name of its files, without the ending."""
        names = [re.sub(r"\.\w+$", "", self.job.sources[role]) for role in self.job.images]
        slug = re.sub(r"[^\w.+-]+", "_", "-".join([*names, _title(self.changes)])).strip("._-")
        return f"{slug.encode()[:80].decode(errors='ignore')}-{self.key}"


def make_trials(content, style, changes, settings):
    """Make every trial of a sweep ready; trials with the same pictures share them.

    Parameters
    ----------
    content, style : a picture or a list of them
    changes : dict of lists, or list of dicts
        See `sweep`.
    settings : dict
        Arguments of `transfer` that all trials share.

    Returns
    -------
    list of Trial

    Raises
    ------
    ValueError
        For whatever `transfer` would refuse, and for two trials that are the same.
    """
    pictures = Pictures()
    sources = [_read(role, of, pictures) for role, of in (("content", content), ("style", style))]
    trials = []
    combinations = itertools.product(*sources, _combinations(changes))
    for number, (content, style, change) in enumerate(combinations, start=1):
        sources = {"content": content, "style": style}
        try:
            job = _make_job(sources, pictures, settings, _plain(change))
        except (ValueError, TypeError) as error:
            where = f"trial {number}" + (f" ({shortened(_title(change))})" if change else "")
            raise ValueError(f"{where}: {one_line(error)}") from error
        trials.append(Trial(number, _plain(change), job, _key(job.settings)))
    _check_unequal(trials)
    return trials


def _make_job(sources, pictures, settings, change):
    job = make_job(sources, pictures, **settings | change)
    roles = by_role(sources, (settings | change).get("masks"))
    names = {role: _file_name(source, role) for role, source in roles.items()}
    names["init"] = os.path.basename(job.sources["init"])
    return dataclasses.replace(job, sources=names)


def _check_unequal(trials):
    counts = collections.Counter(trial.key for trial in trials)
    for trial in trials:
        if counts[trial.key] > 1:
            raise ValueError(
                f"expected each trial once, got {trial.title or 'no changes'} "
                f"{counts[trial.key]} times"
            )


def _combinations(changes):
    """The changes of each trial."""
    if isinstance(changes, Mapping):
        for name, values in changes.items():
            no_list = isinstance(values, (str, Mapping)) or not hasattr(values, "__len__")
            if no_list or len(values) == 0:
                where = f"for {shortened(name)} in the grid"
                raise ValueError(f"expected a list of values {where}, got {shown(values)}")
        count = math.prod(len(values) for values in changes.values())
        if count > MAX_TRIALS:
            raise ValueError(f"expected a grid of at most {MAX_TRIALS:,} trials, got {count:,}")
        combinations = itertools.product(*changes.values())
        return [dict(zip(changes, values, strict=True)) for values in combinations]
    if not isinstance(changes, (list, tuple)) or not all(isinstance(c, Mapping) for c in changes):
        raise ValueError(
            f"expected changes as a dict of lists or a list of dicts, got {shown(changes)}"
        )
    if not changes:
        raise ValueError("expected at least one trial, got an empty list of changes")
    return [dict(change) for change in changes]


def _read(role, sources, pictures):
    """List the pictures of a role, after each of them was read once."""
    sources = listed(sources)
    if not sources:
        raise ValueError(f"expected at least one {role} image, got an empty list")
    for source in sources:
        for picture in listed(source):
            pictures.size(picture)
    return sources


def _file_name(source, role):
    """The last part of a path or an address: results do not say in which folder a picture lay."""
    if isinstance(source, (str, os.PathLike)):
        return os.path.basename(os.fsdecode(source)) or role
    return role


def _plain(change):
    """Return a change as it is written into a JSON file; pictures have a place of their own."""
    for name, value in change.items():
        if not isinstance(name, str):
            raise ValueError(f"expected names of settings as text, got {shown(name)}")
        if name in ("content", "style"):
            raise ValueError(f"expected changes of settings, got {name}; give a list of pictures")
        try:
            json.dumps(plain(value))  # of NaN `make_job` says what is wrong with it
        except (TypeError, ValueError, RecursionError):
            kind = type(value).__name__
            name = shortened(name)
            raise ValueError(f"expected {name} as text or numbers, got a {kind}") from None
    return plain(change)


def _key(settings):
    """Twelve digits that tell whether two trials are the same.

    Settings of the recipe at their defaults are left out, so that results stay known when a later
    version of the library has more settings.
    """
    plain = {field.name: field.default for field in dataclasses.fields(Recipe)}
    former = {name: before for before, name in ALIASES.items()}  # the names in stored keys
    told_apart = by_content(settings)
    recipe = {
        former.get(name, name): value
        for name, value in told_apart["recipe"].items()
        if name != "name" and value != plain[name]
    }
    told_apart["recipe"] = with_paper_names(recipe)
    del told_apart["tile"]  # changes how the losses are computed, not what they are
    for name in ("strength", "style_weights"):  # which earlier versions had not
        if told_apart[name] is None:
            del told_apart[name]
    text = to_json(_as_floats(told_apart), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _as_floats(value):
    """Replace 1000 by 1000.0 and -0.0 by 0.0, unless a float cannot be exact."""
    if isinstance(value, dict):
        return {name: _as_floats(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_as_floats(inner) for inner in value]
    if isinstance(value, (str, bool)) or value is None:
        return value
    return float(value) + 0.0 if value == float(value) else value


def _title(changes):
    return ", ".join(f"{name} {_words(value)}" for name, value in changes.items())


def _words(value):
    if isinstance(value, (list, tuple)):
        return " ".join(map(_words, value))
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, (str, os.PathLike)):
        return os.path.basename(value)
    return " ".join(str(value).split())[:60]
