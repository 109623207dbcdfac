"""A run's folder: numbered pictures, and the state from which the run can go on after any end.

Every file appears whole or not at all, and the state comes before its picture. So whatever ends a
run, the folder holds the state of its last save, and no picture that is not this run's.
"""

import contextlib
import dataclasses
import json
import re
from pathlib import Path

import numpy as np

from stylelib._utils.checks import one_line, shortened, shown
from stylelib._utils.files import (
    atomic_write,
    claimed,
    read_arrays,
    remove_temporary_files,
    to_json,
    user_path,
    writable_folder,
)
from stylelib.images.save import save_image
from stylelib.preprocessing import deprocess
from stylelib.recipes.optimizers import current_names
from stylelib.recipes.recipe import Recipe
from stylelib.runs.job import by_content
from stylelib.vgg.layers import with_paper_names

STATE = "state.npz"
_CHOOSE = "remove the folder, or choose another"
_CHOOSE_FOLDER = "remove it, or choose another folder"


class Checkpoints:
    """What a run keeps while it goes on.

    Parameters
    ----------
    folder : path
        Made if it is not there.
    settings : dict
        `Job.settings`. A run goes on only with the settings that it had, but for the number of
        steps. Its files may lie elsewhere, see `by_content`.
    save_every : int
        After how many evaluations `minimize` saves.
    resume : bool
        Whether to go on with the run that the folder holds.
    in_color : callable, optional
        From a painted picture to what is kept of it, see `Job.in_color`.

    Attributes
    ----------
    save_every : int
    state : dict of str to numpy.ndarray, optional
        Where the run to go on with was, see `minimize`.
    before : dict, optional
        The settings of that run.
    last_stage : bool
        Whether the run is finished once the stage is that `minimize` is told to save.

    Raises
    ------
    ValueError
        Where the folder holds no run to go on with, or one with other settings, or one that has
        done more steps. Without `resume`, where it holds another run, one that is not finished, or
        numbered pictures of no run: a folder belongs to one run. The same run, once it is finished,
        may be done again. Nothing is written before `open` is called, which looks once more, and
        refuses a folder that another run has open.

    Examples
    --------
    >>> import tempfile
    >>> from stylelib import noise_image, transfer
    >>> pictures = noise_image((40, 60)), noise_image((40, 60), seed=1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     result = transfer(*pictures, size=32, steps=4, folder=folder, save_every=2)
    ...     longer = transfer(*pictures, size=32, steps=6, folder=folder, resume=True)
    >>> result.evaluations, longer.evaluations
    (4, 6)
    """

    def __init__(self, folder, settings, save_every, resume=False, in_color=lambda image: image):
        self.folder = user_path(folder)
        self.settings = settings
        self.save_every = save_every
        self.resume = resume
        self.state = self.before = None
        self.last_stage = True
        self.in_color = in_color
        self._painted = []
        self._claim = contextlib.ExitStack()
        self._look()

    def _look(self):
        """Read what the folder holds, and refuse what this run must not touch."""
        path = self.folder / STATE
        if self.resume:
            self.state, self.before = _read(path)
            _check_same(self.before, self.settings, self.folder)
            _check_steps(len(self.state["history"]), self.settings, self.folder)
            self._painted = self.state["pictures"].tolist()
            _check_pictures(self._painted, self.folder)
        elif _is_there(path):
            state, before = _read(path)
            _check_free(state, before, self.settings, self.folder)
            _check_pictures(state["pictures"], self.folder)
        elif pictures := numbered_pictures(self.folder):
            where, first = shortened(self.folder), min(pictures.values()).name
            raise ValueError(
                f"cannot write to {where}: it holds {first}, which is of no run; {_CHOOSE}"
            )

    def open(self):
        """Claim the folder, made if it is not there, and remove what this run takes the place of.

        From `close` on, another run may claim it.
        """
        self.folder = writable_folder(self.folder)
        self._claim.enter_context(claimed(self.folder))
        self._look()  # since it was free, another run may have been here
        for names in (STATE, "[0-9]*.png"):
            remove_temporary_files(self.folder, names)
        if self.state is None:
            for picture in numbered_pictures(self.folder).values():
                picture.unlink()
            (self.folder / STATE).unlink(missing_ok=True)
        else:
            self._save_picture(self.state)  # of a run that was killed before it had done so

    def close(self):
        """Let other runs have the folder."""
        self._claim.close()

    def save(self, state):
        """Keep the state, then the best picture so far under its number.

        Parameters
        ----------
        state : dict of str to numpy.ndarray
        """
        self._painted = sorted({*self._painted, len(state["history"])})
        own = {
            "settings": to_json(self.settings),
            "pictures": np.array(self._painted),
            "finished": state["finished"] and self.last_stage,
        }
        with atomic_write(self.folder / STATE) as file:
            np.savez(file, **state | own)
        self._save_picture(state)

    def _save_picture(self, state):
        path = self.folder / _name(len(state["history"]))
        if not path.exists():
            save_image(path, self.in_color(deprocess(state["best"])))


def numbered_pictures(folder):
    """Pictures that a run has kept in its folder, by number.

    Examples
    --------
    >>> numbered_pictures("no such folder")
    {}
    """
    paths = [path for path in Path(folder).glob("*.png") if path.stem.isdecimal()]
    return {int(path.stem): path for path in paths if path.name == _name(int(path.stem))}


def _name(number):
    return f"{number:05}.png"


def _is_there(path):
    try:
        path.stat()
    except FileNotFoundError:
        return False
    except (OSError, ValueError) as error:  # such as of a name that is too long
        raise ValueError(f"cannot write to {shortened(path.parent)}: {one_line(error)}") from error
    return True


def _read(path):
    """State and settings of a run."""
    try:
        state = read_arrays(path.read_bytes())
        if missing := {"settings", "history", "best", "seconds", "finished"} - state.keys():
            raise ValueError(f"it lacks {', '.join(sorted(missing))}")
        settings = json.loads(str(state.pop("settings")))
        state.setdefault("stage_starts", np.array([0]))  # of a run before there were stages
        _comparable(settings)
        _check_arrays(state)
        all_ = np.arange(1, len(state["history"]) + 1)
        state["pictures"] = state.get("pictures", all_).ravel()  # which were not told at first
        return state, settings
    except FileNotFoundError:
        raise ValueError(f"cannot resume: there is no {shortened(path)}") from None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(
            f"cannot read {shortened(path)}: expected the state of a run: {one_line(error)}"
        ) from error


#: Arrays of a state: kinds of their numbers, and shapes, where None is any side.
_ARRAYS = {
    "history": ("f", (None, 4)),
    "best": ("f", (1, None, None, 3)),
    "stage_starts": ("iu", (None,)),
    "seconds": ("f", ()),
    "finished": ("b", ()),
}


def _check_arrays(state):
    """Refuse what no run has saved, before anything is computed from it."""
    for name, (kinds, shape) in _ARRAYS.items():
        array = state[name]
        sides = zip(array.shape, shape, strict=False)
        fits = array.ndim == len(shape) and all(want in (None, side) for side, want in sides)
        if not fits or array.dtype.kind not in kinds:
            raise ValueError(f"its {name} is {shortened(array.dtype)} of shape {array.shape}")
    starts, count = state["stage_starts"], len(state["history"])
    if not starts.size or starts[0] != 0 or (np.diff(starts) < 0).any() or starts[-1] > count:
        raise ValueError(f"its stages begin after {shown(starts.tolist())} of {count} evaluations")
    if not (np.isfinite(state["best"]).all() and np.isfinite(state["seconds"])):
        raise ValueError("it holds NaN or infinity")


def _check_steps(done, settings, folder):
    if done > settings["recipe"]["steps"]:
        raise ValueError(
            f"expected at least {done} steps, as many as the run in {shortened(folder)} has done, "
            f"got {settings['recipe']['steps']}"
        )


def _check_free(state, before, settings, folder):
    """Refuse to take the place of a run, unless it is the same one, and is finished."""
    where = f"cannot write to {shortened(folder)}"
    if not state["finished"]:
        raise ValueError(
            f"{where}: it holds a run that is not finished; resume it, or remove the folder"
        )
    if differs := _difference(before, settings):
        raise ValueError(f"{where}: it holds another run, {differs}; {_CHOOSE}")


def _check_pictures(painted, folder):
    """Refuse to replace, or to take for the run's own, a picture that its run has not painted."""
    if strange := numbered_pictures(folder).keys() - set(painted):
        raise ValueError(
            f"cannot write to {shortened(folder)}: it holds {_name(min(strange))}, which its run "
            f"has not painted; {_CHOOSE_FOLDER}"
        )


def _check_same(before, now, folder):
    """Refuse to go on with other settings, and name the first that differs."""
    if differs := _difference(before, now):
        raise ValueError(f"expected the settings of the run in {shortened(folder)}, {differs}")


#: Settings from which others follow, such as the hash of a picture from its size, come first.
_FIRST = ("name", "network", "size", "style_scale", "resampling")
_LAST = ("init", "style", "content")


def _difference(before, now):
    """Say which setting differs, or None; the name of a recipe alone makes no difference."""
    before, now = map(_comparable, (before, now))
    names = [*_FIRST, *sorted(before.keys() - {*_FIRST, *_LAST}), *reversed(_LAST)]
    names += sorted(now.keys() - set(names))
    differ = [name for name in names if before.get(name) != now.get(name)]
    if not differ or differ == ["name"]:
        return None
    first = differ[0]
    called = "recipe" if first == "name" else first
    return f"{called} {_in_words(before.get(first))}, got {_in_words(now.get(first))}"


def _in_words(value):
    if isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value):
        return f"sha256 {value[:12]}"
    return shortened(value) if isinstance(value, str) else shown(value)


def _defaults():
    """Settings that a recipe had when its run was stored, though they had no name yet."""
    fields = dataclasses.fields(Recipe)
    return {f.name: f.default for f in fields if f.default is not dataclasses.MISSING}


def _comparable(settings):
    """All settings that change a run, but for the number of steps, as `by_content` has them."""
    settings = by_content(json.loads(to_json(settings)))
    recipe = with_paper_names(current_names(settings.pop("recipe")))
    recipe = json.loads(to_json(_defaults())) | recipe
    settings = recipe | settings
    settings.setdefault("strength", None)  # of a run before there was one
    found = () if settings["strength"] is None else ("style_weight",)
    for name in ("steps", *found):
        del settings[name]
    return settings
