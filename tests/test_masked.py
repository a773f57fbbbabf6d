"""The patch transformer and MaskedAutoencoder of both frameworks against NumPy, and what masked pixels must not change."""

import importlib
import inspect
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from aetutor import testing, validation
from aetutor.initializers import sine_cosine_positions

SHAPE = (8, 12, 2)  # six patches of 4 in two rows; sides that differ and two channels: a wrong order would show
COUNT, SIZE, WIDTH = 6, 32, 8
X = np.random.default_rng(0).random((5, *SHAPE)).astype("float32")
NOISE = np.random.default_rng(1).random((5, COUNT)).astype("float32")


@pytest.fixture(params=["torch", "keras"])
def ae(request):
    return importlib.import_module(f"aetutor.{request.param}")


def inside(ae):
    return {"torch": testing._TorchSide, "keras": testing._KerasSide}[ae.__name__.split(".")[-1]]()


def build(ae, **options):
    """A small model whose biases, scales and mask token are not at their start."""
    small = dict(patch=4, width=WIDTH, depth=2, heads=2, decoder_width=12, mask_ratio=0.5, seed=1)
    model = ae.MaskedAutoencoder.transformer(SHAPE, **small | options)
    rng, side = np.random.default_rng(5), inside(ae)
    moved = {k: v + 0.3 * rng.standard_normal(v.shape).astype("float32") for k, v in side.weights(model).items()}
    side.set_weights(model, moved)
    return model


def run(ae, model, x=X, noise=NOISE):
    return inside(ae).call(model, x, noise)


def native(ae, x):
    """A tensor of the framework, images in its order of axes."""
    if ae.__name__.endswith("torch"):
        from aetutor.torch.data import to_tensor

        return to_tensor(x)
    import keras

    return keras.ops.convert_to_tensor(x)


# ---------------------------------------------------------------- NumPy's version, from the weights in Keras' layout


def cut(x):
    """Patches of 4, row by row, written as a loop."""
    return np.stack(
        [x[:, i : i + 4, j : j + 4].reshape(len(x), -1) for i in range(0, x.shape[1], 4) for j in range(0, x.shape[2], 4)], 1
    )


def norm(h, scale, shift):
    return (h - h.mean(-1, keepdims=True)) / np.sqrt(h.var(-1, keepdims=True) + 1e-5) * scale + shift


def gelu(a):
    from scipy.special import erf

    return a * (1 + erf(a / np.sqrt(2))) / 2


def block(h, weights, heads):
    """Eleven arrays: norm, qkv, out, norm, up, down."""
    scale, shift, qkv, out, out_bias, scale_2, shift_2, up, up_bias, down, down_bias = (next(weights) for _ in range(11))
    q, k, v = np.split(norm(h, scale, shift) @ qkv, 3, axis=-1)
    size, attended = h.shape[-1] // heads, []
    for head in range(heads):
        own = slice(head * size, (head + 1) * size)
        scores = np.einsum("btd,bsd->bts", q[..., own], k[..., own]) / np.sqrt(size)
        share = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
        attended.append(np.einsum("bts,bsd->btd", share, v[..., own]))
    h = h + np.concatenate(attended, -1) @ out + out_bias
    return h + gelu(norm(h, scale_2, shift_2) @ up + up_bias) @ down + down_bias


def positions(width):
    found = np.zeros((COUNT, width))
    for p in range(COUNT):
        for axis, place in enumerate(divmod(p, 3)):
            for i in range(width // 4):
                angle = np.pi * place * (1 / 3 + (2 / 3) * i / max(1, width // 4 - 1))
                found[p, axis * width // 2 + i] = np.sin(angle)
                found[p, axis * width // 2 + width // 4 + i] = np.cos(angle)
    return found


def in_numpy(ae, model, x, kept, *, depth=2, heads=2):
    """Tokens (B, V, width) of the patches `kept`, and the patches that the decoder draws, (B, P, size)."""
    weights = iter([v.astype(float) for v in inside(ae).weights(model).values()])
    rows = np.arange(len(x))[:, None]
    embed, embed_bias = next(weights), next(weights)
    h = (cut(x.astype(float)) @ embed + embed_bias + positions(WIDTH))[rows, kept]
    for _ in range(depth):
        h = block(h, weights, heads)
    z = norm(h, next(weights), next(weights))
    token, embed, embed_bias = (next(weights) for _ in range(3))
    h = np.tile(token, (len(x), COUNT, 1))
    h[rows, kept] = z @ embed + embed_bias
    h = block(h + positions(len(token)), weights, heads)
    h = norm(h, next(weights), next(weights))
    return z, h @ next(weights) + next(weights)


def test_the_model_is_numpys(ae):
    model = build(ae)
    out = run(ae, model)
    order = np.argsort(NOISE, axis=1)
    z, drawn = in_numpy(ae, model, X, order[:, :3])
    np.testing.assert_allclose(out["z"], z.reshape(5, -1), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(cut(out["x_hat"]), drawn, rtol=1e-4, atol=2e-5)
    mask = np.ones((5, COUNT))
    mask[np.arange(5)[:, None], order[:, :3]] = 0
    assert np.array_equal(out["mask"], mask)
    expected = (((cut(X) - drawn) ** 2).sum(-1) * mask).sum(1)  # a sum over the masked patches, no mean
    assert out["reconstruction"] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("likelihood", "sigma", "value"),
    [
        ("bernoulli", 1.0, lambda x, a: np.logaddexp(0, a) - x * a),
        ("gaussian", 0.5, lambda x, a: 2 * (x - a) ** 2 + np.log(0.5) + np.log(2 * np.pi) / 2),
    ],
)
def test_other_likelihoods_count_masked_patches_only(ae, likelihood, sigma, value):
    model = build(ae, likelihood=likelihood, sigma=sigma)
    out = run(ae, model)
    each = value(cut(X).astype(float), cut(out["x_hat"]).astype(float)).sum(-1)  # (B, P)
    assert out["reconstruction"] == pytest.approx((each * out["mask"]).sum(1), rel=1e-4)


def test_the_code_is_all_tokens_one_after_another(ae):
    model = build(ae)
    everything = np.tile(np.arange(COUNT), (5, 1))
    z, drawn = in_numpy(ae, model, X, everything)
    assert ae.encode(model, X).shape == (5, COUNT * WIDTH)
    np.testing.assert_allclose(ae.encode(model, X).reshape(z.shape), z, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(cut(ae.reconstruct(model, X)), drawn, rtol=1e-4, atol=2e-5)


def test_masked_pixels_have_no_influence(ae):
    """Neither on the code nor on what is drawn: there is nothing to copy from."""
    model = build(ae)
    out = run(ae, model)
    pixels = out["mask"].reshape(5, 2, 3).repeat(4, 1).repeat(4, 2)[..., None]
    other = run(ae, model, np.where(pixels == 1, 0.5, X).astype("float32"))
    assert np.array_equal(out["z"], other["z"]) and np.array_equal(out["x_hat"], other["x_hat"])
    third = run(ae, model, np.where(pixels == 0, 0.5, X).astype("float32"))
    assert np.abs(out["x_hat"] - third["x_hat"]).max() > 1e-3


def test_as_many_patches_are_masked_in_each_sample(ae):
    model = ae.MaskedAutoencoder.transformer((28, 28, 1), width=8, depth=1, heads=2, decoder_width=8, seed=0)
    out = inside(ae).call(model, np.zeros((6, 28, 28, 1), "float32"))
    assert model.visible == 12 and out["z"].shape == (6, 12 * 8)
    assert np.array_equal(out["mask"].sum(axis=1), np.full(6, 37))  # 49 patches, of which 36.75 would be masked
    assert len({tuple(row) for row in out["mask"]}) == 6  # not the same ones


def test_inpainting(ae):
    model = build(ae)
    mask = np.zeros((5, COUNT), bool)
    mask[np.arange(5), [0, 5, 2, 3, 1]] = mask[:, 4] = True
    mask[np.arange(5), [5, 0, 0, 0, 0]] |= mask.sum(axis=1) < 2
    filled = ae.inpaint(model, X, mask, batch_size=2)
    kept = np.stack([np.flatnonzero(~row) for row in mask])
    _, drawn = in_numpy(ae, model, X, kept)
    assert filled.dtype == np.float32 and np.array_equal(cut(filled)[~mask], cut(X)[~mask])
    np.testing.assert_allclose(cut(filled)[mask], drawn[mask], rtol=1e-4, atol=2e-5)
    assert np.array_equal(ae.inpaint(model, X, mask[0]), ae.inpaint(model, X, np.tile(mask[0], (5, 1))))


@pytest.mark.parametrize("numbers", [(2, 4, 1), (5, 2)])
def test_one_model_inpaints_with_any_number_of_masked_patches(ae, numbers):
    model = build(ae)  # compiled code must not keep, or lose, the number of an earlier mask
    for number in numbers:
        mask = np.arange(COUNT) < number
        _, drawn = in_numpy(ae, model, X, np.tile(np.flatnonzero(~mask), (5, 1)))
        filled = cut(ae.inpaint(model, X, mask))
        assert np.array_equal(filled[:, number:], cut(X)[:, number:])
        np.testing.assert_allclose(filled[:, :number], drawn[:, :number], rtol=1e-4, atol=2e-5)


def test_inpainting_draws_the_mean(ae):
    model = build(ae, likelihood="bernoulli")
    mask = np.arange(COUNT) == 2
    _, logits = in_numpy(ae, model, X, np.tile(np.flatnonzero(~mask), (5, 1)))
    np.testing.assert_allclose(cut(ae.inpaint(model, X, mask))[:, 2], 1 / (1 + np.exp(-logits[:, 2])), rtol=1e-4, atol=1e-5)


def test_a_model_of_ones_own_parts(ae):
    module = importlib.import_module(f"{ae.__name__}.transformer")
    encoder, decoder = module.transformer(SHAPE, width=WIDTH, depth=1, heads=2, decoder_width=8, seed=3)
    model = ae.MaskedAutoencoder(encoder, decoder, mask_ratio=0.5)
    before = inside(ae).call(model, X, NOISE)["reconstruction"].mean()
    ae.fit(model, X, epochs=5, lr=3e-3)
    assert inside(ae).call(model, X, NOISE)["reconstruction"].mean() < before
    assert ae.inpaint(model, X, np.arange(COUNT) < 2).shape == X.shape


def test_saved_and_rebuilt(ae, tmp_path):
    model = build(ae)
    ae.save(model, tmp_path / "model.safetensors")
    loaded = ae.load(tmp_path / "model.safetensors")
    assert type(loaded) is ae.MaskedAutoencoder and loaded.mask_ratio == 0.5 and loaded.visible == 3
    mask = np.arange(COUNT) % 2 == 0
    assert np.array_equal(ae.inpaint(loaded, X, mask), ae.inpaint(model, X, mask))


def test_keras_own_file(tmp_path):
    import keras

    from aetutor import keras as ae

    model = build(ae, output_activation="sigmoid")
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert np.array_equal(ae.encode(loaded, X), ae.encode(model, X))


def test_conforms_on_keras_torch_backend():
    """In a process of its own: a backend is chosen once, at Keras' import."""
    program = (
        "from cases import CASES; from aetutor import keras as ae, testing; import keras\n"
        "assert keras.backend.backend() == 'torch'\n"
        "case = CASES['masked, patches of a picture that is not square']\n"
        "testing.check_autoencoder(lambda: case.build(ae), case.data())\n"
        "from aetutor import torch as twin\n"
        "testing.check_parity(case.build(twin), case.build(ae), case.data(9), noise=case.draw_noise(9), transplant=False)\n"
        "x = case.data(4)\n"
        "assert ae.inpaint(case.build(ae), x, [True, False] * 3).shape == x.shape\n"
    )
    environment = os.environ | {
        "KERAS_BACKEND": "torch",
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path]),
    }
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


def test_positions():
    assert sine_cosine_positions((2, 3), 12) == pytest.approx(positions(12), abs=1e-6)
    for grid, width in (((7, 7), 32), ((40, 30), 4), ((40, 30), 8)):
        places = sine_cosine_positions(grid, width)
        assert len(np.unique(places.round(4), axis=0)) == grid[0] * grid[1]  # no two places look alike
    values = np.linalg.svd(sine_cosine_positions((7, 7), 32), compute_uv=False)
    assert (values > 1).sum() == 13  # any function of the row plus any of the column is a linear map of them


def test_signatures_agree():
    twins = [importlib.import_module(f"aetutor.{name}") for name in ("torch", "keras")]
    found = [inspect.signature(twin.MaskedAutoencoder.transformer) for twin in twins]
    assert [(p.name, p.kind, p.default) for p in found[0].parameters.values()] == [
        (p.name, p.kind, p.default) for p in found[1].parameters.values()
    ]


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize("constructor", ["mlp", "conv", "recurrent"])
def test_backbones_that_cannot_leave_patches_out_are_refused(ae, constructor):
    shape = (8, 3) if constructor == "recurrent" else SHAPE
    with pytest.raises(TypeError, match=r"encoder must take the patches that are kept.*\.transformer"):
        getattr(ae.MaskedAutoencoder, constructor)(shape, latent_dim=4)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        (dict(patch=5), ValueError, r"patch=5 does not divide the sides of 8 x 12 images; accepted: 1, 2, 4"),
        (dict(patch=0), ValueError, "patch must be an integer of at least 1"),
        (dict(width=10), ValueError, "width must be a multiple of 4 and of heads=2; got 10"),
        (dict(width=12, heads=8), ValueError, "width must be a multiple of 4 and of heads=8; got 12"),
        (dict(decoder_width=6), ValueError, "decoder_width must be a multiple of 4"),
        (dict(depth=0), ValueError, "depth must be an integer of at least 1"),
        (dict(decoder_depth=0), ValueError, "decoder_depth must be an integer of at least 1"),
        (dict(heads=0), ValueError, "heads must be an integer of at least 1"),
        (dict(mask_ratio=1.0), ValueError, "mask_ratio must be a number greater than 0 and less than 1"),
        (dict(mask_ratio=0.05), ValueError, r"mask_ratio=0.05 masks 0 of 6 patches; at least one must be masked"),
        (dict(mask_ratio=0.95), ValueError, r"mask_ratio=0.95 masks 6 of 6 patches; .* one visible"),
        (dict(latent_dim=3), TypeError, "has no argument 'latent_dim'"),
        (dict(output_activation="softmax"), ValueError, "output_activation='softmax' is not known"),
    ],
)
def test_refused_arguments(ae, options, error, words):
    small = dict(patch=4, width=WIDTH, depth=1, heads=2, decoder_width=12)
    with pytest.raises(error, match=words):
        ae.MaskedAutoencoder.transformer(SHAPE, **small | options)


@pytest.mark.parametrize("shape", [20, (8, 12), (1, 8, 12, 2)])
def test_only_images_are_accepted(ae, shape):
    with pytest.raises(ValueError, match=r"shape must have 3 axes \(height, width, channels\)"):
        ae.MaskedAutoencoder.transformer(shape)


def test_images_of_another_shape_are_refused(ae):
    model = build(ae)
    with pytest.raises(ValueError, match=r"x must be images \(8, 12, 2\)"):
        model.encode(native(ae, np.zeros((2, 12, 8, 2), "float32")))
    with pytest.raises(ValueError, match=r"z must be 6 tokens of 8 numbers each; got \(2, 40\)"):
        model.decode(native(ae, np.zeros((2, 40), "float32")))
    with pytest.raises(ValueError, match=r"noise must be \(B, 6\)"):
        run(ae, model, noise=NOISE[:, :5])


@pytest.mark.parametrize(
    ("mask", "error", "words"),
    [
        (np.zeros(COUNT), TypeError, "mask must be bool, True where a patch is masked; got float64"),
        (np.zeros(COUNT, bool), ValueError, "mask must hide the same number of patches in each sample.* got 0 to 0"),
        (np.ones(COUNT, bool), ValueError, "at least one and not all 6; got 6 to 6"),
        (np.arange(30).reshape(5, 6) < 3, ValueError, "got 0 to 3"),
        (np.ones((4, COUNT), bool), ValueError, r"mask must have the shape \(6,\) or \(5, 6\)"),
        (np.ones((5, *SHAPE), bool), ValueError, r"patches row by row; got \(5, 8, 12, 2\)"),
    ],
)
def test_refused_masks(ae, mask, error, words):
    with pytest.raises(error, match=words):
        ae.inpaint(build(ae), X, mask)
    with pytest.raises(error, match=words):
        validation.patch_mask(mask, 5, COUNT)


def test_only_a_masked_autoencoder_inpaints(ae):
    with pytest.raises(TypeError, match=r"model must be a MaskedAutoencoder.*; got a Autoencoder"):
        ae.inpaint(ae.Autoencoder.mlp(SHAPE, latent_dim=3), X, np.arange(COUNT) < 2)
    with pytest.raises(ValueError, match="x must have the shape"):
        ae.inpaint(build(ae), X[:, :4], np.arange(COUNT) < 2)
