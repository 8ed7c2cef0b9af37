from copy import deepcopy
from itertools import chain

from .ties import list_tied


def modules_left_unquantized(net):
    """Names of the modules that have to stay in full precision: the output layer and whatever is tied to it."""
    probe = deepcopy(net)
    probe.tie_weights()
    groups = list_tied(probe)

    # older versions of the helper return a mapping, newer ones a list of lists
    if isinstance(groups, dict):
        tied = [*chain.from_iterable(groups.values()), *groups]
    else:
        tied = [*chain.from_iterable(groups)]

    if not tied and (head := net.get_output_embeddings()) is not None:
        return [label for label, sub in net.named_modules() if sub is head]

    *_, (final, _param) = net.named_parameters()
    keep = set(tied) | {final}

    def module_of(label):
        return label.replace(".weight", "").replace(".bias", "")

    return [module_of(label) for label in keep]
