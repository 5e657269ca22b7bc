"""Prints: progress to standard error, results to standard output."""

import sys


def progress(text):
    print(text, file=sys.stderr, flush=True)


def result(text):
    print(text, flush=True)
