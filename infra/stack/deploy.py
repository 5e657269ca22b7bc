"""Packages the template with the functions' binaries and deploys it to the local AWS, as `sam deploy` would.

Writes one JSON object per line to standard output: `{"progress": text}` while it works, then `{"outputs": {...}}`.
On failure it writes one line to standard error and ends with status 1. A repeat with nothing changed deploys nothing.
`PROVIDER_KEYS` and `PAYMENT_KEYS` hold the content of the secrets with the keys of the AI and of the payment providers,
`SERVICE_SETTINGS` the settings of the service that count until others are published.
"""

import argparse
import hashlib
import json
import os
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

import boto3
import yaml
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from packages import MissingBinary, Place, delete_old_code, upload

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
    except (DeployFailed, MissingBinary, BotoCoreError, ClientError, OSError, yaml.YAMLError) as error:
        sys.exit(" ".join(str(error).split()))


def deploy(arguments):
    settings = {"endpoint_url": arguments.endpoint, "region_name": os.environ["AWS_REGION"]}
    settings["config"] = Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1})
    bucket = boto3.client("s3", **settings)
    stacks = boto3.client("cloudformation", **settings)
    secrets = boto3.client("secretsmanager", **settings)

    place = Place(bucket, CODE_BUCKET)
    create_code_bucket(bucket)
    binary_of = lambda name: arguments.binaries / name
    template, code = upload(place, arguments.template, without_aliases, binary_of, 1, lambda text: write({"progress": text}))
    fingerprint = hashlib.sha256(json.dumps([template, sorted(arguments.parameter)]).encode()).hexdigest()
    stack = describe(stacks, arguments.stack)
    if stack is not None and stack["StackStatus"].endswith("_IN_PROGRESS"):
        # Nothing is in progress at the start of the local AWS.
        raise DeployFailed("an earlier start was killed while it deployed: start with --fresh, which deletes the local data")
    if stack is not None and stack["StackStatus"] == "UPDATE_ROLLBACK_FAILED":
        raise DeployFailed("an earlier update could not be rolled back: start with --fresh, which deletes the local data")
    if stack is None or fingerprint_of(stack) != fingerprint or not settled(stack):
        stack = apply(stacks, stack, arguments, template, fingerprint)
    delete_old_code(place, code)
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    verify_sender(boto3.client("sesv2", **settings), arguments.parameter)
    store_keys(secrets, outputs["ProviderKeysArn"], "PROVIDER_KEYS")
    store_keys(secrets, outputs["PaymentKeysArn"], "PAYMENT_KEYS")
    publish_settings(boto3.client("dynamodb", **settings), outputs["TableName"], os.environ["SERVICE_SETTINGS"])
    write({"outputs": outputs})


def without_aliases(template):
    """An alias would hold on to the code that `swap` replaces."""
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"].pop("AutoPublishAlias", None)
            resource.pop("DependsOn", None)


def create_code_bucket(bucket):
    try:
        bucket.create_bucket(Bucket=CODE_BUCKET)
    except ClientError as error:
        # Left by a start that was killed.
        if error.response["Error"]["Code"] != "BucketAlreadyOwnedByYou":
            raise


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


def publish_settings(dynamodb, table, document):
    """The first version of the settings, as `catalogue` writes it."""
    item = {
        "pk": {"S": "DOCUMENT#settings"},
        "sk": {"S": "VERSION#0000000001"},
        "number": {"N": "1"},
        "published_at": {"S": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")},
        "staff": {"S": ""},
        "reason": {"S": "the local stack"},
        "document": {"S": document},
    }
    try:
        dynamodb.put_item(TableName=table, Item=item, ConditionExpression="attribute_not_exists(pk)")
    except dynamodb.exceptions.ConditionalCheckFailedException:
        pass  # Of an earlier start, whose data goes on.


def write(message):
    # One write: two threads never share a line.
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
