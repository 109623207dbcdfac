"""The fastest arithmetic that is safe on this machine.

In bfloat16 the layers of the network compute with 8 bits of mantissa and the exponents of float32,
so nothing under- or overflows. In float16 they have 11 bits, and exponents so small that
activations and gradients have to be scaled, see `stylelib.vgg.float16`. The first layer, all
weights and the losses stay float32. That takes half the time where the machine has instructions for
it, and more time where it has not.
"""

import os
import re
from pathlib import Path

from stylelib._utils.checks import check_choice
from stylelib._utils.tensorflow import tf
from stylelib.vgg.layers import PRECISION_CHOICES

CPU_FLAGS = Path("/proc/cpuinfo")
#: Flags of processors that multiply bfloat16: AVX-512 from 2020 on, and AMX.
FAST_FLAGS = ("amx_bf16", "avx512_bf16")
#: Compute capability from which on NVIDIA's GPUs multiply matrices of each kind.
FAST_GPUS = {"bfloat16": (8, 0), "float16": (7, 0)}


def resolve_precision(precision):
    """Check a precision, and replace ``"auto"`` by what it means on this machine.

    Parameters
    ----------
    precision : {"float32", "bfloat16", "float16", "auto"}

    Returns
    -------
    str
        ``"float32"``, ``"bfloat16"`` or ``"float16"``.

    Examples
    --------
    >>> resolve_precision("float32")
    'float32'
    >>> resolve_precision("auto") in ("float32", "bfloat16", "float16")
    True
    """
    check_choice("precision", precision, PRECISION_CHOICES)
    return fastest()[0] if precision == "auto" else precision


def fastest():
    """The fastest safe precision here, and the reason in words.

    Returns
    -------
    precision : str
    reason : str

    Examples
    --------
    >>> precision, reason = fastest()
    >>> precision in ("float32", "bfloat16", "float16")
    True
    """
    gpus = tf.config.get_visible_devices("GPU")  # what is hidden is not used
    if gpus:
        return _of_gpus(gpus)
    if os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "0":
        return "float32", "TF_ENABLE_ONEDNN_OPTS=0 switches oneDNN off"
    flags = _cpu_flags()
    for flag in FAST_FLAGS:
        if flag in flags:
            return "bfloat16", f"the processor has {flag}"
    return "float32", "no processor with bfloat16 was found"


def _of_gpus(gpus):
    """All GPUs must have it: TensorFlow takes the first, but the user may choose."""
    details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
    oldest = min(details, key=_capability)
    name = oldest.get("device_name", "the GPU")
    for precision, capability in FAST_GPUS.items():
        if _capability(oldest) >= capability:
            return precision, f"{name} has it"
    return "float32", f"{name} has neither bfloat16 nor float16"


def _capability(details):
    return details.get("compute_capability", (0, 0))


def _cpu_flags():
    try:
        text = CPU_FLAGS.read_text(encoding="utf-8", errors="replace")
    except OSError:  # only Linux has this file
        return ()
    found = re.search(r"^flags\s*:(.*)$", text, re.M)
    return found.group(1).split() if found else ()
