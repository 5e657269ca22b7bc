import json

from on_aws import DeployFailed, keys
from on_aws.played import Played
from on_aws.test_settings import dev, prod, read

ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:keys-AbCdEf"


class Keys(Played):
    def holds(self, **values):
        self.answer("secretsmanager", "get_secret_value", {"SecretString": json.dumps(values)}, SecretId=ARN)

    def test_key_comes_from_the_environment_then_the_stack_then_the_terminal(self):
        chosen = read(dev("Providers = 'openai,replicate,fal,sketch'"))
        asked = []
        found, lines = keys.gather(chosen, {"replicate": "r8"}, {"OPENAI_API_KEY": " sk "}, ask=lambda text: asked.append(text) or "typed")
        self.assertEqual(found, {"openai": "sk", "replicate": "r8", "fal": "typed"})
        self.assertEqual(asked, ["fal (FAL_KEY): "])
        self.assertEqual([line.text for line in lines], ["the key openai: from OPENAI_API_KEY", "the key replicate: stored already", "the key fal: as typed"])

    def test_key_that_is_nowhere_is_missing_with_its_variable(self):
        chosen = read(dev("PaymentProviders = 'stripe'", "[dev.secrets]\nstripe_secret_key = 'MINE'\n"))
        found, lines = keys.gather(chosen, {}, {}, asks=False)
        self.assertEqual((found, [line.state for line in lines]), ({}, ["missing"]))
        self.assertIn("set MINE in the environment", str(lines[0]))

    def test_settings_without_providers_need_no_key(self):
        self.assertEqual(keys.gather(read(dev()), {}, {"OPENAI_API_KEY": "sk"}), ({}, []))

    def test_classifier_of_openai_needs_its_key_without_the_provider(self):
        for providers, moderation, expected in [
            ("sketch", "local,openai,rekognition", ["openai"]),
            ("openai,sketch", "local,openai", ["openai"]),
            ("fal", "local,rekognition", ["fal"]),
        ]:
            with self.subTest(moderation):
                chosen = read(dev(f"Providers = '{providers}'\nModeration = '{moderation}'"))
                self.assertEqual(keys.gather(chosen, {}, {"OPENAI_API_KEY": "sk", "FAL_KEY": "f"})[0].keys(), set(expected))

    def test_key_of_the_wrong_mode_is_refused(self):
        for stage, text, key, needed in [("prod", prod, "sk_test_1", "live"), ("dev", dev, "rk_live_1", "test")]:
            with self.subTest(stage), self.assertRaises(DeployFailed) as refused:
                keys.gather(read(text("PaymentProviders = 'stripe'"), stage), {}, {"STRIPE_SECRET_KEY": key})
            self.assertIn(f"must be one of {needed} mode", str(refused.exception))
            self.assertNotIn(key, str(refused.exception))

    def test_repeat_writes_no_new_version_of_a_secret(self):
        secrets = self.client("secretsmanager")
        self.holds(fal="f")
        self.answer("secretsmanager", "put_secret_value", {}, SecretId=ARN, SecretString='{"fal": "f", "openai": "sk"}')
        self.assertTrue(keys.store(secrets, ARN, {"openai": "sk"}))
        self.holds(fal="f", openai="sk")
        self.assertFalse(keys.store(secrets, ARN, {"openai": "sk"}))

    def test_secret_in_another_form_is_refused_with_what_to_put_there(self):
        for held in ({"SecretString": "sk_test_1"}, {"SecretString": '["sk_test_1"]'}, {"SecretBinary": b"sk_test_1"}):
            self.answer("secretsmanager", "get_secret_value", held, SecretId=ARN)
            with self.subTest(held), self.assertRaises(DeployFailed) as refused:
                keys.stored(self.client("secretsmanager"), {"PaymentKeysArn": ARN})
            self.assertIn(f"the secret {ARN} holds no JSON object: put the keys there in the form that its description shows", str(refused.exception))
            self.assertNotIn("sk_test_1", str(refused.exception))

    def test_first_deployment_has_nothing_stored(self):
        self.assertEqual(keys.stored(self.client("secretsmanager"), {}), {})
