import gc

import imageio.v3 as iio
import numpy as np
import pytest

from stylelib import Film, noise_image, preprocess, save_image
from stylelib.cli import main
from stylelib.visualization.animation import FRAMES, FRAMES_PER_SECOND, LARGEST_FRAME
from tests import slow


def filmed(path, steps, size=(33, 47)):
    film = Film(path, steps)
    for evaluation in range(1, steps + 1):
        film(evaluation, {}, preprocess(np.full((*size, 3), evaluation % 256, np.uint8)))
    film.write()
    return film, iio.imread(path)


# imageio leaves the pipes to and from ffmpeg to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("ending", [".gif", pytest.param(".mp4", marks=pytest.mark.slow)])
def test_a_film_shows_the_run_from_its_first_picture_to_its_last(ending, tmp_path):
    film, frames = filmed(tmp_path / f"run{ending}", 200)
    assert len(film.frames) <= FRAMES
    assert len(frames) >= (1 if ending == ".gif" else FRAMES_PER_SECOND)
    assert frames.shape[1:] == ((33, 47, 3) if ending == ".gif" else (32, 46, 3))
    assert abs(float(frames[0].mean()) - 1) < 4
    assert abs(float(frames[-1].mean()) - 200) < 4
    assert [path.name for path in tmp_path.iterdir()] == [f"run{ending}"]
    gc.collect()  # here, where its warnings are expected


def test_a_short_run_shows_every_picture(tmp_path):
    assert len(filmed(tmp_path / "run.gif", 5)[0].frames) == 5


def test_more_pictures_are_taken_in_the_beginning(tmp_path):
    wanted = sorted(Film(tmp_path / "run.gif", 1000).wanted)
    assert wanted[:5] == [1, 2, 3, 4, 5] and wanted[-1] == 1000
    assert wanted[-1] - wanted[-2] > 50


def test_large_pictures_are_scaled_down(tmp_path):
    assert filmed(tmp_path / "run.gif", 2, (LARGEST_FRAME, 2 * LARGEST_FRAME))[1].shape[1:] == (
        *(LARGEST_FRAME // 2, LARGEST_FRAME),
        3,
    )


@pytest.mark.parametrize("answer", [b"", OSError(28, "No space left on device")])
def test_an_encoder_that_fails_leaves_the_old_film(answer, tmp_path, monkeypatch):
    def imwrite(*arguments, **options):
        if isinstance(answer, bytes):
            return answer
        raise answer

    (tmp_path / "run.mp4").write_text("older")
    monkeypatch.setattr(iio, "imwrite", imwrite)
    with pytest.raises(ValueError, match=r"run\.mp4: (the encoder gave nothing|No space left)"):
        filmed(tmp_path / "run.mp4", 2)
    assert (tmp_path / "run.mp4").read_text() == "older"


def test_a_run_of_any_length_takes_no_memory(tmp_path):
    assert len(Film(tmp_path / "run.gif", 10**12).wanted) <= FRAMES


def test_a_run_without_pictures_has_no_film(tmp_path):
    with pytest.raises(ValueError, match=r"run\.gif: the run has no picture to show"):
        Film(tmp_path / "run.gif", 10).write()
    assert not list(tmp_path.iterdir())


def test_of_a_run_that_went_on_all_of_it_is_shown(tmp_path):
    folder = tmp_path / "out.run"
    folder.mkdir()
    for number in (5, 10, 15):  # the last was kept, but its state was not
        save_image(folder / f"{number:05}.png", np.full((33, 47, 3), number, np.uint8))
    (folder / "notes.png").touch()
    film = Film(tmp_path / "run.gif", 20, folder)
    for evaluation in range(11, 21):
        film(evaluation, {}, preprocess(np.full((33, 47, 3), evaluation, np.uint8)))
    film.write()
    shown = iio.imread(tmp_path / "run.gif").mean(axis=(1, 2, 3))
    np.testing.assert_allclose(shown, [5, 10, *range(11, 21)], atol=1)
    finished = Film(tmp_path / "again.gif", 20, folder)
    finished.write()
    assert len(iio.imread(tmp_path / "again.gif")) == 3


def test_a_film_is_of_one_run_and_of_one_size(tmp_path):
    film = Film(tmp_path / "run.gif", 3)
    for size in ((20, 30), (40, 60)):
        for evaluation in (1, 2, 3):
            film(evaluation, {}, preprocess(np.full((*size, 3), 50 * evaluation, np.uint8)))
    film.write()
    assert len(film.frames) == 3
    assert iio.imread(tmp_path / "run.gif").shape[1:3] == (40, 60)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("ending", [".gif", pytest.param(".mp4", marks=pytest.mark.slow)])
def test_pictures_that_grow_within_a_run_are_shown_at_the_last_size(ending, tmp_path):
    film = Film(tmp_path / f"run{ending}", 2)
    film(1, {}, preprocess(np.full((20, 30, 3), 99, np.uint8)))
    film(2, {}, preprocess(np.full((40, 60, 3), 99, np.uint8)))
    film.write()
    assert iio.imread(tmp_path / f"run{ending}").shape[1:3] == (40, 60)
    gc.collect()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    "size", slow.params([(1, 30), (31, 1), (1, 1)], lambda size: size != (1, 30))
)
def test_an_mp4_of_a_line_of_pixels(size, tmp_path):
    _, frames = filmed(tmp_path / "run.mp4", 2, size)
    assert frames.shape[1:3] == tuple(max(2, side - side % 2) for side in size)
    gc.collect()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("run.avi", r"expected a film that ends in \.gif or \.mp4, got '\.avi'"),
        ("no folder/run.gif", "there is no folder"),
    ],
)
def test_a_path_that_cannot_be_is_refused_before_the_run(name, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        Film(tmp_path / name, 10)


@pytest.mark.parametrize("path", [None, 5, [], np.zeros((2, 2))])
def test_what_is_no_path_is_refused_before_the_run(path):
    with pytest.raises(ValueError, match="expected a path to write a film to, got "):
        Film(path, 10)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(("size", "shape"), [((1, 47), (2, 46, 3)), ((33, 1), (32, 2, 3))])
@pytest.mark.slow
def test_a_film_of_a_line(size, shape, tmp_path):
    assert filmed(tmp_path / "run.mp4", 3, size)[1].shape[1:] == shape
    gc.collect()


def test_mp4_without_its_package_is_one_clear_line(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "stylelib.visualization.animation.importlib.util.find_spec", lambda name: None
    )
    with pytest.raises(ValueError, match="pip install imageio-ffmpeg, or ask for a .gif"):
        Film(tmp_path / "run.mp4", 10)


@pytest.mark.usefixtures("either_network")
def test_the_command_line_writes_one(tmp_path):
    save_image(tmp_path / "a.png", noise_image((40, 60)))
    picture, out, film = (str(tmp_path / name) for name in ("a.png", "out.png", "run.gif"))
    run = ["transfer", picture, picture, "-o", out, "--size", "32", "--steps", "3", "--gif"]
    assert main([*run, film]) == 0
    assert iio.imread(film).shape[1:] == (21, 32, 3)
    assert main([*run, str(tmp_path / "run.txt")]) == 2
