"""What a sentence names as its source: an address, a dotted path, a file, `owner/name` of a hub, or a proper name.

Whoever writes "based on the input length" names none. A phrase that is mostly written of other things ("based on", "taken
from") needs more of a source than one that is hardly ever ("copied from").
"""

from __future__ import annotations

import re

MAX_AFTER = 320
"""Characters behind a phrase in which its source is looked for."""

MAX_LINES = 3
"""Lines on which a sentence goes on."""

MAX_SOURCE = 200
"""Characters of a source that are kept."""

PACKAGES = frozenset(
    "accelerate adapters apex deepspeed detectron2 diffusers espnet fairseq flax gensim jax k2 keras keras_hub keras_nlp "
    "librosa megatron mindformers mindnlp mindone mmcv mmdet mmpretrain mmseg nltk open_clip openmmlab paddlenlp peft "
    "sentence_transformers speechbrain tensor2tensor tensorflow timm torch torchaudio torchtune torchvision transformers "
    "trl vllm x_transformers xformers".split()
)
"""Packages of which code is taken, by the names of their modules."""

CODE_HOSTS = re.compile(
    r"(?:^|[/.@])(?:github\.com|github\.io|githubusercontent\.com|gitlab\.[a-z.]+|bitbucket\.org|gitee\.com|huggingface\.co|hf\.co|"
    r"modelscope\.cn|code\.google\.com|source\.codeaurora\.org|sourceforge\.net|kaggle\.com|colab\.research\.google\.com)[/:]",
    re.IGNORECASE,
)
"""Addresses at which code or models are kept."""

_PAPERS = re.compile(
    r"arxiv|doi\.org|openreview|aclweb|aclanthology|\.pdf\b|wikipedia|/abs/|papers?\.|semanticscholar|ieee|springer|"
    r"acm\.org|huggingface\.co/(?:docs|papers|blog)",
    re.IGNORECASE,
)
"""Addresses of what is read and not reused."""

_OWNER_ALONE = re.compile(r"^(?:https?://)?(?:www\.)?(?:github|gitlab|bitbucket)\.(?:com|org)/[^/]+/?$", re.IGNORECASE)
"""Addresses of a person or a group."""

_USED = re.compile(r"google/sentencepiece|huggingface/tokenizers|openai/tiktoken", re.IGNORECASE)
"""Libraries that a tokenizer calls: "based on" says that it does."""

_ADDRESS = re.compile(
    r"(?:https?://|git@|(?:www\.|gist\.|raw\.)?(?:github|gitlab|huggingface|githubusercontent)\.com?/)[^\s<>\"'`()\[\]{}|\\]{3,}"
)
_LINK = re.compile(r"\[[^\]\[\n]{0,120}\]\(\s*(https?://[^)\s]{3,300})\)|`[^`<\n]{0,120}<(https?://[^>\s]{3,300})>`_")
"""As Markdown and as reStructuredText write a link."""

_FILLER = re.compile(
    r"(?:[\s:,`'\"*(\[<~=-]|(?:the|this|that|an|our|its|class|function|functions|method|file|files|code|"
    r"implementation|implementations|repo|repository|official|original|following|module|here|at|in|of|from|and|see|is|"
    r"source|version|modified|adapted|copied|taken|mostly|a)(?=[\s:,`'\"*(]))*+",
    re.IGNORECASE,
)
_FILE = re.compile(
    r"(?:[\w.-]{1,80}/){0,12}[\w-][\w.-]{0,80}\.(?:py|pyx|cu|cuh|cc|cpp|cxx|c|h|hpp|js|ts|ipynb|lua|rs|go|java|m)\b(?![\w/])"
)
_DOTTED = re.compile(r"[A-Za-z_]\w{0,80}(?:\.[A-Za-z_]\w{0,80}){1,12}")
_HUB = re.compile(r"([A-Za-z0-9][\w.-]{1,40})/([A-Za-z0-9][\w.-]{1,60})(?![\w/])")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{2,60}")
_WHOSE = re.compile(r"([A-Z][\w-]{2,40})'s[ `*]{1,3}([A-Z][\w-]{2,60})\b")
_OF_CODE = re.compile(
    r"[`'\"*)\]]*(?:'s)?[\s`]+(?:[\w.`+-]{1,40}[\s]+){0,2}?(?:github|code|codebase|implementations?|repo|repository|library|source)\b",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.!?;][\"')\]]*\s+(?=[A-Z`\[\"'])|\n\s*\n")
_MARGIN = re.compile(r"^[ \t]*(?:#+|//+|/?\*+|;+|>+|--|%+)?[ \t]*")
_END_OF_TEXT = re.compile(r'"""|\'\'\'|\*/|```')

_NO_ROOTS = frozenset(
    "self cls config cfg args kwargs model models module e i etc np x y inputs input output outputs".split()
)
"""First parts of dotted names that stand for a value and not for a package."""

_NO_NAMES = frozenset(
    "GPU CPU TPU NPU XPU RGB BGR RGBA NHWC NCHW HWC CHW JSON YAML TOML XML HTML CSV ASCII UTF UTF8 URL API SDK CLI CUDA SQL "
    "PDF LLM NLP LLMs IDs FP16 FP32 BF16 INT8 INT4 FP8 UNK PAD BOS EOS CLS SEP MASK NaN NaNs None True False TODO NOTE RST "
    "README LICENSE IPython Python3 Python2 OpenCV OS RAM HF HTTP S3".split()
)
"""Words in capitals that are no source."""

LEAST_SNAKE = 14
"""Characters of a name of at least three words in small letters that is taken for a function."""

_WEAK_LEAST_PARTS = 3


def sentence_after(text: str, at: int) -> str:
    """What stands behind a place up to the end of its sentence, comment or paragraph, on one line without its margins."""
    lines = text[at : at + MAX_AFTER].split("\n")[:MAX_LINES]
    line_start = text.rfind("\n", max(0, at - MAX_AFTER), at) + 1 or max(0, at - MAX_AFTER)
    margin = _MARGIN.match(text, line_start, at)
    mark = margin.group().strip()[:1] if margin else ""
    parts = [lines[0]]
    for line in lines[1:]:
        stripped = line.strip()
        if not stripped or (mark in ("#", "/") and not stripped.startswith(mark)):
            break
        parts.append(_MARGIN.sub("", line))
    joined = " ".join(parts)
    for end in (_END_OF_TEXT.search(joined), _SENTENCE_END.search(joined)):
        if end is not None:
            joined = joined[: end.start()]
    return joined


def source_in(sentence: str, *, sure: bool) -> str:
    """The source that the words behind a phrase name; empty where they name none.

    `sure`: the phrase is hardly written of anything but code, so a bare name will do.
    """
    start = _FILLER.match(sentence)
    at = start.end() if start is not None else 0
    address = _first_address(sentence, at)
    if address is not None:
        return address
    return _direct(sentence, at, sure)


def address_in(sentence: str) -> str:
    """The first address of code or of a model in a sentence; empty where there is none."""
    return next(iter(addresses_in(sentence)), "")


def addresses_in(text: str) -> list[str]:
    """Addresses of code or of models, in their order, each once."""
    found = (_clean(match.group()) for match in _ADDRESS.finditer(text))
    return [*dict.fromkeys(one for one in found if is_code(one))]


def is_code(address: str) -> bool:
    """Whether an address is of a place where code or models are kept, and not of a paper or a library that is called."""
    return (
        CODE_HOSTS.search(address) is not None
        and not _OWNER_ALONE.search(address)
        and not _PAPERS.search(address)
        and not _USED.search(address)
    )


def _first_address(sentence: str, at: int) -> str | None:
    """An address of code anywhere in the sentence, or any other but a paper's where it follows at once; None where there
    is none."""
    found = address_in(sentence)
    if found:
        return found
    near = _ADDRESS.match(sentence, at)
    if near is None:
        link = _LINK.search(sentence, 0, at + 4)
        address = (link[1] or link[2]) if link is not None else ""
    else:
        address = near.group()
    if not address:
        return None
    return "" if _PAPERS.search(address) or _USED.search(address) else _clean(address)


def _direct(sentence: str, at: int, sure: bool) -> str:
    file = _FILE.match(sentence, at)
    if file is not None and (sure or "/" in file.group()):
        return file.group()[:MAX_SOURCE]
    dotted = _DOTTED.match(sentence, at)
    if dotted is not None:
        return dotted.group()[:MAX_SOURCE] if _is_path(dotted.group(), sure) else ""
    hub = _HUB.match(sentence, at)
    if hub is not None:
        return hub.group().rstrip(".") if _is_hub(hub, sentence, sure) else ""
    name = _NAME.match(sentence, at)
    if name is None:
        return ""
    whose = _WHOSE.match(sentence, at)
    if whose is not None and _is_name(whose[2], True, True):
        return f"{whose[1]}/{whose[2]}"
    behind = _OF_CODE.match(sentence, name.end()) is not None
    return name.group() if _is_name(name.group(), sure, behind) else ""


def _is_path(dotted: str, sure: bool) -> bool:
    """Whether a dotted name is a path to code and no attribute of a value."""
    parts = dotted.split(".")
    if parts[0] in _NO_ROOTS:
        return sure and len(parts) >= _WEAK_LEAST_PARTS and parts[0] in ("model", "models", "module")
    if parts[0].lower() in PACKAGES:
        return sure or len(parts) >= _WEAK_LEAST_PARTS
    has_class = any(part[0].isupper() for part in parts)
    return has_class and sure if len(parts) < _WEAK_LEAST_PARTS else has_class or sure


def _is_hub(hub: re.Match[str], sentence: str, sure: bool) -> bool:
    """Whether `a/b` is a repository: two words with a slash between them are mostly alternatives."""
    if _OF_CODE.match(sentence, hub.end()) is not None:
        return True
    owner, name = hub[1], hub[2]
    return sure and len(owner) > 2 and len(name) > 2 and any(c.isdigit() or c in "-_" for c in owner + name)


def _is_name(name: str, sure: bool, of_code: bool) -> bool:
    """Whether a word is the name of a project: it is known, or spelled as nobody spells a common word."""
    if name in _NO_NAMES:
        return False
    if name.lower().replace("-", "_") in PACKAGES and (sure or of_code):
        return True
    if name.count("_") > 1 and len(name) >= LEAST_SNAKE:
        return sure
    is_odd = any(c.isupper() or c.isdigit() for c in name[1:])
    return name[0].isupper() and ((is_odd and (of_code or sure)) or (of_code and sure))


def _clean(address: str) -> str:
    return address.rstrip(".,;:!?*_~-'\"`")[:MAX_SOURCE]
