"""Packages the functions and templates, and uploads each under the hash of its content.

What is the same has the same address, so a repeat uploads and deploys nothing.
"""

import hashlib
import io
import json
import os
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from samtranslator.yaml_helper import yaml_parse


class MissingBinary(Exception):
    pass


@dataclass(frozen=True)
class Place:
    """Where packages go: the keys in the bucket begin with `prefix`; `checks` are passed with each request."""

    s3: object
    bucket: str
    prefix: str = ""
    checks: tuple = ()

    def held(self):
        """Returns the keys that are there."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.prefix, **dict(self.checks))
        return {held["Key"] for page in pages for held in page.get("Contents", [])}

    def put(self, key, body):
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body, **dict(self.checks))

    def delete(self, keys):
        for key in sorted(keys):
            self.s3.delete_object(Bucket=self.bucket, Key=key, **dict(self.checks))

    def put_template(self, template):
        """Uploads a template and returns its address."""
        body = text_of(template)
        key = f"{self.prefix}templates/{hashlib.sha256(body).hexdigest()}.json"
        self.put(key, body)
        return f"{self.s3.meta.endpoint_url}/{self.bucket}/{key}"


def text_of(template):
    return json.dumps(template, sort_keys=True).encode()


def is_at(template, address):
    """Says whether `put_template` has returned this address for the template."""
    return address.endswith(f"/{hashlib.sha256(text_of(template)).hexdigest()}.json")


def upload(place, template_file, adapt, binary_of, level, report):
    """Uploads what the template names by a local path, and puts the addresses in. `adapt` changes the template before,
    `binary_of` returns the file of a function by its name, `level` is that of the compression, `report` receives progress.
    Returns the address of the template and the keys of the code.

    Raises MissingBinary for a function that was not built."""
    held, functions = place.held(), []
    template = yaml_parse(template_file.read_text(encoding="utf-8"))
    adapt(template)
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::Serverless::Function":
            functions.append(properties)
        elif resource["Type"] == "AWS::CloudFormation::Stack":
            nested = yaml_parse((template_file.parent / properties["TemplateURL"]).read_text(encoding="utf-8"))
            properties["TemplateURL"] = place.put_template(nested)
    names = [Path(properties["CodeUri"]).name for properties in functions]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        keys = list(pool.map(lambda name: upload_function(place, held, name, binary_of(name), level, report), names))
    for properties, key in zip(functions, keys):
        properties["CodeUri"] = {"Bucket": place.bucket, "Key": key}
    return place.put_template(template), set(keys)


def upload_function(place, held, name, binary, level, report):
    if not binary.is_file():
        raise MissingBinary(f"there is no binary for the function {name}: {binary} is missing")
    content = binary.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    key = f"{place.prefix}{name}/{digest}.zip"
    if key not in held:
        place.put(key, package_of(binary, name, content, digest, level, report))
    return key


def delete_old_code(place, code):
    """Deletes the code of earlier deployments. Call it after a deployment: a roll-back needs the old code."""
    place.delete(key for key in place.held() if key.endswith(".zip") and key not in code)


def package_of(binary, name, content, digest, level, report):
    """Returns the deployment package of a binary. It is kept beside the binary, because the next stack needs it as well."""
    packed = binary.parent / "packages" / f"{name}-{digest}.zip"
    if not packed.exists():
        report(f"packing {name}")
        packed.parent.mkdir(exist_ok=True)
        for old in packed.parent.glob(f"{name}-{'?' * len(digest)}.zip"):
            old.unlink(missing_ok=True)
        # Renamed into place, so that a start that was killed leaves no half package.
        written = packed.with_suffix(f".{os.getpid()}")
        written.write_bytes(zipped(content, level))
        written.replace(packed)
    return packed.read_bytes()


def zipped(content, level=1):
    """A deployment package that is the same for the same content: no time, and the mode of an executable."""
    entry = zipfile.ZipInfo("bootstrap")
    entry.external_attr = 0o755 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as package_file:
        package_file.writestr(entry, content, compresslevel=level)
    return archive.getvalue()
