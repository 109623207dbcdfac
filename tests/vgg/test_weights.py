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
from stylelib.vgg.layers import kernel_shapes
from stylelib.vgg.network import VGG
from stylelib.vgg.weights import load_weights


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

    def test_more_than_weights_does_no_harm(self, random_weights, tmp_path):
        arrays = {"licence": np.array("MIT")}
        for name, (kernel, bias) in random_weights.items():
            arrays |= {f"{name}/kernel": kernel, f"{name}/bias": bias}
        np.savez(tmp_path / "mine.npz", **arrays)
        assert_equal_weights(load_weights("vgg16", tmp_path / "mine.npz"), random_weights)

    @pytest.mark.parametrize("dtype", ["complex64", "U1", "datetime64[s]"])
    def test_what_is_no_real_number_is_refused(self, dtype, tmp_path):
        np.savez(tmp_path / "odd.npz", **{"block1_conv1/kernel": np.zeros((3, 3, 3, 64), dtype)})
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
        with pytest.raises(ValueError, match=r"expected a kernel \(3, 3, 3, 64\)"):
            load_weights("vgg16", path)
        np.savez(path, **{**arrays, "block1_conv2/bias": np.full(64, np.nan)})
        with pytest.raises(ValueError, match="no usable weights for block1_conv2"):
            load_weights("vgg16", path)


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

    @pytest.mark.parametrize("network", ["vgg16", "vgg19"])
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
        assert not (tmp_path / "cache").exists()

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
