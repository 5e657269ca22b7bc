"""Holds what the documentation tells operators to do against the commands that do it."""

import re
import unittest

from on_aws import account
from on_aws.settings import parsed
from on_aws.test_settings import ROOT

HELP = (ROOT / "infra" / "local" / "src" / "help.txt").read_text(encoding="utf-8")
OPERATING = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")


class Documents(unittest.TestCase):
    def steps_of_a_restore(self):
        restore = OPERATING.split("\n## Restore a backup\n")[1].split("\n## ")[0]
        return re.split(r"\n\d\. ", restore)[1:]

    def test_each_step_of_a_restore_that_deploys_changes_all_functions_at_once(self):
        steps = self.steps_of_a_restore()
        for step in (steps[0], steps[3]):
            for needed in ("eploy with", "`GradualShift=false`", "`--no-demo`"):
                self.assertIn(needed, step)
        self.assertIn("--no-demo", HELP)

    def test_restore_begins_again_what_it_stops(self):
        first, *_, last = self.steps_of_a_restore()
        for trigger in account.TRIGGERS:
            self.assertIn(trigger, first)
        for stopped, begun in [
            ("aws lambda update-event-source-mapping --no-enabled", "with `--enabled` instead of `--no-enabled`"),
            ("disable the rule of the sweep", "enable the rule of the sweep"),
            ('`PaymentProviders=""`', "`PaymentProviders` as it was"),
            ("`RequestsPerSecond=1`, `RequestBurst=1`", "without `RequestsPerSecond=1`, `RequestBurst=1`"),
        ]:
            self.assertIn(stopped, first)
            self.assertIn(begun, last)

    def test_workflow_deploys_what_darkroom_toml_says_as_an_operator_does(self):
        workflow = parsed(ROOT / "docs" / "examples" / "deploy.yaml")
        steps = [step["run"] for step in workflow["jobs"]["deploy"]["steps"] if "run" in step]
        self.assertEqual(steps[-1], "cargo run -p local -- deploy prod --no-demo")
        # samconfig.toml has no parameter of darkroom.toml: a deployment with it alone would take them back.
        self.assertEqual([step for step in steps if "sam " in step], [])

    def test_runbook_sets_parameters_where_they_count(self):
        runbook = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
        meaning = runbook.split('"Deploy with" a parameter means: ')[1].split(".\n")[0]
        self.assertIn("`[prod.parameters]` in `darkroom.toml` and run `cargo run -p local -- deploy prod`", meaning)
