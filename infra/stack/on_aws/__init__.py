"""Deploys to AWS: settings, what the account lacks, secrets, change sets, webhooks of payment providers."""


class DeployFailed(Exception):
    """Says in one line what is wrong and what to do."""


def code(error):
    """Returns the code of a refusal by AWS."""
    return error.response["Error"]["Code"]
