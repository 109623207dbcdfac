"""Weights from every place they can come from, whole and damaged."""

import concurrent.futures
import functools
import hashlib
import io
import threading

import h5py
import numpy as np
import pytest

from stylelib._utils.tensorflow import keras
from stylelib.vgg import weights as weights_module
from stylelib.vgg.layers import kernel_shapes, layer_names
from stylelib.vgg.network import VGG
from stylelib.vgg.weights import check_weights, load_weights


class TestEmbeddedWeights:
    @pytest.fixture
    def embedded(self, tmp_path, monkeypatch):
        path = tmp_path / "weights.npz"
        monkeypatch.setattr(weights_module, "EMBEDDED", path)
        return path

    def test_a_missing_file_says_how_to_get_it_back(self, embedded):
        with pytest.raises(ValueError, match=r"weights\.npz: No such file.* git checkout"):
            VGG(["conv1_1"])

    @pytest.mark.parametrize("damage", ["truncated", "altered"])
    def test_a_damaged_file_says_how_to_get_it_back(self, damage, embedded, monkeypatch):
        data = bytearray(
            (weights_module.DATA / "weights" / "vgg16-imagenet-float16.npz").read_bytes()
        )
        if damage == "truncated":
            del data[len(data) // 2 :]
        else:
            data[len(data) // 2] ^= 1
        embedded.write_bytes(data)
        with pytest.raises(ValueError, match="incomplete or altered: expected sha256 .* checkout"):
            load_weights()


def assert_equal_weights(ours, theirs):
    assert list(ours) == list(theirs)
    for layer in ours:
        for a, b in zip(ours[layer], theirs[layer], strict=True):
            assert a.dtype == np.float32
            np.testing.assert_array_equal(a, b)


@pytest.fixture(scope="module")
def random_weights():
    return load_weights("vgg16", "random")


class TestFiles:
    @pytest.mark.slow
    @pytest.mark.parametrize("kind", [".weights.h5", ".h5"])
    @pytest.mark.filterwarnings("ignore:__array__ implementation")  # within Keras' own saving
    def test_keras_files(self, kind, random_weights, tmp_path):
        model = keras.applications.VGG16(include_top=False, weights=None)
        for name, parameters in random_weights.items():
            model.get_layer(name).set_weights(parameters)
        path = tmp_path / f"mine{kind}"
        model.save_weights(path) if kind == ".weights.h5" else model.save(path)
        assert_equal_weights(load_weights("vgg16", path), random_weights)
        assert_equal_weights(load_weights("vgg16", str(path)), random_weights)

    def test_npz(self, random_weights, tmp_path):
        path = tmp_path / "mine.npz"
        arrays = {}
        for name, (kernel, bias) in random_weights.items():
            arrays |= {f"{name}/kernel": kernel, f"{name}/bias": bias}
        np.savez(path, **arrays)
        assert_equal_weights(load_weights("vgg16", path), random_weights)
        del arrays["block4_conv2/bias"]
        np.savez(path, **arrays)
        with pytest.raises(
            ValueError,
            match=r"mine\.npz: expected kernels and biases of vgg16, .*block4_conv2/bias",
        ):
            load_weights("vgg16", path)
        with pytest.raises(ValueError, match=r"mine\.npz"):
            load_weights("vgg19", path)

    @pytest.mark.parametrize("dtype", ["complex64", "U1", "datetime64[s]"])
    def test_what_is_no_real_number_is_refused(self, dtype, tmp_path):
        odd = {"block1_conv1/kernel": np.zeros((3, 3, 3, 64), dtype)}
        np.savez(tmp_path / "odd.npz", **constant_arrays("vgg16") | odd)
        with pytest.raises(ValueError, match=r"odd\.npz: .*block1_conv1/kernel holds "):
            load_weights("vgg16", tmp_path / "odd.npz")

    def test_a_pickle_is_never_opened(self, tmp_path):
        path = tmp_path / "evil.npz"
        np.savez(path, **{"block1_conv1/kernel": np.array([{"a": 1}], dtype=object)})
        with pytest.raises(ValueError, match="allow_pickle=False"):
            load_weights("vgg16", path)

    @pytest.mark.parametrize("name", ["a.npz", "a.h5", "a.weights.h5", "a.hdf5"])
    def test_a_damaged_file_is_named(self, name, tmp_path):
        path = tmp_path / name
        path.write_bytes(b"no weights")
        with pytest.raises(ValueError, match=f"cannot read .*{name}"):
            load_weights("vgg16", path)

    def test_another_ending_is_refused(self, tmp_path):
        (tmp_path / "a.pth").write_bytes(b"")
        with pytest.raises(ValueError, match=r"ends in \.npz or \.h5"):
            load_weights("vgg16", tmp_path / "a.pth")

    def test_wrong_shapes_and_numbers_are_refused(self, random_weights, tmp_path):
        arrays = {f"{name}/kernel": k for name, (k, _) in random_weights.items()}
        arrays |= {f"{name}/bias": b for name, (_, b) in random_weights.items()}
        path = tmp_path / "mine.npz"
        np.savez(path, **{**arrays, "block1_conv1/kernel": np.zeros((3, 3, 4, 64))})
        with pytest.raises(
            ValueError, match=r"block1_conv1/kernel of shape \(3, 3, 3, 64\), got \(3, 3, 4, 64\)"
        ):
            load_weights("vgg16", path)
        np.savez(path, **{**arrays, "block1_conv2/bias": np.full(64, np.nan)})
        with pytest.raises(ValueError, match="block1_conv2/bias holds NaN or infinity"):
            load_weights("vgg16", path)

    def test_a_place_that_holds_nothing_is_named(self, tmp_path):
        with h5py.File(tmp_path / "null.h5", "w") as file:
            file["block1_conv1/kernel"] = h5py.Empty("f4")
        with pytest.raises(ValueError, match="it lacks block1_conv1/bias and 24 more"):
            load_weights("vgg16", tmp_path / "null.h5")


class TestKept:
    @pytest.fixture
    def mine(self, random_weights, tmp_path):
        """A file of weights, and how to write it again."""
        arrays = {}
        for name, (kernel, bias) in random_weights.items():
            arrays |= {f"{name}/kernel": kernel.astype(np.float16), f"{name}/bias": bias}

        def write(first):
            np.savez(tmp_path / "mine.npz", **arrays | {"block1_conv1/bias": np.full(64, first)})
            return tmp_path / "mine.npz"

        return write

    def test_a_file_is_read_once_until_it_changes(self, mine, monkeypatch):
        reads = []
        read = weights_module.read_arrays
        monkeypatch.setattr(weights_module, "read_arrays", lambda d: reads.append(1) or read(d))
        path = mine(1.0)
        for _ in range(3):
            assert load_weights("vgg16", path)["block1_conv1"][1][0] == 1
        assert len(reads) == 1
        size = path.stat().st_size
        assert mine(2.0).stat().st_size == size
        assert load_weights("vgg16", path)["block1_conv1"][1][0] == 2
        assert len(reads) == 2

    def test_threads_that_ask_at_once_read_once(self, mine, monkeypatch):
        reads = []
        read = weights_module.read_arrays
        monkeypatch.setattr(weights_module, "read_arrays", lambda d: reads.append(1) or read(d))
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(load_weights, 4 * ["vgg16"], 4 * [mine(3.0)]))
        assert len(reads) == 1

    def test_an_embedded_file_that_is_altered_meanwhile_is_noticed(self, tmp_path, monkeypatch):
        path = tmp_path / "weights.npz"
        data = bytearray(weights_module.EMBEDDED.read_bytes())
        path.write_bytes(data)
        monkeypatch.setattr(weights_module, "EMBEDDED", path)
        assert load_weights()
        data[-1] ^= 1
        path.write_bytes(data)
        with pytest.raises(ValueError, match="incomplete or altered"):
            load_weights()
        path.unlink()
        with pytest.raises(ValueError, match="No such file"):
            load_weights()

    @pytest.mark.parametrize("weights", ["embedded", "random"])
    def test_nobody_can_change_what_is_kept(self, weights):
        parameters = load_weights("vgg16", weights)
        kernel, bias = parameters.pop("block1_conv1")
        for array in (kernel, bias):
            with pytest.raises(ValueError, match="read-only"):
                array += 1
        before = kernel.copy()
        for variable in VGG(["conv1_1"], weights=weights).model.weights:
            variable.assign_add(np.ones_like(variable))
        again = load_weights("vgg16", weights)["block1_conv1"][0]
        assert again is kernel
        np.testing.assert_array_equal(again, before)


@functools.cache
def published_file(network, gap=None):
    """Bytes of the layout that Keras publishes, few since kernels are constant."""
    shapes = kernel_shapes(network)
    data = io.BytesIO()
    with h5py.File(data, "w") as file:
        file.attrs["layer_names"] = [name.encode() for name in shapes]
        for name in shapes.keys() - {gap}:
            group = file.create_group(name)
            names = [f"{name}_W_1:0", f"{name}_b_1:0"]
            group.attrs["weight_names"] = [n.encode() for n in names]
            for key, shape in zip(names, (shapes[name], shapes[name][-1:]), strict=True):
                value = np.full(shape, len(name) + shape[-1] / 7, np.float32)
                group.create_dataset(key, data=value, compression="gzip")
        if gap:
            file.create_group(gap).attrs["weight_names"] = []
    return data.getvalue()


def constant_arrays(network):
    """All arrays of a network, in no memory: key -> array of ones."""
    arrays = {}
    for name, shape in kernel_shapes(network).items():
        arrays[f"{name}/kernel"] = np.broadcast_to(np.int8(1), shape)
        arrays[f"{name}/bias"] = np.broadcast_to(np.int8(1), shape[-1:])
    return arrays


TOP_SHAPES = {"fc1": (25088, 4096), "fc2": (4096, 4096), "predictions": (4096, 1000)}


def place_of(key, network, layout):
    """Where Keras puts an array of the network; any other stands where its key says."""
    layer, _, part = key.partition("/")
    if part not in ("kernel", "bias") or layer not in (*layer_names(network), *TOP_SHAPES):
        return key
    if layout != ".weights.h5":
        return f"{'model_weights/' if layout == 'model.h5' else ''}{layer}/{layer}/{part}:0"
    order = list(TOP_SHAPES) if layer in TOP_SHAPES else layer_names(network)
    number = f"_{order.index(layer)}" if order.index(layer) else ""
    kind = "dense" if layer in TOP_SHAPES else "conv2d"
    return f"layers/{kind}{number}/vars/{('kernel', 'bias').index(part)}"


def write(path, arrays, network, layout):
    """Write arrays as one of the kinds of file that are read."""
    if layout == ".npz":
        np.savez_compressed(path, **arrays)
        return path
    with h5py.File(path, "w") as file:
        for key, array in arrays.items():  # a fill value takes no room
            place = place_of(key, network, layout)
            file.create_dataset(place, array.shape, array.dtype, fillvalue=1)
    return path


LAYOUTS = {".npz": "a.npz", ".h5": "a.h5", "model.h5": "a.hdf5", ".weights.h5": "a.weights.h5"}


@pytest.mark.parametrize("layout", LAYOUTS)
class TestEveryArrayIsAccountedFor:
    @pytest.fixture
    def file(self, tmp_path, layout):
        return lambda arrays, network: write(tmp_path / LAYOUTS[layout], arrays, network, layout)

    @pytest.mark.parametrize(("network", "other"), [("vgg16", "vgg19"), ("vgg19", "vgg16")])
    def test_a_file_of_the_other_network_is_refused(self, network, other, file):
        path = file(constant_arrays(other), other)
        with pytest.raises(ValueError, match=rf"{path.name}: expected .* is it of {other}\?"):
            load_weights(network, path)
        assert len(load_weights(other, path)) == len(layer_names(other))

    def test_the_classifier_is_passed_over(self, file):
        arrays = constant_arrays("vgg16")
        for name, shape in TOP_SHAPES.items():
            arrays[f"{name}/kernel"] = np.broadcast_to(np.int8(1), shape)
            arrays[f"{name}/bias"] = np.ones(shape[-1:], np.int8)
        assert list(load_weights("vgg16", file(arrays, "vgg16"))) == layer_names("vgg16")

    @pytest.mark.parametrize(
        "extra",
        [
            "block1_conv1/gamma",
            "block3_conv4/kernel",
            "layers/conv2d_13/vars/0",
            "fc1/mean",
            "note",
        ],
    )
    def test_what_is_left_over_is_named(self, extra, file):
        arrays = constant_arrays("vgg16") | {extra: np.zeros(3, np.float32)}
        with pytest.raises(ValueError, match=rf"it also holds {extra}"):
            load_weights("vgg16", file(arrays, "vgg16"))

    def test_a_second_kernel_of_a_layer_is_named(self, file, layout):
        path = file(constant_arrays("vgg16"), "vgg16")
        second = {".npz": "block1_conv1/W", ".weights.h5": "layers/conv2d/vars/2"}
        root = "model_weights/" if layout == "model.h5" else ""
        second = second.get(layout, f"{root}block1_conv1/z/kernel:0")
        if layout == ".npz":
            write(path, constant_arrays("vgg16") | {second: np.zeros(3)}, "vgg16", layout)
        else:
            with h5py.File(path, "a") as added:
                added[second] = np.zeros((3, 3, 3, 64), np.float32)
        with pytest.raises(ValueError, match=rf"it also holds {second}"):
            load_weights("vgg16", path)

    def test_the_wrong_case_is_named_with_what_lacks(self, file):
        arrays = constant_arrays("vgg16")
        arrays["Block1_conv1/kernel"] = arrays.pop("block1_conv1/kernel")
        message = r"it lacks block1_conv1/kernel and it also holds Block1_conv1/kernel"
        with pytest.raises(ValueError, match=message):
            load_weights("vgg16", file(arrays, "vgg16"))

    @pytest.mark.parametrize("name", ["features.0.weight", "conv1/conv/kernel:0", "a" * 500])
    def test_another_architecture_is_refused_in_one_short_line(self, name, file):
        path = file({name: np.zeros((3, 3), np.float32)}, "vgg16")
        with pytest.raises(ValueError, match="it lacks block1_conv1/kernel and 25 more") as caught:
            load_weights("vgg16", path)
        assert len(str(caught.value)) < 300 + len(str(path))


@pytest.mark.parametrize("places", [10, pytest.param(100, marks=pytest.mark.slow)])
@pytest.mark.parametrize("layout", [".h5", ".weights.h5"])
def test_a_file_of_keras_that_is_damaged_anywhere(layout, places, random, tmp_path):
    path = write(tmp_path / LAYOUTS[layout], constant_arrays("vgg16"), "vgg16", layout)
    data = path.read_bytes()
    for place in random.integers(0, 4000, places):  # most of the rest is never read
        damaged = bytearray(data)
        damaged[place] ^= 1 << int(place) % 8
        path.write_bytes(damaged[:place] if place % 5 == 0 else damaged)
        try:
            weights_module._read_h5(path, "vgg16")
        except ValueError as error:
            assert str(error).startswith("cannot read ")


@pytest.mark.parametrize("second", ["W", "a/kernel:0", "z/kernel:0"])
def test_a_second_kernel_is_refused_whichever_comes_first(second, tmp_path):
    arrays = constant_arrays("vgg16")
    with h5py.File(tmp_path / "two.h5", "w") as file:
        for name, array in arrays.items():
            file[name] = array
        file[f"block1_conv1/{second}"] = arrays["block1_conv1/kernel"] + 1
    with pytest.raises(ValueError, match="it also holds block1_conv1/"):
        load_weights("vgg16", tmp_path / "two.h5")


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.zeros(3), "expected weights as a name or a path, got an array"),
        (["random", "embedded"], "expected weights as a name or a path, got \\['random'"),
        ("Embedded", "got 'Embedded'; did you mean 'embedded'"),
        ("https://example.org/a.h5", "got 'https://example.org/a.h5'$"),
        ("a\0.npz", r"got 'a\\x00.npz'$"),
    ],
)
def test_what_are_no_weights_is_one_line(weights, message):
    with pytest.raises(ValueError, match=message):
        load_weights("vgg16", weights)


@pytest.mark.parametrize("name", ["mine.npz", "mine.h5"])
def test_a_file_that_may_not_be_read_is_named(name, tmp_path, monkeypatch):
    def refuse(path, *options, **more):
        raise PermissionError(13, "Permission denied")

    (tmp_path / name).touch()
    monkeypatch.setattr(weights_module.Path, "read_bytes", refuse)
    monkeypatch.setattr(h5py, "File", refuse)
    with pytest.raises(ValueError, match=rf"cannot read .*{name}: .*Permission denied"):
        load_weights("vgg16", tmp_path / name)


def test_a_folder_that_may_not_be_entered_is_told(monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(weights_module.os, "stat", refuse)
    with pytest.raises(ValueError, match=r"cannot read .*a\.npz: Permission denied"):
        check_weights("vgg16", "private/a.npz")


def test_the_state_of_an_optimizer_is_passed_over(tmp_path):
    for layout, place in ((".weights.h5", "optimizer/vars/3"), ("model.h5", "optimizer_weights/m")):
        path = write(tmp_path / LAYOUTS[layout], constant_arrays("vgg16"), "vgg16", layout)
        with h5py.File(path, "a") as file:
            file[place] = np.zeros((3, 3, 3, 64), np.float32)
        assert len(load_weights("vgg16", path)) == 13


@pytest.mark.parametrize("name", ["MINE.NPZ", "Mine.H5", "a.weights.HDF5"])
def test_endings_in_capitals(name, tmp_path):
    layout = ".npz" if name == "MINE.NPZ" else ".weights.h5" if "weights" in name else ".h5"
    path = write(tmp_path / "file", constant_arrays("vgg16"), "vgg16", layout)
    path = path if path.exists() else path.with_name("file.npz")  # where NumPy puts it
    assert len(load_weights("vgg16", path.rename(tmp_path / name))) == 13


class TestDownload:
    @pytest.fixture
    def publish(self, serve, tmp_path, monkeypatch):
        """Serve a file in place of Keras' own, and keep Keras' cache in a folder of the test."""
        monkeypatch.setenv("KERAS_HOME", str(tmp_path / "cache"))

        def start(network, data, md5=None):
            address = serve({"/weights_notop.h5": data}) + "/weights_notop.h5"
            md5 = md5 or hashlib.md5(data).hexdigest()  # noqa: S324
            monkeypatch.setitem(weights_module.KERAS_WEIGHTS, network, (address, md5))

        return start

    @pytest.mark.parametrize("network", ["vgg16", pytest.param("vgg19", marks=pytest.mark.slow)])
    def test_download_check_and_cache(self, network, publish, tmp_path):
        data = published_file(network)
        assert len(data) < 1_000_000
        publish(network, data)
        weights = load_weights(network, "imagenet")
        kernel, bias = weights["block3_conv1"]
        assert kernel.shape == (3, 3, 128, 256)
        assert np.all(kernel == np.float32(len("block3_conv1") + 256 / 7))
        assert np.all(bias == kernel[0, 0, 0, 0])
        publish(network, None, hashlib.md5(data).hexdigest())  # noqa: S324
        assert_equal_weights(load_weights(network, "imagenet"), weights)  # from the cache

    def test_two_at_once_do_not_disturb_each_other(self, publish, tmp_path):
        data = published_file("vgg19")
        together = threading.Barrier(2, timeout=20)

        def slowly(request):
            request.send_response(200)
            request.send_header("Content-Length", str(len(data)))
            request.end_headers()
            request.wfile.write(data[:1000])
            together.wait()  # both have begun
            request.wfile.write(data[1000:])

        publish("vgg19", slowly, hashlib.md5(data).hexdigest())  # noqa: S324
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for weights in pool.map(load_weights, ("vgg19", "vgg19"), ("imagenet", "imagenet")):
                assert len(weights) == 16
        models = tmp_path / "cache" / "models"
        assert [path.name for path in models.iterdir()] == ["weights_notop.h5"]

    @pytest.mark.parametrize("half", [b"", b"half of it"])
    def test_half_a_file_in_the_cache_is_fetched_again(self, half, publish, tmp_path):
        publish("vgg19", published_file("vgg19"))
        models = tmp_path / "cache" / "models"
        models.mkdir(parents=True)
        (models / "weights_notop.h5").write_bytes(half)
        assert len(load_weights("vgg19", "imagenet")) == 16

    def test_vgg19_is_downloaded_by_default(self, publish, tmp_path):
        publish("vgg19", published_file("vgg19"))
        assert VGG(["conv1_1"], network="vgg19").model.get_layer("block1_conv1").get_weights()

    def test_a_wrong_hash_is_refused(self, publish, tmp_path):
        publish("vgg19", published_file("vgg19"), md5="0" * 32)
        with pytest.raises(ValueError, match="download .*expected .* MD5 0{32}, got .* internet"):
            load_weights("vgg19", "imagenet")

    def test_half_a_download_is_not_kept(self, publish, tmp_path):
        data = published_file("vgg19")

        def break_off(request):
            request.send_response(200)
            request.send_header("Content-Length", str(len(data)))
            request.end_headers()
            request.wfile.write(data[: len(data) // 2])

        publish("vgg19", break_off, hashlib.md5(data).hexdigest())  # noqa: S324
        with pytest.raises(ValueError, match=f"got .* of {len(data) // 2:,} bytes"):
            load_weights("vgg19", "imagenet")
        assert not list((tmp_path / "cache" / "models").iterdir())

    def test_a_download_without_end_is_given_up(self, publish, monkeypatch):
        sent = []

        def endless(request):
            request.send_response(200)
            request.end_headers()
            while True:
                request.wfile.write(bytes(2**16))
                sent.append(2**16)

        monkeypatch.setattr("stylelib.images.downloads.MAX_KNOWN", 2**21)
        publish("vgg19", endless, "0" * 32)
        with pytest.raises(ValueError, match="got .* of 2,097,152 bytes"):
            load_weights("vgg19", "imagenet")
        assert sum(sent) < 2**25  # what the sockets hold

    def test_a_silent_server_is_given_up(self, publish, monkeypatch):
        monkeypatch.setattr("stylelib.images.downloads.MAX_SILENCE", 0.2)
        done = threading.Event()
        publish("vgg19", lambda request: done.wait(20), "0" * 32)
        with pytest.raises(ValueError, match="cannot download .*timed out"):
            load_weights("vgg19", "imagenet")
        done.set()

    def test_a_redirect_must_stay_on_https(self, publish):
        def elsewhere(request):
            request.send_response(302)
            request.send_header("Location", "http://example.org/weights.h5")
            request.end_headers()

        publish("vgg19", elsewhere, "0" * 32)
        with pytest.raises(ValueError, match="it leads to http://example.org.* not https"):
            load_weights("vgg19", "imagenet")

    def test_keras_home_alone_is_enough(self, publish, tmp_path, monkeypatch):
        def nowhere():
            raise RuntimeError("Could not determine home directory.")

        publish("vgg19", published_file("vgg19"))
        monkeypatch.setattr(weights_module.Path, "home", nowhere)
        assert len(load_weights("vgg19", "imagenet")) == 16
        for nothing in (None, ""):
            monkeypatch.setenv("KERAS_HOME", "") if nothing == "" else monkeypatch.delenv(
                "KERAS_HOME"
            )
            with pytest.raises(ValueError, match="expected a home folder, or KERAS_HOME"):
                load_weights("vgg19", "imagenet")

    def test_a_cache_in_the_home_folder(self, publish, tmp_path, monkeypatch):
        publish("vgg19", published_file("vgg19"))
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        for home, folder in (("~/mine", "home/mine/models"), ("", "home/.keras/models")):
            monkeypatch.setenv("KERAS_HOME", home)
            load_weights("vgg19", "imagenet")
            assert (tmp_path / folder / "weights_notop.h5").is_file()

    @pytest.mark.parametrize("fault", ["a file", "no right", "a folder"])
    def test_a_cache_that_cannot_be_written_is_told_before_the_download(
        self, fault, publish, tmp_path, monkeypatch
    ):
        publish("vgg19", lambda request: pytest.fail("downloaded"), "0" * 32)
        cache = tmp_path / "cache"
        if fault == "a file":
            cache.write_bytes(b"")
        elif fault == "a folder":  # where the file should be
            (cache / "models" / "weights_notop.h5").mkdir(parents=True)
        else:

            def refuse(self):
                raise PermissionError(13, "Permission denied")

            monkeypatch.setattr(weights_module.Path, "touch", refuse)  # root may write anywhere
        with pytest.raises(ValueError, match="cannot keep the weights of vgg19: .*set KERAS_HOME"):
            load_weights("vgg19", "imagenet")

    def test_no_network_says_what_to_do(self, publish):
        publish("vgg19", None, md5="0" * 32)
        message = "cannot download the weights of vgg19: Not Found.* use network='vgg16'"
        with pytest.raises(ValueError, match=message):
            VGG(["conv1_1"], network="vgg19")

    def test_no_network_for_vgg16_names_the_embedded_weights(self, publish):
        publish("vgg16", None, md5="0" * 32)
        with pytest.raises(ValueError, match="without internet, use weights='embedded'"):
            load_weights("vgg16", "imagenet")

    def test_a_file_with_a_gap_is_refused(self, publish, tmp_path):
        publish("vgg19", published_file("vgg19", gap="block4_conv4"))
        with pytest.raises(ValueError, match=r"weights_notop\.h5: .*block4_conv4"):
            load_weights("vgg19", "imagenet")
