"""The same training, written with each library: 784-128-32-128-784, ReLU, squared error, Adam, batches of 256, shuffled.

A contender is a function of (x, epochs, tick): it trains on x, (N, 784), and after each epoch calls `tick` with the mean
over the images of the summed squared error. It uses its library as the library's documentation does.
"""

import logging
import tempfile
import warnings

INPUTS, HIDDEN, CODE = 784, 128, 32
BATCH, RATE = 256, 1e-3


def hand_written(x, epochs, tick):
    """What one writes who knows where PyTorch loses time: data in one tensor, fused Adam, no `.item()` in a step."""
    import torch

    x = torch.from_numpy(x)
    model = torch_layers()
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE, fused=True)
    for _ in range(epochs):
        order, total = torch.randperm(len(x)), 0
        for start in range(0, len(x), BATCH):
            batch = x.index_select(0, order[start : start + BATCH])  # (B, 784)
            loss = torch.nn.functional.mse_loss(model(batch), batch, reduction="sum")
            optimizer.zero_grad(set_to_none=True)
            (loss / len(batch)).backward()
            optimizer.step()
            total += loss.detach()
        tick(float(total) / len(x))


def aetutor_torch(x, epochs, tick):
    from aetutor import torch as ae

    model = ae.Autoencoder.mlp(INPUTS, latent_dim=CODE, hidden=(HIDDEN,), seed=0)
    callback = lambda record, model: tick(record["loss"])  # noqa: E731
    ae.fit(model, x, epochs=epochs, batch_size=BATCH, lr=RATE, device="cpu", callbacks=[callback])


def pythae(x, epochs, tick):
    import torch
    from pythae.data.datasets import BaseDataset
    from pythae.models import AE, AEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder
    from pythae.trainers import BaseTrainer, BaseTrainerConfig
    from pythae.trainers.training_callbacks import TrainingCallback

    both = torch_layers()

    class Encoder(BaseEncoder):
        def __init__(self):
            super().__init__()
            self.layers = both[:3]

        def forward(self, x):
            return ModelOutput(embedding=self.layers(x))

    class Decoder(BaseDecoder):
        def __init__(self):
            super().__init__()
            self.layers = both[3:]

        def forward(self, z):
            return ModelOutput(reconstruction=self.layers(z))

    class Tick(TrainingCallback):
        def on_log(self, training_config, logs, **kwargs):
            tick(logs["train_epoch_loss"])

    logging.disable(logging.INFO)
    with tempfile.TemporaryDirectory() as folder:
        config = BaseTrainerConfig(
            output_dir=folder, num_epochs=epochs, learning_rate=RATE, per_device_train_batch_size=BATCH, no_cuda=True
        )
        model = AE(AEConfig(input_dim=(INPUTS,), latent_dim=CODE), encoder=Encoder(), decoder=Decoder())
        data = BaseDataset(torch.from_numpy(x), torch.zeros(len(x)))
        BaseTrainer(model, train_dataset=data, training_config=config, callbacks=[Tick()]).train()


def lightning(x, epochs, tick):
    import torch
    from lightning import Callback, LightningModule, Trainer
    from torch.utils.data import DataLoader, TensorDataset

    class Model(LightningModule):
        def __init__(self):
            super().__init__()
            self.layers = torch_layers()

        def training_step(self, batch):
            (x,) = batch
            loss = (self.layers(x) - x).square().sum(1).mean()
            self.log("loss", loss, on_step=False, on_epoch=True)
            return loss

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), lr=RATE)

    class Tick(Callback):
        def on_train_epoch_end(self, trainer, module):
            tick(float(trainer.callback_metrics.get("loss", float("nan"))))

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", ".*does not have many workers.*")
    loader = DataLoader(TensorDataset(torch.from_numpy(x)), batch_size=BATCH, shuffle=True)
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}
    Trainer(max_epochs=epochs, accelerator="cpu", callbacks=[Tick()], **quiet).fit(Model(), loader)


def skorch(x, epochs, tick):
    import torch
    from skorch import NeuralNetRegressor
    from skorch.callbacks import Callback

    class Loss(torch.nn.Module):
        def forward(self, x_hat, x):
            return (x_hat - x).square().sum(1).mean()

    class Tick(Callback):
        def on_epoch_end(self, net, **kwargs):
            tick(net.history[-1, "train_loss"])

    net = NeuralNetRegressor(
        torch_layers(), criterion=Loss, optimizer=torch.optim.Adam, lr=RATE, batch_size=BATCH, max_epochs=epochs,
        iterator_train__shuffle=True, train_split=None, verbose=0, callbacks=[Tick()],
    )  # fmt: skip
    net.fit(x, x)


def keras_tuned(x, epochs, tick):
    """Keras as fast as its own arguments make it, on arrays."""
    import keras
    from keras import layers, ops

    model = keras.Sequential(
        [
            keras.Input((INPUTS,)),
            layers.Dense(HIDDEN, "relu"),
            layers.Dense(CODE),
            layers.Dense(HIDDEN, "relu"),
            layers.Dense(INPUTS),
        ]
    )
    model.compile(
        keras.optimizers.Adam(RATE),
        loss=lambda x, x_hat: ops.sum(ops.square(x - x_hat), axis=-1),
        jit_compile=True,
        steps_per_execution=16,
    )
    callback = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: tick(logs["loss"]))
    model.fit(x, x, batch_size=BATCH, epochs=epochs, shuffle=True, verbose=0, callbacks=[callback])


def aetutor_keras(x, epochs, tick):
    from aetutor import keras as ae

    model = ae.Autoencoder.mlp(INPUTS, latent_dim=CODE, hidden=(HIDDEN,), seed=0)
    callback = lambda record, model: tick(record["loss"])  # noqa: E731
    ae.fit(model, x, epochs=epochs, batch_size=BATCH, lr=RATE, device="cpu", callbacks=[callback])


def torch_layers():
    from torch import nn

    return nn.Sequential(
        nn.Linear(INPUTS, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, CODE),
        nn.Linear(CODE, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, INPUTS),
    )  # fmt: skip


#: name -> (function, what it imports, the framework below). Compared contenders stand next to each other: they take turns.
CONTENDERS = {
    "hand-written torch": (hand_written, "torch", "torch"),
    "aetutor.torch": (aetutor_torch, "aetutor.torch", "torch"),
    "pythae": (pythae, "pythae", "torch"),
    "Lightning": (lightning, "lightning", "torch"),
    "skorch": (skorch, "skorch", "torch"),
    "tuned Keras": (keras_tuned, "keras", "tensorflow"),
    "aetutor.keras": (aetutor_keras, "aetutor.keras", "tensorflow"),
}
