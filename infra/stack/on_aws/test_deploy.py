import contextlib
import io
import json
from pathlib import Path
from unittest import mock

import deploy_on_aws
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

    def test_keys_of_a_payment_provider_are_stored_with_its_webhook(self):
        text = dev("Providers = 'fal'\nPaymentProviders = 'stripe,paypal'")
        found = {"fal": "f", "stripe_secret_key": "sk_test_1", "paypal_client_id": "i", "paypal_client_secret": "s", "paypal_receiver_id": "r"}
        self.answer("secretsmanager", "get_secret_value", {"SecretString": "{}"}, SecretId=PROVIDER_KEYS)
        self.answer("secretsmanager", "put_secret_value", {}, SecretId=PROVIDER_KEYS, SecretString='{"fal": "f"}')
        for _ in range(2):
            self.answer("secretsmanager", "get_secret_value", {"SecretString": "{}"}, SecretId=PAYMENT_KEYS)
        payments = {key: found[key] for key in found if key != "fal"}
        stored = {**payments, "stripe_webhook_secrets": ["whsec_1"], "paypal_webhook_id": "WH1"}
        self.answer("secretsmanager", "put_secret_value", {}, SecretId=PAYMENT_KEYS, SecretString=json.dumps(stored))
        made = [
            mock.patch.object(webhooks, "stripe", return_value={"stripe_webhook_secrets": ["whsec_1"]}),
            mock.patch.object(webhooks, "paypal", return_value={"paypal_webhook_id": "WH1"}),
        ]
        with made[0] as stripe, made[1] as paypal:
            self.target(text).store_keys(OUTPUTS, found)
        stripe.assert_called_once_with(payments, "https://api.example/v1/webhooks/stripe")
        paypal.assert_called_once_with(payments | {"stripe_webhook_secrets": ["whsec_1"]}, "https://api.example/v1/webhooks/paypal-events", "dev")
        for secret in ("sk_test_1", "whsec_1"):
            self.assertNotIn(secret, self.said.getvalue() + self.printed.getvalue())

    def test_key_of_replicate_is_stored_with_what_it_signs_its_webhooks_with(self):
        self.answer("secretsmanager", "get_secret_value", {"SecretString": "{}"}, SecretId=PROVIDER_KEYS)
        stored = {"replicate": "r8_1", "replicate_webhook_secret": "whsec_1"}
        self.answer("secretsmanager", "put_secret_value", {}, SecretId=PROVIDER_KEYS, SecretString=json.dumps(stored))
        for _ in range(2):
            self.answer("secretsmanager", "get_secret_value", {"SecretString": "{}"}, SecretId=PAYMENT_KEYS)
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

    def test_plan_without_changes_says_so(self):
        text = deploy_on_aws.plan_text(read(dev()), ACCOUNT, {"Stage": "dev"}, None)
        self.assertTrue(text.endswith("Changes:\n  none"), text)

    def test_data_outlives_the_stack_and_each_kind_has_a_way_to_remove_it(self):
        retained = deploy_on_aws.retained_resources()
        self.assertLessEqual({"Table", "Records", "Bucket", "UserPool", "AppKey", "ProviderKeys", "PaymentKeys", "SigningKey", "SigningCertificate"}, retained)
        resources = deploy_on_aws.settings.parsed(deploy_on_aws.TEMPLATE)["Resources"]
        self.assertLessEqual({resources[name]["Type"] for name in retained}, set(deploy_on_aws.REMOVALS))

    def test_removal_needs_the_name_of_the_stack(self):
        self.has_stack()
        self.answer("cloudformation", "list_stack_resources", {"StackResourceSummaries": []})
        target = self.target(dev())
        with mock.patch("sys.stdin", io.StringIO("yes\n")), self.assertRaises(DeployFailed) as refused:
            target.destroy()
        self.assertEqual(str(refused.exception), "nothing was removed")
