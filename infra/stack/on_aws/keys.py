"""Puts the keys of the AI and payment providers into the secrets of the stack.

A key comes from the environment; if it is not there, the one that is stored stays; if there is none, it is asked for at the
terminal. No key is printed, and none is in a parameter, a change set or a command line.
"""

import getpass
import json
import os
import sys

from on_aws import DeployFailed
from on_aws.account import MISSING, OK, Line


def gather(settings, stored, environment=os.environ, asks=True, ask=getpass.getpass):
    """Returns the keys that the settings need, by name, and a line for each.

    `stored` has those that the stack has. Unless this `asks`, or without a terminal, a key that is nowhere is missing."""
    asks = asks and (ask is not getpass.getpass or sys.stdin.isatty())
    found, lines = {}, []
    for key in [*settings.wanted_secrets()[0], *settings.wanted_secrets()[1]]:
        variable = settings.secrets[key]
        value, source = environment.get(variable, "").strip(), f"from {variable}"
        if not value:
            value, source = stored.get(key, ""), "stored already"
        if not value and asks:
            value, source = ask(f"{key} ({variable}): ").strip(), "as typed"
        if not value:
            lines.append(Line(MISSING, f"the key {key}", f"set {variable} in the environment, or run this at a terminal"))
            continue
        if key == "stripe_secret_key":
            require_mode(settings, value)
        found[key] = value
        lines.append(Line(OK, f"the key {key}: {source}"))
    return found, lines


def require_mode(settings, key):
    """Raises DeployFailed for a key of test mode in prod, or of live mode in dev: the functions would refuse it."""
    needed = "live" if settings.stage == "prod" else "test"
    if key.split("_")[1:2] != [needed]:
        raise DeployFailed(f"the key stripe_secret_key must be one of {needed} mode in {settings.stage}: sk_{needed}_... or rk_{needed}_...")


def stored(secrets, outputs):
    """Returns what both secrets of the stack hold; nothing before there is a stack."""
    return {**read(secrets, outputs.get("ProviderKeysArn")), **read(secrets, outputs.get("PaymentKeysArn"))}


def read(secrets, secret):
    """Returns what a secret holds. Raises DeployFailed if that is not in the form of the keys; none of it is in the message."""
    if not secret:
        return {}
    try:
        held = json.loads(secrets.get_secret_value(SecretId=secret).get("SecretString", ""))
    except ValueError:
        held = None
    if not isinstance(held, dict):
        raise DeployFailed(
            f"the secret {secret} holds no JSON object: put the keys there in the form that its description shows, or {{}} to have them stored again"
        )
    return held


def store(secrets, secret, values):
    """Adds values to a secret. A repeat with the same values writes nothing. Returns whether it wrote."""
    held = read(secrets, secret)
    if held | values == held:
        return False
    secrets.put_secret_value(SecretId=secret, SecretString=json.dumps(held | values))
    return True
