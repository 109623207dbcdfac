import numpy as np
import pytest

from stylelib import RECIPES, VGG, Objective, noise_image, preprocess, transfer
from stylelib._utils.tensorflow import tf
from stylelib.vgg import precision

RECIPE = RECIPES["gatys2015"].replace(style_layers=["conv1_1", "conv3_1", "conv4_1"])
fastest = precision.fastest  # which `tests/conftest.py` replaces
FLAGS = "processor\t: 0\nflags\t\t: fpu sse2 {} avx\nmodel\t: 1\n\nprocessor\t: 1\n"


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Pretend to be another machine: flags of its processor, compute capabilities of its GPUs."""
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    monkeypatch.setattr(precision, "fastest", fastest)

    def pretend(flag=None, gpus=()):
        monkeypatch.setattr(precision, "CPU_FLAGS", tmp_path / "cpuinfo")
        if flag is not None:
            (tmp_path / "cpuinfo").write_text(FLAGS.format(flag))
        devices = [tf.config.PhysicalDevice(f"/gpu:{i}", "GPU") for i in range(len(gpus))]
        details = dict(zip(devices, gpus, strict=True))
        monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: devices)
        monkeypatch.setattr(tf.config.experimental, "get_device_details", details.get)

    return pretend


@pytest.mark.parametrize(
    ("flag", "expected"),
    [
        ("avx512_bf16", ("bfloat16", "the processor has avx512_bf16")),
        ("amx_bf16", ("bfloat16", "the processor has amx_bf16")),
        ("avx512f", ("float32", "no processor with bfloat16 was found")),
        (None, ("float32", "no processor with bfloat16 was found")),
    ],
)
def test_a_processor_decides(flag, expected, machine):
    machine(flag)
    assert precision.fastest() == expected
    assert precision.resolve_precision("auto") == expected[0]
    assert precision.resolve_precision("float32") == "float32"


def test_a_file_without_flags_is_no_error(machine, tmp_path):
    machine("")
    (tmp_path / "cpuinfo").write_text("Processor: something else\n")
    assert precision.fastest()[0] == "float32"


def test_without_onednn_bfloat16_is_slow(machine, monkeypatch):
    machine("avx512_bf16")
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    assert precision.fastest()[0] == "float32"


@pytest.mark.parametrize(
    ("gpus", "expected"),
    [
        ([{"compute_capability": (8, 0)}], "bfloat16"),
        ([{"compute_capability": (9, 0)}, {"compute_capability": (8, 9)}], "bfloat16"),
        ([{"compute_capability": (7, 5), "device_name": "Tesla T4"}], "float16"),
        ([{"compute_capability": (8, 0)}, {"compute_capability": (7, 0)}], "float16"),
        ([{"compute_capability": (8, 0)}, {"compute_capability": (6, 0)}], "float32"),
        ([{}], "float32"),
    ],
)
def test_a_gpu_decides_whatever_the_processor(gpus, expected, machine):
    machine("avx512_bf16", gpus)
    assert precision.fastest()[0] == expected


def test_an_unknown_precision_is_refused():
    with pytest.raises(ValueError, match="expected precision float32, bfloat16, float16 or auto"):
        precision.resolve_precision("half")


def test_auto_is_reported_as_what_it_was(machine, monkeypatch):
    for fast in ("bfloat16", "float32"):
        monkeypatch.setattr(precision, "fastest", lambda fast=fast: (fast, "of this test"))
        assert VGG(["conv1_1"], precision="auto").precision == fast
        image = noise_image((32, 32))
        layers = {"style_layers": ["conv1_2"], "content_layers": ["conv2_1"]}
        options = {"recipe": RECIPE.replace(size=32, steps=2, **layers)}
        result = transfer(image, image, precision="auto", **options)
        assert result.settings["precision"] == fast
        same = transfer(image, image, precision=fast, **options)
        assert (result.history["total"] == same.history["total"]).all()


@pytest.fixture(scope="module")
def vggs():
    layers = [*RECIPE.style_layers, *RECIPE.content_layers]
    return [VGG(layers, pooling="average", precision=p) for p in ("float32", "float16")]


class TestFloat16:
    """Its numbers end at 65,504, and those of VGG and of the paper's losses do not."""

    @pytest.mark.parametrize(
        "size", [1e-30, *(pytest.param(size, marks=pytest.mark.slow) for size in (1.0, 1e12))]
    )
    def test_gradients_of_all_sizes_are_close(self, size, vggs, content_image, style_image):
        recipe = RECIPE.replace(content_weight=size, style_weight=1e3 * size)
        x = preprocess(noise_image(content_image.shape[:2]))
        exact, rough = (
            Objective(vgg, recipe, content_image, style_image).loss_and_gradient(x) for vgg in vggs
        )
        np.testing.assert_allclose(rough[0]["total"], exact[0]["total"], rtol=0.01)
        exact, rough = (gradient.numpy() / size for _, gradient in (exact, rough))
        assert np.linalg.norm(rough - exact) < 0.03 * np.linalg.norm(exact)

    def test_a_picture_far_out_of_bounds_does_not_overflow(self, vggs):
        x = 20 * preprocess(noise_image((64, 64)))
        exact, rough = (vgg(x) for vgg in vggs)
        assert max(maps.numpy().max() for maps in exact.values()) > 65_504
        for layer in exact:
            assert np.isfinite(rough[layer]).all()

    def test_where_the_loss_is_flat_the_gradient_is_zero(self, vggs, content_image):
        recipe = RECIPE.replace(style_weight=0.0)
        objective = Objective(vggs[1], recipe, content_image)
        _, gradient = objective.loss_and_gradient(preprocess(content_image))
        assert not gradient.numpy().any()
