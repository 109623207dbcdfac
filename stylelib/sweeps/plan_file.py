"""A sweep as a small TOML file: what a command line can run, and another person repeat."""

import sys

from stylelib._utils.checks import check_choice, one_line, shortened, shown
from stylelib._utils.files import user_path
from stylelib.images.sources import is_address
from stylelib.recipes.recipe import INITS
from stylelib.vgg.weights import NAMES

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_KEYS = ("content", "style", "recipe", "folder", "ending", "settings", "grid", "trials")
_KINDS = {
    "recipe": (str, "a name"),
    "folder": (str, "a path"),
    "ending": (str, "a text"),
    "settings": (dict, "a table"),
    "grid": (dict, "a table"),
    "trials": (list, "an array of tables"),
}
#: Arguments of `sweep` that a table of settings must not reach.
_NOT_SETTINGS = (
    "content",
    "style",
    "changes",
    "folder",
    "recipe",
    "executor",
    "ending",
    "progress",
)


def read_plan(path):
    """Read the arguments of `sweep` from a file.

    Parameters
    ----------
    path : str or path
        A TOML file with ``content`` and ``style`` (a path, an https address or a list of them), and
        either a table ``[grid]`` of lists or an array of tables ``[[trials]]``. It may have
        ``recipe``, ``folder`` (by default the name of the file without its ending), ``ending`` and
        a table ``[settings]`` that all trials share. Paths start at the folder of the file.

    Returns
    -------
    dict
        So that ``sweep(**read_plan(path))`` runs it.

    Raises
    ------
    ValueError
        For a file that is missing, is no TOML or has other keys.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> text = '''
    ... content = "photo.jpg"
    ... style = ["wave.jpg", "https://example.org/ink.jpg"]
    ... [grid]
    ... style_weight = [1e2, 1e3]
    ... '''
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "weights.toml")
    ...     _ = path.write_text(text)
    ...     plan = read_plan(path)
    >>> Path(plan["content"]).name, plan["style"][1], Path(plan["folder"]).name, plan["changes"]
    ('photo.jpg', 'https://example.org/ink.jpg', 'weights', {'style_weight': [100.0, 1000.0]})
    """
    path = user_path(path)
    try:
        plan = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ValueError(f"cannot read {shortened(path)}: {one_line(error)}") from error
    except (ValueError, RecursionError) as error:  # also text that is no UTF-8
        raise ValueError(
            f"cannot read {shortened(path)}: expected TOML, {one_line(error)}"
        ) from error
    if "points" in plan and "trials" not in plan:  # as the table was called at first
        plan["trials"] = plan.pop("points")
    try:
        return _arguments(plan, path.parent, path.stem)
    except ValueError as error:
        raise ValueError(f"cannot read {shortened(path)}: {error}") from error


def _arguments(plan, folder, name):
    _check(plan)
    changes, settings = plan.get("grid") or plan.get("trials"), plan.get("settings", {})
    if isinstance(changes, list):
        changes = [_files_beside(change, folder) for change in changes]
    else:
        changes = _files_beside(changes, folder)
    arguments = {key: plan[key] for key in ("recipe", "ending") if key in plan}
    arguments |= {key: _beside(plan[key], folder) for key in ("content", "style")}
    arguments |= {"changes": changes, "folder": _beside(plan.get("folder", name), folder)}
    return arguments | _files_beside(settings, folder)


def _check(plan):
    for key in plan:
        check_choice("a key", key, _KEYS)
    for key in ("content", "style"):
        if key not in plan:
            raise ValueError(f'expected a {key} image, such as {key} = "picture.jpg"')
        paths = plan[key] if isinstance(plan[key], list) else [plan[key]]
        if not all(isinstance(path, str) for path in paths):
            raise ValueError(f"expected {key} as a path or a list of paths, got {shown(plan[key])}")
    if ("grid" in plan) == ("trials" in plan):
        found = "both" if "grid" in plan else "none of them"
        raise ValueError(
            f"expected either a table [grid] or an array of tables [[trials]], got {found}"
        )
    for key, (kind, words) in _KINDS.items():
        empty = key in plan and key != "settings" and not plan[key]
        if key in plan and (not isinstance(plan[key], kind) or empty):
            raise ValueError(f"expected {key} as {words}, got {shown(plan[key])}")
    for key in plan.get("settings", {}):
        if key in _NOT_SETTINGS:
            raise ValueError(f"expected settings of a transfer in [settings], got {key}")


def _beside(value, folder):
    """Let paths start at the folder of the file; addresses and names are no paths."""
    if isinstance(value, list):
        return [_beside(inner, folder) for inner in value]
    if not isinstance(value, str) or is_address(value) or value in (*INITS, *NAMES):
        return value
    return str(folder / user_path(value))


def _files_beside(table, folder):
    """A start, weights and masks can be files, too."""
    if not isinstance(table, dict):
        return table  # `sweep` says what it expected
    files = ("init", "weights", "masks")
    return table | {key: _beside(table[key], folder) for key in files if key in table}
