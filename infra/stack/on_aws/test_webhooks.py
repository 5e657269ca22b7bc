import io
import json
import unittest
import urllib.error
import urllib.parse
from unittest import mock

from on_aws import DeployFailed, webhooks
from on_aws.test_settings import dev, read

STRIPE_KEYS = {"stripe_secret_key": "sk_test_1"}
PAYPAL_KEYS = {"paypal_client_id": "id", "paypal_client_secret": "secret", "paypal_receiver_id": "R"}
URLS = webhooks.addresses("https://api.example")


class Stripe:
    """Plays https://docs.stripe.com/api/webhook_endpoints."""

    def __init__(self):
        self.endpoints, self.calls, self.made = [], [], 0

    def send(self, method, url, headers, body=None):
        assert headers["Authorization"] == "Bearer sk_test_1"
        self.calls.append(f"{method} {urllib.parse.urlsplit(url).path}")
        if method == "GET":
            return {"data": [{key: value for key, value in one.items() if key != "secret"} for one in self.endpoints]}
        if method == "DELETE":
            self.endpoints = [one for one in self.endpoints if not url.endswith(one["id"])]
            return {}
        form = urllib.parse.parse_qs(body.decode())
        metadata = {key[len("metadata[") : -1]: value[0] for key, value in form.items() if key.startswith("metadata[")}
        if "url" in form:
            self.made += 1
            made = {"id": f"we_{self.made}", "status": "enabled", "url": form["url"][0], "secret": f"whsec_{self.made}", "metadata": metadata}
            self.endpoints.append({**made, "api_version": form["api_version"][0], "enabled_events": form["enabled_events[]"]})
            return self.endpoints[-1]
        endpoint = next(one for one in self.endpoints if url.endswith(one["id"]))
        endpoint["metadata"].update(metadata)
        if metadata:
            return endpoint
        assert form["disabled"] == ["false"]
        endpoint.update(enabled_events=form["enabled_events[]"], status="enabled")
        return endpoint

    def changes(self):
        return [call for call in self.calls if not call.startswith("GET")]


class Paypal:
    """Plays https://developer.paypal.com/docs/api/webhooks/v1."""

    def __init__(self):
        self.webhooks, self.calls = [], []

    def send(self, method, url, headers, body=None):
        path = urllib.parse.urlsplit(url).path
        self.calls.append(f"{method} {url}")
        if path == "/v1/oauth2/token":
            assert headers["Authorization"] == "Basic aWQ6c2VjcmV0", headers
            return {"access_token": "A21"}
        assert headers["Authorization"] == "Bearer A21"
        if path.endswith("-event-types"):
            names = ["CHECKOUT.ORDER.APPROVED", "CHECKOUT.ORDER.VOIDED", "PAYMENT.CAPTURE.DENIED", "PAYMENT.SALE.DENIED"]
            return {"event_types": [{"name": name} for name in names]}
        if method == "GET":
            return {"webhooks": self.webhooks}
        if method == "POST":
            self.webhooks.append({"id": "WH1", **json.loads(body)})
            return self.webhooks[-1]
        if method == "DELETE":
            self.webhooks = []
            return {}
        self.webhooks[0]["event_types"] = json.loads(body)[0]["value"]
        return {}


class StripeEndpoint(unittest.TestCase):
    def setUp(self):
        self.played = Stripe()

    def ensure(self, **stored):
        return webhooks.stripe({**STRIPE_KEYS, **stored}, URLS["stripe"], self.played.send)

    def store(self, **stored):
        """Has the endpoint made and marked, as a deployment does that stores the secret in between."""
        made = self.ensure(**stored)
        webhooks.mark_stripe({**STRIPE_KEYS, **made}, URLS["stripe"], self.played.send)
        return made

    def test_endpoint_whose_secret_was_lost_is_replaced_though_an_older_one_is_stored(self):
        stored = self.store()
        self.played.endpoints = []
        self.assertEqual(self.ensure(**stored), {"stripe_webhook_secrets": ["whsec_2"]})
        # The process ended here: the secret of the second is stored nowhere.
        self.assertEqual(self.store(**stored), {"stripe_webhook_secrets": ["whsec_3"]})
        self.assertEqual([one["id"] for one in self.played.endpoints], ["we_3"])

    def test_mark_is_of_the_stored_secret_and_shows_it_not(self):
        stored = self.store()
        self.assertRegex(self.played.endpoints[0]["metadata"][webhooks.MARK], "^[0-9a-f]{16}$")
        self.assertEqual(self.store(stripe_webhook_secrets=["whsec_0", "whsec_1"]), {"stripe_webhook_secrets": ["whsec_0", "whsec_1"]})
        self.assertEqual(self.store(**stored), stored)
        self.assertEqual(self.played.changes(), ["POST /v1/webhook_endpoints", "POST /v1/webhook_endpoints/we_1"])

    def test_endpoint_without_a_mark_stays(self):
        self.ensure()
        self.played.endpoints[0]["metadata"] = {"team": "payments"}
        self.assertEqual(self.store(stripe_webhook_secrets=["whsec_0"]), {"stripe_webhook_secrets": ["whsec_0"]})
        self.assertEqual(self.played.endpoints[0]["metadata"], {"team": "payments"})

    def test_endpoint_is_created_once_and_its_secret_returned(self):
        first = self.store()
        self.assertEqual(first, {"stripe_webhook_secrets": ["whsec_1"]})
        self.assertEqual(self.played.endpoints[0]["enabled_events"], webhooks.WANTED["stripe"]["events"])
        self.assertEqual(self.ensure(**first), first)
        self.assertEqual(self.played.changes(), ["POST /v1/webhook_endpoints", "POST /v1/webhook_endpoints/we_1"])

    def test_endpoint_whose_secret_was_not_stored_is_replaced(self):
        self.ensure()
        self.assertEqual(self.ensure(), {"stripe_webhook_secrets": ["whsec_2"]})
        self.assertEqual([one["id"] for one in self.played.endpoints], ["we_2"])

    def test_missing_events_and_a_disabled_endpoint_are_mended_in_place(self):
        stored = self.store()
        for changed in ({"enabled_events": ["refund.created"]}, {"status": "disabled"}):
            self.played.endpoints[0].update(changed)
            self.assertEqual(self.ensure(**stored), stored)
            self.assertEqual(self.played.endpoints[0]["enabled_events"], webhooks.WANTED["stripe"]["events"])
            self.assertEqual(self.played.endpoints[0]["status"], "enabled")
        self.assertEqual(self.played.made, 1)

    def test_endpoint_of_another_release_is_replaced(self):
        stored = self.store()
        self.played.endpoints[0]["api_version"] = None
        self.assertEqual(self.ensure(**stored), stored)
        self.played.endpoints[0]["api_version"] = "2024-06-20"
        self.assertEqual(self.ensure(**stored), {"stripe_webhook_secrets": ["whsec_2"]})

    def test_endpoints_of_others_stay(self):
        other = {"id": "we_0", "url": "https://other.example", "status": "enabled", "enabled_events": ["*"], "api_version": None}
        self.played.endpoints = [other]
        stored = self.ensure()
        removed = [webhooks.remove("stripe", {**STRIPE_KEYS, **stored}, URLS["stripe"], "dev", self.played.send) for _ in range(2)]
        self.assertEqual((removed, self.played.endpoints), ([1, 0], [other]))


class ReplicateSecret(unittest.TestCase):
    def test_signing_secret_of_the_account_is_read_with_its_key(self):
        send = mock.Mock(return_value={"key": "whsec_1"})
        self.assertEqual(webhooks.replicate("r8_1", send), {"replicate_webhook_secret": "whsec_1"})
        send.assert_called_once_with("GET", "https://api.replicate.com/v1/webhooks/default/secret", {"Authorization": "Bearer r8_1"})


class PaypalWebhook(unittest.TestCase):
    def setUp(self):
        self.played = Paypal()

    def ensure(self, stage="dev"):
        return webhooks.paypal(PAYPAL_KEYS, URLS["paypal"], stage, self.played.send)

    def test_webhook_is_created_once_for_the_events_that_paypal_has(self):
        for _ in range(2):
            self.assertEqual(self.ensure(), {"paypal_webhook_id": "WH1"})
        names = [event["name"] for event in self.played.webhooks[0]["event_types"]]
        self.assertEqual(names, ["CHECKOUT.ORDER.APPROVED", "PAYMENT.CAPTURE.DENIED"])
        created = [call for call in self.played.calls if call.startswith("POST") and call.endswith("/webhooks")]
        self.assertEqual(created, ["POST https://api-m.sandbox.paypal.com/v1/notifications/webhooks"])

    def test_missing_events_are_added_in_place(self):
        self.ensure()
        self.played.webhooks[0]["event_types"] = []
        self.ensure()
        self.assertEqual(len(self.played.webhooks[0]["event_types"]), 2)

    def test_prod_is_at_the_real_paypal_and_removal_removes_it(self):
        self.ensure("prod")
        self.assertTrue(all(call.split()[1].startswith("https://api-m.paypal.com/") for call in self.played.calls))
        removed = [webhooks.remove("paypal", PAYPAL_KEYS, URLS["paypal"], "prod", self.played.send) for _ in range(2)]
        self.assertEqual((removed, self.played.webhooks), ([1, 0], []))
        self.assertTrue(all(call.split()[1].startswith("https://api-m.paypal.com/") for call in self.played.calls))


class Removal(unittest.TestCase):
    def test_provider_without_all_its_keys_is_not_asked(self):
        for provider, held in (("stripe", {}), ("paypal", {}), ("paypal", {"paypal_client_id": "id"})):
            self.assertEqual(webhooks.remove(provider, held, URLS[provider], "dev", mock.Mock(side_effect=AssertionError)), 0)


class Look(unittest.TestCase):
    KEYS = {"replicate": "r8_1", **STRIPE_KEYS, **PAYPAL_KEYS}

    def look(self, send, text="", keys=KEYS):
        return webhooks.look(read(dev(text)), keys, send)

    def test_each_provider_is_only_read_from(self):
        asked = []

        def send(method, url, _headers, _body=None):
            asked.append(f"{method} {url}")
            return {"data": [], "key": "whsec_1", "access_token": "A21"}

        self.assertEqual([str(line).split() for line in self.look(send)], [["ok", name, "accepts", "its", "keys"] for name in ("Replicate", "Stripe", "PayPal")])
        self.assertEqual(
            asked,
            [
                "GET https://api.replicate.com/v1/webhooks/default/secret",
                "GET https://api.stripe.com/v1/webhook_endpoints?limit=100",
                "POST https://api-m.sandbox.paypal.com/v1/oauth2/token",
            ],
        )

    def test_refused_key_is_missing_with_the_variable_to_set(self):
        lines = self.look(mock.Mock(side_effect=webhooks.Refused("401 Invalid")), "", STRIPE_KEYS | PAYPAL_KEYS)
        self.assertEqual([line.state for line in lines], ["missing", "missing"])
        self.assertIn("401 Invalid", str(lines[0]))
        self.assertIn("set STRIPE_SECRET_KEY to a secret key, or a restricted one that may write Webhook Endpoints", str(lines[0]))
        self.assertIn("set PAYPAL_CLIENT_ID and PAYPAL_CLIENT_SECRET to those of a REST app, sandbox", str(lines[1]))

    def test_provider_that_cannot_be_asked_stops_nothing(self):
        lines = self.look(mock.Mock(side_effect=DeployFailed("api.stripe.com cannot be reached")), "", STRIPE_KEYS)
        self.assertEqual([line.state for line in lines], ["limit"])

    def test_stub_servers_are_not_asked(self):
        text = "ProviderEndpoints = '{}'\nPaymentEndpoints = '{}'"
        self.assertEqual(self.look(mock.Mock(side_effect=AssertionError), text), [])


class Refusal(unittest.TestCase):
    def test_only_what_a_repeat_does_not_help_is_a_refusal(self):
        for status, refused in ((401, True), (403, True), (429, False), (503, False)):
            error = urllib.error.HTTPError("https://api.stripe.com/v1/webhook_endpoints", status, "", {}, io.BytesIO(b"{}"))
            with self.subTest(status), mock.patch("urllib.request.urlopen", side_effect=error), self.assertRaises(DeployFailed) as failed:
                webhooks.stripe(STRIPE_KEYS, URLS["stripe"])
            self.assertEqual(isinstance(failed.exception, webhooks.Refused), refused)

    def test_refusal_is_said_without_the_key(self):
        body = io.BytesIO(b'{"error": {"message": "Invalid API Key provided: sk_test_***1", "type": "invalid_request_error"}}')
        refusal = urllib.error.HTTPError("https://api.stripe.com/v1/webhook_endpoints?limit=100", 401, "Unauthorized", {}, body)
        with mock.patch("urllib.request.urlopen", side_effect=refusal), self.assertRaises(DeployFailed) as refused:
            webhooks.stripe(STRIPE_KEYS, URLS["stripe"])
        said = "api.stripe.com refused GET /v1/webhook_endpoints: 401 Invalid API Key provided: sk_test_***1"
        self.assertEqual(str(refused.exception), said)

    def test_reason_is_read_from_both_providers(self):
        self.assertEqual(webhooks.reason(b'{"error": "invalid_client", "error_description": "Client failed"}'), "Client failed")
        self.assertEqual(webhooks.reason(b'{"name": "X", "message": "Limit of webhooks"}'), "Limit of webhooks")
        self.assertEqual(webhooks.reason(b"<html>"), "")
