"""A run's folder: numbered pictures, and the state from which the run can go on after any end.

Every file appears whole or not at all, and the state comes last. So whatever ends a run, the folder
holds the state of its last save.
"""

import json
from pathlib import Path

import numpy as np

from stylelib._utils.checks import one_line
from stylelib._utils.files import (
    atomic_write,
    read_arrays,
    remove_temporary_files,
    to_json,
    writable_folder,
)
from stylelib.images.save import save_image
from stylelib.preprocessing import deprocess
from stylelib.recipes.optimizers import current_names

STATE = "state.npz"


class Checkpoints:
    """What a run keeps while it goes on.

    Parameters
    ----------
    folder : path
        Made if it is not there.
    settings : dict
        `Job.settings`. A run goes on only with the settings that it had, but for the number of
        steps.
    save_every : int
        After how many evaluations `minimize` saves.
    resume : bool
        Whether to go on with the run that the folder holds.

    Attributes
    ----------
    save_every : int
    state : dict of str to numpy.ndarray, optional
        Where the run to go on with was, see `minimize`.

    Raises
    ------
    ValueError
        Where the folder holds no run to go on with, or one with other settings, or an unfinished
        one that was not asked for; and where nothing can be written.

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

    def __init__(self, folder, settings, save_every, resume=False):
        self.settings = settings
        self.save_every = save_every
        self.state = None
        there = Path(folder, STATE)
        if resume:
            self.state, before = _read(there)
            _check_same(before, settings, there)
        elif there.exists() and not _read(there)[0]["finished"]:
            raise ValueError(
                f"cannot write to {folder}: it holds a run that is not finished; resume it, or "
                "remove the folder"
            )
        self.folder = writable_folder(folder)
        remove_temporary_files(self.folder)

    def save(self, state):
        """Keep the best picture so far under its number, then the state.

        Parameters
        ----------
        state : dict of str to numpy.ndarray
        """
        number = len(state["history"])
        save_image(self.folder / f"{number:05}.png", deprocess(state["best"]))
        with atomic_write(self.folder / STATE) as file:
            np.savez(file, settings=to_json(self.settings), **state)


def _read(path):
    """State and settings of a run."""
    try:
        state = read_arrays(path.read_bytes())
        if missing := {"settings", "history", "best", "seconds", "finished"} - state.keys():
            raise ValueError(f"it lacks {', '.join(sorted(missing))}")
        settings = json.loads(str(state.pop("settings")))
        _comparable(settings)
        if state["history"].ndim != 2 or state["best"].ndim != 4:
            raise ValueError("its arrays have other shapes")
        return state, settings
    except FileNotFoundError:
        raise ValueError(f"cannot resume: there is no {path}") from None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(
            f"cannot read {path}: expected the state of a run: {one_line(error)}"
        ) from error


def _check_same(before, now, path):
    """Refuse to go on with other settings, and name the first that differs."""
    before, now = map(_comparable, (before, now))
    for name in sorted(before.keys() | now.keys()):
        if before.get(name) != now.get(name):
            raise ValueError(
                f"expected the settings of the run in {path.parent}, {name} {before.get(name)}, "
                f"got {now.get(name)}"
            )


def _comparable(settings):
    """All settings but the number of steps; of pictures only what they hold, not where they lie."""
    settings = json.loads(to_json(settings))
    recipe = current_names(settings.pop("recipe"))
    settings = recipe | settings  # both have an "init"; the run's counts
    for name in ("steps", "published", "notes"):  # the latter two do not change a run
        del settings[name]
    for role in ("content", "style", "init"):
        picture = settings[role]
        settings[role] = "sha256 " + picture["sha256"][:12] if "sha256" in picture else picture
    return settings
