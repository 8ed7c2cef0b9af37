"""Folders as they come: links, ignores, encodings, sizes."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from codeclone.errors import SourceError
from codeclone.read import folder, open_source
from codeclone.read.text import decode


def paths(root: Path) -> list[str]:
    return [file.path for file in folder.read(str(root)).files]


def reasons(root: Path) -> dict[str, str]:
    return {skip.location.path: skip.reason for skip in folder.read(str(root)).skipped}


def test_files_with_size_and_digest(repository) -> None:
    root = repository("r", {"b.py": "x = 1\n", "a/c.py": "y\n"})
    snapshot = folder.read(str(root))
    assert [(file.path, file.size) for file in snapshot.files] == [("a/c.py", 2), ("b.py", 6)]
    assert snapshot.files[1].sha256 == hashlib.sha256(b"x = 1\n").hexdigest()
    assert snapshot.files[1].read() == b"x = 1\n"
    assert snapshot.repository.name == "r"


def test_an_empty_name_is_not_the_current_folder() -> None:
    with pytest.raises(SourceError, match="without a name"):
        open_source("")


def test_a_single_file_is_a_snapshot(repository) -> None:
    root = repository("r", {"b.py": "x = 1\n", "c.py": "y\n"})
    assert [file.path for file in folder.read(str(root / "b.py")).files] == ["b.py"]


def test_digest_follows_content_and_path_only(repository) -> None:
    one, two = repository("one", {"a.py": "x\n"}), repository("two", {"a.py": "x\n"})
    assert folder.read(str(one)).repository.digest == folder.read(str(two)).repository.digest
    (two / "a.py").rename(two / "b.py")
    assert folder.read(str(one)).repository.digest != folder.read(str(two)).repository.digest


def test_gitignore_is_respected_where_it_stands(repository) -> None:
    root = repository(
        "r",
        {
            ".gitignore": "*.log\n/build/\n!keep.log\n",
            "a.log": "", "keep.log": "", "build/x.py": "", "src/build/y.py": "", "src/.gitignore": "local.py\n",
            "src/local.py": "", "local.py": "",
        },
    )  # fmt: skip
    assert paths(root) == [".gitignore", "keep.log", "local.py", "src/.gitignore", "src/build/y.py"]
    assert reasons(root)["a.log"] == "ignored by .gitignore"
    assert reasons(root)["build"] == "ignored by .gitignore"


def test_what_no_author_wrote_is_left_out(repository) -> None:
    root = repository(
        "r",
        {
            "a.py": "", ".git/config": "", "__pycache__/a.pyc": b"\0", "a.pyc": b"\0", "env/pyvenv.cfg": "",
            "env/lib/z.py": "", "node_modules/q.py": "",
        },
    )  # fmt: skip
    assert paths(root) == ["a.py"]
    assert reasons(root)["env"] == "a virtual environment"


def test_links_are_never_followed_out(repository) -> None:
    outside = repository("outside", {"secret.py": "password = 1\n"})
    root = repository("r", {"a.py": "x\n", "sub/b.py": "y\n"})
    (root / "out.py").symlink_to(outside / "secret.py")
    (root / "folder").symlink_to(outside)
    (root / "loop").symlink_to(root)
    (root / "inside.py").symlink_to(root / "a.py")
    (root / "gone.py").symlink_to(root / "nothing")
    assert paths(root) == ["a.py", "sub/b.py"]
    assert "leads out" in reasons(root)["out.py"]
    assert {"folder", "loop", "gone.py", "inside.py"} <= set(reasons(root))


def test_sizes_and_odd_files(repository, monkeypatch) -> None:
    root = repository("r", {"a.py": "x\n", "big.py": b"#" * 3000})
    os.mkfifo(root / "pipe.py")
    monkeypatch.setattr(folder, "MAX_FILE_BYTES", 1000)
    assert paths(root) == ["a.py"]
    assert "3,000 bytes" in reasons(root)["big.py"]
    assert "not a regular file" in reasons(root)["pipe.py"]


def test_names_of_any_bytes(repository) -> None:
    root = repository("r", {"a.py": "x\n", "new\nline.py": "y\n", "-": "z\n"})
    with open(os.path.join(os.fsencode(root), b"latin\xe9.py"), "wb") as file:
        file.write(b"z\n")
    found = paths(root)
    assert r"latin\xe9.py" in found
    assert r"new\nline.py" in found
    assert all(path.isprintable() for path in found)


@pytest.mark.parametrize("source", ["nowhere", "", "\0", "x" * 5000])
def test_a_source_that_is_not_there(source: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    if source == "":
        return  # the current folder
    with pytest.raises(SourceError):
        open_source(source)


def test_origin_shows_nothing_of_the_machine(repository) -> None:
    root = repository("r", {"a.py": "x\n"})
    assert folder.read(str(root)).repository.origin == "r"


def test_the_commit_that_is_checked_out(repository) -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    root = repository("r", {"a.py": "x", ".git/HEAD": "ref: refs/heads/main\n", ".git/refs/heads/main": commit + "\n"})
    assert folder.read(str(root)).repository.revision == commit
    packed = repository(
        "p", {".git/HEAD": "ref: refs/heads/main\n", ".git/packed-refs": f"# x\n{commit} refs/heads/main\n"}
    )
    assert folder.read(str(packed)).repository.revision == commit
    hostile = repository("h", {".git/HEAD": "ref: refs/../../../../etc/passwd\n"})
    assert folder.read(str(hostile)).repository.revision is None


@pytest.mark.parametrize(
    ("content", "encoding", "text"),
    [
        (b"x = 1\r\ny\r", "utf-8", "x = 1\ny\n"),
        (b"\xef\xbb\xbfx = '\xc3\xa9'", "utf-8-sig", "x = 'é'"),
        (b"# -*- coding: latin-1 -*-\nx = '\xe9'", "iso8859-1", "# -*- coding: latin-1 -*-\nx = 'é'"),
        (b"#!/usr/bin/python\n# vim: set fileencoding=cp1252 :\n'\x80'", "cp1252", None),
        (b"x = '\xe9'", "latin-1", "x = 'é'"),
        (b"# coding: no-such-codec\nx", "utf-8", "# coding: no-such-codec\nx"),
        (b"# coding: hex\nx", "utf-8", "# coding: hex\nx"),
        ("x = 'é'".encode("utf-16"), "utf-16", "x = 'é'"),
    ],
)
def test_encodings(content: bytes, encoding: str, text: str | None) -> None:
    decoded = decode(content)
    assert decoded is not None
    assert decoded.encoding == encoding
    assert text is None or decoded.content == text


def test_null_bytes_are_no_text() -> None:
    assert decode(b"x = 1\0\n") is None


def test_the_encoding_that_was_read_is_recorded(repository) -> None:
    from codeclone.parse.fragments import parse_snapshots

    root = repository("r", {"a.py": "x = 1\n", "b.py": b"x = '\xe9'\n", "c.py": b"\xef\xbb\xbfx = 1\n"})
    assert parse_snapshots([folder.read(str(root))])[0].encodings == (("b.py", "latin-1"), ("c.py", "utf-8-sig"))
