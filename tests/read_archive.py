"""Reads and unpacks a data export with nothing but Python.

    read_archive.py ARCHIVE FOLDER

Fails unless the ZIP is intact, every name stays inside the folder, the manifest matches every other file, each file of
items conforms to its schema, and every row of a table has the same number of fields.
"""

import csv
import hashlib
import json
import sys
import zipfile
from pathlib import Path, PurePosixPath

import jsonschema_rs


def main(archive, folder):
    with zipfile.ZipFile(archive) as files:
        assert files.testzip() is None, "a file is damaged"
        names = files.namelist()
        assert len(names) == len(set(names)), "a name occurs twice"
        for name in names:
            path = PurePosixPath(name)
            assert not path.is_absolute() and ".." not in path.parts and "\\" not in name, name
        files.extractall(folder)
    check_manifest(folder, set(names))
    check_items(folder)
    check_tables(folder)


def check_manifest(folder, names):
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    listed = {file["name"]: file for file in manifest["files"]}
    assert len(listed) == len(manifest["files"]), "a file is listed twice"
    assert names - set(listed) == {"manifest.json"}, names ^ set(listed)
    assert set(listed) < names, names ^ set(listed)
    for name, file in listed.items():
        content = (folder / name).read_bytes()
        assert file["bytes"] == len(content), name
        assert file["sha256"] == hashlib.sha256(content).hexdigest(), name
        assert file["type"] != "application/octet-stream", name


def check_items(folder):
    kinds = {path.name.removesuffix(".schema.json") for path in (folder / "schemas").iterdir()}
    assert kinds == {path.stem for path in (folder / "data").glob("*.json")}, kinds
    for kind in kinds:
        schema = json.loads((folder / "schemas" / f"{kind}.schema.json").read_text("utf-8"))
        items = json.loads((folder / "data" / f"{kind}.json").read_text("utf-8"))
        for error in jsonschema_rs.validator_for(schema, validate_formats=True).iter_errors(items):
            raise AssertionError(f"{kind}: {error}")


def check_tables(folder):
    for name in ("ledger", "payment"):
        with (folder / "data" / f"{name}.csv").open(encoding="utf-8", newline="") as table:
            head, *rows = csv.reader(table, strict=True)
        assert all(len(row) == len(head) for row in rows), name
        items = json.loads((folder / "data" / f"{name}.json").read_text("utf-8"))
        assert [row[0] for row in rows] == [item["id"] for item in items], name


main(Path(sys.argv[1]), Path(sys.argv[2]))
