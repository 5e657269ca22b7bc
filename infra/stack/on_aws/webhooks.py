"""Creates the webhook endpoints at Stripe and PayPal, and removes them, and reads what Replicate signs its webhooks with. Before that
it asks each of them whether it accepts its keys.

Each is found by its address, so a repeat creates none. Stripe shows the secret of an endpoint once, when it is created. So an
endpoint is created with a mark, which becomes the hash of its secret once that is stored: one whose secret is not stored, as after
a process that ended in between, is replaced. PayPal's webhooks have an id, which can be read again.
"""

import base64
import fnmatch
import hashlib
import json
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from on_aws import DeployFailed
from on_aws.account import LIMIT, MISSING, OK, Line

WANTED = json.loads((Path(__file__).parent / "webhooks.json").read_text(encoding="utf-8"))
STRIPE = "https://api.stripe.com/v1"
PAYPAL_MODE = {"dev": "sandbox", "prod": "live"}
PAYPAL = {"dev": "https://api-m.sandbox.paypal.com", "prod": "https://api-m.paypal.com"}
REPLICATE = "https://api.replicate.com/v1"
TIMEOUT_S = 30
TOO_MANY = 429
NAMES = {"stripe": "Stripe", "paypal": "PayPal"}
# The name of the mark in the metadata of an endpoint at Stripe, and what it is until the secret is stored.
MARK, NOT_STORED = "darkroom_secret", "not stored"
# What a payment provider is called with.
NEEDED = {"stripe": ("stripe_secret_key",), "paypal": ("paypal_client_id", "paypal_client_secret")}
# What is stored of the webhook of a payment provider.
STORED = {"stripe": "stripe_webhook_secrets", "paypal": "paypal_webhook_id"}


class Refused(DeployFailed):
    """Says that a provider answered and does not do what it was asked; a repeat changes nothing."""


def addresses(api):
    """Returns the address of each endpoint of a stack whose API has this address."""
    return {"stripe": f"{api}/v1/webhooks/stripe", "paypal": f"{api}/v1/webhooks/paypal-events"}


def call(method, url, headers, body=None):
    """Sends a request and returns the JSON of the answer. Raises DeployFailed with the reason, which is Refused if a repeat would not
    help."""
    request = urllib.request.Request(url, method=method, headers=headers, data=body)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            return json.loads(answer.read() or b"{}")
    except urllib.error.HTTPError as error:
        host = urllib.parse.urlsplit(url).hostname
        failure = Refused if error.code < 500 and error.code != TOO_MANY else DeployFailed
        raise failure(f"{host} refused {method} {urllib.parse.urlsplit(url).path}: {error.code} {reason(error.read())}") from None
    except OSError as error:
        raise DeployFailed(f"{urllib.parse.urlsplit(url).hostname} cannot be reached: {error}") from None


def reason(body):
    """Returns what a refusal says, of Stripe, PayPal or Replicate."""
    try:
        answer = json.loads(body)
    except ValueError:
        return ""
    error = answer.get("error", answer)
    return error.get("message", error.get("detail", "")) if isinstance(error, dict) else str(answer.get("error_description", error))


def look(settings, keys, send=call):
    """Returns a line for each provider that can be asked whether it accepts these keys. It only reads. A key that is refused is
    `missing`; whether one is good that could not be asked about is not known."""
    asked = []
    if "replicate" in keys and not settings.value("ProviderEndpoints"):
        how = "to an API token: https://replicate.com/account/api-tokens"
        asked.append(("Replicate", ["replicate"], how, lambda: replicate(keys["replicate"], send)))
    if "stripe_secret_key" in keys and not settings.value("PaymentEndpoints"):
        how = "to a secret key, or a restricted one that may write Webhook Endpoints: https://dashboard.stripe.com/apikeys"
        asked.append(("Stripe", ["stripe_secret_key"], how, lambda: stripe_endpoints(stripe_headers(keys), send)))
    if "paypal_client_id" in keys and "paypal_client_secret" in keys and not settings.value("PaymentEndpoints"):
        how = f"to those of a REST app, {PAYPAL_MODE[settings.stage]}: https://developer.paypal.com/dashboard/applications"
        asked.append(("PayPal", ["paypal_client_id", "paypal_client_secret"], how, lambda: paypal_headers(keys, settings.stage, send)))
    return [answered(name, [settings.secrets[key] for key in its], how, ask) for name, its, how, ask in asked]


def answered(name, variables, how, ask):
    try:
        ask()
    except Refused as refusal:
        return Line(MISSING, f"{name} does not accept its keys: {refusal}", f"set {' and '.join(variables)} {how}")
    except DeployFailed as failure:
        return Line(LIMIT, f"whether {name} accepts its keys is not known: {failure}", "the deployment asks again once it stores them")
    return Line(OK, f"{name} accepts its keys")


def ensure(provider, keys, url, stage, send=call):
    """Makes a payment provider send what is handled to this address. Returns what to store."""
    return stripe(keys, url, send) if provider == "stripe" else paypal(keys, url, stage, send)


def release(version):
    """Returns the part of a version of Stripe that changes when objects change: `2026-09-30.endive` is of `endive`."""
    return version.partition(".")[2]


def stripe(keys, url, send=call):
    """Makes Stripe send what is handled to this address. Returns what to store: the signing secrets."""
    headers = stripe_headers(keys)
    post = {**headers, "Content-Type": "application/x-www-form-urlencoded"}
    secrets = keys.get("stripe_webhook_secrets", [])
    events = [("enabled_events[]", event) for event in WANTED["stripe"]["events"]]
    for endpoint in [one for one in stripe_endpoints(headers, send) if one["url"] == url]:
        # The version of an endpoint cannot be changed. Without one it has that of the account, as if made in the dashboard.
        version = endpoint.get("api_version") or WANTED["stripe"]["api_version"]
        if secrets and not is_lost(endpoint, secrets) and release(version) == release(WANTED["stripe"]["api_version"]):
            if set(endpoint["enabled_events"]) != set(WANTED["stripe"]["events"]) or endpoint["status"] != "enabled":
                body = urllib.parse.urlencode([*events, ("disabled", "false")]).encode()
                send("POST", f"{STRIPE}/webhook_endpoints/{endpoint['id']}", post, body)
            return {"stripe_webhook_secrets": secrets}
        send("DELETE", f"{STRIPE}/webhook_endpoints/{endpoint['id']}", headers)
    made = [("url", url), ("api_version", WANTED["stripe"]["api_version"]), (f"metadata[{MARK}]", NOT_STORED)]
    body = urllib.parse.urlencode([*made, *events]).encode()
    created = send("POST", f"{STRIPE}/webhook_endpoints", post, body)
    return {"stripe_webhook_secrets": [created["secret"]]}


def is_lost(endpoint, secrets):
    """Says whether this program made an endpoint whose secret is not stored. One without a mark was made by hand, or before there
    were marks: what is stored counts for it."""
    mark = endpoint.get("metadata", {}).get(MARK)
    return mark is not None and mark not in [mark_of(secret) for secret in secrets]


def mark_of(secret):
    """Returns a hash that is too short to be used for anything but this."""
    return hashlib.sha256(secret.encode()).hexdigest()[:16]


def mark_stripe(keys, url, send=call):
    """Marks the endpoint that was created, now that its secret is stored (https://docs.stripe.com/api/webhook_endpoints/update). A
    repeat does nothing."""
    headers = stripe_headers(keys)
    for endpoint in stripe_endpoints(headers, send):
        if endpoint["url"] == url and endpoint.get("metadata", {}).get(MARK) == NOT_STORED:
            body = urllib.parse.urlencode([(f"metadata[{MARK}]", mark_of(keys["stripe_webhook_secrets"][0]))]).encode()
            post = {**headers, "Content-Type": "application/x-www-form-urlencoded"}
            send("POST", f"{STRIPE}/webhook_endpoints/{endpoint['id']}", post, body)


def stripe_headers(keys):
    return {"Authorization": f"Bearer {keys['stripe_secret_key']}", "Stripe-Version": WANTED["stripe"]["api_version"]}


def stripe_endpoints(headers, send):
    return send("GET", f"{STRIPE}/webhook_endpoints?limit=100", headers)["data"]


def replicate(key, send=call):
    """Returns what to store for the webhooks of Replicate, whose address each job names: the signing secret of the account
    (https://replicate.com/docs/reference/http#webhooks.default.secret.get)."""
    return {"replicate_webhook_secret": send("GET", f"{REPLICATE}/webhooks/default/secret", {"Authorization": f"Bearer {key}"})["key"]}


def paypal(keys, url, stage, send=call):
    """Makes PayPal send what is handled to this address. Returns what to store: the id of the webhook."""
    headers = paypal_headers(keys, stage, send)
    available = send("GET", f"{PAYPAL[stage]}/v1/notifications/webhooks-event-types", headers)["event_types"]
    wanted = [event["name"] for event in available if any(fnmatch.fnmatch(event["name"], one) for one in WANTED["paypal"]["events"])]
    events = [{"name": name} for name in wanted]
    for webhook in paypal_webhooks(headers, stage, send):
        if webhook["url"] == url:
            if {event["name"] for event in webhook["event_types"]} != set(wanted):
                patch = json.dumps([{"op": "replace", "path": "/event_types", "value": events}]).encode()
                send("PATCH", f"{PAYPAL[stage]}/v1/notifications/webhooks/{webhook['id']}", headers, patch)
            return {"paypal_webhook_id": webhook["id"]}
    body = json.dumps({"url": url, "event_types": events}).encode()
    return {"paypal_webhook_id": send("POST", f"{PAYPAL[stage]}/v1/notifications/webhooks", headers, body)["id"]}


def paypal_webhooks(headers, stage, send):
    return send("GET", f"{PAYPAL[stage]}/v1/notifications/webhooks", headers)["webhooks"]


def paypal_headers(keys, stage, send):
    basic = base64.b64encode(f"{keys['paypal_client_id']}:{keys['paypal_client_secret']}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"}
    token = send("POST", f"{PAYPAL[stage]}/v1/oauth2/token", headers, b"grant_type=client_credentials")["access_token"]
    return {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}


def remove(provider, keys, url, stage, send=call):
    """Removes what sends to this address at a payment provider. Returns how many there were: a repeat finds none, and
    without its keys nothing is asked."""
    if not all(keys.get(key) for key in NEEDED[provider]):
        return 0
    if provider == "stripe":
        headers, place = stripe_headers(keys), f"{STRIPE}/webhook_endpoints"
        held = stripe_endpoints(headers, send)
    else:
        headers, place = paypal_headers(keys, stage, send), f"{PAYPAL[stage]}/v1/notifications/webhooks"
        held = paypal_webhooks(headers, stage, send)
    ids = [one["id"] for one in held if one["url"] == url]
    for one in ids:
        send("DELETE", f"{place}/{one}", headers)
    return len(ids)
