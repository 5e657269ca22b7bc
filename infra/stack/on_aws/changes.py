"""Changes the stack by change sets of CloudFormation: shows them, executes them and follows the events."""

import secrets
import time

from botocore.exceptions import ClientError

from on_aws import DeployFailed, code
from on_aws.report import progress
from packages import is_at

POLL_S = 2
CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
SETTLED = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE")
# CloudFormation's two ways to say it.
NO_CHANGES = ("didn't contain changes", "No updates are to be performed")


def describe(stacks, name):
    """Returns the stack, or None if there is none. A change set that was not executed leaves a stack without resources: none."""
    stack = described(stacks, name)
    return None if stack is not None and stack["StackStatus"] == "REVIEW_IN_PROGRESS" else stack


def described(stacks, name):
    try:
        stack = stacks.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if code(error) == "ValidationError":
            return None
        raise
    return None if stack["StackStatus"] == "DELETE_COMPLETE" else stack


def outputs(stack):
    return {output["OutputKey"]: output["OutputValue"] for output in (stack or {}).get("Outputs", [])}


def settle(stacks, name, removes=True):
    """Waits until nothing is in progress, and removes what a failed first deployment left. Returns the stack, or None. A run that
    follows one that was cut off goes on from here.

    Raises DeployFailed for a stack that only a person can mend, and for one to be removed unless this `removes`."""
    stack = describe(stacks, name)
    if stack is not None and stack["StackStatus"].endswith("_IN_PROGRESS"):
        progress(f"{name} is {stack['StackStatus']}: waiting for its end")
        stack = follow(stacks, stack["StackId"], newest(stacks, stack["StackId"]))[0]
    if stack is None or stack["StackStatus"] in SETTLED:
        return stack
    if stack["StackStatus"] in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"):
        if not removes:
            raise DeployFailed(f"the first deployment of {name} failed, so there is nothing to compare with: the next one removes what it left")
        progress(f"the first deployment of {name} failed and left nothing that is used: removing it")
        delete(stacks, stack)
        return None
    if stack["StackStatus"] == "UPDATE_ROLLBACK_FAILED":
        raise not_rolled_back(stacks, name)
    raise DeployFailed(f"{name} is {stack['StackStatus']}: look at its events in the console, and run this again")


def not_rolled_back(stacks, name, failure="the events of the stack in the console say why"):
    command = f"aws cloudformation continue-update-rollback --stack-name {name} --region {stacks.meta.region_name}"
    return DeployFailed(
        f"an update of {name} failed and could not be rolled back ({failure}). Run {command}, and then this again. If it fails again, add "
        "--resources-to-skip with the resource that the events name, and mend that yourself"
    )


def delete(stacks, stack):
    """Deletes a stack and follows it to its end. Raises DeployFailed with the first cause."""
    seen = newest(stacks, stack["StackId"])
    stacks.delete_stack(StackName=stack["StackName"])
    left, failure = follow(stacks, stack["StackId"], seen)
    if left is not None:
        raise DeployFailed(f"{stack['StackName']} cannot be removed: {failure}. Remove what it names in the console, and run this again")


def create(stacks, name, exists, template, parameters, nested=False):
    """Creates a change set and returns it with all its changes, or None if there are none.

    With `nested` the changes of each nested stack of a stack that exists are with the change of it, as `Nested`. That is for
    looking only: a nested stack that does not change keeps a change set that failed, up to a limit, until this one is deleted."""
    change_set = f"darkroom-{secrets.token_hex(8)}"
    stacks.create_change_set(
        StackName=name,
        ChangeSetName=change_set,
        ChangeSetType="UPDATE" if exists else "CREATE",
        TemplateURL=template,
        Capabilities=CAPABILITIES,
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in sorted(parameters.items())],
        **({"IncludeNestedStacks": True} if nested and exists else {}),
    )
    created = completed(stacks, StackName=name, ChangeSetName=change_set)
    failure = created.get("StatusReason", "") if created["Status"] == "FAILED" else None
    if failure is None:
        created["Changes"] = [with_nested(stacks, change) for change in created["Changes"]]
        if not exists or any(changes_something(change) for change in created["Changes"]) or not has_template(stacks, name, template):
            return created
    discard(stacks, name, created, exists)
    if failure is None or is_unchanged(failure):
        return None
    raise DeployFailed(f"CloudFormation refuses the change: {failure}")


def completed(stacks, **change_set):
    """Waits until a change set is there or has failed. Returns it with the changes of all pages."""
    while True:
        answer = stacks.describe_change_set(**change_set)
        if answer["Status"] in ("CREATE_COMPLETE", "FAILED"):
            break
        time.sleep(POLL_S)
    page, changes = answer, list(answer.get("Changes", []))
    while "NextToken" in page:
        page = stacks.describe_change_set(**change_set, NextToken=page["NextToken"])
        changes += page["Changes"]
    return {**answer, "Changes": changes}


def is_unchanged(reason):
    return any(text in reason for text in NO_CHANGES)


def with_nested(stacks, change):
    """Adds the changes of a nested stack, if CloudFormation has made a change set of it."""
    nested = change["ResourceChange"].get("ChangeSetId")
    return {**change, "Nested": completed(stacks, ChangeSetName=nested)["Changes"]} if nested else change


def changes_something(change):
    """Says whether a change is one. CloudFormation lists each nested stack, even if nothing of it changes:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChangeDetail.html"""
    resource = change["ResourceChange"]
    sources = {detail.get("ChangeSource") for detail in resource.get("Details", [])}
    listed = resource["ResourceType"] == "AWS::CloudFormation::Stack" and resource["Action"] == "Modify" and sources == {"Automatic"}
    return not listed or any(changes_something(one) for one in change.get("Nested", []))


def has_template(stacks, name, address):
    """Says whether the stack has the template at this address. One with other outputs changes no resource."""
    return is_at(stacks.get_template(StackName=name, TemplateStage="Original")["TemplateBody"], address)


def discard(stacks, name, change_set, exists):
    """Deletes a change set, and the empty stack that it made if there was none."""
    stacks.delete_change_set(StackName=name, ChangeSetName=change_set["ChangeSetId"])
    if not exists:
        stacks.delete_stack(StackName=name)


def as_text(change_set):
    """Says in words what a change set does: a line for each resource, those that are removed or replaced first, and counts."""
    lines, counts = [], {}
    for name, resource in resources_of(change_set["Changes"]):
        verb = verb_of(resource)
        counts[verb] = counts.get(verb, 0) + 1
        of = sorted({detail["Target"].get("Name") or detail["Target"]["Attribute"] for detail in resource.get("Details", [])})
        text = f"  {verb:<16} {name:<32} {resource['ResourceType']}"
        lines.append((ORDER.index(verb), name, f"{text}  ({', '.join(of)})" if of else text))
    summary = ", ".join(f"{counts[verb]} {verb}" for verb in ORDER if verb in counts) or "no resource changes"
    return "\n".join([*(text for _, _, text in sorted(lines)), f"  {summary}"])


def resources_of(changes, prefix=""):
    """Returns each resource that changes, with its name. That of a nested stack goes before the names in it."""
    for change in filter(changes_something, changes):
        resource = change["ResourceChange"]
        name = prefix + resource["LogicalResourceId"]
        yield name, resource
        yield from resources_of(change.get("Nested", []), f"{name}.")


ORDER = ("remove", "replace", "perhaps replace", "modify", "add", "import")


def verb_of(resource):
    if resource["Action"] == "Modify":
        return {"True": "replace", "Conditional": "perhaps replace"}.get(resource.get("Replacement"), "modify")
    return {"Add": "add", "Remove": "remove", "Import": "import"}.get(resource["Action"], "perhaps replace")


def execute(stacks, name, change_set):
    """Executes a change set and follows it to its end. Returns the stack. Raises DeployFailed with the first cause."""
    stack_id = change_set["StackId"]
    seen = newest(stacks, stack_id)
    stacks.execute_change_set(StackName=name, ChangeSetName=change_set["ChangeSetId"])
    stack, failure = follow(stacks, stack_id, seen, len(change_set["Changes"]))
    if stack is not None and stack["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        return stack
    status = stack["StackStatus"] if stack else "DELETE_COMPLETE"
    failure = failure or (stack or {}).get("StackStatusReason") or status
    if status == "UPDATE_ROLLBACK_FAILED":
        raise not_rolled_back(stacks, name, failure)
    if status.startswith("UPDATE"):
        raise DeployFailed(f"the deployment failed and was rolled back ({status}): {failure}. What was deployed before is in place")
    raise DeployFailed(f"the first deployment failed and was rolled back ({status}): {failure}. Mend that and run this again: it removes the rest")


def follow(stacks, stack_id, seen, total=None):
    """Reports each resource that is done, until nothing is in progress. Returns the stack, or None if it was deleted, and the
    first failure, which is the cause: what follows it is the roll-back."""
    reported, failure, done = set(seen), None, 0
    while True:
        # Before the events, so that none of the last ones is missed.
        stack = described(stacks, stack_id)
        for event in reversed(events(stacks, stack_id, reported)):
            reported.add(event["EventId"])
            status = event["ResourceStatus"]
            if status.endswith("_FAILED") and failure is None:
                failure = f"{event['LogicalResourceId']} ({event['ResourceType']}): {event.get('ResourceStatusReason', status)}"
            elif status.endswith("_COMPLETE") and event["PhysicalResourceId"] != stack_id:
                done += 1
                count = f"{done} of {total}  " if total and done <= total else ""
                progress(f"  {count}{event['LogicalResourceId']} {status.lower().replace('_', ' ')}")
        if stack is None or not stack["StackStatus"].endswith("_IN_PROGRESS"):
            return stack, failure
        time.sleep(POLL_S)


def newest(stacks, stack_id):
    """Returns the id of the newest event, as a set."""
    return {event["EventId"] for event in stacks.describe_stack_events(StackName=stack_id)["StackEvents"][:1]}


def events(stacks, stack_id, reported):
    """Returns the events that were not reported, the newest first: pages are read up to the first one that was."""
    found = []
    for page in stacks.get_paginator("describe_stack_events").paginate(StackName=stack_id):
        for event in page["StackEvents"]:
            if event["EventId"] in reported:
                return found
            found.append(event)
    return found
