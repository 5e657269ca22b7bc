import tempfile
import unittest
from pathlib import Path

from on_aws import DeployFailed
from on_aws.program import PANIC_MARKER, check_program


class Programs(unittest.TestCase):
    def check(self, content, architecture="arm64"):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "sweep"
            path.write_bytes(content)
            check_program(path, architecture)

    def refuses(self, said, content, architecture="arm64"):
        with self.assertRaises(DeployFailed) as refused:
            self.check(content, architecture)
        self.assertIn("/sweep ", str(refused.exception))
        self.assertIn(said, str(refused.exception))

    def program(self, machine, rest=PANIC_MARKER):
        """Returns the header of a program of 64 bits for a machine, and what follows."""
        return b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00" + bytes([machine, 0]) + bytes(44) + rest + b"\x00"

    def test_program_of_the_architecture_that_catches_panics_is_accepted(self):
        self.check(self.program(183))
        self.check(self.program(62), "x86_64")

    def test_program_of_another_machine_is_refused(self):
        self.refuses("for another processor than arm64", self.program(62))
        self.refuses("for another processor than x86_64", self.program(183), "x86_64")
        self.refuses("for another processor than arm64", b"\x7fELF")

    def test_file_that_is_no_program_is_refused(self):
        for content in (b"", b"#!/bin/sh\n", b"\xcf\xfa\xed\xfe" + PANIC_MARKER):
            self.refuses("is no program for Linux: build it for arm64", content)

    def test_program_that_a_panic_aborts_is_refused(self):
        self.refuses('build it with panic = "unwind"', self.program(183, b"panicked at"))

    def test_missing_program_is_named(self):
        with self.assertRaises(DeployFailed) as refused:
            check_program(Path("/nowhere/sweep"), "arm64")
        self.assertEqual(str(refused.exception), "/nowhere/sweep is missing: build it")
