"""Holds what the functions send to the classifiers of AWS, and what their tests play, against the service models of AWS."""

import base64
import json
import pathlib
import unittest

from botocore.stub import Stubber
from ministack.services.cloudformation import engine

from on_aws.played import client_of

ROOT = pathlib.Path(__file__).parents[3]
TESTS = ROOT / "shared/moderation/tests"


def document(name):
    return json.loads((TESTS / name).read_text())


def without_documentation(value):
    if isinstance(value, dict):
        return {name: without_documentation(part) for name, part in value.items() if name != "documentation"}
    return value


class Model:
    """What holds for every extract."""

    def test_extract_is_of_the_service_model(self):
        model, extract = self.client.meta.service_model, self.document
        operation = model.operation_model(extract["operation"]["name"])
        for name, value in extract["metadata"].items():
            self.assertEqual(model.metadata[name], value, name)
        self.assertEqual(extract["operation"]["http"], operation.http)
        self.assertEqual(extract["operation"]["input"]["shape"], operation.input_shape.name)
        self.assertEqual(extract["operation"]["output"]["shape"], operation.output_shape.name)
        self.assertEqual(extract["errors"], [shape.name for shape in operation.error_shapes])
        for name, shape in extract["shapes"].items():
            self.assertEqual(shape, without_documentation(model._shape_resolver._shape_map[name]), name)


class Rekognition(Model, unittest.TestCase):
    document = document("rekognition.json")
    client = client_of("rekognition")

    def test_request_and_response_are_of_the_model(self):
        request = self.document["request"] | {"Image": {"Bytes": base64.b64decode(self.document["request"]["Image"]["Bytes"])}}
        with Stubber(self.client) as stub:
            stub.add_response("detect_moderation_labels", self.document["response"], request)
            self.client.detect_moderation_labels(**request)

    def test_labels_are_a_tree(self):
        names = [name for name, _, _ in self.document["labels"]]
        self.assertEqual(len(names), len(set(names)))
        for name, parent, _ in self.document["labels"]:
            self.assertTrue(parent == "" or parent in names[: names.index(name)], name)


class Guardrail(Model, unittest.TestCase):
    document = document("guardrail.json")
    client = client_of("bedrock-runtime")

    def test_requests_and_responses_are_of_the_model(self):
        image = self.document["request_of_image"]
        block = image["content"][0]["image"]
        block = block | {"source": {"bytes": base64.b64decode(block["source"]["bytes"])}}
        guardrail = {"guardrailIdentifier": "abc123def456", "guardrailVersion": "3"}
        for request, response in [
            (self.document["request"], self.document["response"]),
            (image | {"content": [{"image": block}]}, self.document["response_to_image"]),
        ]:
            with Stubber(self.client) as stub:
                stub.add_response("apply_guardrail", response, request | guardrail)
                self.client.apply_guardrail(**request, **guardrail)


class Permissions(unittest.TestCase):
    template = engine._parse_template((ROOT / "template.yaml").read_text())

    def actions(self, **chosen):
        """Returns the actions of the classifiers that the roles are given with these parameters, and the memory of generate-image."""
        names = {name: {"Value": value.get("Default", ""), "NoEcho": False} for name, value in self.template["Parameters"].items()}
        names |= {name: {"Value": value, "NoEcho": False} for name, value in chosen.items()}
        conditions = engine._evaluate_conditions(self.template, names)
        given = set()
        for resource in self.template["Resources"].values():
            if resource["Type"] in ("AWS::IAM::Policy", "AWS::IAM::RolePolicy") and conditions[resource["Condition"]]:
                [statement] = resource["Properties"]["PolicyDocument"]["Statement"]
                given.add(statement["Action"])
        condition, more, less = self.template["Resources"]["GenerateImage"]["Properties"]["MemorySize"]["Fn::If"]
        return given, more if conditions[condition] else less

    def test_roles_may_call_the_classifiers_that_are_chosen_and_no_other(self):
        needed = {
            "openai": "secretsmanager:GetSecretValue",
            "rekognition": "rekognition:DetectModerationLabels",
            "guardrail": "bedrock:ApplyGuardrail",
        }
        values = self.template["Parameters"]["Moderation"]["AllowedValues"]
        self.assertEqual(len(values), 2 ** len(needed))
        for value in values:
            with self.subTest(value):
                _, *names = value.split(",")
                given, memory = self.actions(Moderation=value)
                self.assertEqual(given, {needed[name] for name in names})
                self.assertEqual(int(memory), 1024 if {"rekognition", "guardrail"} & set(names) else 128)
        self.assertEqual(self.actions(LocalClassifier="words-and-images"), (set(), 1024))

    def test_guardrail_may_be_applied_with_the_profile_of_its_regions(self):
        [statement] = self.template["Resources"]["GuardrailUse"]["Properties"]["PolicyDocument"]["Statement"]
        ours = "arn:${AWS::Partition}:bedrock:%s:${AWS::AccountId}:%s"
        chosen, profile = ours % ("${AWS::Region}", "guardrail/${GuardrailId}"), ours % ("*", "guardrail-profile/*")
        self.assertEqual(statement["Resource"], [{"Fn::Sub": chosen}, {"Fn::Sub": profile}])

    def test_guardrail_is_not_deployed_without_its_id_and_version(self):
        rule = self.template["Rules"]["GuardrailNeedsIdAndVersion"]
        chosen = {one["Fn::Equals"][1] for one in rule["RuleCondition"]["Fn::Or"]}
        values = self.template["Parameters"]["Moderation"]["AllowedValues"]
        self.assertEqual(chosen, {value for value in values if "guardrail" in value})
        [assertion] = rule["Assertions"]
        needed = [one["Fn::Not"][0]["Fn::Equals"] for one in assertion["Assert"]["Fn::And"]]
        self.assertEqual(needed, [[{"Ref": "GuardrailId"}, ""], [{"Ref": "GuardrailVersion"}, ""]])
