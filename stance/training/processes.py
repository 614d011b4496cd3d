"""The processes of a run: one, or as many as `torchrun` starts, of which the first alone writes."""

import os
from typing import TypeVar

import torch
import torch.distributed as dist
from accelerate import PartialState

T = TypeVar("T")


def is_first() -> bool:
    """Tell whether this process is the one that writes and speaks."""
    return int(os.environ.get("RANK", "0")) == 0


def is_first_of_machine() -> bool:
    """Tell whether this process is the one that tells what all those of its machine found."""
    return int(os.environ.get("LOCAL_RANK", "0")) == 0


def join() -> None:
    """Join the other processes, if there are any; the Trainer does so the same way."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        PartialState(cpu=not torch.cuda.is_available())


def number_and_count() -> tuple[int, int]:
    """Return the number of this process, from 0 on, and how many there are."""
    if _are_joined():
        return dist.get_rank(), dist.get_world_size()
    return 0, 1


def wait_for_all() -> None:
    """Wait until every process has come to this line."""
    if _are_joined():
        dist.barrier()


def from_first(value: T) -> T:
    """Return the value that the first process has."""
    if not _are_joined():
        return value
    box = [value]
    dist.broadcast_object_list(box)
    return box[0]


def leave() -> None:
    """Part from the other processes."""
    if _are_joined():
        dist.destroy_process_group()


def _are_joined() -> bool:
    return dist.is_available() and dist.is_initialized()
