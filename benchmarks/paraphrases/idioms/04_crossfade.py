import torch


def blend_chunks(pieces, hop: int):
    """Glue overlapping audio windows together, cross-fading them with a triangular window."""
    if not pieces:
        raise ValueError("need at least one piece to blend")

    head, tail = pieces[0], pieces[-1]
    length = hop * (len(pieces) - 1) + tail.size(-1)

    # triangle that peaks in the middle and never touches zero
    ramp = torch.linspace(0, 1, head.size(-1) + 2, dtype=head.dtype, device=head.device)
    triangle = 0.5 - torch.abs(ramp[1:-1] - 0.5)

    mixed = head.new_zeros(head.shape[:-1] + (length,))
    norm = head.new_zeros(length)

    for k, piece in enumerate(pieces):
        n = piece.size(-1)
        window = triangle[:n]
        where = slice(k * hop, k * hop + n)
        norm[where].add_(window)
        mixed[..., where].add_(piece * window)

    if torch.any(norm.min().eq(0)):
        raise ValueError("some positions are covered by no window at all: %s" % norm)

    return mixed.div(norm)
