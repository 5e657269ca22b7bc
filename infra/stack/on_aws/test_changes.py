import contextlib
import datetime
import hashlib
import io
import json
from unittest import mock

from botocore import stub

from on_aws import DeployFailed, changes
from on_aws.played import Played

NAME = "darkroom-dev"
ID = "arn:aws:cloudformation:eu-central-1:123456789012:stack/darkroom-dev/1"
CHANGE_SET = "arn:aws:cloudformation:eu-central-1:123456789012:changeSet/darkroom-1/1"
NESTED = "arn:aws:cloudformation:eu-central-1:123456789012:changeSet/darkroom-1/2"
TEMPLATE = {"Resources": {}}
ADDRESS = f"https://s3.example/templates/{hashlib.sha256(json.dumps(TEMPLATE, sort_keys=True).encode()).hexdigest()}.json"
NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)


def change(action, name, kind, replacement=None, *details):
    resource = {"Action": action, "LogicalResourceId": name, "ResourceType": kind}
    if replacement:
        resource["Replacement"] = replacement
    resource["Details"] = [{"Target": {"Attribute": "Properties", "Name": name}} for name in details]
    return {"Type": "Resource", "ResourceChange": resource}


def listed_stack(name="Monitoring", *parameters, **more):
    """A nested stack as CloudFormation lists it, also if nothing of it changes."""
    listed = change("Modify", name, "AWS::CloudFormation::Stack", "False", *parameters)
    details = [{**detail, "Evaluation": "Static", "ChangeSource": "ParameterReference"} for detail in listed["ResourceChange"]["Details"]]
    automatic = {"Target": {"Attribute": "Properties", "RequiresRecreation": "Never"}, "Evaluation": "Dynamic", "ChangeSource": "Automatic"}
    listed["ResourceChange"] |= {"Details": [*details, automatic], "Scope": ["Properties"], **more}
    return listed


def event(number, name, status, reason=None):
    kind, physical = ("AWS::CloudFormation::Stack", ID) if name == NAME else ("AWS::IAM::Role", f"id-of-{name}")
    said = {"ResourceStatusReason": reason} if reason else {}
    return {
        "EventId": str(number),
        "StackId": ID,
        "StackName": NAME,
        "Timestamp": NOW,
        "LogicalResourceId": name,
        "PhysicalResourceId": physical,
        "ResourceType": kind,
        "ResourceStatus": status,
        **said,
    }


class Changes(Played):
    ROLLBACK = "Run aws cloudformation continue-update-rollback --stack-name darkroom-dev --region eu-central-1, and then this again"

    def setUp(self):
        super().setUp()
        self.stacks = self.client("cloudformation")
        self.said = io.StringIO()
        for context in (mock.patch.object(changes, "POLL_S", 0), contextlib.redirect_stderr(self.said)):
            context.__enter__()
            self.addCleanup(context.__exit__, None, None, None)

    def is_stack(self, status, name=NAME):
        stack = {"StackName": NAME, "StackId": ID, "CreationTime": NOW, "StackStatus": status}
        self.answer("cloudformation", "describe_stacks", {"Stacks": [stack]}, StackName=name)

    def is_gone(self, name=NAME):
        self.refuse("cloudformation", "describe_stacks", "ValidationError", f"Stack with id {name} does not exist", StackName=name)

    def has_events(self, *events):
        self.answer("cloudformation", "describe_stack_events", {"StackEvents": list(events)}, StackName=ID)

    def describes(self, status, changes_=(), reason="", **rest):
        answer = {"ChangeSetId": CHANGE_SET, "StackId": ID, "Status": status, "StatusReason": reason, "Changes": list(changes_), **rest}
        self.answer("cloudformation", "describe_change_set", answer)

    def describes_nested(self, status, changes_=(), reason=""):
        answer = {"ChangeSetId": NESTED, "Status": status, "StatusReason": reason, "Changes": list(changes_)}
        self.answer("cloudformation", "describe_change_set", answer, ChangeSetName=NESTED)

    def is_discarded(self):
        self.answer("cloudformation", "delete_change_set", {}, StackName=NAME, ChangeSetName=CHANGE_SET)

    def has_template(self, template):
        body = {"TemplateBody": json.dumps(template)}
        self.answer("cloudformation", "get_template", body, StackName=NAME, TemplateStage="Original")

    def create(self, exists=True, nested=False):
        return changes.create(self.stacks, NAME, exists, ADDRESS, {"Stage": "dev"}, nested)

    def fails(self, call, *words):
        with self.assertRaises(DeployFailed) as failed:
            call()
        for word in words:
            self.assertIn(word, str(failed.exception))

    def test_all_pages_of_a_change_set_are_read(self):
        self.answer("cloudformation", "create_change_set", {"Id": CHANGE_SET, "StackId": ID})
        self.describes("CREATE_IN_PROGRESS")
        self.describes("CREATE_COMPLETE", [change("Add", "Table", "AWS::DynamoDB::Table")], NextToken="2")
        self.describes("CREATE_COMPLETE", [change("Add", "Bucket", "AWS::S3::Bucket")])
        self.assertEqual(len(self.create()["Changes"]), 2)

    def test_change_set_without_changes_is_deleted_and_nothing(self):
        self.answer("cloudformation", "create_change_set", {"Id": CHANGE_SET, "StackId": ID})
        self.describes("FAILED", reason="The submitted information didn't contain changes. Submit different information")
        self.answer("cloudformation", "delete_change_set", {}, StackName=NAME, ChangeSetName=CHANGE_SET)
        self.assertIsNone(self.create())

    def test_nested_stack_that_is_listed_without_a_change_is_none(self):
        self.answer("cloudformation", "create_change_set", {"Id": CHANGE_SET, "StackId": ID})
        self.describes("CREATE_COMPLETE", [listed_stack()])
        self.has_template(TEMPLATE)
        self.is_discarded()
        self.assertIsNone(self.create())

    def test_change_beside_a_nested_stack_is_one_and_the_text_names_only_it(self):
        self.answer("cloudformation", "create_change_set", {"Id": CHANGE_SET, "StackId": ID})
        self.describes("CREATE_COMPLETE", [listed_stack(), change("Add", "Bucket", "AWS::S3::Bucket")])
        created = self.create()
        self.assertEqual(len(created["Changes"]), 2)
        self.assertEqual([line.split() for line in changes.as_text(created).splitlines()], [["add", "Bucket", "AWS::S3::Bucket"], ["1", "add"]])

    def test_nested_stack_with_another_parameter_is_a_change(self):
        self.answer("cloudformation", "create_change_set", {"Id": CHANGE_SET, "StackId": ID})
        self.describes("CREATE_COMPLETE", [listed_stack("Monitoring", "Parameters")])
        self.assertIn("modify", changes.as_text(self.create()))

    def test_template_with_other_outputs_alone_is_a_change(self):
        self.answer("cloudformation", "create_change_set", {"Id": CHANGE_SET, "StackId": ID})
        self.describes("CREATE_COMPLETE", [listed_stack()])
        self.has_template({**TEMPLATE, "Outputs": {}})
        self.assertIsNotNone(self.create())

    def asks_for_nested(self, expected):
        parameters = [{"ParameterKey": "Stage", "ParameterValue": "dev"}]
        request = {"StackName": NAME, "ChangeSetName": stub.ANY, "TemplateURL": ADDRESS, "Capabilities": changes.CAPABILITIES}
        request |= {"Parameters": parameters, **expected}
        self.answer("cloudformation", "create_change_set", {"Id": CHANGE_SET, "StackId": ID}, **request)

    def test_plan_names_what_changes_in_a_nested_stack(self):
        self.asks_for_nested({"ChangeSetType": "UPDATE", "IncludeNestedStacks": True})
        self.describes("CREATE_COMPLETE", [listed_stack(ChangeSetId=NESTED)])
        self.describes_nested("CREATE_IN_PROGRESS")
        alarm = change("Modify", "SweepAlarm", "AWS::CloudWatch::Alarm", "False", "Threshold")
        self.describes_nested("CREATE_COMPLETE", [alarm])
        text = changes.as_text(self.create(nested=True))
        self.assertEqual(
            [" ".join(line.split()) for line in text.splitlines()],
            [
                "modify Monitoring AWS::CloudFormation::Stack (Properties)",
                "modify Monitoring.SweepAlarm AWS::CloudWatch::Alarm (Threshold)",
                "2 modify",
            ],
        )

    def test_plan_of_a_nested_stack_without_changes_is_none(self):
        self.asks_for_nested({"ChangeSetType": "UPDATE", "IncludeNestedStacks": True})
        self.describes("CREATE_COMPLETE", [listed_stack(ChangeSetId=NESTED)])
        self.describes_nested("FAILED", reason="The submitted information didn't contain changes. Submit different information")
        self.has_template(TEMPLATE)
        self.is_discarded()
        self.assertIsNone(self.create(nested=True))

    def test_plan_of_a_first_deployment_leaves_no_nested_stack(self):
        self.asks_for_nested({"ChangeSetType": "CREATE"})
        self.describes("CREATE_COMPLETE", [change("Add", "Monitoring", "AWS::CloudFormation::Stack")])
        self.assertIn("1 add", changes.as_text(self.create(exists=False, nested=True)))

    def test_refused_first_change_set_leaves_no_empty_stack(self):
        self.answer("cloudformation", "create_change_set", {"Id": CHANGE_SET, "StackId": ID})
        self.describes("FAILED", reason="Template error")
        self.answer("cloudformation", "delete_change_set", {}, StackName=NAME, ChangeSetName=CHANGE_SET)
        self.answer("cloudformation", "delete_stack", {}, StackName=NAME)
        self.fails(lambda: self.create(exists=False), "CloudFormation refuses the change: Template error")

    def test_text_names_what_is_lost_first(self):
        text = changes.as_text({
            "Changes": [
                change("Add", "Bucket", "AWS::S3::Bucket"),
                change("Modify", "Submit", "AWS::Lambda::Function", "False", "Environment", "Code"),
                change("Modify", "Table", "AWS::DynamoDB::Table", "True", "KeySchema"),
                change("Modify", "Monitoring", "AWS::CloudFormation::Stack", "Conditional"),
                change("Remove", "Old", "AWS::SQS::Queue"),
            ]
        })
        self.assertEqual(
            [" ".join(line.split()) for line in text.splitlines()],
            [
                "remove Old AWS::SQS::Queue",
                "replace Table AWS::DynamoDB::Table (KeySchema)",
                "perhaps replace Monitoring AWS::CloudFormation::Stack",
                "modify Submit AWS::Lambda::Function (Code, Environment)",
                "add Bucket AWS::S3::Bucket",
                "1 remove, 1 replace, 1 perhaps replace, 1 modify, 1 add",
            ],
        )

    def executes(self, last_status, *events):
        self.has_events(event(1, NAME, "REVIEW_IN_PROGRESS"))
        self.answer("cloudformation", "execute_change_set", {}, StackName=NAME, ChangeSetName=CHANGE_SET)
        self.is_stack("CREATE_IN_PROGRESS", ID)
        self.has_events(event(2, "Role", "CREATE_COMPLETE"), event(1, NAME, "REVIEW_IN_PROGRESS"))
        self.is_stack(last_status, ID)
        self.has_events(*events, event(2, "Role", "CREATE_COMPLETE"))
        change_set = {"StackId": ID, "ChangeSetId": CHANGE_SET, "Changes": [1, 2]}
        return lambda: changes.execute(self.stacks, NAME, change_set)

    def test_each_resource_is_reported_once_with_the_count(self):
        stack = self.executes("CREATE_COMPLETE", event(4, NAME, "CREATE_COMPLETE"), event(3, "Table", "CREATE_COMPLETE"))()
        self.assertEqual(stack["StackStatus"], "CREATE_COMPLETE")
        self.assertEqual(self.said.getvalue().splitlines(), ["  1 of 2  Role create complete", "  2 of 2  Table create complete"])

    def test_stack_that_was_only_reviewed_is_not_taken_for_deleted(self):
        self.has_events(event(1, NAME, "REVIEW_IN_PROGRESS"))
        self.answer("cloudformation", "execute_change_set", {})
        self.is_stack("REVIEW_IN_PROGRESS", ID)
        self.has_events(event(1, NAME, "REVIEW_IN_PROGRESS"))
        self.is_stack("CREATE_COMPLETE", ID)
        self.has_events(event(1, NAME, "REVIEW_IN_PROGRESS"))
        changes.execute(self.stacks, NAME, {"StackId": ID, "ChangeSetId": CHANGE_SET, "Changes": []})

    def test_failed_first_deployment_names_the_first_cause_and_how_to_go_on(self):
        later = event(4, "Table", "CREATE_FAILED", "Resource creation cancelled")
        cause = event(3, "Distribution", "CREATE_FAILED", "Your account must be verified")
        self.fails(
            self.executes("ROLLBACK_COMPLETE", later, cause),
            "the first deployment failed and was rolled back (ROLLBACK_COMPLETE): Distribution (AWS::IAM::Role): Your account must be verified",
            "run this again: it removes the rest",
        )

    def test_failed_update_says_that_the_old_is_in_place(self):
        cause = event(3, "Submit", "UPDATE_FAILED", "Code is too large")
        self.fails(self.executes("UPDATE_ROLLBACK_COMPLETE", cause), "Code is too large", "What was deployed before is in place")

    def test_update_that_was_not_rolled_back_is_not_said_to_be(self):
        cause = event(3, "Submit", "UPDATE_FAILED", "Code is too large")
        self.fails(self.executes("UPDATE_ROLLBACK_FAILED", cause), "could not be rolled back", "Code is too large", self.ROLLBACK)

    def test_settled_stack_and_no_stack_are_taken_as_they_are(self):
        for status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"):
            self.is_stack(status)
            self.assertEqual(changes.settle(self.stacks, NAME)["StackStatus"], status)
        self.is_gone()
        self.assertIsNone(changes.settle(self.stacks, NAME))
        self.is_stack("REVIEW_IN_PROGRESS")
        self.assertIsNone(changes.settle(self.stacks, NAME))

    def test_deployment_that_was_cut_off_is_awaited(self):
        self.is_stack("UPDATE_IN_PROGRESS")
        self.has_events(event(1, "Role", "UPDATE_COMPLETE"))
        self.is_stack("UPDATE_IN_PROGRESS", ID)
        self.has_events(event(1, "Role", "UPDATE_COMPLETE"))
        self.is_stack("UPDATE_COMPLETE", ID)
        self.has_events(event(2, "Table", "UPDATE_COMPLETE"), event(1, "Role", "UPDATE_COMPLETE"))
        self.assertEqual(changes.settle(self.stacks, NAME)["StackStatus"], "UPDATE_COMPLETE")
        self.assertIn("waiting for its end\n  Table update complete", self.said.getvalue())
        self.assertNotIn("Role", self.said.getvalue())

    def test_failed_first_deployment_is_removed_before_the_next(self):
        self.is_stack("ROLLBACK_COMPLETE")
        self.has_events(event(1, NAME, "ROLLBACK_COMPLETE"))
        self.answer("cloudformation", "delete_stack", {}, StackName=NAME)
        self.is_stack("DELETE_IN_PROGRESS", ID)
        self.has_events(event(1, NAME, "ROLLBACK_COMPLETE"))
        self.is_stack("DELETE_COMPLETE", ID)
        self.has_events(event(1, NAME, "ROLLBACK_COMPLETE"))
        self.assertIsNone(changes.settle(self.stacks, NAME))

    def test_plan_removes_nothing(self):
        self.is_stack("ROLLBACK_COMPLETE")
        self.fails(lambda: changes.settle(self.stacks, NAME, removes=False), "nothing to compare with")

    def test_stack_that_cannot_be_deleted_names_the_cause(self):
        self.is_stack("ROLLBACK_COMPLETE")
        self.has_events(event(1, NAME, "ROLLBACK_COMPLETE"))
        self.answer("cloudformation", "delete_stack", {})
        self.is_stack("DELETE_FAILED", ID)
        self.has_events(event(2, "Bucket", "DELETE_FAILED", "The bucket is not empty"), event(1, NAME, "ROLLBACK_COMPLETE"))
        self.fails(lambda: changes.settle(self.stacks, NAME), "cannot be removed: Bucket (AWS::IAM::Role): The bucket is not empty")

    def test_update_that_could_not_be_rolled_back_needs_a_person(self):
        self.is_stack("UPDATE_ROLLBACK_FAILED")
        self.fails(lambda: changes.settle(self.stacks, NAME), self.ROLLBACK, "If it fails again, add --resources-to-skip")
