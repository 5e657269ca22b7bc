"""Development commands against the AWS of a running local stack.

`aws.py STATE logs FUNCTION` prints the log lines of a function from the last ten minutes, and new ones as they come,
until Ctrl-C. The local AWS reads the last lines of an invocation at the next one.
`aws.py STATE swap BINARIES FUNCTION...` replaces the code of functions with the binaries in this folder. A repeat with the
same binaries changes nothing. STATE is the folder of the stack's data, `.local/state`.
On failure it writes one line to standard error and ends with status 1.
"""

import base64
import hashlib
import sys
import time
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from packages import zipped

POLL_S = 0.5
# How old the first lines are at most.
LOOK_BACK_MS = 600_000
STACK = "darkroom"


def client(state, service):
    try:
        port = (state / "port").read_text(encoding="utf-8").strip()
    except OSError:
        sys.exit(f"no stack has run in {state}: start one with cargo run -p local")
    return boto3.client(
        service,
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"max_attempts": 1}),
    )


def deployed_names(state):
    """Returns the names of the deployed functions by their names in the template in lower case: `darkroom-Submit-1F` by `submit`."""
    functions = client(state, "lambda").get_paginator("list_functions").paginate()
    names = [function["FunctionName"].split("-") for page in functions for function in page["Functions"]]
    return {parts[1].lower(): "-".join(parts) for parts in names if parts[0] == STACK}


def deployed_name(names, function):
    """Returns the name of a deployed function: `generate-image` is GenerateImage in the template."""
    name = names.get(function.replace("-", ""))
    if name is None:
        sys.exit(f"the running stack has no function {function}")
    return name


def logs(state, function):
    name = deployed_name(deployed_names(state), function)
    group = client(state, "lambda").get_function_configuration(FunctionName=name)["LoggingConfig"]["LogGroup"]
    read, since, printed = client(state, "logs").get_paginator("filter_log_events"), int(time.time() * 1000) - LOOK_BACK_MS, 0
    while True:
        # The local AWS gives no ids, and adds new lines at the end.
        pages = read.paginate(logGroupName=group, startTime=since)
        lines = [event["message"] for page in pages for event in page["events"]]
        for line in lines[printed:]:
            print(line.rstrip(), flush=True)
        printed = len(lines)
        time.sleep(POLL_S)


def swap(state, binaries, functions):
    names, lambdas = deployed_names(state), client(state, "lambda")
    for function in functions:
        name, package = deployed_name(names, function), zipped((binaries / function).read_bytes())
        digest = base64.b64encode(hashlib.sha256(package).digest()).decode()
        if lambdas.get_function_configuration(FunctionName=name)["CodeSha256"] == digest:
            continue
        lambdas.update_function_code(FunctionName=name, ZipFile=package)
        print(f"swapped {function}", flush=True)


def main():
    if len(sys.argv) < 4 or sys.argv[2] not in ("logs", "swap"):
        sys.exit(__doc__)
    state = Path(sys.argv[1])
    try:
        if sys.argv[2] == "logs":
            logs(state, sys.argv[3])
        else:
            swap(state, Path(sys.argv[3]), sys.argv[4:])
    except KeyboardInterrupt:
        pass
    except (BotoCoreError, ClientError, OSError) as error:
        sys.exit(" ".join(str(error).split()))


if __name__ == "__main__":
    main()
