"""Holds what the functions send to the classifiers of AWS, and what their tests play, against the service models of AWS."""

import base64
import json
import pathlib
import unittest

from botocore.stub import Stubber

from on_aws.played import client_of

TESTS = pathlib.Path(__file__).parents[3] / "shared/moderation/tests"


def document(name):
    return json.loads((TESTS / name).read_text())


def without_documentation(value):
    if isinstance(value, dict):
        return {name: without_documentation(part) for name, part in value.items() if name != "documentation"}
    return value


class Rekognition(unittest.TestCase):
    document = document("rekognition.json")
    client = client_of("rekognition")

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

    def test_request_and_response_are_of_the_model(self):
        image = dict(self.document["request"]["Image"])
        request = self.document["request"] | {"Image": {"Bytes": base64.b64decode(image["Bytes"])}}
        with Stubber(self.client) as stub:
            stub.add_response("detect_moderation_labels", self.document["response"], request)
            self.client.detect_moderation_labels(**request)

    def test_labels_are_a_tree(self):
        names = [name for name, _, _ in self.document["labels"]]
        self.assertEqual(len(names), len(set(names)))
        for name, parent, _ in self.document["labels"]:
            self.assertTrue(parent == "" or parent in names[: names.index(name)], name)
