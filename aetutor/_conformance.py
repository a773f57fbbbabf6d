"""The checks of `aetutor.testing.check_autoencoder`, one method each, in the order in which they run."""

import contextlib
import functools
import inspect
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np


class Conformance:
    """The checks of one class. `side` is what `aetutor.testing` knows about its framework; `options` are those of `fit`."""

    def __init__(self, side, build, x, options):
        self.side, self.ae, self.build, self.x, self.options = side, side.ae, build, x, options

    @functools.cached_property
    def run(self):
        """One training run, at which several checks look: training is what takes the time."""
        before = self.ae.evaluate(self.build(), self.x)["loss"]  # of another: what it compiles is not what a fresh fit does
        model, copy = self.build(), self.x.copy()
        start = self.side.weights(model)
        records = self.ae.fit(model, self.x, val=self.x[:20], **self.options).records
        return SimpleNamespace(
            model=model, start=start, before=before, records=records, untouched=np.array_equal(copy, self.x)
        )

    def same_start(self):
        first, second = self.side.weights(self.build()), self.side.weights(self.build())
        assert all(np.array_equal(a, b) for a, b in zip(first.values(), second.values(), strict=True)), (
            "two models from build() start from different weights; set the constructor's seed"
        )

    def codes(self):
        model = self.build()
        z = self.ae.encode(model, self.x)
        assert z.dtype == np.float32 and z.ndim >= 2 and len(z) == len(self.x), (
            f"encode gave {z.dtype} {z.shape} for {self.x.shape}"
        )
        assert np.isfinite(z).all(), "encode gave values that are not finite"
        assert np.array_equal(z, self.ae.encode(model, self.x)), "encode is not deterministic; it must not draw noise"

    def reconstructions(self):
        model = self.build()
        x_hat = self.ae.reconstruct(model, self.x)
        assert x_hat.shape == self.x.shape, f"reconstruct gave {x_hat.shape} for {self.x.shape}"
        decoded = self.ae.decode(model, self.ae.encode(model, self.x))
        assert np.allclose(x_hat, decoded, atol=1e-6), "reconstruct is not decode of encode"

    def terms(self):
        model = self.build()
        out = self.side.call(model, self.x[:5])
        assert {"z", "x_hat"} <= out.keys(), f"the forward pass must return z and x_hat; got {sorted(out)}"
        means = self.ae.evaluate(model, self.x)
        names = [name for name in means if name != "loss"]
        assert names, "loss_terms gave no term"
        for name in names:
            assert out[name].shape == (5,), f"term {name!r} must be one value a sample, (5,); got {out[name].shape}"
        total = sum(means[name] for name in names)
        assert abs(means["loss"] - total) <= 1e-5 * max(1, abs(total)), (
            f"the loss is {means['loss']}, its terms add up to {total}"
        )

    def samples_are_independent(self):
        model = self.build()
        together = self.ae.encode(model, self.x[:4])
        alone = np.concatenate([self.ae.encode(model, self.x[i : i + 1]) for i in range(4)])
        assert np.allclose(together, alone, atol=1e-5), "a sample's code depends on the batch it is in"

    def evaluation_repeats(self):
        model = self.build()
        first = self.ae.evaluate(model, self.x, seed=1)
        assert first == self.ae.evaluate(model, self.x, seed=1), "two evaluations with one seed differ"
        rest = self.ae.evaluate(model, self.x[: len(self.x) // 2], seed=1)
        assert first.keys() == rest.keys(), "the terms' names depend on the data"

    def noise_is_an_argument(self):
        model = self.build()
        values = {self.ae.evaluate(model, self.x, seed=seed)["loss"] for seed in range(3)}
        accepts = "noise" in self.side.forward_signature(model).parameters
        assert len(values) == 1 or accepts, "the loss is stochastic, but the forward pass takes no noise=None"

    def training_helps(self):
        before, after = self.run.before, self.ae.evaluate(self.run.model, self.x)["loss"]
        assert after < before, f"{self.options['epochs']} epochs took the loss from {before:.6g} to {after:.6g}"

    def every_weight_is_trained(self):
        weights = self.side.weights(self.run.model).items()
        stuck = [name for name, value in weights if np.array_equal(value, self.run.start[name])]
        assert not stuck, f"training did not change {', '.join(stuck)}: no gradient reaches it"

    def training_repeats(self):
        second = self.build()
        records = self.ae.fit(second, self.x, val=self.x[:20], **self.options).records
        losses = [
            [{k: v for k, v in record.items() if k != "seconds"} for record in run] for run in (self.run.records, records)
        ]
        assert losses[0] == losses[1], "the same seed gave two different histories"
        assert self._equal(self.run.model, second), "the same seed gave two different sets of weights"

    def data_untouched(self):
        assert self.run.untouched, "fit changed the caller's array"

    def saved_and_loaded(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.safetensors"
            self.ae.save(self.run.model, path)
            other = self.build()
            loaded = self.ae.load(path, model=other)
        assert loaded is other, "load(path, model=model) must return the given model"
        codes = (self.ae.encode(model, self.x) for model in (loaded, self.run.model))
        assert np.array_equal(*codes), "the loaded model gives other codes"

    def resumed(self):
        whole, resumed = self.build(), self.build()
        self.ae.fit(whole, self.x, **self.options | {"epochs": 2})
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "run.safetensors"
            self.ae.fit(self.build(), self.x, checkpoint=path, **self.options | {"epochs": 1})
            with contextlib.redirect_stdout(None):  # fit says what it resumes from
                self.ae.fit(resumed, self.x, resume=path, **self.options | {"epochs": 2})
        assert self._equal(whole, resumed), "a resumed run ends at other weights than an uninterrupted one"

    def _equal(self, first, second) -> bool:
        kept = [(self.side.weights(model) | self.side.state(model)).values() for model in (first, second)]
        return all(np.array_equal(a, b) for a, b in zip(*kept, strict=True))


CHECKS = [name for name, value in vars(Conformance).items() if inspect.isfunction(value) and not name.startswith("_")]
