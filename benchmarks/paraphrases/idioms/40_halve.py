import torch


def halve_sequence(x, dims, keep_first=True, trim=True):
    """
    Drop every other element along one or several dimensions, of a tensor or of all the tensors in a list or tuple. With
    `keep_first` the leading element is repeated beforehand, so that it does not get pooled together with its neighbour.
    """
    if isinstance(x, (list, tuple)):
        container = type(x)
        return container([halve_sequence(item, dims, keep_first, trim) for item in x])

    if x is not None:
        remaining = list(dims) if isinstance(dims, (list, tuple)) else [dims]
        while remaining:
            dim = remaining.pop(0)
            if keep_first:
                x = torch.cat((x.narrow(dim, 0, 1), x), dim=dim)
            stop = x.size(dim)
            if keep_first and trim:
                stop -= 1
            picks = torch.arange(0, stop, 2, device=x.device)
            x = x.index_select(dim, picks)

    return x
