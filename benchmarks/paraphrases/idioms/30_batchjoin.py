from dataclasses import fields

import torch

from .caching import DecoderCache, PairedCache


def join_outputs(results, settings):
    """Concatenate the outputs of several sub-batches, field by field; the inverse of splitting a batch."""
    if len(results) == 0:
        raise ValueError("there is nothing to join")

    kind = type(results[0])
    if any(not isinstance(r, kind) for r in results):
        raise ValueError("cannot join outputs of different kinds")
    depth = settings.get_text_config().num_hidden_layers

    def join(parts):
        if not all(p is not None for p in parts):
            return None
        sample = parts[0]
        if isinstance(sample, tuple):
            # transposes the nesting: per sub-batch -> per layer (-> per tensor)
            if isinstance(sample[0], tuple):
                return tuple(tuple(map(torch.cat, zip(*layer))) for layer in zip(*parts))
            return tuple(map(torch.cat, zip(*parts)))

        recipes = (
            (torch.Tensor, torch.cat),
            (DecoderCache, lambda p: DecoderCache.from_batch_splits(p, num_hidden_layers=depth)),
            (PairedCache, lambda p: PairedCache.from_batch_splits(p, num_hidden_layers=depth)),
            ((int, float), torch.tensor),
        )
        for types, recipe in recipes:
            if isinstance(sample, types):
                return recipe(parts)
        raise TypeError("do not know how to join values of type %s" % type(sample).__name__)

    columns = {}
    for f in fields(kind):
        columns[f.name] = join([getattr(r, f.name) for r in results])
    return kind(**columns)
