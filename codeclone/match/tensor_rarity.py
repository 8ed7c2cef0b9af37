"""How rare tensor names are: by the segments that an author chose, among the attributes that public model folders keep modules in."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from codeclone.background import Shares
from codeclone.match.rewriting import is_index
from codeclone.model import Tensor

WRITTEN_BY_TOOLS = frozenset(
    "weight bias running_mean running_var num_batches_tracked in_proj_weight in_proj_bias weight_g weight_v original0 "
    "original1 parametrizations module _orig_mod _fsdp_wrapped_module _checkpoint_wrapped_module _forward_module state_dict "
    "model_state_dict ema base_model base_layer default lora_a lora_b lora_embedding_a lora_embedding_b modules_to_save "
    "original_module qweight qzeros scales g_idx absmax quant_map quant_state nested_absmax nested_quant_map scb "
    "weight_format weight_scale input_scale weight_scale_inv optimizer exp_avg exp_avg_sq "
    "bias_k bias_v q_proj_weight k_proj_weight v_proj_weight out_proj self_attn multihead_attn linear1 linear2 "
    "kernel recurrent_kernel depthwise_kernel pointwise_kernel gamma beta moving_mean moving_variance "
    "params batch_stats".split()
)
"""Segments that libraries for layers, training, adapting and quantising write, in lower case: no author chose them."""

_RECURRENT = re.compile(r"(?:weight|bias)_(?:ih|hh|hr)(?:_l\d+)?(?:_reverse)?")
"""Parameters of torch's recurrent layers and cells."""


def fact(tensor: Tensor) -> str:
    """Name with N for each index, shape and type."""
    name = ".".join("N" if is_index(segment) else segment for segment in tensor.name.split("."))
    return f"{name} {'?' if tensor.shape is None else '|'.join(map(str, tensor.shape))}|{tensor.dtype}"


def bits_of(facts: Sequence[str], attributes: Shares) -> dict[str, float]:
    """Fact -> bits of the rarest segment of its name that an author chose."""
    names = {text: chosen(text.rpartition(" ")[0]) for text in facts}
    segments = sorted({segment for some in names.values() for segment in some})
    known = dict(zip(segments, attributes.bits(segments).tolist(), strict=True))
    return {text: max((known[segment] for segment in some), default=0.0) for text, some in names.items()}


def chosen(name: str) -> list[str]:
    """Segments of a name that an author chose."""
    segments = name.split(".")
    return [s for s in segments if s and s != "N" and not is_index(s) and not _by_tools(s.lower())]


def _by_tools(segment: str) -> bool:
    return segment in WRITTEN_BY_TOOLS or _RECURRENT.fullmatch(segment) is not None


def distinctive(pairs: Iterable[tuple[Tensor, Tensor]], explained: Collection[str], attributes: Shares) -> list[str]:
    """Segments that both tensors of a pair have, and neither a public model folder nor `explained`; in the order of the pairs."""
    found: dict[str, None] = {}
    for ours, theirs in pairs:
        both = {*theirs.name.split(".")}
        if ours.shape == theirs.shape:
            found.update(dict.fromkeys(segment for segment in chosen(ours.name) if segment in both))
    segments = [segment for segment in found if segment not in explained]
    plainer = [re.sub(r"\d+", "", segment).strip("_") for segment in segments]
    held = zip(segments, attributes.held_by(segments).tolist(), attributes.held_by(plainer).tolist(), strict=True)
    return [segment for segment, folders, more in held if not folders and not more]
