"""Reads darkroom.toml: what is deployed where.

The parameters of a stage are those that `samconfig.toml` has for `sam deploy`, and over them those of `darkroom.toml`. All are
checked against `template.yaml`, so that a mistake is found before anything is built.
"""

import functools
import re
from dataclasses import dataclass
from pathlib import Path

from samtranslator.yaml_helper import yaml_parse

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

from on_aws import DeployFailed

STAGES = ("dev", "prod")
KEYS = {"region": str, "stack": str, "profile": str, "parameters": dict, "secrets": dict}
REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-using-console-create-stack-parameters.html
STACK = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")
# CloudFront refuses a longer name of a function. The template appends the region and at most LONGEST_FUNCTION to that of the stack:
# https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_CreateFunction.html
CLOUDFRONT_NAME, LONGEST_FUNCTION = 64, "-viewer-address"
# The secrets by the name of their key in AWS Secrets Manager, and the environment variable that each is read from.
SECRETS = {
    "openai": "OPENAI_API_KEY",
    "stability": "STABILITY_API_KEY",
    "replicate": "REPLICATE_API_TOKEN",
    "fal": "FAL_KEY",
    "stripe_secret_key": "STRIPE_SECRET_KEY",
    "paypal_client_id": "PAYPAL_CLIENT_ID",
    "paypal_client_secret": "PAYPAL_CLIENT_SECRET",
    "paypal_receiver_id": "PAYPAL_RECEIVER_ID",
}
PROVIDERS = ("openai", "stability", "replicate", "fal", "sketch")
PAYMENT_PROVIDERS = ("stripe", "paypal")


@dataclass(frozen=True)
class Settings:
    """The settings of one stage. `parameters` are those for the template, `secrets` the variable of each secret."""

    stage: str
    region: str
    stack: str
    profile: str | None
    parameters: dict
    secrets: dict
    defaults: dict

    def value(self, parameter):
        """Returns what the template gets for a parameter: what is set, or its default."""
        return self.parameters.get(parameter, self.defaults.get(parameter, ""))

    def listed(self, parameter):
        return [name.strip() for name in self.value(parameter).split(",") if name.strip()]

    def wanted_secrets(self):
        """Returns the keys of the enabled AI providers and classifiers, and those of the enabled payment providers."""
        named = dict.fromkeys([*self.listed("Providers"), *self.listed("Moderation")])
        providers = [name for name in named if name in SECRETS]
        payments = [key for key in SECRETS if key.split("_")[0] in self.listed("PaymentProviders")]
        return providers, payments


def read(file, stage, template, samconfig):
    """Reads the settings of a stage. Raises DeployFailed with the key and the rule that it breaks."""
    if stage not in STAGES:
        raise DeployFailed(f"there is no stage {stage}: use {' or '.join(STAGES)}")
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise DeployFailed(f"{file} is missing: copy darkroom.example.toml to it and set the region") from None
    try:
        stages = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DeployFailed(f"{file.name} is no TOML: {error}") from None
    refuse_unknown(file.name, "", stages, STAGES)
    for name, table in stages.items():
        check_type(f"{name}", table, dict)
    if stage not in stages:
        raise DeployFailed(f"{file.name} has no table [{stage}]: darkroom.example.toml shows one")
    table = stages[stage]
    refuse_unknown(file.name, f"{stage}.", table, KEYS)
    for key, value in table.items():
        check_type(f"{stage}.{key}", value, KEYS[key])
    if "region" not in table:
        raise DeployFailed(f"{stage}.region is missing: name a region of AWS, such as eu-central-1")
    matches(f"{stage}.region", table["region"], REGION, "a region of AWS, such as eu-central-1")
    stack = table.get("stack", f"darkroom-{stage}")
    matches(f"{stage}.stack", stack, STACK, "of A to Z, a to z, 0 to 9 and hyphens, begin with no digit and no hyphen, and have at most 128")
    declared = parsed(template)["Parameters"]
    secrets = {**SECRETS, **table.get("secrets", {})}
    refuse_unknown(file.name, f"{stage}.secrets.", secrets, SECRETS)
    for key, variable in secrets.items():
        check_type(f"{stage}.secrets.{key}", variable, str)
    own = table.get("parameters", {})
    refuse_unknown(file.name, f"{stage}.parameters.", own, declared)
    if "Stage" in own:
        raise DeployFailed(f"{stage}.parameters.Stage must not be set: it is the name of the table")
    parameters = sam_parameters(samconfig, stage)
    parameters.update({name: as_text(f"{stage}.parameters.{name}", value) for name, value in own.items()})
    parameters["Stage"] = stage
    for name, declaration in declared.items():
        check_parameter(f"{stage}.parameters.{name}", parameters.get(name), declaration)
    defaults = {name: str(declaration["Default"]) for name, declaration in declared.items() if "Default" in declaration}
    settings = Settings(stage, table["region"], stack, table.get("profile"), parameters, secrets, defaults)
    check_together(settings)
    return settings


@functools.cache
def parsed(template):
    return yaml_parse(template.read_text(encoding="utf-8"))


def sam_parameters(samconfig, stage):
    """Returns the parameters that `sam deploy --config-env STAGE` passes."""
    config = tomllib.loads(samconfig.read_text(encoding="utf-8"))
    return dict(pair.split("=", 1) for pair in config[stage]["deploy"]["parameters"]["parameter_overrides"])


def refuse_unknown(file, prefix, table, known):
    for key in table:
        if key not in known:
            raise DeployFailed(f"{prefix}{key} is not known in {file}: use {', '.join(known)}")


def check_type(key, value, kind):
    if not isinstance(value, kind):
        raise DeployFailed(f"{key} must be {'a table' if kind is dict else 'a text'}")


def matches(key, value, pattern, rule):
    if not pattern.fullmatch(value):
        raise DeployFailed(f"{key} must be {rule}, and is {value!r}")


def as_text(key, value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    raise DeployFailed(f"{key} must be a text, a number, true or false")


def check_parameter(key, value, declaration):
    """Applies the rules of the template to the value of a parameter, as CloudFormation does."""
    if value is None:
        if "Default" not in declaration:
            raise DeployFailed(f"{key} is missing, and the template has no default for it")
        return
    allowed = [str(one) for one in declaration.get("AllowedValues", [])]
    if allowed and value not in allowed:
        raise DeployFailed(f"{key} must be one of {', '.join(allowed)}, and is {value!r}")
    pattern = declaration.get("AllowedPattern")
    if pattern and not re.fullmatch(pattern, value):
        raise DeployFailed(f"{key} must be as the template says ({declaration.get('Description', pattern)}), and is {value!r}")
    if declaration["Type"] == "Number":
        try:
            number = float(value)
        except ValueError:
            raise DeployFailed(f"{key} must be a number, and is {value!r}") from None
        if number < declaration.get("MinValue", number):
            raise DeployFailed(f"{key} must be at least {declaration['MinValue']}, and is {value}")
        if number > declaration.get("MaxValue", number):
            raise DeployFailed(f"{key} must be at most {declaration['MaxValue']}, and is {value}")


def check_together(settings):
    """Applies the rules that are about several parameters."""
    prefix = f"{settings.stage}.parameters"
    for name, known in (("Providers", PROVIDERS), ("PaymentProviders", PAYMENT_PROVIDERS)):
        for provider in settings.listed(name):
            if provider not in known:
                raise DeployFailed(f"{prefix}.{name} must be of {', '.join(known)}, and has {provider!r}")
    for one, other in (("SiteDomain", "SiteCertificateArn"), ("MailFrom", "MailIdentity")):
        if bool(settings.value(one)) != bool(settings.value(other)):
            raise DeployFailed(f"{prefix}.{one} and {prefix}.{other} belong together: set both, or neither")
    if "guardrail" in settings.listed("Moderation") and not (settings.value("GuardrailId") and settings.value("GuardrailVersion")):
        raise DeployFailed(f"{prefix}.Moderation has guardrail: set {prefix}.GuardrailId and {prefix}.GuardrailVersion")
    if float(settings.value("MonthlyBudget")) and not settings.value("AlarmEmail"):
        raise DeployFailed(f"{prefix}.MonthlyBudget needs {prefix}.AlarmEmail, which hears of it")
    if settings.stage != "prod" and settings.value("SiteDomain"):
        raise DeployFailed(f"{prefix}.SiteDomain is for prod: {settings.stage} has no distribution that would serve it")
    if settings.stage == "prod":
        longest = CLOUDFRONT_NAME - len(f"-{settings.region}{LONGEST_FUNCTION}")
        if len(settings.stack) > longest:
            raise DeployFailed(f"{settings.stage}.stack must have at most {longest} characters: functions of CloudFront are named after it")
        for name in ("ProviderEndpoints", "PaymentEndpoints"):
            if settings.value(name):
                raise DeployFailed(f"{prefix}.{name} is for tests and must not be set in prod")
        if settings.value("SketchMarks") != "false":
            raise DeployFailed(f"{prefix}.SketchMarks is for tests and must be false in prod")


def with_outputs(settings, outputs):
    """Returns the parameters of a deployment that follows one with these outputs; without outputs those of the first one.

    Clients come from the address that the stack itself has made, and tables and user pool of `prod` are protected once the first
    deployment has succeeded. What the settings name stays."""
    parameters = dict(settings.parameters)
    if outputs and not settings.value("SiteCertificateArn"):
        parameters.setdefault("AllowedOrigin", origin(settings, outputs))
    if "AllowedOrigin" in parameters:
        parameters.setdefault("ReturnUrl", parameters["AllowedOrigin"] + "/credits/{checkout}")
    if outputs and settings.stage == "prod":
        parameters.setdefault("Protected", "true")
    return parameters


def origin(settings, outputs):
    """Returns the address of the service, as the stack itself has made it."""
    return f"https://{outputs['SiteHost']}" if settings.stage == "prod" else outputs["ApiUrl"]
