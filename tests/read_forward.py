"""Reads a data export from its first byte on, as a program does while it downloads: without the directory at its end.

    read_forward.py ARCHIVE FOLDER

Fails unless the files are those of the folder that the archive was unpacked into.
"""

import hashlib
import sys
from pathlib import Path

from stream_unzip import stream_unzip


def received(archive):
    with archive.open("rb") as file:
        while some := file.read(1 << 16):
            yield some


def digest(content):
    whole = hashlib.sha256()
    for some in content:
        whole.update(some)
    return whole.hexdigest()


archive, folder = map(Path, sys.argv[1:])
read = {name.decode("utf-8"): digest(content) for name, _, content in stream_unzip(received(archive))}
unpacked = {file.relative_to(folder).as_posix(): digest([file.read_bytes()]) for file in folder.rglob("*") if file.is_file()}
assert read == unpacked, read.keys() ^ unpacked.keys() or "a file has other bytes"
