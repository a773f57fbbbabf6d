"""Vector and finite scalar quantisation: values against NumPy, which term moves what, the state that training keeps."""

import importlib
import inspect
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from aetutor import initializers

SIDES = ("torch", "keras")
RNG = np.random.default_rng(0)
Z = RNG.normal(size=(7, 6)).astype("float32")  # 7 samples, 3 groups of 2 numbers
X = RNG.random((60, 12)).astype("float32")
VQ = dict(latent_dim=6, hidden=(16,), codebook_size=8, codeword_dim=2, seed=3)
FSQ = dict(latent_dim=6, hidden=(16,), quantizer="fsq", levels=(4, 3), seed=3)


class Side:
    """What the tests say differently to the two frameworks."""

    def __init__(self, name):
        self.name, self.ae = name, importlib.import_module(f"aetutor.{name}")
        self.layers = importlib.import_module(f"aetutor.{name}.layers")

    def tensor(self, array):
        if self.name == "torch":
            import torch

            return torch.from_numpy(np.array(array))
        from keras import ops

        return ops.convert_to_tensor(array)

    def array(self, tensor):
        if self.name == "torch":
            return tensor.detach().numpy()
        from keras import ops

        return np.array(ops.convert_to_numpy(tensor))

    def train(self, layer, z):
        """One call in training."""
        if self.name == "torch":
            return layer.train()(self.tensor(z))
        return layer(self.tensor(z), training=True)

    def use(self, layer, z):
        """One call outside training."""
        if self.name == "torch":
            return layer.eval()(self.tensor(z))
        return layer(self.tensor(z))

    def set(self, variable, array):
        if self.name == "torch":
            import torch

            with torch.no_grad():
                variable.copy_(torch.from_numpy(np.asarray(array, "float32")))
        else:
            variable.assign(array)

    def gradients(self, function, arrays, layer=None):
        """Gradients of the sum of `function(*tensors)` by the arrays, then by the layer's codebook."""
        if self.name == "torch":
            import torch

            leaves = [self.tensor(a).requires_grad_() for a in arrays] + ([layer.codebook] if layer else [])
            found = torch.autograd.grad(function(*leaves[: len(arrays)]).sum(), leaves, allow_unused=True)
            return [np.zeros(tuple(v.shape)) if g is None else g.numpy() for v, g in zip(leaves, found, strict=True)]
        import tensorflow as tf

        leaves = [tf.Variable(a) for a in arrays]
        with tf.GradientTape() as tape:
            value = tf.reduce_sum(function(*[tf.convert_to_tensor(leaf) for leaf in leaves]))
        wanted = leaves + ([layer.codebook.value] if layer else [])
        found = tape.gradient(value, wanted)
        return [
            np.zeros(v.shape) if g is None else tf.convert_to_tensor(g).numpy() for v, g in zip(wanted, found, strict=True)
        ]


@pytest.fixture(params=SIDES)
def side(request):
    return Side(request.param)


def nearest(z, words):
    """Tokens (B, G) and code (B, K), one distance after the other."""
    groups = z.reshape(len(z), -1, words.shape[1])
    index = ((groups[:, :, None] - words) ** 2).sum(-1).argmin(-1)
    return index, words[index].reshape(len(z), -1)


# ---------------------------------------------------------------- values


@pytest.mark.parametrize("update", ["ema", "gradient"])
def test_each_group_becomes_its_nearest_codeword(side, update):
    layer = side.layers.VectorQuantizer(8, 2, update=update, seed=5)
    words = side.array(layer.codebook)
    assert np.array_equal(words, initializers.codebook(5, 8, 2))
    index, code = nearest(Z, words)
    assert len(np.unique(index)) > 2
    z, z_q = side.use(layer, Z)
    assert np.array_equal(side.array(layer.indices(side.tensor(Z))), index)
    assert np.array_equal(side.array(z_q), code)
    assert side.array(z) == pytest.approx(code, abs=1e-6)
    assert np.array_equal(side.array(layer.codewords(side.tensor(index))), code)


def test_terms_are_sums_over_the_code(side):
    """A mean in place of a sum, or the weight on the other term, fails here."""
    z_e, z_q = Z, np.roll(Z, 1)
    expected = ((z_e - z_q) ** 2).sum(axis=1)
    arguments = side.tensor(z_e), side.tensor(z_q)
    assert side.array(side.ae.losses.codebook(*arguments)) == pytest.approx(expected, rel=1e-5)
    assert side.array(side.ae.losses.commitment(*arguments)) == pytest.approx(expected, rel=1e-5)
    layer = side.layers.VectorQuantizer(8, 2, update="gradient", commitment=0.3)
    terms = {name: side.array(value) for name, value in layer.loss_terms(*arguments).items()}
    assert terms.keys() == {"codebook", "commitment"}
    assert terms["codebook"] == pytest.approx(expected, rel=1e-5)
    assert terms["commitment"] == pytest.approx(0.3 * expected, rel=1e-5)
    averaged = side.layers.VectorQuantizer(8, 2, commitment=0.3).loss_terms(*arguments)
    assert averaged.keys() == {"commitment"}
    assert side.layers.FiniteScalarQuantizer((3, 3)).loss_terms(*arguments) == {}


def test_the_loss_of_the_model_is_its_formula(side):
    model = side.ae.VQVAE.mlp(12, update="gradient", commitment=0.3, **VQ)
    x = side.tensor(X[:5])
    out = model(x)
    terms = {name: side.array(v) for name, v in model.loss_terms(x, out).items()}
    z_e = side.array(model.encoder(x))
    z_q = nearest(z_e, side.array(model.bottleneck.codebook))[1]
    assert terms["reconstruction"] == pytest.approx(
        ((X[:5] - side.array(model.decoder(side.tensor(z_q)))) ** 2).sum(1), rel=1e-4
    )
    assert terms["commitment"] == pytest.approx(0.3 * ((z_e - z_q) ** 2).sum(1), rel=1e-4)
    assert terms["codebook"] == pytest.approx(terms["commitment"] / 0.3, rel=1e-4)
    assert np.array_equal(side.ae.encode(model, X[:5]), z_q)


# ---------------------------------------------------------------- gradients


def test_the_commitment_weight_is_on_the_encoders_term(side):
    """Encoder: straight-through gradient of the reconstruction and beta times commitment. Codebook: its own term alone."""
    beta, pull = 0.3, RNG.normal(size=Z.shape).astype("float32")  # the reconstruction's gradient with respect to z
    layer = side.layers.VectorQuantizer(8, 2, update="gradient", commitment=beta, seed=5)
    words = side.array(layer.codebook)
    index, code = nearest(Z, words)

    def loss(z_e):
        z, z_q = layer(z_e)
        return sum(layer.loss_terms(z_e, z_q).values()) + side.ae.losses._sum(side.tensor(pull) * z)

    encoder, codebook = side.gradients(loss, [Z], layer)
    assert encoder == pytest.approx(pull + beta * 2 * (Z - code), rel=1e-4, abs=1e-5)
    expected = np.zeros_like(words)
    np.add.at(expected, index.ravel(), 2 * (code - Z).reshape(-1, 2))
    assert codebook == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_with_averages_no_gradient_reaches_the_codebook(side):
    model = side.ae.VQVAE.mlp(12, **VQ)
    trained = [p for _, p in model.named_parameters()] if side.name == "torch" else model.trainable_variables
    assert all(tuple(v.shape) != (8, 2) for v in trained)
    assert len(trained) == 8  # kernels and biases of four dense layers


def test_the_gradient_of_fsq_is_that_of_tanh(side):
    layer = side.layers.FiniteScalarQuantizer((4, 3))
    (gradient,) = side.gradients(lambda z: layer(z)[0], [Z])
    assert gradient == pytest.approx(1 - np.tanh(Z) ** 2, rel=1e-4, abs=1e-6)


# ---------------------------------------------------------------- running averages and restarts


def averages_by_hand(words, batches, *, decay, restart_below):
    """Running sums and running counts, kept apart, of which the codeword is the quotient."""
    words, count, total = words.astype(float).copy(), np.zeros(len(words)), np.zeros(words.shape)
    for z in batches:
        groups = z.reshape(-1, words.shape[1])
        for rank, j in enumerate(np.flatnonzero(count < restart_below / len(words))[: len(groups)]):
            words[j], count[j] = groups[rank], 1 / len(words)
            total[j] = count[j] * words[j]
        index = nearest(z, words)[0].ravel()
        for j in range(len(words)):
            own = groups[index == j]
            count[j] = decay * count[j] + (1 - decay) * len(own) / len(groups)
            total[j] = decay * total[j] + (1 - decay) * own.sum(0) / len(groups)
            if len(own):
                words[j] = total[j] / count[j]
    return words, count


@pytest.mark.parametrize("restart_below", [0.0, 0.5])
def test_averages_and_restarts_follow_their_formula(side, restart_below):
    layer = side.layers.VectorQuantizer(10, 2, decay=0.7, restart_below=restart_below, seed=5)
    start = side.array(layer.codebook).copy()
    batches = [RNG.normal(size=(n, 6)).astype("float32") for n in (9, 9, 9, 2, 9, 9)]
    for z in batches:
        side.train(layer, z)
    words, count = averages_by_hand(start, batches, decay=0.7, restart_below=restart_below)
    assert side.array(layer.codebook) == pytest.approx(words, rel=1e-4, abs=1e-5)
    assert side.array(layer.use) == pytest.approx(count, rel=1e-4, abs=1e-6)


def test_the_first_batch_places_the_codebook(side):
    layer = side.layers.VectorQuantizer(8, 2, decay=0.999, seed=5)
    side.train(layer, Z)
    assert side.array(layer.codebook) == pytest.approx(Z.reshape(-1, 2)[:8], abs=0.01)
    layer = side.layers.VectorQuantizer(40, 2, decay=0.999, seed=5)  # more codewords than groups
    start = side.array(layer.codebook).copy()
    side.train(layer, Z)
    assert np.array_equal(side.array(layer.codebook)[21:], start[21:])


def test_a_codeword_that_is_never_used_stays_and_makes_no_nan(side):
    layer = side.layers.VectorQuantizer(3, 2, decay=0.01, restart_below=0.0)
    side.set(layer.codebook, [[0, 0], [1, 1], [90, 90]])
    for _ in range(40):  # 0.01^40 is below the smallest float32
        side.train(layer, Z)
    found = side.array(layer.codebook)
    assert np.isfinite(found).all() and np.array_equal(found[2], [90, 90])


def test_state_changes_in_training_only(side):
    layer = side.layers.VectorQuantizer(8, 2, seed=5)
    side.train(layer, Z)
    before = side.array(layer.codebook).copy(), side.array(layer.use).copy()
    side.use(layer, Z + 1)
    layer.indices(side.tensor(Z + 1))
    assert np.array_equal(before[0], side.array(layer.codebook)) and np.array_equal(before[1], side.array(layer.use))
    side.train(layer, Z + 1)
    assert not np.array_equal(before[0], side.array(layer.codebook))


def test_evaluation_leaves_the_state_alone(side):
    model = side.ae.VQVAE.mlp(12, **VQ)
    side.ae.fit(model, X, epochs=1, batch_size=20)
    before = side.array(model.bottleneck.use).copy()
    side.ae.evaluate(model, X)
    side.ae.encode(model, X)
    assert before.any() and np.array_equal(before, side.array(model.bottleneck.use))


def test_state_is_saved_and_resumed_exactly(side, tmp_path):
    options = dict(batch_size=20, lr=1e-2)
    whole, part, resumed = (side.ae.VQVAE.mlp(12, **VQ) for _ in range(3))
    side.ae.fit(whole, X, epochs=3, **options)
    side.ae.fit(part, X, epochs=1, checkpoint=tmp_path / "run.safetensors", **options)
    side.ae.fit(resumed, X, epochs=3, resume=tmp_path / "run.safetensors", **options)
    side.ae.save(whole, tmp_path / "model.safetensors")
    loaded = side.ae.load(tmp_path / "model.safetensors")
    for name in ("codebook", "use"):
        expected = side.array(getattr(whole.bottleneck, name))
        assert np.array_equal(expected, side.array(getattr(resumed.bottleneck, name)))
        assert np.array_equal(expected, side.array(getattr(loaded.bottleneck, name)))
        assert not np.array_equal(expected, side.array(getattr(part.bottleneck, name)))


def test_training_depends_on_no_global_random_state(side):
    models = []
    for seed in (1, 2):
        np.random.seed(seed)  # noqa: NPY002 (the global state is the point)
        if side.name == "torch":
            import torch

            torch.manual_seed(seed)
        else:
            import keras

            keras.utils.set_random_seed(seed)
        models.append(side.ae.VQVAE.mlp(12, **VQ))
        side.ae.fit(models[-1], X, epochs=2, batch_size=20, seed=4)
    first, second = (side.array(m.bottleneck.codebook) for m in models)
    assert np.array_equal(first, second)


@pytest.mark.parametrize("options", [VQ, VQ | {"update": "gradient"}, FSQ], ids=["ema", "gradient", "fsq"])
def test_both_frameworks_train_alike(options):
    """Restarts included: they take the same groups of the same batches."""
    found = []
    for side in map(Side, SIDES):
        model = side.ae.VQVAE.mlp(12, **options)
        losses = side.ae.fit(model, X, epochs=3, batch_size=20, lr=1e-3)["loss"]
        words = side.array(model.bottleneck.codebook) if "levels" not in options else np.zeros(1)
        found.append((losses, words, side.array(model.indices(side.tensor(X)))))
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-3)
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-2, atol=1e-3)
    assert np.mean(found[0][2] == found[1][2]) > 0.98


def test_a_trained_codebook_is_transplanted():
    from aetutor import testing

    first, second = (Side(name).ae.VQVAE.mlp(12, **VQ) for name in SIDES)
    Side("torch").ae.fit(first, X, epochs=2, batch_size=20)
    testing.check_parity(first, second, X[:16])
    assert np.array_equal(Side("keras").array(second.bottleneck.use), Side("torch").array(first.bottleneck.use))


def test_several_processes_are_refused(monkeypatch):
    import torch

    layer = Side("torch").layers.VectorQuantizer(8, 2)
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 2)
    with pytest.raises(RuntimeError, match=r"averages over the batch of one process.*update='gradient'"):
        layer(torch.from_numpy(Z))
    layer.eval()(torch.from_numpy(Z))
    Side("torch").layers.VectorQuantizer(8, 2, update="gradient")(torch.from_numpy(Z))


def test_distances_and_averages_are_float32_in_half_precision(side):
    model = side.ae.VQVAE.mlp(12, **VQ)
    side.ae.fit(model, X, epochs=1, batch_size=20, precision="bfloat16")
    words = side.array(model.bottleneck.codebook)
    assert words.dtype == np.float32
    low = words.view(np.uint32) & 0xFFFF  # the bits that bfloat16 has not
    assert low.any()


def test_keras_own_file_holds_the_state(tmp_path):
    import keras

    side = Side("keras")
    for number, options in enumerate((VQ, FSQ)):
        model = side.ae.VQVAE.mlp(12, **options)
        side.ae.fit(model, X, epochs=1)
        model.save(tmp_path / f"{number}.keras")
        loaded = keras.models.load_model(tmp_path / f"{number}.keras")
        assert np.array_equal(side.ae.encode(loaded, X), side.ae.encode(model, X))
        layer = model.bottleneck
        copy = type(layer).from_config(layer.get_config())
        assert copy.codebook_size == layer.codebook_size and copy.codeword_dim == layer.codeword_dim


def test_conforms_on_keras_torch_backend():
    """In a process of its own: a backend is chosen once, at Keras' import."""
    program = (
        "from cases import CASES; from aetutor import keras as ae, testing; import keras\n"
        "assert keras.backend.backend() == 'torch'\n"
        "for name in [name for name in CASES if name.startswith('VQVAE')]:\n"
        "    testing.check_autoencoder(lambda: CASES[name].build(ae), CASES[name].data())\n"
        "    print('conforms:', name)\n"
    )
    environment = os.environ | {"KERAS_BACKEND": "torch", "PYTHONPATH": str(Path(__file__).parent)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("conforms:") == 3


# ---------------------------------------------------------------- finite scalar quantisation


def test_fsq_rounds_to_even_steps_from_minus_one_to_one(side):
    layer = side.layers.FiniteScalarQuantizer((4, 3))
    levels = np.tile([4, 3], 3)
    steps = np.rint((levels - 1) * (np.tanh(Z) + 1) / 2)
    z, z_q = side.use(layer, Z)
    assert side.array(z) == pytest.approx(2 * steps / (levels - 1) - 1, abs=1e-6)
    assert np.array_equal(side.array(z), side.array(z_q))
    index = side.array(layer.indices(side.tensor(Z)))
    digits = steps.reshape(7, 3, 2)
    assert np.array_equal(index, digits[..., 0] + 4 * digits[..., 1])
    assert side.array(layer.codewords(side.tensor(index))) == pytest.approx(side.array(z), abs=1e-6)


@pytest.mark.parametrize("levels", [(2,), (4,), (5,), (8,), (3, 2, 4)])
def test_fsq_reaches_every_level(side, levels):
    layer = side.layers.FiniteScalarQuantizer(levels)
    line = np.arctanh(np.linspace(-0.999, 0.999, 24, dtype="float32"))
    grid = np.stack(np.meshgrid(*[line] * len(levels)), -1).reshape(-1, len(levels))
    index = side.array(layer.indices(side.tensor(grid)))
    assert set(index.ravel().tolist()) == set(range(int(np.prod(levels)))) == set(range(layer.codebook_size))


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(), "codebook_size belongs to quantizer='vq'; got None"),
        (dict(codebook_size=8), "codeword_dim belongs to quantizer='vq'; got None"),
        (dict(codebook_size=8, codeword_dim=2, levels=(3, 3)), "levels belongs to quantizer='fsq'; got .3, 3. with 'vq'"),
        (dict(quantizer="fsq"), "levels belongs to quantizer='fsq'; got None"),
        (dict(quantizer="fsq", levels=(3, 3), codebook_size=9), "codebook_size belongs to quantizer='vq'; got 9 with 'fsq'"),
        (dict(quantizer="fsq", levels=(3, 1)), "levels must name .* each at least 2; got .3, 1."),
        (dict(quantizer="fsq", levels=()), "levels must name"),
        (dict(quantizer="fsq", levels=(3, 3), commitment=1.0), "commitment=1.0 has no effect with quantizer='fsq'"),
        (dict(quantizer="pq", levels=(3, 3)), "quantizer='pq' is not known; accepted: 'vq', 'fsq'"),
        (dict(codebook_size=1, codeword_dim=2), "codebook_size must be an integer of at least 2; got 1"),
        (dict(codebook_size=8, codeword_dim=2, update="adam"), "update='adam' is not known; accepted: 'ema', 'gradient'"),
        (dict(codebook_size=8, codeword_dim=2, commitment=-1), "commitment must be a finite number of at least 0; got -1"),
        (dict(codebook_size=8, codeword_dim=2, decay=1.0), "decay must be a number greater than 0 and less than 1; got 1"),
        (dict(codebook_size=8, codeword_dim=2, restart_below=2), "restart_below must be a finite number from 0 to 1; got 2"),
        (
            dict(codebook_size=8, codeword_dim=2, update="gradient", decay=0.9),
            "decay=0.9 has no effect with update='gradient'",
        ),
        (dict(codebook_size=8, codeword_dim=2, update="gradient", restart_below=0.0), "restart_below=0.0 has no effect"),
    ],
)
def test_bad_arguments_are_refused(side, options, message):
    with pytest.raises(ValueError, match=message):
        side.ae.VQVAE.mlp(12, latent_dim=6, hidden=(), **options)


def test_a_code_that_does_not_divide_is_refused(side):
    refusal = r"4 numbers in a codeword takes codes \(B, K\) with K divisible by 4; got \(.*, 6\)"
    with pytest.raises(ValueError, match=refusal):
        model = side.ae.VQVAE.mlp(12, latent_dim=6, hidden=(), codebook_size=8, codeword_dim=4)
        side.ae.fit(model, X, epochs=1)
    with pytest.raises(ValueError, match=r"2 numbers in a codeword takes codes"):
        side.use(side.layers.FiniteScalarQuantizer((3, 3)), Z[:, :5])


def test_layers_are_twins():
    for name in ("VectorQuantizer", "FiniteScalarQuantizer"):
        first, second = (getattr(Side(side).layers, name) for side in SIDES)
        a, b = (inspect.signature(cls.__init__).parameters.values() for cls in (first, second))
        b = [p for p in b if p.name not in ("name", "trainable", "dtype")]
        assert [(p.name, p.kind, p.default) for p in a] == [(p.name, p.kind, p.default) for p in b]
        for method in ("indices", "codewords", "loss_terms"):
            assert list(inspect.signature(getattr(first, method)).parameters) == list(
                inspect.signature(getattr(second, method)).parameters
            )
