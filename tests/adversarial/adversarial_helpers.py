"""What the tests of the adversarial classes share: small models, their noise, and one way to speak to both frameworks."""

import importlib

import numpy as np

SIDES = ("torch", "keras")
RNG = np.random.default_rng(0)
X = RNG.random((40, 12)).astype("float32")
SMALL = dict(latent_dim=3, hidden=(10,), discriminator_hidden=(7, 6), seed=3)
PARTS = ("encoder", "decoder", "discriminator")
#: Term of each class: the parts that its gradient reaches.
ROUTES = {
    "AdversarialAutoencoder": {
        "reconstruction": {"encoder", "decoder"},
        "adversarial": {"encoder"},
        "discriminator": {"discriminator"},
    },
    "VAEGAN": {
        "reconstruction": {"encoder", "decoder"},
        "features": {"encoder", "decoder"},
        "kl": {"encoder"},
        "adversarial": {"decoder"},
        "discriminator": {"discriminator"},
    },
}
WIDTH = {"AdversarialAutoencoder": 3, "VAEGAN": 6}  # of the noise


class Side:
    """What the tests say differently to the two frameworks."""

    def __init__(self, name):
        self.name, self.ae = name, importlib.import_module(f"aetutor.{name}")
        self.layers = importlib.import_module(f"aetutor.{name}.layers")
        if name == "torch":
            import torch

            self.softplus, self.mean, self.concat = torch.nn.functional.softplus, torch.mean, torch.cat
        else:
            from keras import ops

            self.softplus, self.mean, self.concat = ops.softplus, ops.mean, ops.concatenate

    def tensor(self, array):
        if self.name == "torch":
            import torch

            return torch.from_numpy(np.array(array, "float32"))
        from keras import ops

        return ops.convert_to_tensor(np.array(array, "float32"))

    def array(self, tensor):
        if self.name == "torch":
            return tensor.detach().numpy()
        from keras import ops

        return np.array(ops.convert_to_numpy(tensor))

    def weights(self, part):
        return list(part.parameters() if self.name == "torch" else part.trainable_variables)

    def gradients(self, function, weights):
        """Gradients of `function()`, a scalar, by the weights; zeros where there is none."""
        if self.name == "torch":
            import torch

            found = torch.autograd.grad(function(), weights, allow_unused=True)
        else:
            import tensorflow as tf

            with tf.GradientTape() as tape:
                value = function()
            found = tape.gradient(value, [w.value for w in weights])
        return [np.zeros(tuple(w.shape)) if g is None else self.array(g) for w, g in zip(weights, found, strict=True)]


def build(side, name, **options):
    return getattr(side.ae, name).mlp(12, **SMALL | options)


def noise_for(name):
    return np.random.default_rng(1).standard_normal((len(X), WIDTH[name])).astype("float32")


def softplus(values):
    return np.logaddexp(0, values)


def discriminate(side, model, x):
    """Last hidden layer and logit of a dense discriminator with leaky ReLU, in NumPy."""
    arrays = [side.array(w) for w in side.weights(model.discriminator)]
    for kernel, bias in zip(arrays[:-2:2], arrays[1:-2:2], strict=True):
        x = x @ (kernel.T if side.name == "torch" else kernel) + bias
        x = np.where(x > 0, x, 0.01 * x)
    return x, (x @ (arrays[-2].T if side.name == "torch" else arrays[-2]) + arrays[-1])[:, 0]


def network(side, *, batch_norm=False):
    """A discriminator of 3 numbers."""
    if side.name == "torch":
        from torch import nn

        norm = [nn.BatchNorm1d(4)] if batch_norm else []
        return nn.Sequential(nn.Linear(3, 4), *norm, nn.Tanh(), nn.Linear(4, 1))
    import keras

    norm = [keras.layers.BatchNormalization()] if batch_norm else []
    return keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(4), *norm, keras.layers.Activation("tanh"), keras.layers.Dense(1)]
    )


def parts(side, code_factor=1):
    return side.ae.backbones.mlp(3, latent_dim=3, hidden=(4,), seed=1, code_factor=code_factor)
