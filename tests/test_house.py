"""Rules of the house: floors and imports, equal names and signatures in both frameworks, short model files, no pickle."""

import ast
import importlib
import inspect
import io
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

import aetutor

PACKAGE = Path(aetutor.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
FRAMEWORKS = {"torch", "tensorflow", "keras", "jax", "accelerate"}
HEAVY = FRAMEWORKS | {"matplotlib", "sklearn", "pooch", "mlxtend", "scipy", "nbformat", "IPython", "safetensors", "tqdm"}

#: Files of the ground floor that may import more than NumPy at module level, each with its reason.
HEAVY_FILES = {
    "pages/notebooks": "only authors of pages run it",
    "plots/_figure.py": "imported when a figure is drawn; test_the_ground_floor_loads_no_framework_either holds that",
}


def place(path):
    return path.relative_to(PACKAGE).as_posix()


def floor(path):
    top = place(path).split("/")[0]
    return {"torch": "torch", "keras": "keras", "testing.py": "top", "_layouts.py": "top"}.get(top, "ground")


# ---------------------------------------------------------------- what an import costs


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()


def test_import_is_fast_and_loads_no_framework():
    code = (
        "import sys, time; start = time.perf_counter(); import aetutor; seconds = time.perf_counter() - start\n"
        "print(seconds, *{name.split('.')[0] for name in sys.modules})"
    )
    runs = [run(code) for _ in range(5)]
    assert min(float(seconds) for seconds, *_ in runs) < 0.3  # the fastest: a busy machine is not the package's fault
    assert not HEAVY & set(runs[0][1:])


def test_the_ground_floor_loads_no_framework_either():
    names = [n for n in sorted(aetutor._SUBMODULES) if n not in ("torch", "keras")]
    loaded = run(
        f"import sys, aetutor\nfor n in {names}: getattr(aetutor, n)\nprint(*{{m.split('.')[0] for m in sys.modules}})"
    )
    assert "numpy" in loaded
    assert not (HEAVY - {"nbformat", "IPython"}) & set(loaded)


def test_a_lazy_name_that_does_not_exist():
    with pytest.raises(AttributeError, match="module 'aetutor' has no attribute 'tensors'"):
        _ = aetutor.tensors
    assert {"torch", "keras", "metrics", "__version__"} <= set(dir(aetutor))


# ---------------------------------------------------------------- imports only go down


def imports(source, module):
    """(absolute name, whether at module level) of every import in a file whose dotted module name is given."""
    tree = ast.parse(source)
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for node in ast.walk(function)
    }
    package = module.split(".")[:-1]
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*base, *([node.module] if node.module else [])])
            names = [f"{base}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            names = [a.value for a in node.args if isinstance(a, ast.Constant)]
        for name in names:
            yield name, id(node) not in inside


# Imports that a floor forbids and a file may make all the same, with the reason.
ALLOWED = {
    (
        "aetutor.keras.noise",
        "torch",
    ): "Keras' own backend, where it runs on it: its Dropout draws from torch's global generator",
    (
        "aetutor.keras.models.contractive",
        "torch",
    ): "Keras' own backend, where it runs on it: forward-mode differentiation, which Keras lacks",
}


def offences(source, module, level, *, tool=False):
    """Imports that the floor of a file forbids."""
    found = []
    for name, at_module_level in imports(source, module):
        top, own = name.split(".")[0], ".".join(name.split(".")[:2])
        forbidden = {
            "ground": own in ("aetutor.torch", "aetutor.keras", "aetutor.testing") or top in FRAMEWORKS,
            "torch": own in ("aetutor.keras", "aetutor.testing") or top in ("keras", "tensorflow", "jax"),
            "keras": own in ("aetutor.torch", "aetutor.testing") or top in ("torch", "accelerate"),
            "top": at_module_level and (own in ("aetutor.torch", "aetutor.keras") or top in FRAMEWORKS),
        }[level]
        if forbidden and (module, name) in ALLOWED:
            continue
        foreign = top != "aetutor" and top != "numpy" and top not in sys.stdlib_module_names
        if forbidden or (level == "ground" and at_module_level and foreign and not tool):
            found.append(name)
    return found


@pytest.mark.parametrize("path", FILES, ids=map(place, FILES))
def test_imports_only_go_down(path):
    module = ".".join(["aetutor", *path.relative_to(PACKAGE).with_suffix("").parts])
    tool = place(path).startswith(tuple(HEAVY_FILES))
    assert not offences(path.read_text(), module, floor(path), tool=tool)


@pytest.mark.parametrize(
    ("source", "module", "level"),
    [
        ("import torch", "aetutor.metrics", "ground"),
        ("def f():\n    from .torch import fit", "aetutor.metrics", "ground"),
        ("from . import keras", "aetutor.metrics", "ground"),
        ("import matplotlib.pyplot as plt", "aetutor.plots.history", "ground"),
        ("import importlib\nimportlib.import_module('aetutor.torch')", "aetutor.metrics", "ground"),
        ("from ..keras import losses", "aetutor.torch.losses", "torch"),
        ("def f():\n    import keras", "aetutor.torch.losses", "torch"),
        ("from ...torch import losses", "aetutor.keras.models.variational", "keras"),
        ("from .. import testing", "aetutor.keras.losses", "keras"),
        ("import torch", "aetutor.testing", "top"),
    ],
)
def test_an_import_that_goes_up_is_caught(source, module, level):
    assert offences(source, module, level)


def test_an_import_that_goes_down_is_not():
    assert not offences("def f():\n    import matplotlib", "aetutor.plots", "ground")
    assert not offences("from .. import validation\nfrom . import losses", "aetutor.torch.fit", "torch")


# ---------------------------------------------------------------- twins


#: Why the Boltzmann machines are in PyTorch only: issue "The families", row boltzmann.
CHAINS = "chains are state that a step reads and moves outside the gradient: Keras would need a train_step of its own"
#: Public names of one framework only, each with its reason. That of a class covers its methods.
ONE_SIDED = {
    "RBM": CHAINS,
    "DBM": CHAINS,
    "pretrain_boltzmann": "trains a stack of RBM",
    "draw_chains": "takes an RBM or a DBM",
    "free_energy": "takes an RBM or a DBM",
    "log_partition": "takes an RBM or a DBM",
    "Autoencoder.forward": "PyTorch's name of what Keras names `call`; compared with it below",
    "Autoencoder.call": "Keras' name of what PyTorch names `forward`; compared with it below",
    "VAE.forward": "as Autoencoder.forward",
    "VAE.call": "as Autoencoder.call",
    "AdversarialAutoencoder.forward": "as Autoencoder.forward",
    "AdversarialAutoencoder.call": "as Autoencoder.call",
    "WassersteinAutoencoder.forward": "as Autoencoder.forward",
    "WassersteinAutoencoder.call": "as Autoencoder.call",
    "VAEGAN.forward": "as Autoencoder.forward",
    "VAEGAN.call": "as Autoencoder.call",
    "VQVAE.forward": "as Autoencoder.forward",
    "VQVAE.call": "as Autoencoder.call",
    "ContractiveAutoencoder.forward": "as Autoencoder.forward",
    "ContractiveAutoencoder.call": "as Autoencoder.call",
    "MaskedAutoencoder.forward": "as Autoencoder.forward",
    "MaskedAutoencoder.call": "as Autoencoder.call",
    "DenoisingAutoencoder.forward": "as Autoencoder.forward",
    "DenoisingAutoencoder.call": "as Autoencoder.call",
    "Autoencoder.fit": "Keras' own, told not to shuffle once more what aetutor.keras.batches shuffled",
    "Autoencoder.build": "Keras creates weights and metrics when the shape is known",
    "Autoencoder.sample_shape": "an attribute in PyTorch; in Keras setting it builds the model",
    "Autoencoder.objective": "Keras: the terms of a batch, for compute_loss",
    "Autoencoder.compute_loss": "Keras: how a model brings its own loss",
    "Autoencoder.stateless_call": "Keras on JAX",
    "Autoencoder.settings": "Keras: what get_config stores",
    "Autoencoder.get_config": "Keras: how a model is serialised",
    "Autoencoder.from_config": "Keras: how a model is serialised",
}
#: Arguments of Keras' own that its twins may have besides (design.md, rule 2), and the Module that PyTorch wants.
KERAS_ARGUMENTS = {"name", "trainable", "dtype"}


def own_members(cls):
    """Public methods and properties that are defined in aetutor, for a class and its bases of ours."""
    return {
        f"{base.__name__}.{name}"
        for base in cls.__mro__
        if base.__module__.startswith("aetutor.")
        for name, value in vars(base).items()
        if not name.startswith("_") and (inspect.isroutine(value) or isinstance(value, property | classmethod))
    }


def public(ae):
    """{dotted name: object with a signature} of a framework's package."""
    found = {}
    for name in ae.__all__:
        value = getattr(ae, name)
        if inspect.isclass(value):
            found[name] = value.__init__
            found |= {
                member: getattr(getattr(ae, member.split(".")[0]), member.split(".")[1]) for member in own_members(value)
            }
            found |= {
                f"{name}.{constructor}": getattr(value, constructor)
                for constructor in ("mlp", "conv", "recurrent", "residual")
            }
        elif inspect.isfunction(value):
            found[name] = value
        else:
            functions = inspect.getmembers(value, inspect.isfunction)
            found |= {
                f"{name}.{n}": f for n, f in functions if f.__module__.startswith(value.__name__) and not n.startswith("_")
            }
    return found


def differences(first, second):
    """What differs between two signatures: names, order, kinds and defaults; annotations are each framework's own."""
    a, b = ([(p.name, p.kind, p.default) for p in inspect.signature(f).parameters.values()] for f in (first, second))
    b = [p for p in b if p in a or p[0] not in KERAS_ARGUMENTS]
    return [] if a == b else [f"{inspect.signature(first)} and {inspect.signature(second)}"]


#: Helpers of the backbones whose names are needed on one side only.
HELPERS = {"backbones.sequential"}


@pytest.fixture(scope="module")
def twins():
    return [importlib.import_module(f"aetutor.{name}") for name in ("torch", "keras")]


def test_both_frameworks_have_the_same_public_names(twins):
    exported = [[name for name in ae.__all__ if name not in ONE_SIDED] for ae in twins]
    assert exported[0] == exported[1]
    assert all(ae.__all__ == sorted(ae.__all__, key=lambda n: (not n.isupper(), n.islower(), n)) for ae in twins)
    names = [set(public(ae)) - HELPERS for ae in twins]
    assert not {n for n in names[0] ^ names[1] if n not in ONE_SIDED and n.split(".")[0] not in ONE_SIDED}


def test_every_exception_is_needed_and_has_a_reason(twins):
    names = [set(public(ae)) for ae in twins]
    assert ONE_SIDED.keys() <= names[0] ^ names[1]
    assert names[0] ^ names[1] >= HELPERS
    assert all(len(reason) > 10 for reason in ONE_SIDED.values())


def test_both_frameworks_have_the_same_signatures(twins):
    first, second = map(public, twins)
    shared = first.keys() & second.keys()
    assert {"fit", "save", "losses.gaussian", "backbones.conv"} <= shared
    assert {"VAE", "VAE.mlp", "VAE.recurrent", "VAE.loss_terms"} <= shared
    found = {name: differences(first[name], second[name]) for name in sorted(shared)}
    adversarial = ("AdversarialAutoencoder", "WassersteinAutoencoder", "VAEGAN")
    others = ("ConditionalVAE", "ContractiveAutoencoder", "DenoisingAutoencoder", *adversarial)
    for cls in ("Autoencoder", "VAE", "VQVAE", *others):
        found[f"{cls}.call"] = differences(getattr(twins[0], cls).forward, getattr(twins[1], cls).call)
    assert not {name: f for name, f in found.items() if f}


@pytest.mark.parametrize(
    "twin",
    [
        lambda model, x, *, epochs=10: None,  # an argument is missing
        lambda model, x, *, epochs=10, lr=1e-2: None,  # another default
        lambda model, x, *, lr=1e-3, epochs=10: None,  # another order
        lambda model, x, epochs=10, lr=1e-3: None,  # positional
        lambda net, x, *, epochs=10, lr=1e-3: None,  # another name
        lambda model, x, *, epochs=10, lr=1e-3, **options: None,
    ],
)
def test_a_signature_that_differs_is_caught(twin):
    assert differences(lambda model, x, *, epochs=10, lr=1e-3: None, twin)


def test_what_keras_adds_is_allowed():
    assert not differences(lambda x, *, lr: None, lambda x, *, lr, name=None, trainable=True, dtype=None: None)


def test_variants_are_one_file_each_with_the_same_name():
    folders = [{p.name for p in (PACKAGE / name / "models").glob("*.py")} for name in ("torch", "keras")]
    assert folders[0] - folders[1] == {"boltzmann.py", "boltzmann_stack.py", "deep_boltzmann.py"}  # ONE_SIDED has the reason
    assert not folders[1] - folders[0]


# ---------------------------------------------------------------- style of the code


def code_lines(source):
    """Number of lines that hold code: blanks, comments and docstrings are not counted."""
    skipped = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in skipped:
            lines |= set(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            lines -= set(range(node.lineno, node.end_lineno + 1))
    return len(lines)


def test_code_lines_are_counted():
    assert (
        code_lines('"""Doc\n\nstring."""\n\n# comment\nimport os\n\n\ndef f():\n    """Doc."""\n    return (\n        1)\n')
        == 4
    )


MODELS = sorted(PACKAGE.glob("*/models/*.py"))


@pytest.mark.parametrize("path", MODELS, ids=map(place, MODELS))
def test_a_variant_is_at_most_150_lines_of_code(path):
    assert code_lines(path.read_text()) <= 150


#: Functions that take `**kw`, each with its reason.
SINKS = {
    "convenience.py construct": "inspect.Signature.bind checks the names",
    "convenience.py refuse": "refuses whatever it is given",
    "keras/autoencoder.py stateless_call": "Keras' own signature, passed on to Keras",
    "keras/autoencoder.py fit": "Keras' own signature, passed on to Keras",
    "plots/_style.py wrapper": "functools.wraps: all is passed to the wrapped function, which refuses what it does not know",
    "pages/exercises.py call": "all is passed to the reader's function, which refuses what it does not know",
}


def sinks(source):
    """Names of functions that take `**anything`; a leading underscore says that no reader calls it."""
    functions = [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.FunctionDef) and n.args.kwarg is not None]
    return {n.name for n in functions if not n.name.startswith("_")}


def test_no_function_swallows_unknown_arguments():
    assert sinks("def f(a, **kw): pass") == {"f"}
    found = {f"{place(path)} {name}" for path in FILES for name in sinks(path.read_text())}
    assert found == SINKS.keys()


def pickles(source):
    """Uses of what can run code from a file."""
    modules = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
    tree = ast.parse(source)
    found = {name for name, _ in imports(source, "aetutor.x") if name.split(".")[0] in modules}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            allowed = [k for k in node.keywords if k.arg == "allow_pickle" and getattr(k.value, "value", True)]
            found |= {ast.unparse(node)} if allowed or ast.unparse(node.func) in ("torch.load", "torch.save") else set()
    return found


def test_no_pickle():
    assert pickles("import pickle") and pickles("np.load(f, allow_pickle=True)") and pickles("torch.load(f)")
    assert not pickles("np.load(f, allow_pickle=False)")
    assert not {place(path): pickles(path.read_text()) for path in FILES if pickles(path.read_text())}
