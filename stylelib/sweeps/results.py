"""The folder of a sweep: a picture and a JSON file for each trial, and the table they make."""

import json
import math
import os

from stylelib._utils.checks import check_count, one_line, shortened
from stylelib._utils.files import atomic_write, to_json
from stylelib.images.save import save_image
from stylelib.recipes.optimizers import ALIASES, current_names
from stylelib.recipes.recipe import LOSSES
from stylelib.recipes.stages import as_stages, stage_ends

#: What JSON of another kind than expected leads to.
_ODD = (TypeError, KeyError, AttributeError, IndexError, RecursionError)
_ALWAYS = ("key", "number", "changes", "error", "settings", "history")


def write_result(folder, trial, outcome, ending):
    """Keep a result or an error; the JSON file comes last, and makes the trial count as done."""
    record = {"key": trial.key, "number": trial.number, "changes": trial.changes}
    if isinstance(outcome, str):
        record |= {"error": outcome, "settings": trial.job.settings, "history": {}}
    else:
        picture = trial.stem + ending
        save_image(folder / picture, outcome.image)
        record |= {
            "error": None if outcome.status != "diverged" else f"diverged: {outcome.stop_reason}",
            "picture": picture,
            "evaluations": outcome.evaluations,
            "seconds": round(outcome.seconds, 2),
            "stop_reason": outcome.stop_reason,
            "stage_starts": outcome.stage_starts,
            "settings": outcome.settings,
            "history": {term: _six_digits(outcome.history[term]) for term in LOSSES},
        }
    history = to_json(record.pop("history"))
    text = to_json(record, indent=1).removesuffix("\n}") + f',\n "history": {history}\n}}\n'
    path = folder / f"{trial.stem}.json"
    with atomic_write(path) as file:
        file.write(text.encode())
    for old in folder.glob(f"[!.]*-{trial.key}.json"):  # a failure under another name
        if old != path:
            old.unlink()


def _six_digits(losses):
    return [float(f"{loss:.6g}") if math.isfinite(loss) else None for loss in losses]


def read_results(folder):
    """What is in a folder, by key."""
    records = {}
    for path in _json_files(folder):
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            if missing := set(_ALWAYS) - set(record):
                raise ValueError(f"it lacks {', '.join(sorted(missing))}")
            records[record["key"]] = record
            _row(record, folder, record["changes"])  # which shows whether there is all it takes
            check_count("number", record["number"])
        except OSError as error:
            raise ValueError(f"cannot read {shortened(path)}: {one_line(error)}") from error
        except (ValueError, *_ODD) as error:
            reason = f"it lacks {error}" if isinstance(error, KeyError) else one_line(error)
            raise ValueError(
                f"cannot read {shortened(path)}: expected a result of a sweep: {reason}"
            ) from error
    return records


def _json_files(folder):
    """Those that are no hidden ones: macOS puts a ._x.json beside x.json."""
    try:
        names = sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except (OSError, ValueError) as error:  # a name with a zero byte is a ValueError
        raise ValueError(f"cannot read {shortened(folder)}: {one_line(error)}") from error
    return [folder / name for name in names if name.endswith(".json") and name[0] != "."]


def is_done(record, folder):
    """Whether a trial has a picture that is still there; one that diverged would do so again."""
    if record is None or record.get("picture") is None:
        return False
    picture = folder / record["picture"]
    return picture.is_file() and picture.stat().st_size > 0


def as_table(records, folder, names):
    """Turn records into a table with a column for each of the changed settings `names`."""
    import pandas as pd

    return pd.DataFrame([_row(record, folder, names) for record in records])


def _row(record, folder, names):
    import numpy as np

    settings = record["settings"]
    starts = tuple(record.get("stage_starts", [0]))  # of earlier versions, without stages
    history = {term: np.array(losses, dtype=float) for term, losses in record["history"].items()}
    picture = record.get("picture")
    return (
        {f"{role}_image": settings[role]["source"] for role in ("content", "style")}
        | {name: _changed_to(record, name) for name in names}
        | _losses_of_best(history, starts, settings["recipe"])
        | {name: record.get(name) for name in ("evaluations", "seconds", "stop_reason")}
        | {"picture": picture and str(folder / picture), "error": record["error"]}
        | {"history": history, "stage_starts": starts, "settings": settings}
    )


def _changed_to(record, name):
    """Value of a setting that some trials of a sweep change, and others leave as it was."""
    settings = record["settings"]
    if name == "recipe":
        return settings["recipe"]["name"]
    if name == "init":
        return settings["init"]["source"]
    values = settings["recipe"] | settings | record["changes"]
    value = current_names(values).get(ALIASES.get(name, name))
    return tuple(value) if isinstance(value, list) else value


def _losses_of_best(history, stage_starts, recipe):
    """Losses of the picture that was kept: of the last stage, the one with the lowest total."""
    import numpy as np

    start = stage_starts[-1]
    if not history or not np.isfinite(history["total"][start:]).any():
        return {f"{term}_loss": math.nan for term in LOSSES}
    best = start + np.nanargmin(history["total"][start:])
    weights = _weights(recipe, len(stage_starts))
    return {f"{term}_loss": float(history[term][best]) / weights[term] for term in LOSSES}


def _weights(recipe, begun):
    """What the losses were multiplied by in the last of the stages that have begun."""
    stages = as_stages(recipe.get("stages", ()))
    number = begun - 1 - len(stage_ends(stages, recipe["steps"]))  # short runs lack the first
    settings = recipe | (dict(stages[number].changes) if stages else {})
    return {term: settings[f"{term}_weight"] or math.nan for term in LOSSES[1:]} | {"total": 1.0}
