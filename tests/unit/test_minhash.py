"""Bulk signatures are datasketch's, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from datasketch import MinHash

from codeclone.match import minhash


def sets(seed: int = 7) -> list[np.ndarray]:
    generator = np.random.default_rng(seed)
    sizes = [1, 2, 5, 40, 300, 0, 17]
    return [generator.integers(0, 2**64, size, dtype=np.uint64) for size in sizes]


def bulk(chosen: list[np.ndarray], **options: int) -> np.ndarray:
    keys = np.concatenate(chosen)
    owners = np.repeat(np.arange(len(chosen), dtype=np.int32), [len(keys) for keys in chosen])
    return minhash.signatures(keys, owners, len(chosen), **options)


@pytest.mark.parametrize(("count", "seed"), [(64, 1), (16, 3), (128, 42)])
def test_signatures_are_those_of_datasketch(count: int, seed: int) -> None:
    chosen = sets()
    signatures = bulk(chosen, count=count, seed=seed)
    for row, keys in zip(signatures, chosen, strict=True):
        theirs = MinHash(num_perm=count, seed=seed, hashfunc=int, scheme="affine64")
        theirs.update_batch(keys.tolist())
        assert np.array_equal(row, theirs.hashvalues)


def test_agreement_estimates_resemblance() -> None:
    generator = np.random.default_rng(0)
    common = generator.integers(0, 2**64, 600, dtype=np.uint64)
    one = np.concatenate([common, generator.integers(0, 2**64, 200, dtype=np.uint64)])
    other = np.concatenate([common, generator.integers(0, 2**64, 200, dtype=np.uint64)])
    signatures = bulk([one, other], count=512)
    assert np.mean(signatures[0] == signatures[1]) == pytest.approx(600 / 1000, abs=0.07)


def test_shared_bands_finds_twins_and_not_strangers() -> None:
    chosen = sets()
    left, right = bulk(chosen), bulk([*chosen, *sets(seed=8)])
    pairs = set(zip(*(side.tolist() for side in minhash.shared_bands(left, right)), strict=True))
    assert {(0, 0), (3, 3), (4, 4)} <= pairs
    assert (5, 5) not in pairs, "empty sets are like nothing"
    assert all(one == other for one, other in pairs)


def test_a_datasketch_index_holds_the_signatures() -> None:
    rows = bulk(sets()[:5])
    index = minhash.lsh_index(rows, threshold=0.5)
    assert 3 in index.query(minhash.as_datasketch(rows[3]))
    assert 4 not in index.query(minhash.as_datasketch(rows[3]))
