"""Holds what must be the same in all of `template.yaml` and `infra/monitoring.yaml`."""

import unittest

from on_aws.settings import parsed
from on_aws.test_settings import ROOT

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
