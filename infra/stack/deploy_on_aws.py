"""Deploys Darkroom to AWS, as the settings in darkroom.toml say. `cargo run -p local -- deploy` starts this.

`deploy_on_aws.py deploy STAGE` looks at the account, asks for keys that are nowhere, builds the functions, uploads them, changes
the stack, stores the keys and creates the webhook endpoints. A repeat with nothing changed changes nothing; one that follows
a run that was cut off goes on. It prints `changed` or `unchanged`. With --plan it prints the changes and makes none.
`deploy_on_aws.py demo-account STAGE` creates an account for one demo and prints the address of the service, the address of the
account and its password, a line each.
`deploy_on_aws.py where STAGE` prints where everything is.
`deploy_on_aws.py certificate-request STAGE --organization NAME` prints a certification request for the key that signs outputs.
`deploy_on_aws.py certificate STAGE --chain FILE` checks the chain that an authority sent for it, and has outputs signed under it;
with --plan it only checks. `--chain none` goes back to the deployment's own certificate.
`deploy_on_aws.py destroy STAGE` removes the stack once its name is typed, and says what stays.

It goes to the AWS account of the environment or of the profile in the settings, in any way that boto3 knows. botocore checks
each request against the service model of AWS before it is sent. On failure it writes one line to standard error and ends with
status 1.
"""

import argparse
import hashlib
import json
import os
import re
import secrets
import subprocess
import sys
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from on_aws import DeployFailed, account, certificate, changes, code, keys, settings, webhooks
from on_aws.program import check_program
from on_aws.report import progress, result
from packages import MissingBinary, Place, delete_old_code, upload

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "template.yaml"
# A mailbox simulator of Amazon SES, which also receives in the sandbox.
DEMO_ADDRESS = "success+demo-{}@simulator.amazonses.com"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=["deploy", "demo-account", "where", "certificate-request", "certificate", "destroy"])
    parser.add_argument("stage")
    parser.add_argument("--settings", type=Path, default=ROOT / "darkroom.toml")
    parser.add_argument("--plan", action="store_true")
    parser.add_argument("--organization", help="who the certificate is for")
    parser.add_argument("--name", help="the name that programs show; the organization if it is left out")
    parser.add_argument("--country", help="its country, as in ISO 3166-1 alpha-2")
    parser.add_argument("--chain", help="a file with the certificates in PEM, that of the key first, or none")
    parser.add_argument("--functions", type=Path, help="a folder with binaries that were built before")
    parser.add_argument("--cargo-lambda", type=Path, help="the program that builds the binaries")
    arguments = parser.parse_args()
    try:
        run(arguments)
    except (DeployFailed, MissingBinary, BotoCoreError, ClientError, OSError) as error:
        sys.exit("error: " + " ".join(str(error).split()))
    except KeyboardInterrupt:
        sys.exit("error: interrupted. CloudFormation goes on with what it has begun: run this again to follow it")


def run(arguments):
    chosen = settings.read(arguments.settings, arguments.stage, TEMPLATE, ROOT / "samconfig.toml")
    # CloudFormation and IAM throttle accounts that deploy a lot.
    os.environ.setdefault("AWS_RETRY_MODE", "standard")
    os.environ.setdefault("AWS_MAX_ATTEMPTS", "6")
    target = Target(boto3.Session(profile_name=chosen.profile, region_name=chosen.region), chosen)
    if arguments.command == "deploy":
        target.deploy(arguments)
    elif arguments.command == "demo-account":
        target.create_demo_account()
    elif arguments.command == "where":
        target.show_places()
    elif arguments.command == "certificate-request":
        target.request_certificate(arguments)
    elif arguments.command == "certificate":
        target.take_certificate(arguments)
    else:
        target.destroy()


class Target:
    """One stage in one account."""

    def __init__(self, session, chosen):
        self.session, self.settings = session, chosen
        self.account, self.caller = account.identity(session)
        self.stacks, self.secrets = session.client("cloudformation"), session.client("secretsmanager")
        owner = (("ExpectedBucketOwner", self.account),)
        bucket = f"darkroom-deployments-{self.account}-{chosen.region}"
        self.place = Place(session.client("s3"), bucket, f"{chosen.stack}/", owner)

    def deploy(self, arguments):
        name = self.settings.stack
        progress(f"Looking at the account {self.account} in {self.settings.region}, as {self.caller}")
        stack = changes.settle(self.stacks, name, removes=not arguments.plan)
        lines = account.look(self.session, self.settings, self.account, stack, copied_secrets())
        for line in lines:
            progress(str(line))
        found, key_lines = keys.gather(self.settings, keys.stored(self.secrets, changes.outputs(stack)), asks=not arguments.plan)
        key_lines += webhooks.look(self.settings, found)
        for line in key_lines:
            progress(str(line))
        if not arguments.plan and any(line.state == account.MISSING for line in [*lines, *key_lines]):
            raise DeployFailed("something is missing, and nothing was changed: the lines above say how to get it")

        binary_of = self.build(arguments)
        progress(f"Uploading to {self.place.bucket}")
        self.create_bucket()
        # Small packages start faster; binaries that were built before are for trying, and need to be packed fast.
        level = 1 if arguments.functions else 9

        def package(parameters):
            adapt = released_with(parameters)
            return upload(self.place, TEMPLATE, adapt, binary_of, level, lambda text: progress(f"  {text}"))

        parameters = settings.with_outputs(self.settings, changes.outputs(stack))
        template, code = package(parameters)
        if arguments.plan:
            self.plan(stack, template, parameters)
            return
        if stack is not None:
            # Before the functions of a provider that is new, or has another key: what they read they keep for an hour.
            self.store_keys(changes.outputs(stack), found, ahead=True)
        stack, changed = self.apply(stack, template, parameters)
        # The first deployment makes the address that clients come from, and what can be protected from then on.
        again = settings.with_outputs(self.settings, changes.outputs(stack))
        if again != parameters:
            progress("Once more, with the address that the stack has made")
            template, code = package(again)
            stack, changed_again = self.apply(stack, template, again)
            changed |= changed_again
        delete_old_code(self.place, code)
        self.store_keys(changes.outputs(stack), found)
        result("changed" if changed else "unchanged")

    def build(self, arguments):
        """Builds all functions in one call of cargo, with Zig's linker, and returns a function that names the binary of one, once it has
        looked into it."""
        architecture = self.settings.value("Architecture")

        def checked(binary):
            check_program(binary, architecture)
            return binary

        if arguments.functions:
            return lambda name: checked(arguments.functions / name)
        names = sorted(file.parent.name for file in ROOT.glob("functions/*/Cargo.toml"))
        folder = ROOT / "target" / "functions" / architecture
        progress(f"Building {len(names)} functions for {architecture}")
        path = os.pathsep.join([str(arguments.cargo_lambda.parent), os.environ.get("PATH", "")])
        command = build_command(arguments.cargo_lambda, names, architecture, folder)
        # Standard output is for results.
        built = subprocess.run(command, cwd=ROOT, env={**os.environ, "PATH": path}, check=False, stdout=2)
        if built.returncode:
            raise DeployFailed("the build failed: fix what the compiler reports above and run this again")
        return lambda name: checked(folder / name / "bootstrap")

    def create_bucket(self):
        """Creates the bucket of the deployments in this region, private, unless it is there."""
        s3, bucket = self.place.s3, self.place.bucket
        region = self.settings.region
        location = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        try:
            s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=self.account)
        except ClientError as error:
            if code(error) not in ("404", "NoSuchBucket"):
                raise
            s3.create_bucket(Bucket=bucket, **location)
        s3.put_public_access_block(
            Bucket=bucket,
            ExpectedBucketOwner=self.account,
            PublicAccessBlockConfiguration={
                "BlockPublicAcls": True,
                "IgnorePublicAcls": True,
                "BlockPublicPolicy": True,
                "RestrictPublicBuckets": True,
            },
        )

    def plan(self, stack, template, parameters):
        exists = stack is not None
        change_set = changes.create(self.stacks, self.settings.stack, exists, template, parameters, nested=True)
        if change_set is not None:
            changes.discard(self.stacks, self.settings.stack, change_set, exists)
        result(plan_text(self.settings, self.account, parameters, change_set))

    def apply(self, stack, template, parameters):
        """Brings the stack to this template and these parameters. Returns it, and whether it changed."""
        name = self.settings.stack
        change_set = changes.create(self.stacks, name, stack is not None, template, parameters)
        if change_set is None:
            progress(f"{name} has these functions and parameters already")
            return stack, False
        progress(f"Changing {name}\n{changes.as_text(change_set)}")
        return changes.execute(self.stacks, name, change_set), True

    def store_keys(self, outputs, found, ahead=False):
        """Stores the keys. Those of a payment provider go in together with its webhook: the functions refuse one without the other.

        Before a deployment, `ahead` of it, a webhook whose secret or id is stored stays as it is: the functions that are deployed
        read what it sends. A provider that refuses keeps back no other. Raises DeployFailed at the end with what failed."""
        providers, payments = self.settings.wanted_secrets()
        of_providers, failures = {key: found[key] for key in providers}, []
        if "replicate" in providers and not self.settings.value("ProviderEndpoints"):
            try:
                of_providers |= webhooks.replicate(found["replicate"])
            except DeployFailed as failure:
                failures.append(str(failure))
        written = keys.store(self.secrets, outputs["ProviderKeysArn"], of_providers)
        for provider in self.settings.listed("PaymentProviders"):
            of_provider = {key: found[key] for key in payments if key.startswith(f"{provider}_")}
            try:
                written |= self.store_payment_keys(provider, outputs, of_provider, ahead)
            except DeployFailed as failure:
                failures.append(f"the keys or the webhook of {webhooks.NAMES[provider]} are not in place: {failure}")
        if failures:
            change = "the stack is not changed yet" if ahead else "the stack is changed"
            raise DeployFailed(f"{'; '.join(failures)}. All other keys are stored, and {change}: mend that and run this again")
        if written or not ahead:
            progress("The keys are stored" if written else "The keys are as they were")

    def store_payment_keys(self, provider, outputs, values, ahead):
        """Stores the keys of a payment provider, and what comes of its webhook. Returns whether it wrote. A process that ends after it
        has created an endpoint at Stripe and before it has marked it has it replaced by the next run."""
        held = keys.read(self.secrets, outputs["PaymentKeysArn"])
        if self.settings.value("PaymentEndpoints") or (ahead and held.get(webhooks.STORED[provider])):
            return keys.store(self.secrets, outputs["PaymentKeysArn"], values)
        url = webhooks.addresses(outputs["ApiUrl"])[provider]
        progress(f"The webhook of {webhooks.NAMES[provider]}: {url}")
        values = values | webhooks.ensure(provider, {**held, **values}, url, self.settings.stage)
        written = keys.store(self.secrets, outputs["PaymentKeysArn"], values)
        if written and provider == "stripe":
            webhooks.mark_stripe(values, url)
        return written

    def deployed(self):
        """Returns the outputs of the stack. Raises DeployFailed if there is none."""
        outputs = changes.outputs(changes.describe(self.stacks, self.settings.stack))
        if not outputs:
            raise DeployFailed(f"there is no stack {self.settings.stack} in {self.settings.region}")
        return outputs

    def create_demo_account(self):
        outputs = self.deployed()
        pool, email, password = outputs["UserPoolId"], DEMO_ADDRESS.format(secrets.token_hex(8)), secrets.token_urlsafe(24)
        users = self.session.client("cognito-idp")
        attributes = [{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}]
        users.admin_create_user(UserPoolId=pool, Username=email, MessageAction="SUPPRESS", UserAttributes=attributes)
        users.admin_set_user_password(UserPoolId=pool, Username=email, Password=password, Permanent=True)
        result(f"{settings.origin(self.settings, outputs)}\n{email}\n{password}")

    def show_places(self):
        result(places_text(self.settings, self.account, self.deployed()))

    def request_certificate(self, arguments):
        if not arguments.organization:
            raise DeployFailed("certificate-request needs --organization: the name of who answers for the outputs")
        key, kms = self.deployed()["SigningKeyArn"], self.session.client("kms")
        result(certificate.request(kms, key, arguments.organization, arguments.name, arguments.country).strip())
        progress(f"Send this request to an authority. It is for the key {key}. Then set the chain that it sends: certificate {self.settings.stage} --chain FILE")

    def take_certificate(self, arguments):
        """Has outputs signed under a chain, unless it does not fit."""
        outputs = self.deployed()
        if not arguments.chain:
            raise DeployFailed("certificate needs --chain: a file with the certificates in PEM, that of the key first, or none")
        text = certificate.NONE
        if arguments.chain != certificate.NONE:
            text = Path(arguments.chain).read_text("utf-8", errors="replace")
            for line in certificate.check(text, certificate.public_key(self.session.client("kms"), outputs["SigningKeyArn"])):
                progress(str(line))
        if arguments.plan:
            return
        written = certificate.store(self.secrets, outputs["SigningCertificateArn"], text)
        progress("Outputs are signed under it within an hour" if written else "It is set already")

    def destroy(self):
        name = self.settings.stack
        stack = changes.describe(self.stacks, name)
        if stack is None:
            progress(f"there is no stack {name} in {self.settings.region}")
        else:
            stays = self.retained(stack)
            progress(
                f"This removes {name} from the account {self.account} in {self.settings.region}: API, functions, queues, alarms, logs, "
                f"distributions, the webhook endpoints at Stripe and PayPal. What stays, with all accounts and files:\n{stays}"
            )
            sys.stderr.write(f"Type {name} to remove it: ")
            sys.stderr.flush()
            if sys.stdin.readline().strip() != name:
                raise DeployFailed("nothing was removed")
            outputs = changes.outputs(stack)
            if outputs:
                self.remove_webhooks(outputs)
            changes.delete(self.stacks, stack)
            result(f"{name} is removed. What stays:\n{stays}")
        self.remove_packages()

    def remove_webhooks(self, outputs):
        """Goes on if the keys cannot be read, or if a payment provider refuses, as with a key that was revoked: its endpoint can be
        removed by hand."""
        urls = webhooks.addresses(outputs["ApiUrl"])
        try:
            held = keys.read(self.secrets, outputs.get("PaymentKeysArn"))
        except (DeployFailed, ClientError) as error:
            by_hand = " and ".join(f"the webhook {url} at {webhooks.NAMES[provider]}" for provider, url in urls.items())
            progress(f"  {error}: remove by hand, if it is there, {by_hand}")
            return
        for provider, url in urls.items():
            try:
                if webhooks.remove(provider, held, url, self.settings.stage):
                    progress(f"  removed the webhook {url}")
            except DeployFailed as error:
                progress(f"  {error}: remove by hand the webhook {url} at {webhooks.NAMES[provider]}")

    def retained(self, stack):
        """Returns a line for each resource that outlives the stack, with what would remove it."""
        lines = []
        restored = account.given(stack).get("RestoredTable")
        if restored:
            lines.append(retained_line("RestoredTable", "AWS::DynamoDB::Table", restored, self.settings.region))
        for page in self.stacks.get_paginator("list_stack_resources").paginate(StackName=stack["StackId"]):
            for resource in page["StackResourceSummaries"]:
                if resource["LogicalResourceId"] in retained_resources() and resource.get("PhysicalResourceId"):
                    name, place = resource["LogicalResourceId"], resource["PhysicalResourceId"]
                    lines.append(retained_line(name, resource["ResourceType"], place, self.settings.region))
        return "\n".join(lines) or "  nothing"

    def remove_packages(self):
        """Removes the packages of this stack, and the bucket if no other stack has any."""
        try:
            self.place.delete(self.place.held())
            self.place.s3.delete_bucket(Bucket=self.place.bucket, ExpectedBucketOwner=self.account)
        except ClientError as error:
            if code(error) not in ("NoSuchBucket", "BucketNotEmpty"):
                raise


# What removes a resource that outlives its stack. Tables and user pool of prod are protected: that goes first.
REMOVALS = {
    "AWS::DynamoDB::Table": (
        "aws dynamodb update-table --table-name {0} --no-deletion-protection-enabled --region {1}, "
        "then aws dynamodb delete-table --table-name {0} --region {1}"
    ),
    "AWS::S3::Bucket": "empty it in the console, all versions, then aws s3api delete-bucket --bucket {0} --region {1}",
    "AWS::SecretsManager::Secret": "aws secretsmanager delete-secret --secret-id {0} --region {1}",
    "AWS::KMS::Key": "aws kms schedule-key-deletion --key-id {0} --region {1}",
    "AWS::Cognito::UserPool": (
        "switch its deletion protection off in the console, then aws cognito-idp delete-user-pool --user-pool-id {0} --region {1}"
    ),
}


def retained_line(name, kind, place, region):
    return f"  {name:<14} {place}\n    to remove it: {REMOVALS[kind].format(place, region)}"


def retained_resources():
    """Returns the names of the resources that the template retains."""
    resources = settings.parsed(TEMPLATE)["Resources"]
    return {name for name, resource in resources.items() if resource.get("DeletionPolicy", "").startswith("Retain")}


def copied_secrets():
    """Returns the names of the secrets whose values CloudFormation copies into functions, each with that of the other resource that has
    its value."""
    resources = settings.parsed(TEMPLATE)["Resources"].items()
    others = [(name, json.dumps(resource)) for name, resource in resources if resource["Type"] != "AWS::Serverless::Function"]
    return {secret: name for name, text in others for secret in re.findall(r"{{resolve:secretsmanager:\${(\w+)}", text)}


def released_with(parameters):
    """Returns what makes a change of the parameters a release: without one, no version of a function is published that has the
    new values."""
    release = hashlib.sha256(json.dumps(parameters, sort_keys=True).encode()).hexdigest()[:16]

    def adapt(template):
        template["Globals"]["Function"]["Environment"]["Variables"]["RELEASE"] = release

    return adapt


def build_command(cargo_lambda, names, architecture, folder):
    """One call for all functions: each crate is built once, for one set of features."""
    selected = [argument for name in names for argument in ("--package", name)]
    flag = {"arm64": "--arm64", "x86_64": "--x86-64"}[architecture]
    return [str(cargo_lambda), "lambda", "build", "--release", "--locked", "--bins", flag, "--lambda-dir", str(folder), *selected]


def plan_text(chosen, account_id, parameters, change_set):
    """Says what a deployment would change. Keys are not among it: they are in no parameter."""
    lines = [f"The plan for {chosen.stack} in {chosen.region}, account {account_id}. Nothing of it was carried out.", "", "Parameters:"]
    lines += [f"  {name:<26} {value}" for name, value in sorted(parameters.items())]
    changed = "  none" if change_set is None else changes.as_text(change_set)
    return "\n".join([*lines, "", "Changes:", changed])


def places_text(chosen, account_id, outputs):
    """Says where everything is, and what is left to do by hand."""
    address, region = settings.origin(chosen, outputs), chosen.region
    domain = chosen.value("SiteDomain")
    places = [
        ("the service", f"https://{domain}" if domain else address),
        ("its API", f"{address}/v1/openapi.json"),
        ("the stack", f"https://console.aws.amazon.com/cloudformation/home?region={region}#/stacks?filteringText={chosen.stack}"),
        ("the dashboard and alarms", f"https://console.aws.amazon.com/cloudwatch/home?region={region}"),
        ("the table", outputs["TableName"]),
        ("the bucket", outputs["BucketName"]),
        ("the users", f"{outputs['UserPoolId']}; staff are in its groups support, finance, moderation, administrator"),
        ("the keys of AI providers", outputs["ProviderKeysArn"]),
        ("the keys of payments", outputs["PaymentKeysArn"]),
    ]
    todo = []
    if domain:
        todo.append(f"point {domain} to {outputs['SiteHost']}")
    if "paypal" in chosen.listed("PaymentProviders"):
        todo.append(f"at PayPal, set the notification URL (IPN), which has no API: {outputs['ApiUrl']}/v1/webhooks/paypal")
    todo.append("confirm the subscription to alarms that arrives by mail" if chosen.value("AlarmEmail") else "set AlarmEmail, to learn of alarms")
    lines = [f"{chosen.stack} is deployed, in {region} of the account {account_id}:", ""]
    lines += [f"  {name:<26} {place}" for name, place in places]
    return "\n".join([*lines, "", "By hand:", *(f"  {one}" for one in todo)])


if __name__ == "__main__":
    main()
