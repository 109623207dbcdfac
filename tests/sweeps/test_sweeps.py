import concurrent.futures
import fractions
import functools
import json
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import time
import types
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
import pytest

from stylelib import load_image, load_sweep, noise_image, process_pool, save_image, sweep, transfer
from stylelib.recipes.published import RECIPES
from stylelib.runs import memory
from stylelib.runs import run as run_module
from stylelib.sweeps import results
from stylelib.sweeps import sweep as module
from stylelib.sweeps.grid import make_trials
from stylelib.sweeps.plan_file import read_plan

CONTENT, STYLE = noise_image((40, 60), seed=1), noise_image((50, 50), seed=2)
SMALL = {"recipe": "gatys2015", "size": 32, "steps": 2, "progress": False}
#: The losses of its last stage are the largest, and have another content weight.
STAGED = RECIPES["gatys2015"].replace(
    content_layers=["conv1_1"],
    style_layers=["conv1_1"],
    stages=[(0.5, 1), (0.9, 1, {"content_weight": 1e-6}), (1, 1, {"content_weight": 0.5})],
)
GRID = {"style_weight": [1e2, 1e4], "pooling": ["max", "average"]}


def run(folder, changes=None, content=CONTENT, style=STYLE, **options):
    return sweep(content, style, changes or GRID, folder, **SMALL | options)


@pytest.fixture(scope="module")
def remembered():
    return {}


@pytest.fixture
def remembered_runs(small_network, remembered, monkeypatch):
    """Let a job that has run in another test of this module give the same result again."""
    run = run_module.run

    def recall(job, *arguments, **options):
        if arguments or options:  # of `transfer`, and what may interrupt it
            return run(job, *arguments, **options)
        key = json.dumps(job.settings, sort_keys=True)
        if key not in remembered:
            remembered[key] = run(job)
        return remembered[key]

    monkeypatch.setattr("stylelib.runs.run.run", recall)


def files(folder):
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


@pytest.mark.usefixtures("remembered_runs")
class TestResults:
    def test_a_grid_is_every_combination_and_each_is_a_transfer(self, tmp_path):
        table = run(tmp_path / "new" / "folder", seed=3)
        assert list(zip(table["style_weight"], table["pooling"], strict=True)) == [
            (1e2, "max"), (1e2, "average"), (1e4, "max"), (1e4, "average"),
        ]  # fmt: skip
        for row in table.itertuples():
            single = transfer(
                CONTENT, STYLE, "gatys2015", size=32, steps=2, seed=3,
                style_weight=row.style_weight, pooling=row.pooling,
            )  # fmt: skip
            np.testing.assert_array_equal(load_image(row.picture), single.image)
            assert row.total_loss == pytest.approx(single.history["total"].min(), rel=1e-5)
            best = single.history["total"].argmin()
            style = single.history["style"][best] / row.style_weight
            assert row.style_loss == pytest.approx(style, rel=1e-5)
            assert row.settings["recipe"]["style_weight"] == row.style_weight
            assert row.settings["versions"] == single.settings["versions"]
            np.testing.assert_allclose(row.history["total"], single.history["total"], rtol=1e-5)
        assert np.isnan(table["tv_loss"]).all()
        assert table["error"].isna().all()

    @pytest.mark.parametrize(
        ("steps", "stages"), [(10, 2), pytest.param(4, 1, marks=pytest.mark.slow)]
    )
    def test_in_stages_the_losses_are_those_of_the_picture_too(self, steps, stages, tmp_path):
        options = {"recipe": STAGED, "size": 130, "steps": steps}
        (row,) = run(tmp_path, [{}], **options).itertuples()
        single = transfer(CONTENT, STYLE, **options)
        assert row.stage_starts == single.stage_starts
        assert len(single.stage_starts) == stages
        start, total = single.stage_starts[-1], single.history["total"]
        best = start + total[start:].argmin()
        assert (total.argmin() == best) == (stages == 1)
        for term, weight in {"total": 1.0, "content": 0.5, "style": 1e3}.items():
            loss = single.history[term][best] / weight
            assert getattr(row, f"{term}_loss") == pytest.approx(loss, rel=1e-5), term

    def test_a_list_holds_the_trials_and_the_table_fills_the_gaps(self, tmp_path):
        table = run(tmp_path, [{}, {"tv_weight": 0.5}, {"init": "style", "recipe": "keras"}])
        assert table["tv_weight"].tolist() == [0.0, 0.5, RECIPES["keras"].tv_weight]
        assert table["init"].tolist() == ["noise", "noise", "style"]
        assert table["recipe"].tolist() == ["gatys2015", "gatys2015", "keras"]

    def test_a_setting_is_the_same_under_its_former_name(self, tmp_path):
        table = run(tmp_path, {"memory": [3]})
        before = files(tmp_path)
        again = run(tmp_path, {"history_size": [3]})
        assert files(tmp_path) == before
        assert table["memory"].tolist() == again["history_size"].tolist() == [3]

    def test_layers_and_starts_are_trials_too(self, tmp_path):
        save_image(tmp_path / "start.png", noise_image((40, 60)))
        layers = [["conv1_1"], ["conv1_1", "conv2_1"]]
        grid = {"style_layers": layers, "init": ["content", str(tmp_path / "start.png")]}
        table = run(tmp_path / "folder", grid)
        assert table["style_layers"].tolist() == [tuple(layers[i]) for i in (0, 0, 1, 1)]
        assert table["init"].tolist() == ["content", "start.png"] * 2

    def test_several_pictures_are_crossed_and_named_without_their_folders(self, tmp_path):
        paths = [tmp_path / f"{name}.png" for name in ("a", "b", "c")]
        for seed, path in enumerate(paths):
            save_image(path, noise_image((40, 50), seed=seed))
        table = run(tmp_path / "folder", [{}], content=paths[0], style=[str(p) for p in paths[1:]])
        assert table["content_image"].tolist() == ["a.png", "a.png"]
        assert table["style_image"].tolist() == ["b.png", "c.png"]
        for path in (tmp_path / "folder").glob("*.json"):
            assert str(tmp_path) not in path.read_text()

    def test_the_folder_gives_the_same_table(self, tmp_path):
        table = run(tmp_path)
        again = load_sweep(str(tmp_path)).drop(columns=["history"])
        assert again.equals(table.drop(columns=["history"]))

    def test_jpeg_takes_less_room(self, tmp_path):
        table = run(tmp_path, [{}], ending=".jpg")
        assert table["picture"][0].endswith(".jpg")
        assert load_image(table["picture"][0]).shape == (21, 32, 3)

    @pytest.mark.parametrize("progress", [True, False])
    def test_progress(self, progress, tmp_path, capsys):
        run(tmp_path, [{}], progress=progress)
        assert ("100 %  trial 1 of 1" in capsys.readouterr().err) == progress


@pytest.mark.usefixtures("remembered_runs")
class TestIdentities:
    def test_whole_numbers_too_large_for_a_float_are_told_apart(self, tmp_path):
        seeds = [2**60, 2**60 + 1, 2**53 + 1, 2**53]
        table = run(tmp_path, {"seed": seeds})
        assert table["seed"].tolist() == seeds
        assert len({path.stem for path in tmp_path.glob("*.json")}) == 4
        again = run(tmp_path, {"seed": [float(2**53), 2**60][1:]})
        assert again["seed"].tolist() == [2**60]

    @pytest.mark.parametrize(
        "same",
        [
            {"style_layers": [["conv1_1"], ["block1_conv1"]]},
            {"stages": [[[1, 1, {"content_layers": [n]}]] for n in ("conv1_1", "block1_conv1")]},
            {"tv_weight": [0.0, -0.0]},
        ],
        ids=range(3),
    )
    def test_one_trial_in_two_spellings_is_one(self, same, tmp_path):
        with pytest.raises(ValueError, match="expected each trial once, got .* 2 times"):
            run(tmp_path, same)

    def test_pictures_of_one_colour_are_told_apart_by_their_shape(self, tmp_path):
        grey = [np.full(size, 128, np.uint8) for size in ((40, 60, 3), (60, 40, 3))]
        table = run(tmp_path, [{}], content=grey, style=grey)
        assert len(table) == 4
        shapes = [load_image(path).shape[:2] for path in table["picture"]]
        assert shapes == [(21, 32), (21, 32), (32, 21), (32, 21)]

    def test_weights_are_told_apart_by_what_they_hold(self, tmp_path):
        (tmp_path / "a.npz").write_bytes(b"one")
        (tmp_path / "b.npz").write_bytes(b"one")
        make = functools.partial(make_trials, CONTENT, STYLE, [{}])
        first, same = (
            make({"size": 32, "weights": tmp_path / name})[0] for name in ("a.npz", "b.npz")
        )
        (tmp_path / "a.npz").write_bytes(b"other")
        other = make({"size": 32, "weights": tmp_path / "a.npz"})[0]
        assert first.key == same.key != other.key
        assert first.job.settings["weights"] == str(tmp_path / "a.npz")

    @pytest.mark.parametrize(
        "change",
        [
            {"style_weight": np.float32(100), "steps": np.int64(2), "seed": np.uint8(3)},
            {"style_weight": np.array(100.0), "seed": np.array(3)},
            {"style_weight": fractions.Fraction(100), "seed": np.float64(3).astype(int)},
            {"style_layers": np.array(["conv1_1"]), "layer_weights": np.array([1.0])},
            {"size": (np.int32(32), 32), "normalized": np.bool_(False)},
            {"pooling": np.str_("max")},
        ],
        ids=range(6),
    )
    def test_numbers_of_any_kind_are_written(self, change, tmp_path):
        table = run(tmp_path, [change])
        json.dumps(table["settings"][0])
        plain = {name: np.asarray(value).tolist() for name, value in change.items()
                 if name != "style_weight"}  # fmt: skip
        plain |= {"style_weight": 100.0} if "style_weight" in change else {}
        before = files(tmp_path)
        run(tmp_path, [plain])
        assert files(tmp_path) == before

    @pytest.mark.parametrize("name", ["._a.json", ".DS_Store", "Thumbs.db", "desktop.ini"])
    def test_what_a_system_leaves_in_a_folder_is_passed_over(self, name, tmp_path):
        run(tmp_path, [{}])
        (tmp_path / name).write_bytes(b"\0\5\x16\7")
        assert len(load_sweep(tmp_path)) == len(run(tmp_path, [{}])) == 1

    def test_a_folder_in_the_home_folder(self, tmp_path, monkeypatch):
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.chdir(tmp_path)
        run("~/there", [{}])
        assert len(load_sweep("~/there")) == 1
        assert sorted(os.listdir(tmp_path)) == ["there"]
        plan = write_plan(tmp_path, PLAN.replace('content = "', 'folder = "~/x"\ncontent = "~/'))
        assert read_plan(plan)["folder"] == str(tmp_path / "x")
        assert read_plan(f"~/{plan.name}")["content"] == str(tmp_path / "content.png")

    def test_trials_with_the_same_pictures_share_them(self):
        grid = {"style_weight": [1, 2], "size": [32, 40], "init": ["noise"]}
        trials = make_trials([CONTENT, STYLE], STYLE, grid, {})
        images = {id(image) for trial in trials for image in trial.job.images.values()}
        assert (len(trials), len(images)) == (8, 4)  # two pictures at two sizes
        assert trials[0].job.images["content"].base is None  # and not a part of a larger one


@pytest.mark.usefixtures("remembered_runs")
class TestContinuing:
    def test_a_second_run_does_what_is_missing(self, tmp_path, monkeypatch):
        first = run(tmp_path, {"style_weight": [1, 10]})
        before = files(tmp_path)
        calls = []
        compute = module._compute
        monkeypatch.setattr(module, "_compute", lambda job: calls.append(job) or compute(job))
        second = run(tmp_path, {"style_weight": [100.0, 10.0, 1.0]})  # 10 is 10.0
        assert len(calls) == 1
        assert files(tmp_path).items() >= before.items()
        assert second["style_weight"].tolist() == [100, 10, 1]
        assert second["total_loss"][2] == first["total_loss"][0]
        assert len(load_sweep(tmp_path)) == 3

    def test_where_nothing_is_missing_the_folder_need_not_be_writable(self, tmp_path, monkeypatch):
        def refuse(folder):
            raise ValueError(f"cannot write to {folder}")

        run(tmp_path, [{}])
        monkeypatch.setattr(module, "writable_folder", refuse)
        assert len(run(tmp_path, [{}])) == 1
        with pytest.raises(ValueError, match="cannot write to"):
            run(tmp_path, [{"seed": 1}])

    def test_a_picture_that_is_gone_is_painted_again(self, tmp_path):
        (picture,) = run(tmp_path, [{}])["picture"]
        os.remove(picture)
        run(tmp_path, [{}])
        assert os.path.isfile(picture)

    def test_other_pixels_are_another_trial(self, tmp_path):
        run(tmp_path, [{}])
        run(tmp_path, [{}], content=noise_image((40, 60), seed=9))
        assert len(load_sweep(tmp_path)) == 2

    def test_a_trial_has_the_columns_that_this_sweep_asks_for(self, tmp_path):
        run(tmp_path, {"style_weight": [1]}, pooling="max")
        again = run(tmp_path, [{"pooling": "max", "style_weight": 1}])
        assert len(list(tmp_path.glob("*.json"))) == 1
        assert again["pooling"].tolist() == ["max"]

    def test_success_under_another_name_takes_the_place_of_a_failure(self, tmp_path, monkeypatch):
        monkeypatch.setattr("stylelib.runs.run.run", break_on_max(None))
        run(tmp_path, {"pooling": ["max"]})
        monkeypatch.undo()
        run(tmp_path, [{}], pooling="max")
        assert load_sweep(tmp_path)["error"].isna().tolist() == [True]

    def test_a_failure_is_recorded_stops_nothing_and_is_tried_again(self, tmp_path, monkeypatch):
        monkeypatch.setattr("stylelib.runs.run.run", break_on_max(run_module.run))
        table = run(tmp_path)
        assert table["error"].fillna("").tolist() == ["MemoryError: no memory left", ""] * 2
        assert np.isfinite(table["total_loss"]).tolist() == [False, True] * 2
        assert table["picture"].notna().tolist() == [False, True] * 2
        monkeypatch.undo()
        assert run(tmp_path)["error"].isna().all()
        assert len(load_sweep(tmp_path)) == 4

    def test_a_loss_that_is_no_number_is_told_and_readable(self, tmp_path):
        table = run(tmp_path, [{"style_weight": 1e38, "content_weight": 0.0}])
        assert "no finite number" in table["stop_reason"][0]
        assert table["error"][0] == "diverged: " + table["stop_reason"][0]
        before = files(tmp_path)
        assert run(tmp_path, [{"style_weight": 1e38, "content_weight": 0.0}])["error"].notna().all()
        assert files(tmp_path) == before  # it would diverge again
        text = next(tmp_path.glob("*.json")).read_text()
        assert json.loads(text, parse_constant=pytest.fail)["history"]["total"] == [None]

    def test_ctrl_c_keeps_what_is_done(self, tmp_path, monkeypatch):
        real = run_module.run
        calls = iter([None, KeyboardInterrupt])

        def interrupted(job):
            def callback(*_):
                if error:
                    raise error

            error = next(calls)
            return real(job, callback)

        monkeypatch.setattr("stylelib.runs.run.run", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path)
        assert len(load_sweep(tmp_path)) == 1
        assert len(list(tmp_path.iterdir())) == 2

    def test_a_full_disk_is_one_line_and_leaves_nothing_half(self, tmp_path, monkeypatch):
        replace = Path.replace

        def full(temporary, path):
            if path.suffix == ".json":
                raise OSError(28, "No space left on device")
            return replace(temporary, path)

        monkeypatch.setattr(Path, "replace", full)
        with pytest.raises(ValueError, match=r"cannot write .*\.json: No space left on device"):
            run(tmp_path)
        assert not list(tmp_path.glob("*.json"))
        assert not list(tmp_path.glob(".*.tmp"))


def break_on_max(run):
    def broken(job):
        if job.recipe.pooling == "max":
            raise MemoryError("no memory left")
        return run(job)

    return broken


def test_trials_are_in_float32_whatever_is_fastest_here(small_network, tmp_path, monkeypatch):
    monkeypatch.setattr("stylelib.vgg.precision.fastest", lambda: ("bfloat16", "it is"))
    options = {name: SMALL[name] for name in ("recipe", "size", "steps")}
    assert transfer(CONTENT, STYLE, **options).settings["precision"] == "bfloat16"
    (trial,) = run(tmp_path, [{}])["settings"]
    assert trial["precision"] == "float32"
    table = run(tmp_path, {"precision": ["auto"]})
    assert [settings["precision"] for settings in table["settings"]] == ["bfloat16"]


def test_masks_shares_and_strengths_are_settings_of_trials_too(tmp_path):
    for name in ("a.png", "b.png"):
        save_image(tmp_path / name, noise_image((21, 32), seed=ord(name[0])))
    text = PLAN.replace("style_weight = [1, 1e3]", 'masks = ["a.png", "b.png"]')
    masks = read_plan(write_plan(tmp_path, text))["changes"]["masks"]
    assert masks == [str(tmp_path / "a.png"), str(tmp_path / "b.png")]
    first, second, mixed = make_trials(
        CONTENT,
        [[STYLE, CONTENT]],
        [{"masks": masks}, {"masks": masks[::-1], "strength": 0.5}, {"style_weights": [1, 2]}],
        {"size": 32},
    )
    assert first.job.images.keys() == {"content", "style", "style 2", "mask", "mask 2"}
    np.testing.assert_array_equal(first.job.masks, second.job.masks[::-1])
    assert (second.job.strength, mixed.job.style_weights) == (0.5, [1, 2])


class TestExecutors:
    def same(self, table, tmp_path):
        here = run(tmp_path / "here")
        assert table["error"].isna().all()
        assert table["style_weight"].tolist() == here["style_weight"].tolist()
        # Another number of threads adds in another order.
        np.testing.assert_allclose(table["total_loss"], here["total_loss"], rtol=1e-3)

    @pytest.mark.usefixtures("remembered_runs")
    def test_threads(self, tmp_path):
        with concurrent.futures.ThreadPoolExecutor(2) as executor:
            self.same(run(tmp_path / "there", executor=executor), tmp_path)

    def test_processes_share_the_memory(self, monkeypatch):
        monkeypatch.setattr(memory, "shared_memory", lambda: 4e8)
        with process_pool(4) as executor:
            assert executor.submit(memory.available_memory).result() == 1e8

    @pytest.mark.slow
    def test_processes(self, tmp_path):
        with process_pool(2) as executor:
            self.same(run(tmp_path / "there", executor=executor), tmp_path)

    @pytest.mark.usefixtures("remembered_runs")
    def test_more_trials_than_are_handed_out_at_once(self, tmp_path, monkeypatch):
        monkeypatch.setattr(module, "IN_FLIGHT", 2)
        with concurrent.futures.ThreadPoolExecutor(1) as executor:
            self.same(run(tmp_path / "there", executor=executor), tmp_path)

    @pytest.mark.slow
    def test_a_pool_that_breaks_fails_its_trials_and_no_others(self, tmp_path, monkeypatch):
        monkeypatch.setattr(module, "IN_FLIGHT", 1)
        monkeypatch.setattr(module, "_compute", kill_this_process)
        with process_pool(1) as executor:
            table = run(tmp_path, executor=executor)
        assert table["error"].str.startswith("BrokenProcessPool: ").all()
        monkeypatch.undo()
        assert run(tmp_path)["error"].isna().all()

    @pytest.mark.usefixtures("remembered_runs")
    def test_a_worker_that_dies_fails_its_trial_and_no_other(self, tmp_path):
        table = run(tmp_path, executor=Dying(deaths=[2]))
        assert table["error"].isna().tolist() == [True, False, True, True]
        assert table["error"][1] == "BrokenProcessPool: a worker was killed"
        assert run(tmp_path)["error"].isna().all()

    @pytest.mark.usefixtures("remembered_runs")
    def test_without_any_worker_left_all_other_trials_fail(self, tmp_path):
        table = run(tmp_path, executor=Dying(left=1))
        assert table["error"].isna().tolist() == [True, False, False, False]
        assert run(tmp_path)["error"].isna().all()

    @pytest.mark.usefixtures("remembered_runs")
    def test_what_a_worker_gets_and_gives_can_be_sent(self, tmp_path):
        self.same(run(tmp_path / "there", executor=Sending()), tmp_path)

    @pytest.mark.usefixtures("remembered_runs")
    def test_an_error_of_ours_cancels_what_waits(self, tmp_path, monkeypatch):
        def refuse(*arguments):
            raise ValueError("no more")

        monkeypatch.setattr(module, "write_result", refuse)
        with concurrent.futures.ThreadPoolExecutor(1) as executor:
            with pytest.raises(ValueError, match="no more"):
                run(tmp_path, {"seed": list(range(50))}, executor=executor)
            assert executor._work_queue.qsize() < 50  # the rest was cancelled

    def test_one_that_is_shut_down_is_refused(self, tmp_path):
        executor = concurrent.futures.ThreadPoolExecutor()
        executor.shutdown()
        with pytest.raises(ValueError, match="expected an executor that takes trials, got one"):
            run(tmp_path, executor=executor)

    def test_a_fork_of_tensorflow_is_refused(self, tmp_path):
        fork = multiprocessing.get_context("fork")
        executor = concurrent.futures.ProcessPoolExecutor(1, mp_context=fork)
        with executor, pytest.raises(ValueError, match="TensorFlow hangs in a forked one"):
            run(tmp_path, executor=executor)


class Sending(concurrent.futures.Executor):
    """Work here, but on copies, as between processes."""

    def submit(self, function, job):
        future = concurrent.futures.Future()
        future.set_result(send(function(send(job))))
        return future


def send(value):
    return pickle.loads(pickle.dumps(value))  # noqa: S301


class Dying(concurrent.futures.Executor):
    """Of its workers some die over their trial, and in the end none is left."""

    def __init__(self, deaths=(), left=np.inf):
        self.deaths, self.left, self.submitted = deaths, left, 0

    def submit(self, function, job):
        self.submitted += 1
        error = BrokenProcessPool("a worker was killed")
        if self.submitted > self.left:
            raise error
        future = concurrent.futures.Future()
        if self.submitted in self.deaths:
            future.set_exception(error)
        else:
            future.set_result(function(job))
        return future


def kill_this_process(job):
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture(scope="module")
def cluster():
    """Two worker processes of Dask on this machine."""
    import distributed

    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0", host="127.0.0.1",
            silence_logs=50,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):  # fmt: skip
        client.wait_for_workers(2)
        yield client


@pytest.mark.slow
class TestDask:
    def test_two_workers_give_what_one_process_gives(self, cluster, tmp_path):
        TestExecutors().same(run(tmp_path / "there", executor=cluster.get_executor()), tmp_path)

    def test_both_workers_work(self, cluster, tmp_path):
        ran = cluster.get_executor().map(where, range(20))
        assert len(set(ran)) == 2
        assert os.getpid() not in set(ran)

    def test_a_trial_whose_worker_is_killed_runs_again_on_another(self, cluster, tmp_path):
        executor = cluster.get_executor()
        killer = concurrent.futures.ThreadPoolExecutor(1)
        with killer:
            killed = killer.submit(kill_a_busy_worker, cluster)
            table = run(tmp_path, {"seed": list(range(6))}, executor=executor, steps=40)
        assert killed.result()
        assert table["error"].isna().all()
        assert table["evaluations"].tolist() == [40] * 6

    def test_on_the_command_line(self, cluster, tmp_path, capsys):
        from stylelib import cli

        plan = write_plan(tmp_path)
        assert cli.main(["sweep", str(plan), "--dask", cluster.scheduler.address]) == 0
        assert "2 trials, 0 failed" in capsys.readouterr().out


def where(number):
    time.sleep(0.1)
    return os.getpid()


def kill_a_busy_worker(client):
    """Wait until a worker computes a trial, and kill its process."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        busy = [worker for worker, tasks in client.processing().items() if tasks]
        if busy:
            time.sleep(0.5)  # into the middle of the trial
            pids = client.run(os.getpid, workers=busy[:1])
            os.kill(pids[busy[0]], signal.SIGKILL)
            return True
        time.sleep(0.05)
    return False


@pytest.mark.usefixtures("remembered_runs")
class TestBadInput:
    @pytest.mark.parametrize(
        ("changes", "options", "message"),
        [
            (
                {"style_wieght": [1]},
                {},
                r"trial 1 \(style_wieght 1\): .*did you mean 'style_weight'",
            ),
            (
                [{}, {"style_weight": -1}],
                {},
                r"trial 2 \(style_weight -1\): expected style_weight as",
            ),
            (
                {"pooling": "max"},
                {},
                "expected a list of values for pooling in the grid, got 'max'",
            ),
            ({"pooling": []}, {}, r"expected a list of values for pooling in the grid, got \[\]"),
            ([], {}, "expected at least one trial"),
            ("max", {}, "expected changes as a dict of lists or a list of dicts, got 'max'"),
            (["max"], {}, "expected changes as a dict of lists or a list of dicts"),
            (
                {"style_weight": [1, 1.0]},
                {},
                "expected each trial once, got style_weight 1 2 times",
            ),
            ([{}, {}], {}, "expected each trial once, got no changes 2 times"),
            ({"init": [CONTENT]}, {}, "expected init as text or numbers, got a ndarray"),
            ({"init": ["gone.png"]}, {}, r"cannot read gone\.png: there is no such file"),
            ({"recipe": ["kears"]}, {}, "did you mean 'keras'"),
            ({"style_weight": [1.0, float("nan")]}, {}, "trial 2 .*style_weight as .*, got nan"),
            ({"tv_weight": [np.inf]}, {}, "expected tv_weight as a number of .*, got inf"),
            ({"layer_weights": [[np.nan] * 5]}, {}, "each of layer_weights as .*, got nan"),
            ({"size": [16]}, {}, "expected size as a whole number of at least 32, got 16"),
            ({"weights": ["gone.npz"]}, {}, "expected weights as a file"),
            ({"network": ["vgg11"]}, {}, "expected network vgg16"),
            ({"content_layers": [["conv3_4"]]}, {}, "expected a layer of vgg16"),
            ({"callback": [print]}, {}, "expected callback as text or numbers"),
            ({"content": ["a.jpg"]}, {}, "expected changes of settings, got content"),
            ([{}], {"callback": print}, "expected a setting such as .*got 'callback'"),
            ([{5: 1}], {}, "trial 1 .*: expected names of settings as text, got 5"),
            ([{}], {"progress": "no"}, "expected progress True or False, got 'no'"),
            ([{}], {"content": []}, "expected at least one content image"),
            ([{}], {"style": "gone.jpg"}, r"cannot read gone\.jpg"),
            ([{}], {"ending": ".gif"}, "expected ending .png"),
            ([{}], {"executor": 2}, r"expected executor as .*process_pool\(2\).* got a int"),
        ],
    )
    def test_it_is_refused_before_anything_runs(self, changes, options, message, tmp_path):
        with pytest.raises(ValueError, match=message) as error:
            sweep(changes=changes, folder=tmp_path / "new",
                  **{"content": CONTENT, "style": STYLE} | SMALL | options)  # fmt: skip
        assert "\n" not in str(error.value)
        assert not (tmp_path / "new").exists()

    def test_a_folder_that_is_a_file(self, tmp_path):
        (tmp_path / "file").touch()
        with pytest.raises(ValueError, match="cannot write to .*file"):
            run(tmp_path / "file")

    @pytest.mark.parametrize("refused", ["listdir", "read_text"])
    def test_what_may_not_be_read_is_named(self, refused, tmp_path, monkeypatch):
        def refuse(path, **options):
            raise PermissionError(13, "Permission denied")

        monkeypatch.chdir(tmp_path)  # a long path would be shortened in the message
        run("kept", [{}])
        monkeypatch.setattr(results.os if refused == "listdir" else Path, refused, refuse)
        with pytest.raises(ValueError, match="cannot read kept.*: Permission denied"):
            load_sweep("kept")

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("", "Expecting value"),
            ("[1]", "it lacks changes, error, history, key, number, settings"),
            ('{"key": 1, "number": 1}', "it lacks changes, error, history, settings"),
            ("\x00", "Expecting value"),
        ],
    )
    def test_a_file_that_is_no_result_is_named(self, text, reason, tmp_path):
        (tmp_path / "other.json").write_text(text)
        message = rf"cannot read .*other\.json: expected a result of a sweep: {reason}"
        for attempt in (run, load_sweep):
            with pytest.raises(ValueError, match=message):
                attempt(tmp_path)

    @pytest.mark.parametrize(
        ("name", "value"),
        [("picture", 3), ("changes", 3), ("history", []), ("history", {"total": ["a"]}),
         ("settings", {}), ("settings", {"recipe": {}}), ("number", None), ("number", "1")],
    )  # fmt: skip
    def test_a_result_of_another_kind_is_named(self, name, value, tmp_path):
        run(tmp_path, [{"seed": 1}])
        (path,) = tmp_path.glob("*.json")
        path.write_text(json.dumps(json.loads(path.read_text()) | {name: value}))
        with pytest.raises(
            ValueError, match=rf"cannot read .*{path.name}: expected a result of a sweep: ."
        ) as error:
            load_sweep(tmp_path)
        assert value != {"recipe": {}} or "it lacks 'content'" in str(error.value)

    @pytest.mark.parametrize("name", ["a\nb", "x" * 300, "a\0b"])
    def test_a_folder_that_cannot_be_is_told_in_one_short_line(self, name):
        with pytest.raises(ValueError, match="cannot read .*: there is no such folder") as error:
            load_sweep(name)
        assert "\n" not in str(error.value)
        assert len(str(error.value)) < 150

    @pytest.mark.parametrize("steps", [2, 0])
    def test_long_lists_make_short_titles(self, steps):
        change = {"steps": steps, "layer_weights": [0.1, 0.2, 0.3, 0.2, 0.2], "tv_weight": 0.123456}
        change["style_layers"] = [f"conv{block}_1" for block in range(1, 6)]
        change |= {"content_layers": [f"conv{n}_{m}" for n in range(1, 6) for m in (1, 2)]}
        if steps:
            (trial,) = make_trials(CONTENT, STYLE, [change], {"size": 32})
            assert len(trial.title) == 100
        else:
            with pytest.raises(ValueError, match=r"^trial 1 \(.*….*\): expected steps") as error:
                make_trials(CONTENT, STYLE, [change], {"size": 32})
            assert len(str(error.value)) < 200

    def test_nesting_without_end_is_named(self, tmp_path):
        (tmp_path / "other.json").write_text(99_999 * "[")
        with pytest.raises(ValueError, match=r"cannot read .*other\.json: expected a result of"):
            load_sweep(tmp_path)

    def test_a_picture_that_was_emptied_is_painted_again(self, tmp_path):
        run(tmp_path, [{"seed": 1}])
        (picture,) = tmp_path.glob("*.png")
        whole = picture.read_bytes()
        picture.write_bytes(b"")
        run(tmp_path, [{"seed": 1}])
        assert picture.read_bytes() == whole

    def test_an_empty_folder(self, tmp_path):
        with pytest.raises(ValueError, match="expected results of a sweep, found none"):
            load_sweep(tmp_path)


def write_plan(folder, text=None):
    save_image(folder / "content.png", CONTENT)
    save_image(folder / "style.png", STYLE)
    path = folder / "weights.toml"
    path.write_text(text or PLAN, encoding="utf-8")
    return path


PLAN = """
content = "content.png"
style = "style.png"
[settings]
size = 32
steps = 2
[grid]
style_weight = [1, 1e3]
"""


class TestPlans:
    def test_every_key(self, tmp_path):
        text = """
        content = ["content.png", "https://example.org/a.jpg"]
        style = "style.png"
        recipe = "keras"
        folder = "results"
        ending = ".jpg"
        [settings]
        init = "content.png"
        masks = ["left.png", "right.png"]
        seed = 3
        [[trials]]
        style_layers = ["conv1_1"]
        [[trials]]
        init = "noise"
        weights = "own.npz"
        """
        plan = read_plan(write_plan(tmp_path, text))
        assert plan == {
            "content": [str(tmp_path / "content.png"), "https://example.org/a.jpg"],
            "style": str(tmp_path / "style.png"),
            "recipe": "keras",
            "folder": str(tmp_path / "results"),
            "ending": ".jpg",
            "init": str(tmp_path / "content.png"),
            "masks": [str(tmp_path / "left.png"), str(tmp_path / "right.png")],
            "seed": 3,
            "changes": [
                {"style_layers": ["conv1_1"]},
                {"init": "noise", "weights": str(tmp_path / "own.npz")},
            ],
        }

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("content = ", r"weights\.toml: expected TOML, Invalid value"),
            ("style = 'a'", "expected a content image, such as content = "),
            ("sytle = 'a'", "expected a key .* got 'sytle'; did you mean 'style'"),
            ("content = 'a'\nstyle = 'b'", r"either a table \[grid\] or .*, got none of them"),
            (PLAN + "[[trials]]\nseed = 1", r"either a table \[grid\] or .*, got both"),
            ("content = 'a'\nstyle = 'b'\ngrid = 3", "expected grid as a table, got 3"),
            ("content = 'a'\nstyle = 'b'\ntrials = []", r"expected trials as an array of tables"),
            (PLAN.replace("size = 32", "style = 'x'"), r"in \[settings\], got style"),
            (PLAN.replace("size = 32", "folder = 'x'"), r"in \[settings\], got folder"),
            ("folder = 3\n" + PLAN, "expected folder as a path, got 3"),
            (
                "content = 3\nstyle = 'b'\ngrid = {}",
                "expected content as a path or a list of paths",
            ),
            ("content = 'a'\nstyle = ['b', 3]\ngrid = {}", r"list of paths, got \['b', 3\]"),
        ],
    )
    def test_a_bad_file_is_one_line_that_names_it(self, text, message, tmp_path):
        with pytest.raises(ValueError, match=message) as error:
            read_plan(write_plan(tmp_path, text))
        assert "weights.toml" in str(error.value)
        assert "\n" not in str(error.value)

    @pytest.mark.parametrize("address", ["data:image/png;base64,AA", " HTTPS://example.org/a.png"])
    def test_an_address_is_no_path_beside_the_plan(self, address, tmp_path):
        text = f"content = '{address}'\nstyle = 'style.png'\n[[trials]]\nseed = 1"
        assert read_plan(write_plan(tmp_path, text))["content"] == address

    def test_trials_may_be_called_points(self, tmp_path):
        text = "content = 'content.png'\nstyle = 'style.png'\n[[points]]\nseed = 1"
        plan = read_plan(write_plan(tmp_path, text))
        assert plan["changes"] == [{"seed": 1}]
        with pytest.raises(ValueError, match=r"expected a key .* or trials, got 'points'"):
            read_plan(write_plan(tmp_path, text + "\n[[trials]]\nseed = 2"))

    @pytest.mark.parametrize("trials", ["[1]", "['x']", "[['x']]"])
    def test_trials_that_are_no_tables_are_refused(self, trials, tmp_path):
        text = f"content = 'content.png'\nstyle = 'style.png'\ntrials = {trials}"
        with pytest.raises(ValueError, match="expected changes as a dict of lists or a list of d"):
            sweep(**read_plan(write_plan(tmp_path, text)))

    @pytest.mark.parametrize("content", [None, b"\xff", b"a = " + 9999 * b"["])
    def test_a_file_that_cannot_be_read(self, content, tmp_path):
        if content:
            (tmp_path / "plan.toml").write_bytes(content)
        with pytest.raises(ValueError, match=r"cannot read .*plan\.toml"):
            read_plan(tmp_path / "plan.toml")


@pytest.mark.usefixtures("remembered_runs")
class TestCommandLine:
    @pytest.mark.parametrize(
        "options", [[], pytest.param(["--workers", "2"], marks=pytest.mark.slow)]
    )
    def test_a_plan_runs_and_goes_on(self, options, tmp_path):
        from stylelib import cli

        plan = write_plan(tmp_path)
        assert cli.main(["sweep", str(plan), *options]) == 0
        before = files(tmp_path / "weights")
        assert len(before) == 4
        assert cli.main(["sweep", str(plan)]) == 0
        assert files(tmp_path / "weights") == before
        assert load_sweep(tmp_path / "weights")["style_weight"].tolist() == [1, 1000]

    def test_another_folder(self, tmp_path, capsys):
        from stylelib import cli

        folder = tmp_path / "elsewhere"
        assert cli.main(["sweep", str(write_plan(tmp_path)), "--folder", str(folder)]) == 0
        assert capsys.readouterr().out == f"{folder}: 2 trials, 0 failed\n"
        assert len(load_sweep(folder)) == 2

    def test_failures_are_named_and_the_status_tells(self, tmp_path, monkeypatch, capsys):
        from stylelib import cli

        plan = write_plan(tmp_path, PLAN.replace("style_weight = [1, 1e3]", "pooling = ['max']"))
        monkeypatch.setattr("stylelib.runs.run.run", break_on_max(None))
        assert cli.main(["sweep", str(plan)]) == 1
        captured = capsys.readouterr()
        assert "stylelib: trial 1 failed: MemoryError: no memory left\n" in captured.err
        assert captured.out.endswith("1 trials, 1 failed\n")

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (["--workers", "0"], "expected workers as a whole number of at least 1, got 0"),
            (["--workers", "1", "--dask", "x"], "expected --workers or --dask, got both"),
            (["--dask", "tcp://127.0.0.1:1"], "no Dask scheduler answers at tcp://127.0.0.1:1"),
            (["--dask", "host"], "no Dask scheduler answers at host"),
        ],
    )
    def test_bad_options(self, options, message, tmp_path, monkeypatch, capsys):
        from stylelib import cli

        monkeypatch.setattr(cli, "DASK_TIMEOUT", 0.5)
        assert cli.main(["sweep", str(write_plan(tmp_path)), *options]) == 2
        assert message in capsys.readouterr().err

    def test_without_dask(self, tmp_path, monkeypatch, capsys):
        from stylelib import cli

        monkeypatch.setitem(sys.modules, "distributed", None)
        assert cli.main(["sweep", str(write_plan(tmp_path)), "--dask", "tcp://host:8786"]) == 2
        assert "pip install distributed" in capsys.readouterr().err

    @pytest.mark.parametrize("options", [["--workers", "2"], ["--dask", "tcp://host:8786"]])
    def test_the_executor_that_is_asked_for_is_used(self, options, tmp_path, monkeypatch, capsys):
        from stylelib import cli

        class Here(Sending):
            def get_executor(self):
                return self

        asked = []
        make = {"--workers": "process_pool", "--dask": "Client"}[options[0]]
        place = {"process_pool": module, "Client": types.ModuleType("distributed")}[make]
        monkeypatch.setitem(sys.modules, place.__name__, place)
        ask = lambda where, **_: asked.append(str(where)) or Here()  # noqa: E731
        monkeypatch.setattr(place, make, ask, raising=False)
        assert cli.main(["sweep", str(write_plan(tmp_path)), *options]) == 0
        assert asked == options[1:]
        assert "2 trials, 0 failed" in capsys.readouterr().out

    def test_ctrl_c_while_trials_run_is_an_interruption(self, tmp_path, monkeypatch, capsys):
        from stylelib import cli

        def interrupted(job):
            raise KeyboardInterrupt

        monkeypatch.setattr("stylelib.runs.run.run", interrupted)
        assert cli.main(["sweep", str(write_plan(tmp_path))]) == 130
        assert capsys.readouterr().err.endswith("stylelib: interrupted\n")

    def test_a_bad_plan_is_one_line(self, tmp_path, capsys):
        from stylelib import cli

        plan = write_plan(tmp_path, PLAN.replace("style_weight", "style_wieght"))
        assert cli.main(["sweep", str(plan)]) == 2
        err = capsys.readouterr().err
        assert err.count("\n") == 1
        assert "did you mean 'style_weight'" in err

    @pytest.mark.slow
    def test_a_bad_plan_answers_without_tensorflow(self, tmp_path):
        plan = write_plan(tmp_path, PLAN.replace("style_weight", "style_wieght"))
        code = (
            "import sys; from stylelib.cli import main; "
            f"status = main(['sweep', {str(plan)!r}]); "
            "sys.exit(status if 'tensorflow' not in sys.modules else 99)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1
        assert "did you mean 'style_weight'" in done.stderr

    @pytest.mark.slow
    def test_ctrl_c_ends_the_workers_too(self, tmp_path):
        plan = write_plan(tmp_path, PLAN.replace("steps = 2", "steps = 100000"))
        assert "100000" in plan.read_text()
        command = [sys.executable, "-m", "stylelib", "sweep", str(plan), "--workers", "2"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True) as process:
            time.sleep(6)  # its workers have begun, or are about to
            os.killpg(process.pid, signal.SIGINT)
            _, err = process.communicate(timeout=30)
        assert process.returncode == 130
        assert err.decode().endswith("stylelib: interrupted\n")
        assert b"Traceback" not in err
