"""Whether training runs in several processes, which what belongs to one of them must refuse."""

from torch import distributed


def several_processes() -> bool:
    """True in each of several processes that train one model together, as under torchrun."""
    return distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1
