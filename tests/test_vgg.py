"""The network against Keras' own, and its weights from every place they can come from."""

import functools
import hashlib

import h5py
import numpy as np
import pytest

from stylelib import vgg as vgg_module
from stylelib._tensorflow import keras, tf
from stylelib.vgg import VGG, keras_name, layer_names, load_weights, smallest_side

APPLICATIONS = {"vgg16": keras.applications.VGG16, "vgg19": keras.applications.VGG19}
SIZES = [(32, 32), (33, 47), (50, 65)]


def picture(size, seed=0):
    generator = np.random.default_rng(seed)
    return tf.constant(generator.uniform(-120, 130, (1, *size, 3)).astype(np.float32))


def difference(ours, theirs):
    return np.linalg.norm(ours - theirs) / np.linalg.norm(theirs)


@pytest.fixture(scope="module", params=["vgg16", "vgg19"])
def pair(request):
    """Our network of all layers, and Keras' with the same weights."""
    network = request.param
    weights = "embedded" if network == "vgg16" else "random"
    base = APPLICATIONS[network](include_top=False, weights=None)
    for name, parameters in load_weights(network, weights).items():
        base.get_layer(name).set_weights(parameters)
    outputs = {name: base.get_layer(name).output for name in layer_names(network)}
    return VGG(layer_names(network), network, weights), keras.Model(base.input, outputs)


class TestNetwork:
    @pytest.mark.parametrize("size", SIZES)
    def test_every_layer_equals_keras(self, pair, size):
        ours, theirs = pair
        x = picture(size)
        expected = theirs(x)
        features = ours(x)
        assert list(features) == layer_names(ours.model.name)
        for layer, maps in features.items():
            assert maps.dtype == tf.float32
            assert difference(maps, expected[layer]) <= 1e-5

    def test_average_pooling_replaces_every_inner_pool(self):
        layers = ["conv1_2", "conv2_1", "conv5_1"]
        vgg = VGG(layers, pooling="average")
        kinds = {type(layer) for layer in vgg.model.layers if "pool" in layer.name}
        assert kinds == {keras.layers.AveragePooling2D}
        x = picture((32, 32))
        average, largest = vgg(x), VGG(layers)(x)
        np.testing.assert_array_equal(average["conv1_2"], largest["conv1_2"])
        assert difference(average["conv2_1"], largest["conv2_1"]) > 0.1
        kernel, bias = load_weights()["block2_conv1"]
        pooled = tf.nn.avg_pool2d(average["conv1_2"], 2, 2, "VALID")
        by_hand = tf.nn.relu(tf.nn.conv2d(pooled, kernel, 1, "SAME") + bias)
        assert difference(average["conv2_1"], by_hand) <= 1e-5

    def test_only_what_is_needed_is_built(self):
        names = [layer.name for layer in VGG(["conv2_1", "conv1_1"]).model.layers]
        assert names[1:] == ["block1_conv1", "block1_conv2", "block1_pool", "block2_conv1"]

    def test_names_and_order_are_kept(self):
        asked = ("conv2_1", "block1_conv1", "conv1_1")
        vgg = VGG(asked)
        features = vgg(picture((16, 16)))
        assert tuple(features) == vgg.layers == asked
        np.testing.assert_array_equal(features["block1_conv1"], features["conv1_1"])

    def test_nothing_is_trainable(self):
        vgg = VGG(["conv2_1"])
        assert vgg.model.trainable_weights == []
        x = picture((16, 16))
        with tf.GradientTape() as tape:
            tape.watch(x)
            total = tf.reduce_sum(vgg(x)["conv2_1"])
        assert float(tf.norm(tape.gradient(total, x))) > 0

    @pytest.mark.parametrize(
        ("x", "message"),
        [
            (np.zeros((1, 32, 32, 3), np.uint8), "see preprocess; got uint8 of shape"),
            (np.zeros((32, 32, 3), np.float32), "expected a picture in VGG space"),
            (np.zeros((1, 32, 32, 1), np.float32), "expected a picture in VGG space"),
            (np.zeros((1, 32, 3, 3), np.float32), "at least 4 pixels a side .* got 3 × 32"),
        ],
    )
    def test_what_is_no_picture_in_vgg_space_is_refused(self, x, message):
        with pytest.raises(ValueError, match=message):
            VGG(["conv3_1"])(x)

    def test_feature_maps_are_rectified(self, pair):
        for maps in pair[0](picture((32, 32))).values():
            assert float(tf.reduce_min(maps)) == 0

    def test_random_weights_are_the_same_each_time_and_keep_activations_in_range(self):
        kernel, bias = load_weights("vgg16", "random")["block3_conv1"]
        np.testing.assert_array_equal(kernel, load_weights("vgg16", "random")["block3_conv1"][0])
        assert not bias.any()
        features = VGG(["conv1_1", "conv5_3"], weights="random")(picture((32, 32)))
        sizes = [float(tf.math.reduce_std(maps)) for maps in features.values()]
        assert 0.1 < sizes[1] / sizes[0] < 10

    def test_bfloat16_is_close_and_hands_out_float32(self):
        layers = ["conv1_1", "conv3_1"]
        x = picture((32, 32))
        exact, rough = VGG(layers)(x), VGG(layers, precision="bfloat16")(x)
        for layer in layers:
            assert rough[layer].dtype == tf.float32
            assert 1e-5 < difference(rough[layer], exact[layer]) < 0.03


class TestNormalized:
    @pytest.mark.parametrize("pooling", ["max", "average"])
    def test_every_map_is_divided_by_its_mean_over_the_reference_images(self, pooling):
        layers = ["conv1_1", "conv2_2", "conv3_1"]
        plain = VGG(layers, pooling=pooling)
        normalized = VGG(layers, pooling=pooling, normalized=True)
        means = {layer: [] for layer in layers}
        for name in vgg_module.REFERENCE_IMAGES:
            path = vgg_module.DATA / "images" / f"{name}.jpg"
            x = vgg_module.preprocess(vgg_module.load_image(path, max_size=256))
            for layer, maps in normalized(x).items():
                means[layer].append((np.mean(maps, axis=(0, 1, 2)), maps.shape[1] * maps.shape[2]))
        for layer in layers:
            values, positions = zip(*means[layer], strict=True)
            mean = np.average(values, axis=0, weights=positions)
            np.testing.assert_allclose(mean[mean > 0], 1, rtol=1e-3)
        before, after = plain(x)["conv2_2"].numpy(), normalized(x)["conv2_2"].numpy()
        factors = before[after > 0.1] / after[after > 0.1]
        channels = np.broadcast_to(np.arange(128), after.shape)[after > 0.1]
        for channel in np.unique(channels):
            np.testing.assert_allclose(
                factors[channels == channel], factors[channels == channel][0], rtol=1e-3
            )


class TestNames:
    def test_names(self):
        assert len(layer_names("vgg16")) == 13
        assert len(layer_names("vgg19")) == 16
        for network, application in APPLICATIONS.items():
            model = application(include_top=False, weights=None)
            assert layer_names(network) == [x.name for x in model.layers if "conv" in x.name]

    @pytest.mark.parametrize("name", ["conv6_1", "conv3_4", "block1_pool", "relu1_1", "", None, 4])
    def test_an_unknown_layer_is_refused(self, name):
        with pytest.raises(ValueError, match="expected a layer of vgg16 from conv1_1 to conv5_3"):
            VGG([name])

    def test_a_layer_of_the_other_network(self):
        assert keras_name("conv3_4", "vgg19") == "block3_conv4"

    def test_smallest_side(self):
        for layer in ("conv1_1", "block2_conv2", "conv5_3"):
            side = smallest_side(layer)
            maps = VGG([layer], weights="random")(picture((side, side)))[layer]
            assert maps.shape[1:3] == (1, 1)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"layers": "conv1_1"}, "expected a list of layer names"),
            ({"layers": []}, "expected a list of layer names"),
            ({"layers": 5}, "expected a list of layer names, got 5"),
            ({"network": "vgg17"}, "expected network vgg16 or vgg19, got 'vgg17'"),
            ({"pooling": "avg"}, "expected pooling max or average, got 'avg'"),
            ({"precision": "float64"}, "expected precision float32 or bfloat16"),
            ({"network": "vgg19", "weights": "embedded"}, "only vgg16 has embedded weights"),
            ({"weights": "gone.npz"}, "got 'gone.npz'"),
            ({"weights": 16}, "expected weights as a name or a path, got 16"),
        ],
    )
    def test_wrong_options_are_refused(self, options, message):
        with pytest.raises(ValueError, match=message):
            VGG(**{"layers": ["conv1_1"], **options})


class TestEmbeddedWeights:
    @pytest.fixture
    def embedded(self, tmp_path, monkeypatch):
        path = tmp_path / "weights.npz"
        monkeypatch.setattr(vgg_module, "EMBEDDED", path)
        return path

    def test_a_missing_file_says_how_to_get_it_back(self, embedded):
        with pytest.raises(ValueError, match=r"weights\.npz: No such file.* git checkout"):
            VGG(["conv1_1"])

    @pytest.mark.parametrize("damage", ["truncated", "altered"])
    def test_a_damaged_file_says_how_to_get_it_back(self, damage, embedded, monkeypatch):
        data = bytearray((vgg_module.DATA / "weights" / "vgg16-imagenet-float16.npz").read_bytes())
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


def published_file(path, network, layers=None):
    """Write a file of the layout that Keras publishes, tiny since its kernels are constant."""
    shapes = vgg_module._shapes(network)
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [name.encode() for name in shapes]
        for name in layers or shapes:
            group = file.create_group(name)
            names = [f"{name}_W_1:0", f"{name}_b_1:0"]
            group.attrs["weight_names"] = [n.encode() for n in names]
            for key, shape in zip(names, (shapes[name], shapes[name][-1:]), strict=True):
                value = np.full(shape, len(name) + shape[-1] / 7, np.float32)
                group.create_dataset(key, data=value, compression="gzip")
        for name in set(shapes) - set(layers or shapes):
            file.create_group(name).attrs["weight_names"] = []
    return path.read_bytes()


class TestDownload:
    @pytest.fixture
    def publish(self, serve, tmp_path, monkeypatch):
        """Serve a file in place of Keras' own, and keep Keras' cache in a folder of the test."""
        cache = tmp_path / "cache"
        cache.mkdir()  # Keras falls back to another folder where this one is missing
        get_file = functools.partial(keras.utils.get_file, cache_dir=str(cache))
        monkeypatch.setattr(keras.utils, "get_file", get_file)

        def start(network, data, md5=None):
            address = serve({"/weights_notop.h5": data}) + "/weights_notop.h5"
            md5 = md5 or hashlib.md5(data).hexdigest()  # noqa: S324
            monkeypatch.setitem(vgg_module.KERAS_WEIGHTS, network, (address, md5))

        return start

    @pytest.mark.parametrize("network", ["vgg16", "vgg19"])
    def test_download_check_and_cache(self, network, publish, tmp_path):
        data = published_file(tmp_path / "file.h5", network)
        assert len(data) < 1_000_000
        publish(network, data)
        weights = load_weights(network, "imagenet")
        kernel, bias = weights["block3_conv1"]
        assert kernel.shape == (3, 3, 128, 256)
        assert np.all(kernel == np.float32(len("block3_conv1") + 256 / 7))
        assert np.all(bias == kernel[0, 0, 0, 0])
        publish(network, None, hashlib.md5(data).hexdigest())  # noqa: S324
        assert_equal_weights(load_weights(network, "imagenet"), weights)  # from the cache

    def test_vgg19_is_downloaded_by_default(self, publish, tmp_path):
        publish("vgg19", published_file(tmp_path / "file.h5", "vgg19"))
        assert VGG(["conv1_1"], network="vgg19").model.get_layer("block1_conv1").get_weights()

    def test_a_wrong_hash_is_refused(self, publish, tmp_path):
        publish("vgg19", published_file(tmp_path / "file.h5", "vgg19"), md5="0" * 32)
        with pytest.raises(ValueError, match="cannot download .* corrupted .* without internet"):
            load_weights("vgg19", "imagenet")

    def test_no_network_says_what_to_do(self, publish):
        publish("vgg19", None, md5="0" * 32)
        message = "cannot download the weights of vgg19: .*404.* use network='vgg16'"
        with pytest.raises(ValueError, match=message):
            VGG(["conv1_1"], network="vgg19")

    def test_no_network_for_vgg16_names_the_embedded_weights(self, publish):
        publish("vgg16", None, md5="0" * 32)
        with pytest.raises(ValueError, match="without internet, use weights='embedded'"):
            load_weights("vgg16", "imagenet")

    def test_a_file_with_a_gap_is_refused(self, publish, tmp_path):
        layers = [name for name in layer_names("vgg19") if name != "block4_conv4"]
        publish("vgg19", published_file(tmp_path / "file.h5", "vgg19", layers))
        with pytest.raises(ValueError, match=r"weights_notop\.h5: .*block4_conv4"):
            load_weights("vgg19", "imagenet")
