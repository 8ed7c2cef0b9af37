import torch


def history_from_prompt(max_acoustic, ratio, n, vocab_offset, book_size, voice=None, device="cpu"):
    """Semantic and acoustic context that makes the generator continue in the voice given by the prompt."""
    if voice is None:
        return tuple(torch.empty((n, 0), dtype=torch.int, device=device) for _ in range(2))

    semantic = voice["semantic_prompt"]
    acoustic = voice["coarse_prompt"]

    if book_size is not None:
        # each codebook gets a number range of its own
        books = torch.arange(acoustic.size(0), device=acoustic.device, dtype=acoustic.dtype)
        acoustic = acoustic + (books * book_size).unsqueeze(1)

    # frame by frame, all codebooks of a frame next to each other
    acoustic = acoustic.t().flatten() + vocab_offset

    available = semantic.size(0)
    n_semantic = int(
        min(
            max_acoustic // ratio,
            available - (available & 1),
            acoustic.numel() // ratio,
        )
    )
    n_acoustic = round(n_semantic * ratio)

    semantic = semantic[-n_semantic:]
    # the last two are left out: improves the alignment in time
    acoustic = acoustic[-n_acoustic:][:-2]

    return semantic.int().repeat(n, 1), acoustic.int().repeat(n, 1)
