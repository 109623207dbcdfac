"""A network for tests of what is around it."""

from types import SimpleNamespace

from stylelib._utils.tensorflow import tf
from stylelib.objective import Objective
from stylelib.preprocessing import deprocess
from stylelib.runs import strength
from stylelib.vgg.layers import block_and_conv
from stylelib.vgg.network import _normalized, mirrored

KINDS = {"max": "MAX", "average": "AVG"}


class SmallNetwork:
    """One convolution for each layer asked for, in place of VGG's stack of 13 and more.

    Compiling the stack takes a second. Layers keep their sizes, their numbers of filters, and the
    weights of their first three input channels, so pooling and weights make a difference here, too.
    """

    def __init__(self, names, network, pooling, precision="float32", padding="zero"):
        self.names, self.kind, self.padding = tuple(names), KINDS[pooling], padding
        self.name, self.layers = network, ()

    def set_weights(self, parameters):
        self.parameters = {
            name: (tf.constant(parameters[name][0][:, :, :3]), tf.constant(parameters[name][1]))
            for name in self.names
        }

    def __call__(self, x):
        return {name: self.maps(x, name) for name in self.names}

    def maps(self, x, name):
        side = 2 ** (block_and_conv(name)[0] - 1)
        kernel, bias = self.parameters[name]
        pooled = tf.nn.pool(x, (side, side), self.kind, (side, side), "VALID")
        padding = "SAME"
        if self.padding == "reflect":
            pooled, padding = mirrored(pooled), "VALID"
        return tf.nn.relu(tf.nn.conv2d(pooled, kernel, 1, padding) + bias)


def uncompiled(objective, x):
    return objective._loss_and_gradient(tf.convert_to_tensor(x))


def use_small_network(monkeypatch):
    """Put it inside every `VGG`, and compile nothing, which takes as long as 20 evaluations."""
    monkeypatch.setattr(Objective, "loss_and_gradient", uncompiled)
    monkeypatch.setattr("stylelib.vgg.network._build", SmallNetwork)
    monkeypatch.setattr("stylelib.vgg.network._set_weights", SmallNetwork.set_weights)
    # Its means are its own, and must not be kept for VGG.
    monkeypatch.setattr("stylelib.vgg.network._normalized", _normalized.__wrapped__)


def search_by_formula(monkeypatch):
    """Let the search for a strength paint nothing: its trials are as similar as a formula says.

    That is a half where both losses are in balance. Its logit is a straight line over the logarithm
    of the weight, as it nearly is for pictures. Return it as a function of the weight.
    """
    balance, weights = strength._balance, {}

    def formula(style_weight):
        return 1 / (1 + (style_weight / weights["balance"]) ** 0.5)

    def remember(*arguments):
        weights["balance"] = balance(*arguments)
        return weights["balance"]

    def minimize(objective, x0, **options):
        weights["trial"] = objective.recipe.style_weight
        return SimpleNamespace(image=deprocess(x0), status="finished")

    def similarity_to(*picture):
        return lambda image: formula(weights["trial"])

    monkeypatch.setattr(strength, "_balance", remember)
    monkeypatch.setattr(strength, "minimize", minimize)
    monkeypatch.setattr(strength, "similarity_to", similarity_to)
    return formula
