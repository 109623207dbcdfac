"""The network against Keras' own."""

import math

import numpy as np
import pytest

from stylelib._utils.tensorflow import keras, tf
from stylelib.vgg import network as vgg_module
from stylelib.vgg.layers import keras_name, layer_names, paper_name, receptive_field, smallest_side
from stylelib.vgg.network import VGG, mirrored
from stylelib.vgg.weights import load_weights

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

    @pytest.mark.parametrize(("precision", "error"), [("bfloat16", 0.03), ("float16", 0.003)])
    def test_a_low_precision_is_close_and_hands_out_float32(self, precision, error):
        layers = ["conv1_2", "conv3_1"]
        x = picture((32, 32))
        exact, rough = VGG(layers)(x), VGG(layers, precision=precision)(x)
        for layer in layers:
            assert rough[layer].dtype == tf.float32
            assert 1e-5 < difference(rough[layer], exact[layer]) < error


class TestNormalized:
    @pytest.mark.slow
    @pytest.mark.parametrize("pooling", ["max", "average"])
    def test_every_map_is_divided_by_its_mean_over_the_reference_images(self, pooling):
        self.check(pooling)

    @pytest.mark.parametrize("pooling", ["max", pytest.param("average", marks=pytest.mark.slow)])
    def test_so_it_is_over_few_images(self, pooling, few_images):
        self.check(pooling)

    def check(self, pooling):
        layers = ["conv1_1", "conv2_2", "conv3_1"]
        plain = VGG(layers, pooling=pooling)
        normalized = VGG(layers, pooling=pooling, normalized=True)
        means = {layer: [] for layer in layers}
        for name in vgg_module.REFERENCE_IMAGES:
            path = vgg_module.DATA / "images" / name
            x = vgg_module.preprocess(vgg_module.load_image(path, max_size=192))
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

    def test_the_means_are_computed_once(self, few_images, monkeypatch):
        first = VGG(["conv1_1"], normalized=True, pooling="average").model.get_weights()
        monkeypatch.setattr(vgg_module, "load_image", None)
        again = VGG(["conv1_1"], normalized=True, pooling="average").model.get_weights()
        np.testing.assert_array_equal(again[0], first[0])

    def test_the_reference_images_are_all_there_are(self):
        files = {path.name for path in (vgg_module.DATA / "images").iterdir()}
        assert set(vgg_module.REFERENCE_IMAGES) == files


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

    def test_one_name_is_a_list_of_one(self):
        assert list(VGG("conv1_1", weights="random")(picture((4, 4)))) == ["conv1_1"]

    @pytest.mark.parametrize(
        ("x", "got"), [(None, "a NoneType"), ([[0.0]], "a list"), ("a", "a str")]
    )
    def test_what_is_no_tensor_is_one_line(self, x, got):
        with pytest.raises(ValueError, match=f"expected a picture in VGG space, .*; got {got}"):
            VGG(["conv1_1"], weights="random")(x)

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
            ({"layers": "conv5_4"}, "expected a layer of vgg16 from .*, got 'conv5_4'"),
            ({"normalized": "no"}, "expected normalized True or False, got 'no'"),
            ({"layers": []}, "expected a list of layer names"),
            ({"layers": 5}, "expected a list of layer names, got 5"),
            ({"layers": "x" * 10_000}, "expected a layer of vgg16 .*, got 'x{48}…x{49}'$"),
            ({"network": "vgg17"}, "expected network vgg16 or vgg19, got 'vgg17'"),
            ({"pooling": "avg"}, "expected pooling max or average, got 'avg'"),
            ({"precision": "float64"}, "expected precision float32, bfloat16, float16 or auto"),
            ({"network": "vgg19", "weights": "embedded"}, "only vgg16 has embedded weights"),
            ({"weights": "gone.npz"}, "got 'gone.npz'"),
            ({"weights": 16}, "expected weights as a name or a path, got 16"),
        ],
    )
    def test_wrong_options_are_refused(self, options, message):
        with pytest.raises(ValueError, match=message):
            VGG(**{"layers": ["conv1_1"], **options})


class TestReceptiveField:
    @pytest.mark.parametrize("layer", ["conv1_1", "conv2_1", "conv3_3", "conv4_1"])
    def test_it_is_the_square_that_moves_one_position(self, layer):
        x = tf.zeros((1, 96, 96, 3))
        with tf.GradientTape() as tape:
            tape.watch(x)
            maps = VGG([layer], weights="random", pooling="average")(x + 1.0)[layer]
            middle = maps.shape[1] // 2
            answer = tf.reduce_sum(maps[0, middle, middle])
        seen = np.abs(tape.gradient(answer, x)[0]).sum(axis=2) > 0
        for axis in (0, 1):
            rows = np.flatnonzero(seen.any(axis=axis))
            assert rows[-1] - rows[0] + 1 == receptive_field(layer)

    def test_known_values(self):
        assert receptive_field("block5_conv3") == 196
        assert receptive_field("conv5_4", "vgg19") == 252
        sides = [receptive_field(layer, "vgg19") for layer in layer_names("vgg19")]
        assert sides == sorted(set(sides))

    def test_an_unknown_layer_is_refused(self):
        with pytest.raises(ValueError, match="expected a layer of vgg16"):
            receptive_field("conv3_4")


def test_both_spellings_lead_to_each_other():
    for layer in layer_names("vgg19"):
        assert keras_name(paper_name(layer), "vgg19") == layer
        assert paper_name(paper_name(layer)) == paper_name(layer)


class TestReflection:
    """``padding="reflect"`` against NumPy's, and what follows from it."""

    def test_a_convolution_equals_one_of_a_mirrored_picture(self):
        x = picture((20, 27))
        kernel, bias = load_weights()["block1_conv1"]
        mirrored = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
        by_hand = tf.nn.relu(tf.nn.conv2d(mirrored, kernel, 1, "VALID") + bias)
        maps = VGG(["conv1_1"], padding="reflect")(x)["conv1_1"]
        assert difference(maps, by_hand) <= 1e-5

    def test_a_flat_picture_has_no_border(self):
        layers = ["conv1_2", "conv3_1", "conv5_1"]
        for maps in VGG(layers, padding="reflect")(tf.fill((1, 64, 64, 3), 50.0)).values():
            spread = tf.reduce_max(maps, (1, 2)) - tf.reduce_min(maps, (1, 2))
            assert float(tf.reduce_max(spread)) <= 1e-4 * float(tf.reduce_max(maps))

    def test_away_from_the_border_it_changes_nothing(self):
        x = picture((96, 96))
        reflect, zero = (VGG(["conv3_1"], padding=p)(x)["conv3_1"] for p in ("reflect", "zero"))
        inside = slice(6, -6)  # half the receptive field of 24 pixels, in steps of 4
        assert difference(reflect[:, inside, inside], zero[:, inside, inside]) <= 1e-5
        assert difference(reflect, zero) > 0.01

    @pytest.mark.parametrize("shape", [(1, 1), (1, 4), (4, 1)])
    def test_a_single_row_or_column_is_repeated(self, shape):
        maps = np.arange(math.prod(shape), dtype=np.float32).reshape(1, *shape, 1)
        around = np.pad(maps, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="symmetric")
        np.testing.assert_array_equal(mirrored(tf.constant(maps)), around)

    @pytest.mark.parametrize("shape", [(1, 1), (1, 4), (4, 1), (2, 5), (3, 3)])
    def test_a_graph_for_all_sizes_mirrors_as_one_for_this_size(self, shape):
        maps = tf.random.stateless_uniform((1, *shape, 2), (0, 1))
        any_size = tf.function(mirrored, [tf.TensorSpec((1, None, None, 2))])
        np.testing.assert_array_equal(any_size(maps), mirrored(maps))

    @pytest.mark.parametrize("layer", ["conv1_1", "conv3_2", "conv5_1"])
    def test_the_smallest_picture_is_as_with_zeros(self, layer):
        vgg, side = VGG([layer], padding="reflect"), smallest_side(layer)
        assert vgg(picture((side, side)))[layer].shape[1] == 1

    @pytest.mark.parametrize("precision", ["bfloat16", "float16"])
    def test_it_works_in_the_other_precisions(self, precision):
        x = picture((48, 48))
        exact = VGG(["conv2_1"], padding="reflect")(x)["conv2_1"]
        maps = VGG(["conv2_1"], padding="reflect", precision=precision)(x)["conv2_1"]
        assert difference(maps, exact) <= 0.02

    def test_unknown(self):
        with pytest.raises(ValueError, match="expected padding zero or reflect, got 'mirror'"):
            VGG(["conv1_1"], padding="mirror")
