"""Plays AWS for tests: botocore checks requests and answers against the service models of AWS."""

import functools
import unittest

import boto3
from botocore.stub import Stubber


@functools.cache
def client_of(service):
    return boto3.client(service, region_name="eu-central-1", aws_access_key_id="test", aws_secret_access_key="test")


class Played(unittest.TestCase):
    """A test whose clients get the answers that it names, in order, and no others."""

    def setUp(self):
        self.stubs = {}
        self.region_names = []

    def client(self, service, region_name="eu-central-1"):
        """Returns the one client of a service, as a session of boto3 does."""
        self.region_names.append((service, region_name))
        return self.stub(service).client

    def stub(self, service):
        if service not in self.stubs:
            self.stubs[service] = Stubber(client_of(service))
            self.stubs[service].activate()
        return self.stubs[service]

    def answer(self, service, call, answer, **expected):
        """Plays an answer to a call. The request must be `expected`, if that is given."""
        self.stub(service).add_response(call, answer, expected or None)

    def refuse(self, service, call, code, message="", **expected):
        status = int(code) if code.isdigit() else 400
        self.stub(service).add_client_error(call, code, message, status, expected_params=expected or None)

    def tearDown(self):
        for stub in self.stubs.values():
            stub.deactivate()
            stub.assert_no_pending_responses()
