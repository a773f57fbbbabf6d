"""The PyTorch and the Keras model of each case are the same model: from the first weight, and for any weights."""

import numpy as np
import pytest
from cases import CASES, TWINS

from aetutor import keras as keras_ae
from aetutor import testing
from aetutor import torch as torch_ae


@pytest.mark.parametrize("name", TWINS)
def test_built_equal(name):
    case = CASES[name]
    errors = testing.check_parity(
        case.build(torch_ae), case.build(keras_ae), case.data(16), noise=case.draw_noise(16), transplant=False
    )
    assert {"z", "x_hat", "gradients"} <= errors.keys()
    assert {"reconstruction", "negative_bound"} & errors.keys()  # the loss terms are compared too


@pytest.mark.parametrize("name", TWINS)
def test_equal_for_other_weights(name):
    """Biases that are not zero, scales that are not one."""
    case = CASES[name]
    model, side = case.build(torch_ae), testing._TorchSide()
    rng = np.random.default_rng(3)
    moved = {k: v + 0.1 * rng.standard_normal(v.shape).astype("float32") for k, v in side.weights(model).items()}
    side.set_weights(model, moved)
    testing.check_parity(model, case.build(keras_ae), case.data(16), noise=case.draw_noise(16))


@pytest.mark.parametrize("name", ["mlp, leaky ReLU and layer norm", "conv"])
def test_trained_alike(name):
    """Same first weights, same batches, same optimiser: the loss curves stay together."""
    case = CASES[name]
    x = case.data(64)
    runs = [ae.fit(case.build(ae), x, val=x[:20], epochs=4, batch_size=10, lr=1e-2) for ae in (torch_ae, keras_ae)]
    for column in ("loss", "val_loss", "lr"):
        np.testing.assert_allclose(runs[0][column], runs[1][column], rtol=1e-3)


def test_transplant_goes_both_ways():
    case = CASES["conv"]
    source, target = case.build(keras_ae), torch_ae.Autoencoder.conv((9, 10, 2), latent_dim=5, channels=(4, 6), seed=99)
    x = case.data(8)
    assert not np.allclose(keras_ae.encode(source, x), torch_ae.encode(target, x), atol=1e-3)
    testing.transplant_weights(source, target)
    np.testing.assert_allclose(keras_ae.encode(source, x), torch_ae.encode(target, x), atol=1e-6)


def test_transplant_refuses_other_shapes():
    small, large = (torch_ae.Autoencoder.mlp(8, latent_dim=k, seed=0) for k in (2, 3))
    with pytest.raises(ValueError, match=r"source's .* is .* and target's"):
        testing.transplant_weights(small, large)


def test_a_wrong_twin_is_found():
    """One slope of two frameworks' defaults: a difference that a loose tolerance would pass."""
    case = CASES["mlp, leaky ReLU and layer norm"]
    twin = case.build(keras_ae)
    for layer in twin.encoder.layers:
        if hasattr(layer, "epsilon"):
            layer.epsilon = 1e-3  # Keras' own default for layer normalisation
    with pytest.raises(AssertionError, match="differs by"):
        testing.check_parity(case.build(torch_ae), twin, case.data(16))


@pytest.mark.parametrize("broken", ["random code", "mean over the batch", "dead weight"])
def test_conformance_finds_a_broken_class(broken):
    import torch

    class Broken(torch_ae.Autoencoder):
        def encode(self, x):
            z = super().encode(x)
            return z + torch.randn_like(z) if broken == "random code" else z

        def loss_terms(self, x, out):
            if broken == "mean over the batch":
                return {"reconstruction": ((x - out["x_hat"]) ** 2).mean()[None]}
            return super().loss_terms(x, out | {"x_hat": out["x_hat"] - 0})

        def decode(self, z):
            return super().decode(z.detach() if broken == "dead weight" else z)

    found = {"random code": "deterministic", "mean over the batch": "one value a sample", "dead weight": "did not change"}
    with pytest.raises(AssertionError, match=found[broken]):
        testing.check_autoencoder(
            lambda: Broken.mlp(6, latent_dim=2, seed=0), CASES["mlp, code wider than the data, gelu"].data()
        )


@pytest.mark.parametrize("side", ["torch", "keras"])
def test_a_decoder_of_another_shape_is_refused(side):
    """(B, 1) against (B, 6) would broadcast into a loss that means nothing."""
    ae = {"torch": torch_ae, "keras": keras_ae}[side]
    encoder, _ = ae.backbones.mlp(6, latent_dim=2)
    _, decoder = ae.backbones.mlp(1, latent_dim=2)
    with pytest.raises(ValueError, match=r"decoder gives samples of shape \(1,\) for data of \(6,\)"):
        ae.fit(ae.Autoencoder(encoder, decoder), np.random.default_rng(0).random((20, 6), "float32"), epochs=1)
