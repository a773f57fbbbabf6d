"""Another backend, and what is said when Keras or a backend is missing. Each in a process of its own."""

import importlib.util

import pytest
from keras_helpers import run_python

SMALL = """
    import keras, numpy as np, tempfile, pathlib
    from aetutor import keras as ae
    assert keras.backend.backend() == "{backend}"
    rng = np.random.default_rng(0)
    x = rng.random((64, 6, 5, 1)).astype("float32")

    def model(seed=0):
        return ae.VAE.conv((6, 5, 1), latent_dim=2, channels=(3,), likelihood="bernoulli", seed=seed)

    def same(a, b):
        return all(v.tobytes() == w.tobytes() for v, w in zip(a.get_weights(), b.get_weights(), strict=True))

    options = dict(val=x[:20], batch_size=24, lr=1e-2, seed=3)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "run.safetensors")
        whole, part, resumed = model(), model(), model()
        history = ae.fit(whole, x, epochs=3, **options)
        assert history["val_loss"][-1] < history["val_loss"][0], history
        assert history["val_loss"][-1] == ae.evaluate(whole, x[:20], seed=3)["loss"]
        ae.fit(part, x, epochs=1, checkpoint=path, **options)
        ae.fit(resumed, x, epochs=3, resume=path, **options)
        assert same(whole, resumed) and not same(whole, part)
        for name in ("m.keras", "m.safetensors"):
            ae.save(whole, pathlib.Path(folder, name))
            assert (ae.reconstruct(ae.load(pathlib.Path(folder, name)), x) == ae.reconstruct(whole, x)).all()
    by_hand = model()
    from aetutor.keras import noise, training
    by_hand.compile(keras.optimizers.Adam(1e-2, epsilon=1e-8), **training.compile_flags(steps=1))
    noise.seed_training(by_hand, 3)
    by_hand.fit(ae.batches(x, batch_size=24, seed=3), epochs=3, verbose=0)
    assert same(whole, by_hand)
    stopped = ae.fit(model(), [x[:40], x[40:]], epochs=5, lr=1e-2, callbacks=lambda r, m: r["epoch"] == 2)
    assert len(stopped) == 2 and stopped.stopped == "callback"
    def interrupt(record, model):
        raise KeyboardInterrupt
    assert ae.fit(by_hand, x, callbacks=interrupt).stopped == "interrupted" and np.isfinite(ae.encode(by_hand, x)).all()
    print("passed")
"""


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_another_backend(backend):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    assert "passed" in run_python(SMALL.format(backend=backend), KERAS_BACKEND=backend)


HIDE = """
    import importlib.abc, sys
    class Hide(importlib.abc.MetaPathFinder):
        def find_spec(self, name, path=None, target=None):
            if name in {names!r}:
                raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
    sys.meta_path.insert(0, Hide())
    try:
        from aetutor import keras
    except ModuleNotFoundError as error:
        print(error.name, error)
"""


def test_missing_keras_and_missing_backend_are_explained():
    said = run_python(HIDE.format(names=["keras"]))
    assert said.startswith("keras ") and 'pip install "aetutor[keras]"' in said
    said = run_python(HIDE.format(names=["tensorflow"]), KERAS_BACKEND="tensorflow")
    assert said.startswith("tensorflow ") and 'pip install "aetutor[keras]"' in said
    if importlib.util.find_spec("torch") is not None:
        assert "KERAS_BACKEND=torch (installed here)" in said
