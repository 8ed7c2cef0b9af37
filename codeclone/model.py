"""Every type that crosses from one room to another. Imports nothing of ours.

Lines are 1-based and inclusive everywhere. Measures are fractions in [0, 1] unless their unit says otherwise. Amounts
of information are in bits.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, get_args

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Level = Literal["none", "weak", "moderate", "strong", "very strong"]
LEVELS: tuple[Level, ...] = ("none", "weak", "moderate", "strong", "very strong")

Op = Literal["same", "renamed", "edited", "only_left", "only_right"]
OPS: tuple[Op, ...] = ("same", "renamed", "edited", "only_left", "only_right")
Role = Literal["right", "claimed", "ancestor"]
Stance = Literal["for", "against", "context"]


@dataclass(frozen=True, slots=True)
class Span:
    """A run of lines."""

    first: int
    """1-based."""
    last: int
    """1-based, inclusive; never smaller than `first`."""


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a snapshot."""

    path: str
    """Relative to the snapshot's root, with forward slashes."""
    span: Span | None = None
    pointer: str | None = None
    """A JSON pointer (RFC 6901) where the file is data rather than text."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that was not read or not compared, and why."""

    location: Location
    reason: str


@dataclass(frozen=True, slots=True)
class File:
    """A file of a snapshot; its bytes are read on demand and held against the digest."""

    path: str
    """Relative to the snapshot's root, with forward slashes."""
    size: int
    """In bytes."""
    sha256: str
    """Of the bytes as they are on disk, lower-case hexadecimal; where not `whole`, of the first and the last mebibyte."""
    read: Callable[[], bytes] = field(repr=False, compare=False)
    """All of it; only for files that are `whole`."""
    whole: bool = True
    """False for a file of tensors that is too large to be read: its parts are read from its stream."""
    stream: Callable[[], BinaryIO] | None = field(default=None, repr=False, compare=False)
    whole_sha256: str = ""
    """Of all bytes of a file that is not `whole`, where somebody had a reason to read it; empty elsewhere."""

    def open(self) -> BinaryIO:
        """Its bytes as a stream in which one can seek; the caller closes it. Raises OSError."""
        return self.stream() if self.stream is not None else io.BytesIO(self.read())


@dataclass(frozen=True, slots=True)
class Repository:
    """Which repository, at which moment."""

    name: str
    origin: str
    """The source string as the user gave it, without the machine's own folders."""
    revision: str | None
    digest: str
    """SHA-256 over the sorted (path, sha256) of all files, lower-case hexadecimal."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A repository at one moment, with its files."""

    repository: Repository
    files: tuple[File, ...]
    """Sorted by path."""
    skipped: tuple[Skipped, ...] = ()


@dataclass(frozen=True, slots=True)
class Stored:
    """Where the bytes of a tensor are in its file."""

    offset: int
    """In bytes: of the first element from the beginning of the file, or of the member."""
    length: int | None
    """In bytes, from the first element to the last; None where the type's size is not known."""
    member: str | None = None
    """Name of the member of a zip file; None where the file is none."""
    strides: tuple[int, ...] | None = None
    """In elements; None where they lie row by row without gaps."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor of a checkpoint."""

    name: str
    shape: tuple[int, ...] | None
    """None where only the name is known."""
    dtype: str
    """As safetensors spells it: F32, F16, BF16, F8_E4M3, I64, BOOL; names of ggml for its own; empty where not known."""
    stored: Stored | None = None
    """None where its bytes are not there, or cannot be told."""


MAX_SIDE = 2**48
"""Rows, and columns: beyond every file, and far enough from the end of int64 to count in it."""


def matrix_shape(shape: Sequence[int]) -> tuple[int, int]:
    """Rows and columns of a tensor as a matrix: its first dimension and all others; one row for none or one dimension."""
    return (shape[0], math.prod(shape[1:])) if len(shape) > 1 else (1, math.prod(shape))


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The tensors of one model."""

    label: str
    """Path of the index, or of the only file; of shards without an index the path of the first."""
    paths: tuple[str, ...]
    """Files that belong to it, the index first."""
    tensors: tuple[Tensor, ...]
    owners: tuple[int, ...]
    """For each tensor the place of its file in `paths`."""
    formats: tuple[str, ...]
    shards: int
    """Files with tensors that were read."""
    expected: int
    """Files with tensors that there should be."""
    total_size: int | None
    """In bytes, as the index says."""
    metadata: Mapping[str, str]


FragmentKind = Literal["function", "class", "module"]


@dataclass(frozen=True, slots=True)
class Part:
    """What a class builds one of its attributes with."""

    attribute: str
    """Empty where it is not kept in an attribute at once."""
    constructor: str
    """Last part of the constructor's name."""
    definition: int
    """Index of the constructor's fragment in the same profile; -1 where the profile does not define it."""
    many: bool
    """Built in a loop: as many as the loop runs."""


@dataclass(frozen=True, slots=True)
class Binding:
    """Where a name that is no definition is first given a value: a module-level name, a field, an attribute of `self`."""

    name: str
    fragment: int
    """Index of the module or class that has it."""
    line: int
    """1-based."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """A function, a class or a module, with its lines."""

    location: Location
    qualname: str
    """`function`, `Class.method`, `outer.inner`; `<module>` for a module."""
    kind: FragmentKind
    language: str
    lines: tuple[tuple[int, str], ...] = field(repr=False)
    """(1-based line number, text without its line end). A function has all of its lines; a class or a module only
    those that belong to no function or class inside it, which are fragments of their own."""
    parent: int
    """Index of the enclosing fragment in the same profile; -1 for a module."""
    calls: tuple[int, ...] = ()
    """Indices of the fragments of the same profile that it calls by name, ascending."""
    inherits: tuple[int, ...] = ()
    """Indices of the classes of the same profile that a class is derived from, ascending."""
    parts: tuple[Part, ...] = ()
    """What a class keeps in its attributes, in source order."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Located facts in parallel arrays, ordered by (fragment, key), each key once in a fragment.

    A fragment owns the facts of the fragments inside it as well.
    """

    keys: NDArray[np.uint64]
    fragments: NDArray[np.int32]
    """Index into the profile's fragments."""
    nodes: NDArray[np.int32]
    """The first node of the value graph, in source order, that shows the fact."""
    depths: NDArray[np.uint8]
    """How many steps of operands the key covers: 0 is a label alone."""
    readings: NDArray[np.uint8]
    """Bits: 1 where the fact is there when the fragment is read in its place, 2 where it is there when it is cut out, 4
    where it stands on the fragment's own lines and not only in a helper that it calls."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What one evidence room knows about one repository: enough to compare it after the repository is gone."""

    kind: str
    version: int
    """Of the room; profiles of two versions do not compare."""
    snapshot_digest: str
    facts: Facts
    fragments: tuple[Fragment, ...]
    details: Mapping[str, Any]
    """What only the room itself understands."""
    skipped: tuple[Skipped, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A repository that may explain the left one."""

    role: Role
    name: str
    """Distinct among the candidates of a report: the repository's name, numbered where two are alike."""
    repository: Repository


@dataclass(frozen=True, slots=True)
class Row:
    """One row of two aligned texts."""

    left_line: int | None
    """1-based; None where the row stands on the right only."""
    right_line: int | None
    op: Op
    left_text: str = ""
    right_text: str = ""


@dataclass(frozen=True, slots=True)
class Alignment:
    """Two texts side by side."""

    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure that says what it means."""

    name: str
    value: float
    unit: str
    """`fraction`, `bits`, or what is counted: `facts`, `lines`, `rules`."""
    meaning: str


@dataclass(frozen=True, slots=True)
class Method:
    """How an evidence room came to its figures."""

    name: str
    parameters: Mapping[str, float | int | str]
    source: str
    """Author, year, section."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a piece of evidence stands on one side."""

    location: Location
    qualname: str | None = None


@dataclass(frozen=True, slots=True)
class Term:
    """A shared fact in words, with the line that shows it on each side."""

    text: str
    bits: float
    """How rare the fact is: -log2 of the share of unrelated files that hold it."""
    left_line: int
    right_line: int


NameKind = Literal["variable", "attribute", "keyword", "definition"]
"""A definition is a function or class that both fragments define."""

CloneType = Literal["type-1", "type-2", "type-3", "rewritten"]
CLONE_TYPES: tuple[CloneType, ...] = ("type-1", "type-2", "type-3", "rewritten")
"""Roy and Cordy 2007, section 3; `rewritten` is their type 4: the same dataflow in other statements."""


@dataclass(frozen=True, slots=True)
class Rename:
    """A left name that stands for a right one, and a right one for it alone."""

    left: str
    right: str
    kind: NameKind


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A left name in the place of a right one although the table gives one of the two another counterpart."""

    left: str
    right: str
    kind: NameKind
    count: int
    """Corresponding statements in which that is so."""


@dataclass(frozen=True, slots=True)
class RenameProof:
    """The rename table of two fragments, and what is left when it is applied to the right one.

    A statement is a simple one or the header of a compound one, without layout, comments, docstrings and annotations.
    """

    renames: tuple[Rename, ...]
    """In the order in which the names appear on the left; names that are the same on both sides are not listed."""
    contradictions: tuple[Contradiction, ...]
    left_statements: int
    right_statements: int
    identical_before: int
    """Statements in a longest common subsequence of both sides as they are."""
    identical: int
    """The same after the renames."""
    renested: int
    """Of the identical ones, those that stand in more or fewer blocks than on the other side."""


@dataclass(frozen=True, slots=True)
class SharedPart:
    """Where two fragments are alike that are not alike all over."""

    left: Span
    right: Span
    containment_left: float
    """Share of the bits on the left lines that is found on the right ones."""
    containment_right: float
    attributable_bits: float
    """Of the facts on these lines."""

    @property
    def containments(self) -> tuple[float, float]:
        return self.containment_left, self.containment_right


Cell = str | int | float | None
"""Of a table; None where there is nothing."""


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row of what was compared entry by entry."""

    op: Op
    """`renamed`: the same under another name; `edited`: the same name with another value."""
    cells: tuple[Cell, ...]
    """One for each column."""
    note: str = ""
    """Why the row counts, or why it does not."""
    bits: float = 0.0
    """What it adds to the finding."""


@dataclass(frozen=True, slots=True)
class Table:
    """What was compared entry by entry, side by side."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[TableRow, ...]
    """What counts most first."""
    left_out: int = 0
    """Rows beyond those listed."""


@dataclass(frozen=True, slots=True)
class Series:
    """Points of a plot that belong together."""

    name: str
    points: tuple[tuple[float, float], ...]
    """(x, y)."""
    labels: tuple[str, ...] = ()
    """What each point stands for, such as a tensor's name; empty where its x says it."""


@dataclass(frozen=True, slots=True)
class PlotLine:
    """A straight line to read the points against, over the whole width."""

    name: str
    intercept: float
    """Its y where x is 0."""
    slope: float = 0.0


@dataclass(frozen=True, slots=True)
class Plot:
    """What is easier to see than to read in a table."""

    title: str
    x: str
    """Label of the axis, with its unit."""
    y: str
    series: tuple[Series, ...]
    lines: tuple[PlotLine, ...] = ()
    says: str = ""
    """What is to be seen, in one sentence."""


REWRITE_RULES = "Rewrite rules"
"""Title of the table of the rules between two checkpoints: (kind, left, right, tensors), a note where a rule is a guess."""

LADDER = "The ladder"
"""Title of the table of what was asked of two checkpoints: (rung, question, what was found, null hypothesis, p, how p is known,
sample, seed)."""

TOKEN_FLAGS = ("lstrip", "rstrip", "normalized", "single_word", "special")


@dataclass(frozen=True, slots=True)
class Token:
    """A special or added token of a tokenizer."""

    content: str
    id: int | None
    """None where no file gives it one."""
    flags: tuple[bool | None, ...]
    """One for each of `TOKEN_FLAGS`; None where no file says."""
    location: Location

    @property
    def told(self) -> str:
        """The flags that are set; `?` where no file says anything of them."""
        if all(flag is None for flag in self.flags):
            return "?"
        return " ".join(name for name, flag in zip(TOKEN_FLAGS, self.flags, strict=True) if flag) or "none"


Vocabulary = tuple[str | None, ...]
"""Tokens by id; None where no token has the id."""


@dataclass(frozen=True, slots=True)
class ChatTemplate:
    """A template of Jinja that writes a conversation as one text."""

    name: str
    """`default` where the file has only one."""
    text: str
    location: Location


@dataclass(frozen=True, slots=True)
class BuildPath:
    """What the trainer of a sentencepiece model noted of the machine that it ran on."""

    name: str
    """`input` or `model_prefix`."""
    text: str
    location: Location


@dataclass(frozen=True, slots=True)
class TokenizerFile:
    """What one file says of a tokenizer."""

    path: str
    format: str
    sha256: str
    """Of the file; of the file that it stands for, where it is a Git-LFS pointer."""
    size: int
    """In bytes, of the same."""
    pointer: bool = False
    tokens: tuple[Token, ...] = ()
    vocabulary: Vocabulary | None = None
    merges: tuple[str, ...] | None = None
    templates: tuple[ChatTemplate, ...] = ()
    settings: tuple[tuple[str, str, Location], ...] = ()
    """(name, value as JSON, place)."""
    leaks: tuple[BuildPath, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    """What of the file was left out; all of it where it has no more than a digest."""


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """What the files of a folder say of a tokenizer; of two that contradict each other one counts."""

    path: str
    """Of the folder, `.` for the root; of the file, where a folder has several tokenizers."""
    records: tuple[TokenizerFile, ...]
    """In order of path, without their vocabularies and merges."""
    tokens: tuple[Token, ...]
    """Special and added ones, each content once, in order of id; those without one stand last."""
    vocabulary: Vocabulary | None
    vocabulary_location: Location | None
    merges: tuple[str, ...] | None
    merges_location: Location | None
    templates: tuple[ChatTemplate, ...]
    settings: tuple[tuple[str, str, Location], ...]
    leaks: tuple[BuildPath, ...]
    contradictions: tuple[Skipped, ...]
    """Where two files say different things, and what."""
    listed: tuple[str, ...]
    """Contents of new special tokens in the order in which a setting lists them."""

    @property
    def size(self) -> int | None:
        """Ids of the vocabulary, added tokens included; None where no file has a vocabulary."""
        if self.vocabulary is None:
            return None
        return max([len(self.vocabulary), *(token.id + 1 for token in self.tokens if token.id is not None)])


KIND_TITLES = {
    "code": "Code",
    "config": "Configuration",
    "references": "References and marks of origin",
    "tensors": "Tensor names and shapes",
    "tokenizer": "Tokenizer",
    "weights": "Weights",
}
"""Kind -> what readers see; each room has its own in `TITLE`. A kind of another release is shown by its name."""


UNRELATED = "unrelated"
"""Name of controls whose value is the share of the measured unrelated pairs that stay below the figure."""

SAME_FIGURE = "the same figure for this pair"
"""What the meaning of every other control of a finding begins with."""


@dataclass(frozen=True, slots=True)
class Control:
    """The same figure for a pair that is known, to read the report's own figures against."""

    name: str
    """The pair: `left ~ NAME`, `right ~ NAME` with the name of an ancestor or claimed source; or
    `UNRELATED`."""
    measure: str
    value: float
    meaning: str


DIRECTIONS = ("left from right", "right from left")
"""Which side a finding shows to come from which."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One finding about a left place and a right place."""

    id: str
    """Stable for the same two places: it depends on nothing else in the report."""
    kind: str
    claim: str
    stance: Stance
    level: Level
    left: tuple[Place, ...]
    right: tuple[Place, ...]
    measures: tuple[Measure, ...]
    method: Method
    reason: str
    renames: tuple[tuple[str, str], ...] = ()
    """(left name, right name), in the order in which the names appear on the left."""
    alignment: Alignment | None = None
    terms: tuple[Term, ...] = ()
    """The rarest shared facts, rarest first."""
    part: SharedPart | None = None
    """Where the two are alike, if they are not alike all over."""
    type: CloneType | None = None
    """None where neither the statements nor the dataflow agree throughout, or where nobody looked."""
    proof: RenameProof | None = None
    unproven: str = ""
    """Why there is no proof; empty where there is one."""
    tables: tuple[Table, ...] = ()
    """Of findings about data rather than code."""
    controls: tuple[Control, ...] = ()
    """Its measures for other pairs: the left place with the best of each ancestor and claimed source, the right place with
    theirs, and where the measure stands among unrelated pairs."""
    declared: str = ""
    """The declaration that covers it, with its place; empty where nobody declares it."""
    plots: tuple[Plot, ...] = ()
    direction: str = ""
    """One of `DIRECTIONS`; empty where the finding cannot tell."""


@dataclass(frozen=True, slots=True)
class Source:
    """A candidate's place that explains a left one."""

    candidate: str
    place: Place


MAX_TIED = 5
"""Places that explain something as well as the best, listed beside it."""


@dataclass(frozen=True, slots=True)
class Attribution:
    """The best explanation of one left fragment, setting, token or tensor among all candidates, however weak."""

    left: Place
    """`qualname` is the path of keys of a setting, the content of a token, the name of a tensor."""
    best: Source | None
    """Of candidates that explain it equally well an ancestor before a claimed source before the right repository."""
    scores: Mapping[str, float]
    """Candidate name -> containment of the left one in that candidate's best, weighted by bits."""
    undecided: bool
    """Another place explains it equally well; of fragments, by structure and by surface."""
    tied: tuple[Source, ...] = ()
    """Those other places; at most five are listed, one of each candidate before a second of any."""
    kind: str = "code"


@dataclass(frozen=True, slots=True)
class Explanation:
    """How much of what the left shares with the right repository one candidate explains, of one kind.

    What counts are left fragments, settings, tokens, tensors or references that the right repository has as well and that
    are not stock.
    """

    candidate: str
    kind: str
    shared: int
    """How many the left shares with the right repository: the same number for every candidate."""
    better: int
    """Of these, those that it explains better than the right repository; for the right repository itself, better than
    every other candidate."""
    tied: int
    """Of these, those that it explains as well as the right repository; for the right repository itself, as well as the
    best of the others."""
    containment: float
    """Share of all of the left's bits that are not stock that the candidate has, whoever else has them."""


DeclarationKind = Literal[
    "licence", "copyright", "copied from", "adapted from", "modular import", "credit", "base model"
]
DECLARATIONS: tuple[DeclarationKind, ...] = get_args(DeclarationKind)
NO_SOURCE: tuple[DeclarationKind, ...] = ("licence", "copyright")
"""Kinds of declarations that name no repository."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """A place where a repository says what it comes from."""

    kind: DeclarationKind
    source: str
    """What it names: a licence by its SPDX id, a holder of copyright, a dotted path, an address, a model on a hub."""
    text: str
    """The line as written, shortened."""
    place: Place


@dataclass(frozen=True, slots=True)
class Declared:
    """A declaration of one side, and which of the compared repositories it names."""

    side: str
    """`left`, or a candidate's name."""
    declaration: Declaration
    names: str
    """The candidate that it names, or `left`; empty where it names none of them."""
    count: int = 1
    """Places of the side that declare the same; the first is given."""


@dataclass(frozen=True, slots=True)
class Partition:
    """The facts of the left repository by what explains them, in bits. The five parts add up to the whole."""

    stock: float = 0.0
    ancestor: float = 0.0
    claimed: float = 0.0
    attributable: float = 0.0
    own: float = 0.0

    @property
    def total(self) -> float:
        return self.stock + self.ancestor + self.claimed + self.attributable + self.own


PARTS = ("stock", "ancestor", "claimed", "attributable", "own")


@dataclass(frozen=True, slots=True)
class Partitions:
    """The partition of the whole repository and of its parts. A fact that stands in two files counts in both
    `by_file` entries and once in `total`."""

    total: Partition
    by_kind: Mapping[str, Partition]
    by_file: Mapping[str, Partition]


@dataclass(frozen=True, slots=True)
class CloneClass:
    """Fragments of both sides that belong together: connected by pairs at level moderate and above, or tied in one."""

    left: tuple[Place, ...]
    right: tuple[Place, ...]
    evidence: tuple[str, ...]
    """Ids of the findings that connect them."""


@dataclass(frozen=True, slots=True)
class PartCount:
    """What a class is built of."""

    name: str
    """Qualified name of an own class, last part of the name of a library's."""
    count: int
    """How many are written out."""
    many: bool
    """At least one of them is built in a loop."""
    own: bool
    """The repository defines it; otherwise it is a library's."""


@dataclass(frozen=True, slots=True)
class CompositionRow:
    """A class of the left, of the right, or one of each that come from each other, with what it is built of."""

    depth: int
    """0 for a class that is part of no other; a part is one deeper than the whole above it."""
    left: Place | None
    right: Place | None
    left_parts: tuple[PartCount, ...]
    right_parts: tuple[PartCount, ...]
    matched: float
    """Share of the left class's bits that is found in the right class, stock included; 0 where one side is missing."""


@dataclass(frozen=True, slots=True)
class Leftover:
    """A distinctive name that the left uses without defining it, and that the right defines."""

    name: str
    unresolved: bool
    """The left's code uses it and nothing in the left gives it a value; otherwise it stands in comments or strings."""
    count: int
    """Lines of the left that have it."""
    left: tuple[Place, ...]
    """The first of these lines."""
    right: tuple[Place, ...]
    """Where the right defines it."""


@dataclass(frozen=True, slots=True)
class CommonNames:
    """Distinctive names that both sides define."""

    count: int
    stock: int
    """Of these, names that unrelated packages define as well."""
    explained: int | None
    """Of the others, names that a declared ancestor or claimed source defines as well; None where none was examined."""
    names: tuple[str, ...]
    """The first of the rest, in alphabetical order."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the evidence adds up to."""

    level: Level
    direction: str
    because: tuple[str, ...]
    """What is shown."""
    caveats: tuple[str, ...]
    """What is not, and what would change the level."""
    other_explanations: tuple[str, ...] = ()
    """What else could have led to the same findings, and what was found for and against each."""


@dataclass(frozen=True, slots=True)
class Compared:
    """What was looked at on one side: `left`, or a candidate by its name."""

    side: str
    kind: str
    files: int
    fragments: int
    """Of code; 0 for other kinds."""
    lines: int
    """Of code; 0 for other kinds."""
    facts: int


@dataclass(frozen=True, slots=True)
class Report:
    """Everything a reader needs; inert: it renders again from its own JSON, on another machine, years on."""

    schema: str
    tool_name: str
    tool_version: str
    command: str
    left: Repository
    right: Repository
    candidates: tuple[Candidate, ...]
    """The right repository, then ancestors, then claimed sources, each in order of name: the order of the command line
    changes nothing."""
    compared: tuple[Compared, ...]
    evidence: tuple[Evidence, ...]
    partition: Partitions
    attribution: tuple[Attribution, ...]
    controls: tuple[Control, ...]
    skipped: tuple[tuple[str, Skipped], ...]
    """(side, what): side is `left` or a candidate's name."""
    verdict: Verdict
    classes: tuple[CloneClass, ...] = ()
    """The largest first."""
    composition: tuple[CompositionRow, ...] = ()
    leftovers: tuple[Leftover, ...] = ()
    common_names: CommonNames | None = None
    """None in reports of releases that did not look for them."""
    explanations: tuple[Explanation, ...] = ()
    """By kind, then in the order of the candidates."""
    declared: tuple[Declared, ...] | None = None
    """What both sides and every candidate say they come from, in order of side, file and line; None where nobody looked."""
