"""Holds what must be the same in all of `template.yaml` and `infra/monitoring.yaml`."""

import unittest

from on_aws import DeployFailed
from on_aws.settings import parsed
from on_aws.test_settings import ROOT, read

TEMPLATE, MONITORING = ROOT / "template.yaml", ROOT / "infra" / "monitoring.yaml"


def parts(value, path=()):
    """Returns each part of a template with the keys that lead to it."""
    yield path, value
    if isinstance(value, dict):
        items = value.items()
    else:
        items = enumerate(value) if isinstance(value, list) else ()
    for key, part in items:
        yield from parts(part, (*path, key))


class Domain(unittest.TestCase):
    """With SiteDomain clients come from that domain, and the parameters for an address without one keep their defaults."""

    def test_an_address_is_on_the_domain_wherever_it_is_used(self):
        for parameter, on_domain in (("AllowedOrigin", "https://${SiteDomain}"), ("ReturnUrl", "https://${SiteDomain}/credits/{checkout}")):
            found = {path: part for path, part in parts(parsed(TEMPLATE)["Resources"])}
            uses = [path for path, part in found.items() if part == {"Ref": parameter}]
            self.assertGreater(len(uses), 4)
            for path in uses:
                expected = {"Fn::If": ["HasSiteDomain", {"Fn::Sub": on_domain}, {"Ref": parameter}]}
                self.assertEqual(found[path[:-2]], expected, path)

    def test_all_functions_have_the_same_origin(self):
        origins = {path[0]: part for path, part in parts(parsed(TEMPLATE)["Resources"]) if path[-1:] == ("ORIGIN",)}
        self.assertLessEqual({"Session", "Account", "Site", "StaffMembers"}, set(origins))
        for name, origin in origins.items():
            self.assertEqual(origin, origins["Site"], name)


# Resources that an AWS account has once for all regions, with the property that names each, if it has a name of its own. Those of
# IAM and ACM have none here: CloudFormation makes one.
GLOBAL = {
    "AWS::S3::Bucket": ("BucketName",),
    "AWS::CloudFront::Function": ("Name",),
    "AWS::CloudFront::OriginAccessControl": ("OriginAccessControlConfig", "Name"),
    "AWS::CloudFront::CachePolicy": ("CachePolicyConfig", "Name"),
    "AWS::CloudFront::ResponseHeadersPolicy": ("ResponseHeadersPolicyConfig", "Name"),
    "AWS::CloudFront::Distribution": ("DistributionConfig", "Comment"),
    "AWS::CloudWatch::Dashboard": ("DashboardName",),
    "AWS::Budgets::Budget": ("Budget", "BudgetName"),
    "AWS::IAM::Role": None,
}
GLOBAL_SERVICES = ("AWS::S3::Bucket", "AWS::CloudFront::", "AWS::CloudWatch::Dashboard", "AWS::Budgets::", "AWS::IAM::", "AWS::Route53::")
# They belong to a resource that has a name.
NOT_NAMED = ("AWS::S3::BucketPolicy", "AWS::IAM::Policy", "AWS::IAM::RolePolicy")


class Names(unittest.TestCase):
    """A stage can be in several regions of one AWS account."""

    def resources(self):
        for file in (TEMPLATE, MONITORING):
            yield from parsed(file)["Resources"].items()

    def test_names_that_an_account_has_once_contain_the_region(self):
        checked = set()
        for name, resource in self.resources():
            kind = resource["Type"]
            if not kind.startswith(GLOBAL_SERVICES) or kind in NOT_NAMED:
                continue
            self.assertIn(kind, GLOBAL, f"{name}: say which property names it")
            checked.add(kind)
            if GLOBAL[kind] is None:
                named = {key for key in resource["Properties"] if key.endswith("Name")}
                self.assertEqual(named, set(), name)
                continue
            value = resource["Properties"]
            for key in GLOBAL[kind]:
                value = value[key]
            self.assertIn("${AWS::Region}", value["Fn::Sub"], name)
        self.assertEqual(checked, set(GLOBAL))

    def test_functions_of_cloudfront_have_names_of_at_most_64_characters(self):
        def settings(length, region="ap-southeast-5"):
            return read(f'[prod]\nregion = "{region}"\nstack = "{"s" * length}"\n', "prod")

        longest = 64 - len("-ap-southeast-5-viewer-address")
        chosen = settings(longest)
        with self.assertRaises(DeployFailed) as refused:
            settings(longest + 1)
        self.assertIn(f"prod.stack must have at most {longest} characters", str(refused.exception))
        lengths = []
        for _, resource in self.resources():
            if resource["Type"] == "AWS::CloudFront::Function":
                name = resource["Properties"]["Name"]["Fn::Sub"]
                lengths.append(len(name.replace("${AWS::StackName}", chosen.stack).replace("${AWS::Region}", chosen.region)))
        self.assertEqual(max(lengths), 64)


class Files(unittest.TestCase):
    def test_functions_that_link_to_files_may_read_them_in_dev_only(self):
        resources = parsed(TEMPLATE)["Resources"]
        linking = {path[0] for path, _ in parts(resources) if path[-1:] == ("MEDIA_HOST",)}
        self.assertEqual(len(linking), 6)
        for name in linking:
            [policy] = resources[f"{name}Role"]["Properties"]["Policies"]
            reading = [statement for statement in policy["PolicyDocument"]["Statement"] if "s3:GetObject" in str(statement)]
            [condition, in_prod, in_dev] = reading[0]["Fn::If"]
            self.assertEqual((len(reading), condition, in_prod), (1, "IsProd", {"Ref": "AWS::NoValue"}), name)
            self.assertEqual(in_dev["Action"], ["s3:GetObject"], name)


class RestoredTable(unittest.TestCase):
    def test_restored_table_is_used_as_that_of_the_stack_is(self):
        """With a restored table only the name is another: what is allowed on the table and on its indexes stays."""
        found = [part["Fn::If"] for _, part in parts(parsed(TEMPLATE)) if isinstance(part, dict) and "Fn::If" in part]
        choices = [(restored, own) for condition, restored, own in found if condition == "HasRestoredTable"]
        arn = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${RestoredTable}"
        same = [({"Ref": "RestoredTable"}, {"Ref": "Table"}), ({"Fn::Sub": arn}, {"Fn::GetAtt": ["Table", "Arn"]})]
        for path in ("/index/gallery", "/index/due", "/index/find"):
            same.append(({"Fn::Sub": arn + path}, {"Fn::Sub": "${Table.Arn}" + path}))
        self.assertGreater(len(choices), 60)
        for choice in choices:
            self.assertIn(choice, same)
        for choice in same:
            self.assertIn(choice, choices)

    def test_nothing_names_the_table_of_the_stack_without_that_choice(self):
        names = ({"Ref": "Table"}, {"Fn::GetAtt": ["Table", "Arn"]})
        for path, part in parts(parsed(TEMPLATE)):
            if part in names or "${Table" in str(part.get("Fn::Sub", "") if isinstance(part, dict) else ""):
                self.assertEqual(path[-2:], ("Fn::If", 2), path)
