"""An objective whose minimum is known, for tests of the loop around it."""

from stylelib._utils.tensorflow import tf


class Quadratic:
    """½ · stiffness · (x − target)²."""

    def __init__(self, target, stiffness=1.0):
        self.target, self.stiffness = target, stiffness

    def loss_and_gradient(self, x):
        difference = tf.convert_to_tensor(x) - self.target
        loss = self.loss(0.5 * tf.reduce_sum(self.stiffness * difference**2))
        zero = tf.constant(0.0)
        return {"total": loss, "content": loss, "style": zero, "tv": zero}, (
            self.stiffness * difference
        )

    def loss(self, value):
        return value
