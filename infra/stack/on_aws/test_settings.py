import re
import tempfile
import unittest
from pathlib import Path

from on_aws import DeployFailed, settings

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "darkroom.example.toml"


def read(text, stage="dev", template=ROOT / "template.yaml"):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "darkroom.toml"
        file.write_text(text, encoding="utf-8")
        return settings.read(file, stage, template, ROOT / "samconfig.toml")


def dev(parameters="", rest=""):
    return f'[dev]\nregion = "eu-central-1"\n{rest}\n[dev.parameters]\n{parameters}'


def prod(parameters=""):
    return f'[prod]\nregion = "eu-central-1"\n[prod.parameters]\n{parameters}'


class Example(unittest.TestCase):
    def test_example_is_accepted_as_it_is(self):
        for stage in settings.STAGES:
            chosen = read(EXAMPLE.read_text(encoding="utf-8"), stage)
            self.assertEqual((chosen.stack, chosen.region), (f"darkroom-{stage}", "eu-central-1"))

    def test_every_setting_that_the_example_comments_out_is_accepted(self):
        lines = re.sub(r"^# (\[|\w+ = )", r"\1", EXAMPLE.read_text(encoding="utf-8"), flags=re.MULTILINE).splitlines()
        lines.remove('Providers = "sketch"')
        lines = [line for line in lines if line != 'Providers = "sketch"' or "[prod.parameters]" in lines]
        chosen = read("\n".join(lines))
        self.assertEqual(chosen.wanted_secrets()[0], ["openai"])
        self.assertEqual(chosen.wanted_secrets()[1][:2], ["stripe_secret_key", "paypal_client_id"])
        self.assertEqual(read("\n".join(lines), "prod").secrets["stripe_secret_key"], "STRIPE_SECRET_KEY_LIVE")


class Refusals(unittest.TestCase):
    def test_each_mistake_is_refused_with_key_and_rule(self):
        for text, expected in [
            ("region = 1", "region is not known in darkroom.toml: use dev, prod"),
            ("[dev", "darkroom.toml is no TOML"),
            ("[prod]", "darkroom.toml has no table [dev]"),
            ("dev = 1", "dev must be a table"),
            ("[dev]", "dev.region is missing: name a region of AWS"),
            ("[dev]\nregion = 1", "dev.region must be a text"),
            ('[dev]\nregion = "Frankfurt"', "dev.region must be a region of AWS, such as eu-central-1, and is 'Frankfurt'"),
            (dev(rest="regoin = 1"), "dev.regoin is not known in darkroom.toml: use region, stack, profile, parameters, secrets"),
            (dev(rest='stack = "a_b"'), "dev.stack must be of A to Z, a to z, 0 to 9 and hyphens"),
            (dev(rest="[dev.secrets]\nopenia = 'X'"), "dev.secrets.openia is not known"),
            (dev(rest="[dev.secrets]\nopenai = 1"), "dev.secrets.openai must be a text"),
            (dev("Provider = 'sketch'"), "dev.parameters.Provider is not known"),
            (dev("Stage = 'prod'"), "dev.parameters.Stage must not be set"),
            (dev("Providers = ['sketch']"), "dev.parameters.Providers must be a text, a number, true or false"),
            (dev("Providers = 'openia'"), "dev.parameters.Providers must be of openai, stability, replicate, fal, sketch, and has 'openia'"),
            (dev("PaymentProviders = 'visa'"), "dev.parameters.PaymentProviders must be of stripe, paypal, and has 'visa'"),
            (dev("Tax = 'some'"), "dev.parameters.Tax must be one of none, exclusive, inclusive, and is 'some'"),
            (dev("LogRetentionDays = 2"), "dev.parameters.LogRetentionDays must be one of 1, 3, 5"),
            (dev("NoncurrentDays = 0"), "dev.parameters.NoncurrentDays must be at least 1, and is 0"),
            (dev("NoncurrentDays = 36"), "dev.parameters.NoncurrentDays must be at most 35, and is 36"),
            (dev("TimeStampUrl = 'http://tsa.example.com/'"), "dev.parameters.TimeStampUrl must be as the template says (The https address of"),
            (dev("TimeStampUrl = 'https://someone@tsa.example.com/'"), "dev.parameters.TimeStampUrl must be as the template says"),
            (dev("SignUpDays = 'many'"), "dev.parameters.SignUpDays must be a number, and is 'many'"),
            (dev("SiteDomain = 'a.example'"), "dev.parameters.SiteDomain and dev.parameters.SiteCertificateArn belong together"),
            (dev("SiteDomain = 'a.example'\nSiteCertificateArn = 'arn:aws:acm:us-east-1:123456789012:certificate/a'"), "dev.parameters.SiteDomain is for prod"),
            (dev("Moderation = 'local,guardrail'\nGuardrailId = 'a'"), "Moderation has guardrail: set dev.parameters.GuardrailId and dev.parameters.GuardrailVersion"),
            (dev("MonthlyBudget = 100"), "dev.parameters.MonthlyBudget needs dev.parameters.AlarmEmail"),
            (dev("MailFrom = 'a@example.com'"), "dev.parameters.MailFrom and dev.parameters.MailIdentity belong together"),
        ]:
            with self.subTest(text), self.assertRaises(DeployFailed) as refused:
                read(text)
            self.assertIn(expected, str(refused.exception))

    def test_settings_for_tests_are_refused_in_prod(self):
        for name, value in [("ProviderEndpoints", "'{}'"), ("PaymentEndpoints", "'{}'"), ("SketchMarks", "true")]:
            with self.subTest(name), self.assertRaises(DeployFailed) as refused:
                read(prod(f"{name} = {value}"), "prod")
            self.assertIn(f"prod.parameters.{name} is for tests", str(refused.exception))
            read(dev(f"{name} = {value}"))

    def test_each_rule_of_the_template_is_known_here(self):
        rules = {"NoTestSettingsInProd", "GuardrailNeedsIdAndVersion", "SiteDomainAndCertificate", "BudgetAndAlarmEmail"}
        self.assertEqual(set(settings.parsed(ROOT / "template.yaml")["Rules"]), rules)

    def test_missing_file_and_missing_parameter_name_what_to_do(self):
        with self.assertRaises(DeployFailed) as refused:
            settings.read(Path("darkroom.toml"), "dev", ROOT / "template.yaml", ROOT / "samconfig.toml")
        self.assertIn("copy darkroom.example.toml", str(refused.exception))
        with self.assertRaises(DeployFailed) as refused:
            read(dev(), "staging")
        self.assertIn("there is no stage staging: use dev or prod", str(refused.exception))
        with tempfile.TemporaryDirectory() as folder:
            template = Path(folder) / "template.yaml"
            template.write_text("Parameters:\n  Stage: {Type: String}\n  Owner: {Type: String}\n", encoding="utf-8")
            with self.assertRaises(DeployFailed) as refused:
                read(dev(), template=template)
        self.assertIn("dev.parameters.Owner is missing, and the template has no default", str(refused.exception))


class Parameters(unittest.TestCase):
    OUTPUTS = {"ApiUrl": "https://api.example", "SiteHost": "d1.cloudfront.net"}

    def test_stage_has_the_parameters_of_sam_and_over_them_its_own(self):
        chosen = read(prod("ImageConcurrency = 4\nUserPoolWebAcl = true"), "prod")
        self.assertEqual(chosen.parameters["Architecture"], "arm64")
        self.assertEqual(chosen.parameters["VideoConcurrency"], "20")
        self.assertEqual((chosen.parameters["ImageConcurrency"], chosen.parameters["UserPoolWebAcl"]), ("4", "true"))
        self.assertEqual(chosen.parameters["Stage"], "prod")
        self.assertEqual(chosen.value("SignUpDays"), "7")

    def test_second_deployment_takes_the_address_that_the_first_has_made(self):
        first = settings.with_outputs(read(dev()), {})
        self.assertNotIn("AllowedOrigin", first)
        second = settings.with_outputs(read(dev()), self.OUTPUTS)
        self.assertEqual(second["AllowedOrigin"], "https://api.example")
        self.assertEqual(second["ReturnUrl"], "https://api.example/credits/{checkout}")
        self.assertNotIn("Protected", second)
        prod_parameters = settings.with_outputs(read(prod(), "prod"), self.OUTPUTS)
        self.assertEqual(prod_parameters["AllowedOrigin"], "https://d1.cloudfront.net")

    def test_prod_is_protected_once_its_first_deployment_has_succeeded(self):
        self.assertNotIn("Protected", settings.with_outputs(read(prod(), "prod"), {}))
        self.assertEqual(settings.with_outputs(read(prod(), "prod"), self.OUTPUTS)["Protected"], "true")
        unprotected = read(prod("Protected = false"), "prod")
        self.assertEqual(settings.with_outputs(unprotected, self.OUTPUTS)["Protected"], "false")

    def test_address_in_the_settings_stays(self):
        own = settings.with_outputs(read(dev("AllowedOrigin = 'http://localhost:5173'")), self.OUTPUTS)
        self.assertEqual(own["ReturnUrl"], "http://localhost:5173/credits/{checkout}")
        arn = "arn:aws:acm:us-east-1:123456789012:certificate/1"
        domain = read(prod(f"SiteDomain = 'a.example'\nSiteCertificateArn = '{arn}'"), "prod")
        self.assertNotIn("AllowedOrigin", settings.with_outputs(domain, self.OUTPUTS))


if __name__ == "__main__":
    unittest.main()
