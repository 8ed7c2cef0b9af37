"""C, C++ and CUDA: disguised copies, relatives and strangers among packages with kernels.

    make bench-kernels

Copies: every file of the packages in `COPIED`, with each name renamed that is no library's, comments dropped and lines
broken anew, against all packages together; says how often the first choice is the true source, and at which level.
Pairs: every package against every other. docs/accuracy.md and docs/calibration.md have the results.
"""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from dataclasses import replace
from itertools import combinations
from pathlib import Path

from packages import fetch_sources

from codeclone import background
from codeclone.evidence import Context, Profiled, code
from codeclone.model import Profile, Snapshot
from codeclone.parse.fragments import KERNELS
from codeclone.parse.kernelflow import KEPT
from codeclone.read import folder

COPIED = ("causal-conv1d==1.5.2", "modulated-deform-conv==1.0.2", "exllamav2==0.0.4", "torch-cluster==1.6.3")
OTHERS = (
    "mmcv==2.2.0", "deepspeed==0.16.4", "nerfacc==0.5.3", "torch-spline-conv==1.2.2", "lightgbm==4.6.0",
    "auto-gptq==0.7.1", "lightseq==3.0.1",
)  # fmt: skip

LEAST_TOKENS = 60
"""Functions with fewer names, numbers and signs are not counted: nothing tells one of them from another."""

SHOWN = 4

_KEYWORDS = frozenset(
    b"""
alignas alignof and asm auto bool break case catch char class const constexpr const_cast continue decltype default delete
do double dynamic_cast else enum explicit extern false float for friend goto if inline int long mutable namespace new
noexcept not nullptr operator or override private protected public register reinterpret_cast restrict return short signed
sizeof static static_assert static_cast struct switch template this throw true try typedef typeid typename union unsigned
using virtual void volatile while size_t int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t
""".split()
)
_PIECE = re.compile(
    rb"//[^\n]*|/\*.*?\*/|\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|[A-Za-z_]\w*|\d[\w.]*|\s+|.", re.DOTALL
)


def disguised(source: bytes) -> bytes:
    """The same code with other names, no comments and other line breaks."""
    names: dict[bytes, bytes] = {}
    lines = []
    for line in re.sub(rb"\\\r?\n", b" ", source).split(b"\n"):
        lines.append(b"\n" if line.lstrip().startswith(b"#") else line + b"\n")
    parts: list[bytes] = []
    for piece in _PIECE.findall(b"".join(lines)):
        if piece.startswith((b"//", b"/*")) or piece.isspace():
            parts.append(b" ")
        elif re.match(rb"[A-Za-z_]", piece) and piece not in _KEYWORDS and piece not in KEPT and piece[:2] != b"__":
            parts.append(names.setdefault(piece, b"v%d" % len(names)))
        else:
            parts.append(piece + (b"\n" if piece in (b";", b"{") else b""))
    return b"".join(parts)


def kernels_of(requirement: str) -> Snapshot:
    snapshot = folder.read(str(fetch_sources(requirement)))
    return replace(snapshot, files=tuple(f for f in snapshot.files if f.path.lower().endswith(tuple(KERNELS))))


def together(packages: dict[str, Snapshot]) -> Snapshot:
    """One snapshot of several, each in a folder of its own."""
    files = [replace(f, path=f"{name}/{f.path}") for name, snapshot in packages.items() for f in snapshot.files]
    first = next(iter(packages.values()))
    return replace(first, files=tuple(sorted(files, key=lambda file: file.path)))


def functions(profile: Profile) -> dict[str, list[int]]:
    """Path -> its functions in order."""
    found: dict[str, list[int]] = {}
    for index, fragment in enumerate(profile.fragments):
        if fragment.kind == "function":
            found.setdefault(fragment.location.path, []).append(index)
    return found


def copies(packages: dict[str, Snapshot], context: Context) -> None:
    everything = code.profile(together(packages))
    originals = functions(everything)
    with tempfile.TemporaryDirectory() as root:
        for name in COPIED:
            for file in packages[name].files:
                target = Path(root, name, file.path)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(disguised(file.read()))
        copied = code.profile(folder.read(root))
    found = code.compare(copied, [Profiled("all", "right", everything)], context)
    levels = {(e.left[0].location, e.left[0].qualname): e.level for e in found.evidence}
    text = {(f.location, f.qualname): "".join(line for _, line in f.lines) for f in everything.fragments}
    tried = first = alike = 0
    by_level: Counter[str] = Counter()
    for path, indices in functions(copied).items():
        if len(indices) != len(originals.get(path, ())):
            continue  # where the renaming changed what parses, which is which cannot be told
        for one, other in zip(indices, originals[path], strict=True):
            row, source = found.attribution[one], everything.fragments[other]
            if len(_PIECE.findall("".join(line for _, line in source.lines).encode())) < LEAST_TOKENS:
                continue
            tried += 1
            places = [row.best.place, *(tied.place for tied in row.tied)] if row.best else []
            is_first = any((p.location, p.qualname) == (source.location, source.qualname) for p in places)
            first += is_first
            wanted = _bare(text[source.location, source.qualname])
            alike += not is_first and any(_bare(text[p.location, p.qualname or ""]) == wanted for p in places)
            by_level[levels.get((row.left.location, row.left.qualname or ""), "none")] += 1
    print(f"copies: {tried} functions; the true source first {first}, one with the same text {alike}; ", end="")
    print(", ".join(f"{level} {count}" for level, count in by_level.most_common()))


def _bare(text: str) -> str:
    return "".join(text.split())


def main() -> None:
    context = Context(background.shipped())
    code.SHOWN = 0
    packages = {name: kernels_of(name) for name in (*COPIED, *OTHERS)}
    copies(packages, context)
    profiles = {name: code.profile(snapshot) for name, snapshot in packages.items()}
    for left, right in combinations(profiles, 2):
        found = code.compare(profiles[left], [Profiled(right, "right", profiles[right])], context).evidence
        counts = Counter(finding.level for finding in found)
        print(f"{left} and {right}: {', '.join(f'{n} {level}' for level, n in counts.most_common()) or 'none'}")
        for finding in [finding for finding in found if finding.level != "weak"][:SHOWN]:
            bits = next(m.value for m in finding.measures if m.name == "attributable_bits")
            one, other = finding.left[0], finding.right[0]
            print(f"    {finding.level} {bits:.0f} bits {one.location.path}:{one.qualname} ", end="")
            print(f"{other.location.path}:{other.qualname}")


if __name__ == "__main__":
    main()
