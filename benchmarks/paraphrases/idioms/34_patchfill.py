import torch


def insert_patches(text_vectors, patch_vectors, slots):
    """
    Put image patch vectors into a batch of text embeddings (n, t, d). `slots` (n, t) holds for each token the number of
    the patch that replaces it, negative numbers leave the token alone. Images of a batch may differ in patch count.
    """
    n = len(text_vectors)
    if n != len(patch_vectors):
        raise ValueError("got %d texts but patches for %d" % (n, len(patch_vectors)))

    mask = slots.ge(0)
    filled = []
    for row, (vectors, patches, numbers, here) in enumerate(zip(text_vectors, patch_vectors, slots, mask)):
        wanted = numbers.masked_select(here)
        # fewer is fine: the picture may have been cut off
        if len(wanted) > len(patches):
            raise ValueError(
                "sample %d refers to %d patches, yet only %d were given" % (row, len(wanted), len(patches))
            )
        filled.append(vectors.masked_scatter(here[:, None], patches.index_select(0, wanted).to(vectors.dtype)))

    return torch.stack(filled)
