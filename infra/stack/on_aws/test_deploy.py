import contextlib
import io
import json
import re
from pathlib import Path
from unittest import mock

import deploy_on_aws
import packages
from on_aws import DeployFailed, webhooks
from on_aws.played import Played
from on_aws.test_settings import dev, prod, read

ACCOUNT = "123456789012"
BUCKET = "darkroom-deployments-123456789012-eu-central-1"
PROVIDER_KEYS = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:ProviderKeys-AbCdEf"
PAYMENT_KEYS = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:PaymentKeys-AbCdEf"
OUTPUTS = {
    "ApiUrl": "https://api.example",
    "SiteHost": "d1.cloudfront.net",
    "TableName": "table",
    "BucketName": "bucket",
    "UserPoolId": "eu-central-1_Pool",
    "ProviderKeysArn": PROVIDER_KEYS,
    "PaymentKeysArn": PAYMENT_KEYS,
}


class Deploy(Played):
    def setUp(self):
        super().setUp()
        self.printed, self.said = io.StringIO(), io.StringIO()
        for context in (contextlib.redirect_stdout(self.printed), contextlib.redirect_stderr(self.said)):
            context.__enter__()
            self.addCleanup(context.__exit__, None, None, None)

    def target(self, text, stage="dev"):
        self.answer("sts", "get_caller_identity", {"Account": ACCOUNT, "Arn": "arn:aws:iam::123456789012:root", "UserId": "1"})
        return deploy_on_aws.Target(self, read(text, stage))

    def has_stack(self):
        stack = {"StackName": "darkroom-dev", "StackId": "arn", "CreationTime": "2026-01-01", "StackStatus": "CREATE_COMPLETE"}
        stack["Outputs"] = [{"OutputKey": key, "OutputValue": value} for key, value in OUTPUTS.items()]
        self.answer("cloudformation", "describe_stacks", {"Stacks": [stack]})

    def test_one_call_of_cargo_builds_all_functions_for_the_architecture(self):
        command = deploy_on_aws.build_command(Path("/v/cargo-lambda"), ["account", "sweep"], "arm64", Path("/t/arm64"))
        self.assertEqual(
            " ".join(command),
            "/v/cargo-lambda lambda build --release --locked --bins --arm64 --lambda-dir /t/arm64 --package account --package sweep",
        )
        self.assertIn("--x86-64", deploy_on_aws.build_command(Path("c"), [], "x86_64", Path("t")))

    def test_other_parameters_are_another_release(self):
        def release(parameters):
            template = deploy_on_aws.settings.parsed(deploy_on_aws.TEMPLATE)
            deploy_on_aws.released_with(parameters)(template)
            return template["Globals"]["Function"]["Environment"]["Variables"]["RELEASE"]

        self.assertEqual(release({"Stage": "dev", "LogRetentionDays": "30"}), release({"LogRetentionDays": "30", "Stage": "dev"}))
        self.assertNotEqual(release({"Stage": "dev"}), release({"Stage": "prod"}))

    def test_failed_build_changes_nothing(self):
        target = self.target(dev())
        arguments = mock.Mock(functions=None, cargo_lambda=Path("/bin/false"))
        with self.assertRaises(DeployFailed) as failed:
            target.build(arguments)
        self.assertIn("the build failed", str(failed.exception))
        self.assertIn("functions for x86_64", self.said.getvalue())

    def test_program_is_looked_into_before_it_is_uploaded(self):
        looked = mock.Mock()
        build = lambda **arguments: self.target(dev()).build(mock.Mock(cargo_lambda=Path("/bin/true"), **arguments))
        with mock.patch.object(deploy_on_aws, "check_program", looked):
            self.assertEqual(build(functions=Path("/built"))("sweep"), Path("/built/sweep"))
            looked.assert_called_once_with(Path("/built/sweep"), "x86_64")
            binary = build(functions=None)("sweep")
            self.assertEqual(binary, deploy_on_aws.ROOT / "target/functions/x86_64/sweep/bootstrap")
            looked.assert_called_with(binary, "x86_64")
            looked.side_effect = DeployFailed("for another processor")
            with self.assertRaises(DeployFailed):
                build(functions=None)("sweep")

    def test_bucket_of_the_deployments_is_private_and_in_the_region(self):
        self.refuse("s3", "head_bucket", "404", Bucket=BUCKET, ExpectedBucketOwner=ACCOUNT)
        location = {"LocationConstraint": "eu-central-1"}
        self.answer("s3", "create_bucket", {}, Bucket=BUCKET, CreateBucketConfiguration=location)
        self.answer("s3", "put_public_access_block", {})
        target = self.target(dev())
        target.create_bucket()
        self.answer("s3", "head_bucket", {})
        self.answer("s3", "put_public_access_block", {})
        target.create_bucket()

    def test_bucket_of_another_account_is_not_used(self):
        self.refuse("s3", "head_bucket", "403")
        with self.assertRaises(deploy_on_aws.ClientError):
            self.target(dev()).create_bucket()

    def holds(self, secret, values, writes=None):
        """Plays a secret, which is read before it is written; that of payments is read for the webhook as well."""
        for _ in range(2 if secret == PAYMENT_KEYS else 1):
            self.answer("secretsmanager", "get_secret_value", {"SecretString": json.dumps(values)}, SecretId=secret)
        if writes:
            self.answer("secretsmanager", "put_secret_value", {}, SecretId=secret, SecretString=json.dumps(values | writes))

    def test_keys_of_a_payment_provider_are_stored_with_its_webhook(self):
        text = dev("Providers = 'fal'\nPaymentProviders = 'stripe,paypal'")
        paypal_keys = {"paypal_client_id": "i", "paypal_client_secret": "s", "paypal_receiver_id": "r"}
        found = {"fal": "f", "stripe_secret_key": "sk_test_1", **paypal_keys}
        self.holds(PROVIDER_KEYS, {}, {"fal": "f"})
        stripe_stored = {"stripe_secret_key": "sk_test_1", "stripe_webhook_secrets": ["whsec_1"]}
        self.holds(PAYMENT_KEYS, {}, stripe_stored)
        self.holds(PAYMENT_KEYS, stripe_stored, {**paypal_keys, "paypal_webhook_id": "WH1"})
        made = [
            mock.patch.object(webhooks, "stripe", return_value={"stripe_webhook_secrets": ["whsec_1"]}),
            mock.patch.object(webhooks, "paypal", return_value={"paypal_webhook_id": "WH1"}),
        ]
        marks = mock.patch.object(webhooks, "mark_stripe")
        with made[0] as stripe, made[1] as paypal, marks as mark:
            self.target(text).store_keys(OUTPUTS, found)
        mark.assert_called_once_with(stripe_stored, "https://api.example/v1/webhooks/stripe")
        stripe.assert_called_once_with({"stripe_secret_key": "sk_test_1"}, "https://api.example/v1/webhooks/stripe", webhooks.call)
        paypal.assert_called_once_with(stripe_stored | paypal_keys, "https://api.example/v1/webhooks/paypal-events", "dev", webhooks.call)
        for secret in ("sk_test_1", "whsec_1"):
            self.assertNotIn(secret, self.said.getvalue() + self.printed.getvalue())

    def test_endpoint_is_marked_only_once_its_secret_is_stored(self):
        self.holds(PROVIDER_KEYS, {})
        self.holds(PAYMENT_KEYS, {})
        self.refuse("secretsmanager", "put_secret_value", "InternalServiceError")
        made = mock.patch.object(webhooks, "stripe", return_value={"stripe_webhook_secrets": ["whsec_1"]})
        with made, mock.patch.object(webhooks, "mark_stripe") as mark, self.assertRaises(deploy_on_aws.ClientError):
            self.target(dev("PaymentProviders = 'stripe'")).store_keys(OUTPUTS, {"stripe_secret_key": "sk_test_1"})
        mark.assert_not_called()

    def test_webhook_that_is_stored_stays_as_it_is_ahead_of_the_deployment(self):
        held = {"stripe_secret_key": "sk_test_1", "stripe_webhook_secrets": ["whsec_1"]}
        target = self.target(dev("PaymentProviders = 'stripe'"))
        made = mock.patch.object(webhooks, "stripe", return_value={"stripe_webhook_secrets": ["whsec_2"]})
        with made as stripe, mock.patch.object(webhooks, "mark_stripe"):
            self.holds(PROVIDER_KEYS, {})
            self.holds(PAYMENT_KEYS, held, {"stripe_secret_key": "sk_test_2"})
            target.store_keys(OUTPUTS, {"stripe_secret_key": "sk_test_2"}, ahead=True)
            stripe.assert_not_called()
            self.holds(PROVIDER_KEYS, {})
            self.holds(PAYMENT_KEYS, {}, {"stripe_secret_key": "sk_test_2", "stripe_webhook_secrets": ["whsec_2"]})
            target.store_keys(OUTPUTS, {"stripe_secret_key": "sk_test_2"}, ahead=True)
            stripe.assert_called_once()
            self.holds(PROVIDER_KEYS, {})
            self.holds(PAYMENT_KEYS, held, {"stripe_secret_key": "sk_test_2", "stripe_webhook_secrets": ["whsec_2"]})
            target.store_keys(OUTPUTS, {"stripe_secret_key": "sk_test_2"})
            self.assertEqual(stripe.call_count, 2)

    def test_provider_that_refuses_keeps_back_no_other_key(self):
        chosen = "Providers = 'replicate,fal'\nPaymentProviders = 'stripe,paypal'"
        paypal_keys = {"paypal_client_id": "i", "paypal_client_secret": "s", "paypal_receiver_id": "r"}
        found = {"replicate": "r8", "fal": "f", "stripe_secret_key": "sk_test_1", **paypal_keys}
        for ahead, expected in ((False, "the stack is changed"), (True, "the stack is not changed yet")):
            self.holds(PROVIDER_KEYS, {}, {"replicate": "r8", "fal": "f"})
            self.answer("secretsmanager", "get_secret_value", {"SecretString": "{}"}, SecretId=PAYMENT_KEYS)
            self.holds(PAYMENT_KEYS, {}, {**paypal_keys, "paypal_webhook_id": "WH1"})
            refusing = [mock.patch.object(webhooks, name, side_effect=DeployFailed(f"{name} says no")) for name in ("replicate", "stripe")]
            made = mock.patch.object(webhooks, "paypal", return_value={"paypal_webhook_id": "WH1"})
            with refusing[0], refusing[1], made, self.assertRaises(DeployFailed) as failed:
                self.target(dev(chosen)).store_keys(OUTPUTS, found, ahead)
            for words in ("replicate says no", "the keys or the webhook of Stripe are not in place: stripe says no", expected, "run this again"):
                self.assertIn(words, str(failed.exception))

    def test_key_that_is_refused_stops_the_deployment_before_the_build(self):
        refusal = deploy_on_aws.account.Line("missing", "Stripe does not accept its keys")
        with mock.patch.object(webhooks, "look", return_value=[refusal]), self.assertRaises(DeployFailed) as failed:
            self.deploys(True, [])
        self.assertIn("nothing was changed", str(failed.exception))
        self.assertIn("missing  Stripe does not accept its keys", self.said.getvalue())

    def deploys(self, stack, applied, text=dev("Providers = 'openai,sketch'"), **options):
        """Deploys with everything played but the order. Returns what was done, in order."""
        target, done = self.target(text), []
        arguments = mock.Mock(plan=False, functions=Path("/functions"), **options)
        outputs = {"Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in OUTPUTS.items()]}
        held = [mock.patch.object(deploy_on_aws.changes, "settle", return_value=stack and outputs)]
        looked = mock.Mock(return_value=[])
        held += [mock.patch.object(deploy_on_aws.account, "look", looked)]
        held += [mock.patch.object(deploy_on_aws.keys, "stored", return_value={"openai": "sk"})]
        held += [mock.patch.object(deploy_on_aws, name, return_value=("url", set())) for name in ("upload", "delete_old_code")]
        held += [mock.patch.object(target, "create_bucket")]
        held += [mock.patch.object(target, "store_keys", side_effect=lambda *_, ahead=False: done.append("keys ahead" if ahead else "keys"))]
        held += [mock.patch.object(deploy_on_aws.changes, "create", side_effect=applied), mock.patch.object(deploy_on_aws.changes, "as_text")]
        held += [mock.patch.object(deploy_on_aws.changes, "execute", side_effect=lambda *_: done.append("stack") or outputs)]
        with contextlib.ExitStack() as stack_of_mocks:
            for one in held:
                stack_of_mocks.enter_context(one)
            target.deploy(arguments)
        looked.assert_called_once_with(mock.ANY, mock.ANY, mock.ANY, mock.ANY, {"EdgeKey": "Distribution", "MediaKey": "MediaLinks"})
        return done

    def test_keys_are_there_before_functions_that_need_them(self):
        self.assertEqual(self.deploys(True, [{"Changes": []}]), ["keys ahead", "stack", "keys"])

    def test_first_deployment_stores_keys_once_there_are_secrets(self):
        self.assertEqual(self.deploys(None, [{"Changes": []}, {"Changes": []}]), ["stack", "stack", "keys"])

    def test_result_says_whether_anything_changed(self):
        for stack, applied, expected in [
            (True, [None], "unchanged\n"),
            (True, [{"Changes": []}], "changed\n"),
            (None, [{"Changes": []}, None], "changed\n"),
        ]:
            self.printed.truncate(self.printed.seek(0))
            self.deploys(stack, applied)
            self.assertEqual(self.printed.getvalue(), expected)

    def test_key_of_replicate_is_stored_with_what_it_signs_its_webhooks_with(self):
        self.answer("secretsmanager", "get_secret_value", {"SecretString": "{}"}, SecretId=PROVIDER_KEYS)
        stored = {"replicate": "r8_1", "replicate_webhook_secret": "whsec_1"}
        self.answer("secretsmanager", "put_secret_value", {}, SecretId=PROVIDER_KEYS, SecretString=json.dumps(stored))
        with mock.patch.object(webhooks, "replicate", return_value={"replicate_webhook_secret": "whsec_1"}) as read_secret:
            self.target(dev("Providers = 'replicate'")).store_keys(OUTPUTS, {"replicate": "r8_1"})
        read_secret.assert_called_once_with("r8_1")

    def test_demo_account_gets_no_mail(self):
        self.has_stack()
        answer = {"User": {"Username": "1"}}
        self.answer("cognito-idp", "admin_create_user", answer)
        self.answer("cognito-idp", "admin_set_user_password", {})
        target = self.target(dev())
        with mock.patch.object(self.stub("cognito-idp").client, "admin_create_user", wraps=target.session.client("cognito-idp").admin_create_user) as create:
            target.create_demo_account()
        self.assertEqual(create.call_args.kwargs["MessageAction"], "SUPPRESS")
        address, email, password = self.printed.getvalue().split()
        self.assertEqual(address, "https://api.example")
        self.assertRegex(email, r"^success\+demo-\w+@simulator\.amazonses\.com$")
        self.assertGreater(len(password), 30)

    def test_places_name_what_is_left_to_do_by_hand(self):
        arn = "arn:aws:acm:us-east-1:123456789012:certificate/1"
        chosen = read(prod(f"PaymentProviders = 'paypal'\nSiteDomain = 'a.example'\nSiteCertificateArn = '{arn}'"), "prod")
        text = deploy_on_aws.places_text(chosen, ACCOUNT, OUTPUTS)
        for expected in ("https://a.example", "point a.example to d1.cloudfront.net", "https://api.example/v1/webhooks/paypal", "set AlarmEmail"):
            self.assertIn(expected, text)

    def test_template_is_recognised_as_cloudformation_returns_it(self):
        template = deploy_on_aws.settings.parsed(deploy_on_aws.TEMPLATE)
        place = packages.Place(mock.Mock(meta=mock.Mock(endpoint_url="https://s3.example")), "bucket", "darkroom-dev/")
        address = place.put_template(template)
        self.assertTrue(packages.is_at(json.loads(json.dumps(template)), address))
        self.assertFalse(packages.is_at({**template, "Outputs": {}}, address))

    def test_only_a_plan_looks_into_nested_stacks(self):
        target = self.target(dev())
        with mock.patch.object(deploy_on_aws.changes, "create", return_value=None) as create:
            target.plan({}, "https://s3.example/t.json", {})
            self.assertTrue(create.call_args.kwargs["nested"])
            target.apply({}, "https://s3.example/t.json", {})
            self.assertNotIn("nested", create.call_args.kwargs)

    def test_plan_without_changes_says_so(self):
        text = deploy_on_aws.plan_text(read(dev()), ACCOUNT, {"Stage": "dev"}, None)
        self.assertTrue(text.endswith("Changes:\n  none"), text)

    def test_data_outlives_the_stack_and_each_kind_has_a_way_to_remove_it(self):
        retained = deploy_on_aws.retained_resources()
        self.assertLessEqual({"Table", "Records", "Bucket", "UserPool", "AppKey", "ProviderKeys", "PaymentKeys", "SigningKey", "SigningCertificate"}, retained)
        resources = deploy_on_aws.settings.parsed(deploy_on_aws.TEMPLATE)["Resources"]
        self.assertLessEqual({resources[name]["Type"] for name in retained}, set(deploy_on_aws.REMOVALS))

    def test_copied_secrets_are_those_that_functions_and_distributions_have(self):
        self.assertEqual(deploy_on_aws.copied_secrets(), {"EdgeKey": "Distribution", "MediaKey": "MediaLinks"})
        named = set(re.findall(r"{{resolve:secretsmanager:\${(\w+)}", deploy_on_aws.TEMPLATE.read_text(encoding="utf-8")))
        self.assertEqual(set(deploy_on_aws.copied_secrets()), named)
        resources = deploy_on_aws.settings.parsed(deploy_on_aws.TEMPLATE)["Resources"]
        self.assertEqual({resources[name]["Condition"] for name in deploy_on_aws.copied_secrets()}, {"IsProd"})

    def test_table_that_was_restored_is_among_what_stays(self):
        self.answer("cloudformation", "list_stack_resources", {"StackResourceSummaries": []})
        stack = {"StackId": "id", "Parameters": [{"ParameterKey": "RestoredTable", "ParameterValue": "darkroom-restored"}]}
        stays = self.target(dev()).retained(stack)
        self.assertIn("darkroom-restored\n    to remove it: aws dynamodb update-table --table-name darkroom-restored", stays)

    def removes_webhooks(self, refusing=()):
        """Has the webhooks removed, at payment providers of which some refuse."""

        def send(_method, url, _headers, _body=None):
            if any(host in url for host in refusing):
                raise DeployFailed(f"{url.split('/')[2]} refused")
            ours = {"id": "1", "url": f"https://api.example/v1/webhooks/{'stripe' if 'stripe' in url else 'paypal-events'}"}
            return {"access_token": "A21", "data": [ours], "webhooks": [ours]}

        with mock.patch.object(webhooks.remove, "__defaults__", (send,)):
            self.target(dev()).remove_webhooks(OUTPUTS)
        return self.said.getvalue().splitlines()

    def test_webhooks_of_one_provider_are_removed_though_the_other_refuses(self):
        held = {"stripe_secret_key": "sk_test_1", "paypal_client_id": "i", "paypal_client_secret": "s"}
        stripe, paypal = "https://api.example/v1/webhooks/stripe", "https://api.example/v1/webhooks/paypal-events"
        removed = [f"  removed the webhook {stripe}", f"  removed the webhook {paypal}"]
        by_hand = [f"  api.stripe.com refused: remove by hand the webhook {stripe} at Stripe"]
        by_hand.append(f"  api-m.sandbox.paypal.com refused: remove by hand the webhook {paypal} at PayPal")
        for refusing, expected in [
            ((), removed),
            (("stripe",), [by_hand[0], removed[1]]),
            (("sandbox",), [removed[0], by_hand[1]]),
            (("stripe", "sandbox"), by_hand),
        ]:
            self.answer("secretsmanager", "get_secret_value", {"SecretString": json.dumps(held)}, SecretId=PAYMENT_KEYS)
            self.said.truncate(self.said.seek(0))
            with self.subTest(refusing):
                self.assertEqual(self.removes_webhooks(refusing), expected)

    def test_removal_goes_on_though_the_keys_cannot_be_read(self):
        by_hand = (
            "remove by hand, if it is there, the webhook https://api.example/v1/webhooks/stripe at Stripe "
            "and the webhook https://api.example/v1/webhooks/paypal-events at PayPal"
        )
        self.answer("secretsmanager", "get_secret_value", {"SecretString": "sk_test_1"})
        self.refuse("secretsmanager", "get_secret_value", "InvalidRequestException", "it was marked for deletion")
        for cause in ("holds no JSON object", "it was marked for deletion"):
            self.said.truncate(self.said.seek(0))
            [line] = self.removes_webhooks()
            self.assertIn(cause, line)
            self.assertTrue(line.endswith(by_hand), line)
            self.assertNotIn("sk_test_1", line)

    def test_removal_needs_the_name_of_the_stack(self):
        self.has_stack()
        self.answer("cloudformation", "list_stack_resources", {"StackResourceSummaries": []})
        target = self.target(dev())
        with mock.patch("sys.stdin", io.StringIO("yes\n")), self.assertRaises(DeployFailed) as refused:
            target.destroy()
        self.assertEqual(str(refused.exception), "nothing was removed")
