"""Packages the template with the functions' binaries and deploys it to the local AWS, as `sam deploy` would.

Writes one JSON object per line to standard output: `{"progress": text}` while it works, then `{"outputs": {...}}`.
On failure it writes one line to standard error and ends with status 1. A repeat with nothing changed deploys nothing.
`PROVIDER_KEYS` and `PAYMENT_KEYS` hold the content of the secrets with the keys of the AI and of the payment providers.
"""

import argparse
import hashlib
import io
import json
import os
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import yaml
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from samtranslator.yaml_helper import yaml_parse

CODE_BUCKET = "darkroom-deployments"
POLL_S = 0.2


class DeployFailed(Exception):
    pass


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--template", required=True, type=Path)
    parser.add_argument("--binaries", required=True, type=Path, help="directory with one executable per function")
    parser.add_argument("--stack", required=True)
    parser.add_argument("--parameter", action="append", default=[], metavar="NAME=VALUE")
    arguments = parser.parse_args()
    try:
        deploy(arguments)
    except (DeployFailed, BotoCoreError, ClientError, OSError, yaml.YAMLError) as error:
        sys.exit(" ".join(str(error).split()))


def deploy(arguments):
    settings = {"endpoint_url": arguments.endpoint, "region_name": os.environ["AWS_REGION"]}
    settings["config"] = Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1})
    bucket = boto3.client("s3", **settings)
    stacks = boto3.client("cloudformation", **settings)
    secrets = boto3.client("secretsmanager", **settings)

    template, code, fingerprint = package(bucket, arguments)
    stack = describe(stacks, arguments.stack)
    if stack is not None and stack["StackStatus"].endswith("_IN_PROGRESS"):
        # Nothing is in progress at the start of the local AWS.
        raise DeployFailed("an earlier start was killed while it deployed: start with --fresh, which deletes the local data")
    if stack is not None and stack["StackStatus"] == "UPDATE_ROLLBACK_FAILED":
        raise DeployFailed("an earlier update could not be rolled back: start with --fresh, which deletes the local data")
    if stack is None or fingerprint_of(stack) != fingerprint or not settled(stack):
        stack = apply(stacks, stack, arguments, template, fingerprint)
    delete_old_code(bucket, code)
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    verify_sender(boto3.client("sesv2", **settings), arguments.parameter)
    store_keys(secrets, outputs["ProviderKeysArn"], "PROVIDER_KEYS")
    store_keys(secrets, outputs["PaymentKeysArn"], "PAYMENT_KEYS")
    write({"outputs": outputs})


def package(bucket, arguments):
    """Uploads what the template names by a local path, each under the hash of its content, and puts the addresses in.
    Returns the address of the template, the keys of the code, and a fingerprint of all of it."""
    try:
        bucket.create_bucket(Bucket=CODE_BUCKET)
    except ClientError as error:
        # Left by a start that was killed.
        if error.response["Error"]["Code"] != "BucketAlreadyOwnedByYou":
            raise
    held = {o["Key"] for o in bucket.list_objects_v2(Bucket=CODE_BUCKET).get("Contents", [])}
    template = yaml_parse(arguments.template.read_text(encoding="utf-8"))
    code, functions = set(), []
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::Serverless::Function":
            functions.append(properties)
            # An alias would hold on to the code that `swap` replaces.
            properties.pop("AutoPublishAlias", None)
            resource.pop("DependsOn", None)
        elif resource["Type"] == "AWS::CloudFormation::Stack":
            nested = yaml_parse((arguments.template.parent / properties["TemplateURL"]).read_text(encoding="utf-8"))
            properties["TemplateURL"] = upload_template(bucket, arguments, nested)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        binaries = (arguments.binaries / Path(properties["CodeUri"]).name for properties in functions)
        keys = pool.map(lambda binary: upload_function(bucket, held, binary), binaries)
        for properties, key in zip(functions, keys):
            properties["CodeUri"] = {"Bucket": CODE_BUCKET, "Key": key}
            code.add(key)
    url = upload_template(bucket, arguments, template)
    fingerprint = hashlib.sha256(json.dumps([url, sorted(arguments.parameter)]).encode()).hexdigest()
    return url, code, fingerprint


def delete_old_code(bucket, code):
    """Deletes the code of earlier deployments. Called after a deployment: a roll-back needs the old code."""
    for held in bucket.list_objects_v2(Bucket=CODE_BUCKET).get("Contents", []):
        if held["Key"].endswith(".zip") and held["Key"] not in code:
            bucket.delete_object(Bucket=CODE_BUCKET, Key=held["Key"])


def upload_function(bucket, held, binary):
    if not binary.is_file():
        raise DeployFailed(f"there is no binary for the function {binary.name}: {binary} is missing")
    content = binary.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    key = f"{binary.name}/{digest}.zip"
    if key not in held:
        bucket.put_object(Bucket=CODE_BUCKET, Key=key, Body=package_of(binary, content, digest))
    return key


def package_of(binary, content, digest):
    """Returns the deployment package of a binary. It is kept beside the binary, because the next stack needs it as well."""
    packed = binary.parent / "packages" / f"{binary.name}-{digest}.zip"
    if not packed.exists():
        write({"progress": f"packing {binary.name}"})
        packed.parent.mkdir(exist_ok=True)
        for old in packed.parent.glob(f"{binary.name}-{'?' * len(digest)}.zip"):
            old.unlink(missing_ok=True)
        # Renamed into place, so that a start that was killed leaves no half package.
        written = packed.with_suffix(f".{os.getpid()}")
        written.write_bytes(zipped(content))
        written.replace(packed)
    return packed.read_bytes()


def zipped(content):
    """A deployment package that is the same for the same content: no time, and the mode of an executable."""
    entry = zipfile.ZipInfo("bootstrap")
    entry.external_attr = 0o755 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", compresslevel=1) as package_file:
        package_file.writestr(entry, content, compresslevel=1)
    return archive.getvalue()


def upload_template(bucket, arguments, template):
    body = json.dumps(template, sort_keys=True).encode()
    key = f"templates/{hashlib.sha256(body).hexdigest()}.json"
    bucket.put_object(Bucket=CODE_BUCKET, Key=key, Body=body)
    return f"{arguments.endpoint}/{CODE_BUCKET}/{key}"


def describe(stacks, name):
    try:
        return stacks.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":
            return None
        raise


def fingerprint_of(stack):
    return next((tag["Value"] for tag in stack.get("Tags", []) if tag["Key"] == "fingerprint"), None)


def settled(stack):
    return stack["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE")


def apply(stacks, stack, arguments, template_url, fingerprint):
    if stack is not None and stack["StackStatus"] in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"):
        stacks.delete_stack(StackName=arguments.stack)
        follow(stacks, arguments.stack)
        stack = None
    request = {
        "StackName": arguments.stack,
        "TemplateURL": template_url,
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        "Parameters": [
            {"ParameterKey": name, "ParameterValue": value}
            for name, value in (parameter.split("=", 1) for parameter in arguments.parameter)
        ],
        "Tags": [{"Key": "fingerprint", "Value": fingerprint}],
    }
    if stack is None:
        stacks.create_stack(**request)
        return follow(stacks, arguments.stack)
    seen = {event["EventId"] for event in events(stacks, arguments.stack)}
    try:
        stacks.update_stack(**request)
    except ClientError as error:
        # A failed update was rolled back to this very template.
        if "No updates are to be performed" in str(error):
            return stack
        raise
    return follow(stacks, arguments.stack, seen)


def follow(stacks, name, seen=frozenset()):
    """Reports each resource as it is done; the first failure is the cause, what follows it is the roll-back."""
    reported, failure = set(seen), None
    while True:
        time.sleep(POLL_S)
        stack = describe(stacks, name)
        if stack is None:
            return None
        for event in reversed(events(stacks, name)):
            if event["EventId"] in reported:
                continue
            reported.add(event["EventId"])
            status = event["ResourceStatus"]
            if status.endswith("_FAILED") and failure is None:
                reason = event.get("ResourceStatusReason", status)
                failure = f"{event['LogicalResourceId']} ({event['ResourceType']}): {reason}"
            elif status.endswith("_COMPLETE"):
                write({"progress": f"{event['LogicalResourceId']} {status.lower().replace('_', ' ')}"})
        if settled(stack):
            return stack
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            raise DeployFailed(failure or stack.get("StackStatusReason") or stack["StackStatus"])


def events(stacks, name):
    try:
        pages = stacks.get_paginator("describe_stack_events").paginate(StackName=name)
        return [event for page in pages for event in page["StackEvents"]]
    except ClientError:
        return []


def verify_sender(mail, parameters):
    """What an operator does before the first mail: here every identity counts as verified."""
    identity = dict(parameter.split("=", 1) for parameter in parameters).get("MailIdentity")
    if identity and identity not in {known["IdentityName"] for known in mail.list_email_identities()["EmailIdentities"]}:
        mail.create_email_identity(EmailIdentity=identity)


def store_keys(secrets, secret, variable):
    """The secret holds exactly the keys of this start, so a start without a key goes back to no key."""
    secrets.put_secret_value(SecretId=secret, SecretString=os.environ.get(variable, "{}"))


def write(message):
    # One write: two threads never share a line.
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
