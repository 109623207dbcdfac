"""Files that appear whole or not at all, and archives of arrays that are not trusted."""

import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stylelib._utils import files as files_module
from stylelib._utils.files import (
    atomic_write,
    check_writable,
    read_arrays,
    remove_temporary_files,
    user_path,
    writable_folder,
)
from stylelib.images.load import load_image
from stylelib.images.save import save_image
from stylelib.vgg.weights import check_weights, load_weights
from stylelib.visualization.animation import Film


def archive(**members):
    """A zip file of arrays, or of bytes as they are."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as zipped:
        for name, value in members.items():
            if not isinstance(value, bytes):
                part = io.BytesIO()
                np.save(part, value, allow_pickle=True)
                value = part.getvalue()
            zipped.writestr(f"{name}.npy", value)
    return file.getvalue()


WHOLE = archive(a=np.arange(6.0).reshape(2, 3), b=np.array("words"), c=np.array(True))


class TestArrays:
    def test_what_was_saved_is_read(self):
        arrays = read_arrays(WHOLE)
        np.testing.assert_array_equal(arrays["a"], [[0, 1, 2], [3, 4, 5]])
        assert (str(arrays["b"]), bool(arrays["c"])) == ("words", True)

    @given(damages=st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255))))
    def test_flipped_bytes(self, damages):
        data = bytearray(WHOLE)
        for position, value in damages:
            data[position] = value
        self.arrays_or_value_error(bytes(data))

    @given(length=st.integers(0, len(WHOLE)), more=st.binary(max_size=30))
    def test_a_part_of_a_file(self, length, more):
        self.arrays_or_value_error(WHOLE[:length] + more)

    def arrays_or_value_error(self, data):
        try:
            arrays = read_arrays(data)
        except ValueError as error:
            assert len(str(error).splitlines()) == 1
        else:
            assert all(isinstance(array, np.ndarray) for array in arrays.values())

    @pytest.mark.parametrize(
        ("data", "message"),
        [
            (b"", "no .npz file"),
            (archive(a=np.array([{}], object)), "allow_pickle=False"),
            (archive(a=b"cos\nsystem\n(S'exit 1'\ntR."), "a is no array"),
            (archive(a=b"\x93NUMPY\x01\x00\x0b\x00{'exit': 1}"), "keys"),
        ],
    )
    def test_what_is_not_read(self, data, message):
        with pytest.raises(ValueError, match=message):
            read_arrays(data)

    def test_a_size_that_is_only_claimed(self):
        header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (10000000000000,)}"
        start = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
        with pytest.raises(ValueError, match="allocate|EOF"):
            read_arrays(archive(a=start))


class TestWriting:
    def test_an_error_in_between_leaves_the_old_file(self, tmp_path):
        path = tmp_path / "file"
        path.write_text("old")
        with pytest.raises(RuntimeError), atomic_write(path) as file:
            file.write(b"half")
            raise RuntimeError
        assert (path.read_text(), list(tmp_path.iterdir())) == ("old", [path])

    def test_a_name_as_long_as_the_system_allows(self, tmp_path):
        path = tmp_path / ("ä" * 125 + ".png")  # 254 bytes
        check_writable(path)
        with atomic_write(path) as file:
            file.write(b"whole")
        assert path.read_bytes() == b"whole"

    def test_leftovers_are_those_of_replacing(self, tmp_path):
        (tmp_path / ".mine.tmp").touch()
        with atomic_write(tmp_path / "file"):
            (other,) = set(tmp_path.iterdir()) - {tmp_path / ".mine.tmp"}
            killed = other.rename(other.with_name(other.name.replace(".tmp", "0.tmp")))
            other.touch()
        assert killed.exists()
        remove_temporary_files(tmp_path, "f*")
        assert sorted(path.name for path in tmp_path.iterdir()) == [".mine.tmp", "file"]

    def test_what_is_being_written_under_another_name_stays(self, tmp_path):
        with atomic_write(tmp_path / "sunset.png") as file:
            remove_temporary_files(tmp_path, "[0-9]*.png")
            file.write(b"whole")
        assert (tmp_path / "sunset.png").read_bytes() == b"whole"

    def test_a_file_that_is_replaced_hands_on_its_permissions(self, tmp_path):
        path = tmp_path / "secret"
        path.write_text("old")
        path.chmod(0o640)
        with atomic_write(path) as file:
            assert {p.stat().st_mode & 0o777 for p in tmp_path.iterdir()} == {0o640}
            file.write(b"new")
        assert (path.stat().st_mode & 0o777, path.read_text()) == (0o640, "new")

    @pytest.mark.parametrize("there", [True, False])
    def test_a_link_is_written_through(self, there, tmp_path):
        (tmp_path / "far").mkdir()
        target, link = tmp_path / "far" / "file", tmp_path / "link"
        if there:
            target.write_text("old")
            target.chmod(0o600)
        link.symlink_to("far/file")
        check_writable(link)
        with atomic_write(link) as file:
            file.write(b"new")
        assert link.is_symlink()
        assert target.read_text() == "new"
        assert not there or target.stat().st_mode & 0o777 == 0o600

    def test_a_link_into_nowhere_is_refused_before(self, tmp_path):
        (tmp_path / "link").symlink_to("gone/file")
        with pytest.raises(ValueError, match="cannot write .*link: No such file or directory"):
            check_writable(tmp_path / "link")

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
    def test_what_is_no_file_is_not_replaced_by_one(self, tmp_path):
        os.mkfifo(tmp_path / "pipe.png")
        with pytest.raises(ValueError, match=r"cannot write .*pipe\.png: it is no file"):
            check_writable(tmp_path / "pipe.png")


class TestFolders:
    @pytest.mark.parametrize("kind", ["file", "link"])
    def test_what_is_no_folder_is_told(self, kind, tmp_path):
        path = tmp_path / "there"
        path.touch() if kind == "file" else path.symlink_to("gone")
        with pytest.raises(ValueError, match="cannot write to .*there: it is no folder"):
            writable_folder(path)

    def test_one_that_may_not_be_written_to_is_named_itself(self, tmp_path, monkeypatch):
        def refuse(path):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(files_module.Path, "touch", refuse)
        with pytest.raises(ValueError, match=f"cannot write to {tmp_path}: Permission denied"):
            writable_folder(tmp_path)


class TestUserPath:
    @pytest.mark.parametrize(
        ("path", "expected"),
        [
            ("~/a/b.png", "/home/me/a/b.png"),
            ("~", "/home/me"),
            (Path("~/x"), "/home/me/x"),
            (b"a/b", "a/b"),
            ("~other/x", "~other/x"),
            ("a/~/b", "a/~/b"),
            ("~draft.png", "~draft.png"),
        ],
    )
    def test_where_it_leads(self, path, expected, monkeypatch):
        monkeypatch.setenv("HOME", "/home/me")
        assert user_path(path) == Path(expected)

    def test_without_a_home(self, monkeypatch):
        monkeypatch.setattr("os.path.expanduser", lambda text: text)
        with pytest.raises(ValueError, match="cannot find ~/x: no home folder is known"):
            user_path("~/x")

    @pytest.mark.parametrize("path", [3, None, ["a"]])
    def test_what_is_no_path(self, path):
        with pytest.raises(ValueError, match="expected a path, got"):
            user_path(path)

    def test_every_door_knows_the_home_folder(self, tmp_path, monkeypatch):
        monkeypatch.setenv("HOME", str(tmp_path))
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        save_image("~/a.png", np.full((4, 5, 3), 7, np.uint8))
        assert load_image("~/a.png").shape == load_image(Path("~/a.png")).shape == (4, 5, 3)
        np.savez(tmp_path / "own.npz", a=np.zeros(3))
        check_weights("vgg16", "~/own.npz")
        with pytest.raises(ValueError, match=r"cannot read .*own\.npz: expected"):
            load_weights("vgg16", "~/own.npz")
        film = Film("~/run.gif", 1)
        film(1, {}, np.zeros((1, 32, 32, 3), np.float32))
        film.write()
        assert {path.name for path in tmp_path.iterdir()} == {
            "a.png", "elsewhere", "own.npz", "run.gif",
        }  # fmt: skip
        assert not any((tmp_path / "elsewhere").iterdir())
