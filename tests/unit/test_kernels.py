"""C, C++ and CUDA: what is found, which ways of writing are one, and that headers and boilerplate are no evidence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from codeclone.evidence import code
from codeclone.model import Profile
from codeclone.pipeline import scan
from codeclone.read import folder

KERNEL = """
#include <torch/extension.h>
#define BLOCK 256

// Adds up the squares of each row.
template <typename scalar_t>
__global__ void row_norm_kernel(const scalar_t* __restrict__ input, float* output, const int rows, const int width,
                                const float eps) {
  __shared__ float partial[32];
  const int row = blockIdx.x;
  const int lane = threadIdx.x % 32;
  float total = 0.0f;
  for (int i = threadIdx.x; i < width; i += blockDim.x) {
    const float value = static_cast<float>(input[row * width + i]);
    total += value * value;
  }
  for (int offset = 16; offset > 0; offset >>= 1) {
    total += __shfl_down_sync(0xffffffff, total, offset);
  }
  if (lane == 0) {
    partial[threadIdx.x / 32] = total;
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    float sum = 0.f;
    for (int i = 0; i < (blockDim.x + 31) / 32; ++i) sum += partial[i];
    output[row] = rsqrtf(sum / width + eps);
  }
}

at::Tensor row_norm(at::Tensor input, double eps) {
  TORCH_CHECK(input.is_cuda(), "row_norm wants a tensor on the device");
  auto output = at::empty({input.size(0)}, input.options().dtype(at::kFloat));
  AT_DISPATCH_FLOATING_TYPES_AND_HALF(input.scalar_type(), "row_norm", ([&] {
    row_norm_kernel<scalar_t><<<input.size(0), BLOCK, 0, at::cuda::getCurrentCUDAStream()>>>(
        input.data_ptr<scalar_t>(), output.data_ptr<float>(), input.size(0), input.size(1), (float)eps);
  }));
  return output;
}
"""

DISGUISED = """
#include <ATen/ATen.h>

template <typename T>
static __global__ void K1(T const * a, float* b, int const m, int const n, float const c)
{
  __shared__ float s[32];
  int const q = blockIdx.x; int const w = threadIdx.x % 32;
  float t = 0.0;
  for (size_t j = threadIdx.x; n > j; j = j + blockDim.x)
  {
    float const u = (float)a[j + q * n];
    t = t + u * u;  /* squares */
  }
  for (size_t d = 0x10; 0 < d; d >>= 1) t += __shfl_down_sync(4294967295u, t, d);
  if (0 == w) s[threadIdx.x / 32] = t;
  __syncthreads();
  if (0 == threadIdx.x)
  {
    float r = 0.0;
    for (int j = 0; j < (31 + blockDim.x) / 32; j++) { r += s[j]; }
    b[q] = rsqrtf(c + r / n);
  }
}
"""

OTHER = """
__global__ void nearest(const float* xyz, const float* query, long* found, float radius, int n, int m, int samples) {
  const int b = blockIdx.y;
  const int p = blockIdx.x * blockDim.x + threadIdx.x;
  if (p >= m) return;
  const float x = query[(b * m + p) * 3], y = query[(b * m + p) * 3 + 1], z = query[(b * m + p) * 3 + 2];
  int count = 0;
  for (int k = 0; k < n && count < samples; ++k) {
    const float dx = x - xyz[(b * n + k) * 3], dy = y - xyz[(b * n + k) * 3 + 1], dz = z - xyz[(b * n + k) * 3 + 2];
    if (dx * dx + dy * dy + dz * dz < radius * radius) found[(b * m + p) * samples + count++] = k;
  }
}
"""

HEADER = """
#pragma once
#include <vector>
namespace {0} {{
using Index = int64_t;
struct Options {{ int a; float b; std::vector<int> c; bool d; }};
class Engine {{
 public:
  Engine(int a, int b);
  virtual ~Engine();
  void run(const Options& options, float* out, int n);
  int {0}_count() const;
 private:
  int a_; float b_; std::vector<float> data_;
}};
void {0}_forward(const float* x, float* y, int n, cudaStream_t stream);
void {0}_backward(const float* x, const float* dy, float* dx, int n, cudaStream_t stream);
at::Tensor {0}_cuda(at::Tensor x, at::Tensor y, int64_t dim, bool keep);
}}
"""


def profile(tmp_path: Path, source: str | bytes, name: str = "k.cu") -> Profile:
    (tmp_path / name).write_bytes(source if isinstance(source, bytes) else source.encode())
    return code.profile(folder.read(str(tmp_path / name)))


def facts(tmp_path: Path, source: str) -> set[int]:
    found = profile(tmp_path, f"void f() {{ {source} }}")
    assert not found.skipped
    function = [f.qualname for f in found.fragments].index("f")
    syntax = (found.facts.fragments == function) & ~_is_run(found)
    return set(found.facts.keys[syntax].tolist())


def _is_run(found: Profile) -> Any:
    graphs = found.details["parsed"].graphs
    run = np.array([name.startswith("·".encode()) for name in graphs.label_names])
    return run[graphs.labels[found.facts.nodes]]


def test_definitions_and_their_lines(tmp_path: Path) -> None:
    source = (
        "namespace a {\nstruct S : B {\n  int n;\n  int get() const { return n; }\n};\n}\n"
        "template <typename T>\nT a::S::of(T x) {\n  return g(x);\n}\nint g(int x) { return x * 3; }\nint h(int);\n"
    )
    found = profile(tmp_path, source, "k.cpp")
    assert [(f.qualname, f.kind, f.language, f.location.span.first, f.parent) for f in found.fragments if f.location.span] == [
        ("<module>", "module", "c++", 1, -1),
        ("S", "class", "c++", 2, 0),
        ("S.get", "function", "c++", 4, 1),
        ("a.S.of", "function", "c++", 8, 0),
        ("g", "function", "c++", 11, 0),
    ]  # fmt: skip
    assert found.fragments[3].calls == (4,)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("int i = 0; g(i + 1, 2.0f);", "long count = 0x0; g(1 + count, (float)2.0);"),
        ("x++; y -= z;", "x += 1; y = y - z;"),
        ("if (a > b && c) { f(*p); }", "if (c && (b < a)) f(p[0]); /* why */"),
        ("for (int i = 0; i < n; ++i) s += a[i];", "for (unsigned k = 0; n > k; k++) { t = a[k] + t; }"),
        ("y = std::max(a, b); p->run(1);", "w = std::max<float>(c, d); (*q).run(1);"),
        ("int u; float v; y = 1;", "z = 1;"),
    ],
)
def test_ways_of_writing_that_are_one(tmp_path: Path, one: str, other: str) -> None:
    assert facts(tmp_path, one) == facts(tmp_path, other)


@pytest.mark.parametrize(
    ("one", "other"), [("g(a - b);", "g(b - a - c);"), ("x = expf(a);", "x = logf(a);"), ("y = 3;", "y = 4;")]
)
def test_what_a_value_is_made_of_tells(tmp_path: Path, one: str, other: str) -> None:
    assert facts(tmp_path, one) != facts(tmp_path, other)


def test_a_disguised_kernel_is_found(repository: Any) -> None:
    left = repository("left", {"ops/fast.cuh": DISGUISED, "ops/ball.cu": OTHER})
    right = repository("right", {"csrc/norm.cu": KERNEL, "setup.py": "x = 1\n"})
    report = scan(str(left), str(right))
    best = report.evidence[0]
    assert (best.left[0].qualname, best.right[0].qualname) == ("K1", "row_norm_kernel")
    assert best.terms
    assert not [e for e in report.evidence if e.left[0].qualname == "nearest" and e.level != "weak"]


def test_a_copy_is_wholly_there_and_a_stranger_is_not(repository: Any) -> None:
    one, other = repository("one", {"a.cu": KERNEL}), repository("other", {"b.cuh": KERNEL, "c.cu": OTHER})
    report = scan(str(one), str(other))
    assert report.partition.total.own == 0
    assert report.evidence[0].level in ("moderate", "strong")
    stranger = scan(str(repository("third", {"c.cu": OTHER})), str(one))
    assert stranger.verdict.level == "none"


def test_headers_that_only_declare_are_no_pair(repository: Any) -> None:
    one = repository("one", {f"a{n}.h": HEADER.format(f"left{n}") for n in range(5)})
    other = repository("other", {f"b{n}.hpp": HEADER.format(f"right{n}") for n in range(5)})
    report = scan(str(one), str(other))
    assert not report.evidence
    assert report.verdict.level == "none"


def test_facts_of_two_languages_never_meet(tmp_path: Path) -> None:
    kernel, python = (
        profile(tmp_path, "int f(int a) { return a + 1; }"),
        profile(tmp_path, "def f(a):\n    return a + 1\n", "f.py"),
    )
    assert set(kernel.facts.keys.tolist()).isdisjoint(python.facts.keys.tolist())
    assert all(key % 2 for key in kernel.facts.keys.tolist())
    assert not any(key % 2 for key in python.facts.keys.tolist())


def test_damage_is_named_and_what_is_around_it_is_read(tmp_path: Path) -> None:
    found = profile(
        tmp_path,
        "int good(int a) { return a * 3; }\nint bad(int a) { ) ] @@ $$ %% ( { ; ; }\nint last(int b) { return b; }\n",
    )
    assert "good" in [f.qualname for f in found.fragments]
    assert found.skipped


@pytest.mark.parametrize(
    "source",
    [
        "",
        "int f() { return " + "( " * 20_000 + "1" + " )" * 20_000 + "; }",
        "int f() { " + "{" * 5_000 + "}" * 5_000 + " }",
        "int x = " + "- " * 30_000 + "1;",
        "int f() { return " + "1 + " * 30_000 + "1; }",
        "a< " * 3_000,
        "template< " * 3_000,
        "struct A { " * 2_000,
        "#if 1\n" * 4_000,
        "int f() { " + "if (a) x = 1; else " * 3_000 + "x = 2; }",
        "int t[] = {" + "1, " * 100_000 + "};",
        "int f() {} " * 20_000,
        "\\\n" * 10_000,
        '"' * 10_001,
        "/*" * 10_000,
    ],
    ids=range(15),
)
def test_hostile_sources_are_read_or_named(tmp_path: Path, source: str) -> None:
    assert profile(tmp_path, source.replace(" ", "\n")).fragments


def test_a_file_of_angle_brackets_is_left_out(tmp_path: Path) -> None:
    found = profile(tmp_path, "void f() {\n" + "  a<b<c<d<e;\n" * 6000 + "}\n")
    assert [skip.reason for skip in found.skipped] == ["more angle brackets than code has"]
