"""Runs MiniStack, the local AWS, with its known differences from AWS mended.

Everything patched here is internal to one version, so the version is asserted. Each patch says what AWS does and what
MiniStack does instead; drop a patch when a newer version no longer needs it.

Environment, beside MiniStack's own, two files to which lines of JSON are appended: `AWS_CALLS_FILE`, every call of a
function's role (`role`, `action`, `resource`, `allowed`); `AWS_SHAPES_FILE`, each shape of an item or a message that is
written for the first time (`table`, `pk`, `sk` or `queue`, and `paths`).

The process ends, saving its state, on SIGTERM and when its standard input closes, so it never outlives its parent.
"""

import contextvars
import fcntl
import http.server
import json
import logging
import os
import select
import signal
import socket
import socketserver
import struct
import sys
import termios
import threading
import time
from importlib.metadata import version
from xml.sax.saxutils import escape

PATCHED_VERSION = "1.5.33"
if version("ministack") != PATCHED_VERSION:
    sys.exit(f"the patches are written for MiniStack {PATCHED_VERSION}, found {version('ministack')}")

import ministack.app as app
from ministack.core import iam_actions, iam_evaluator, lambda_runtime
from ministack.core.responses import _request_account_id, _request_region, error_response_json
from ministack.services import apigateway, cloudwatch_logs, cognito, dynamodb, lambda_svc, s3, sqs
from ministack.services.cloudformation import provisioners

TTL_SWEEP_S = 1
REFRESH_GRACE_S = 10
LOG_LIMIT_S = 5
PIPE_BYTES = 65536
HANDLERS = provisioners._RESOURCE_HANDLERS


def after_provisioning(resource_type, apply):
    """Calls `apply(physical_id, properties)` whenever a template has created or updated such a resource."""
    handlers = HANDLERS[resource_type]
    create, update = handlers["create"], handlers.get("update")

    def create_and_apply(logical_id, properties, stack):
        result = create(logical_id, properties, stack)
        apply(result[0], properties)
        return result

    # Some handlers take the logical id as well.
    def update_and_apply(physical_id, old, new, *rest):
        result = update(physical_id, old, new, *rest)
        apply(result[0], new)
        return result

    handlers["create"] = create_and_apply
    if update:
        handlers["update"] = update_and_apply


def answer_without_waiting():
    """A warm call costs 60 to 100 ms of waiting: for late log lines, and for Nagle's algorithm on unbuffered writes."""
    socketserver.StreamRequestHandler.disable_nagle_algorithm = True
    http.server.BaseHTTPRequestHandler.wbufsize = -1
    lambda_runtime.ProvidedWorker._pump_output = take_output_in
    lambda_runtime.ProvidedWorker._drain_stderr_bounded = drain_what_was_written


def output_lock(worker):
    """Held from the reading of a function's output until its lines are queued, so that nothing is ever on the way."""
    return worker.__dict__.setdefault("output_lock", threading.Lock())


def take_output_in(worker, stream, lines):
    """Queues the lines of a function's output, as long as its process lives."""
    arrived, rest = select.poll(), b""
    arrived.register(stream, select.POLLIN)
    try:
        while arrived.poll():
            with output_lock(worker):
                read = os.read(stream.fileno(), PIPE_BYTES)
                if not read:
                    return
                *whole, rest = (rest + read).split(b"\n")
                for line in whole:
                    if lines.full():
                        lines.get_nowait()
                    lines.put_nowait(line.decode("utf-8", errors="replace").rstrip("\r"))
    except (OSError, ValueError):
        # The process was taken down, and its output closed.
        return
    finally:
        stream.close()


def drain_what_was_written(worker, first_line_wait=0, idle_confirm=0, hard_cap=0):
    """What a function logged before it answered is in the pipe by then: takes all of that, and waits for nothing else."""
    lines, deadline = [], time.monotonic() + LOG_LIMIT_S
    while True:
        with output_lock(worker):
            waiting = bytes_waiting(worker)
            while not worker._stderr_queue.empty():
                lines.append(worker._stderr_queue.get_nowait())
        if not waiting or time.monotonic() >= deadline:
            return "\n".join(lines)
        time.sleep(0.001)


def bytes_waiting(worker):
    """How many bytes of its output nobody has read."""
    try:
        return struct.unpack("i", fcntl.ioctl(worker._proc.stdout.fileno(), termios.FIONREAD, bytes(4)))[0]
    except (AttributeError, ValueError):
        # The process is gone, and its output closed.
        return 0


# --- HTTP APIs ---


def import_http_apis():
    """An HTTP API defined by an OpenAPI `Body`, as every SAM HttpApi is, gets no routes, authorizers or CORS rules."""
    after_provisioning("AWS::ApiGatewayV2::Api", import_openapi)


def import_openapi(api_id, properties):
    body = properties.get("Body")
    if not isinstance(body, dict):
        return
    cors = body.get("x-amazon-apigateway-cors")
    if cors:
        apigateway._update_api(api_id, {"corsConfiguration": cors})
    for store in (apigateway._routes, apigateway._integrations, apigateway._authorizers):
        store[api_id] = {}
    schemes = (body.get("components") or {}).get("securitySchemes") or {}
    authorizers = {
        name: create_authorizer(api_id, name, scheme["x-amazon-apigateway-authorizer"])
        for name, scheme in schemes.items()
    }
    for path, operations in body["paths"].items():
        for method, operation in operations.items():
            if isinstance(operation, dict) and "x-amazon-apigateway-integration" in operation:
                create_route(api_id, method, path, operation, authorizers)


def create_authorizer(api_id, name, declared):
    source = declared.get("identitySource")
    answer = apigateway._create_authorizer(
        api_id,
        {
            "name": name,
            "authorizerType": declared["type"].upper(),
            "identitySource": source if isinstance(source, list) else [source],
            "jwtConfiguration": declared.get("jwtConfiguration", {}),
        },
    )
    return json.loads(answer[2])["authorizerId"]


def create_route(api_id, method, path, operation, authorizers):
    declared = operation["x-amazon-apigateway-integration"]
    answer = apigateway._create_integration(
        api_id,
        {
            "integrationType": declared["type"].upper(),
            "integrationUri": declared["uri"],
            "integrationMethod": declared.get("httpMethod", "POST"),
            "payloadFormatVersion": declared.get("payloadFormatVersion", "2.0"),
        },
    )
    verb = "ANY" if method == "x-amazon-apigateway-any-method" else method.upper()
    route = {
        "routeKey": f"{verb} {path}" if path.startswith("/") else path,
        "target": f"integrations/{json.loads(answer[2])['integrationId']}",
    }
    for requirement in operation.get("security") or []:
        for name, scopes in requirement.items():
            if name in authorizers:
                route.update(
                    authorizationType="JWT", authorizerId=authorizers[name], authorizationScopes=scopes
                )
    apigateway._create_route(api_id, route)


# --- Tables, buckets, queues ---


def keep_dropped_properties():
    """Time to live, point-in-time recovery and bucket lifecycles are dropped from templates."""
    after_provisioning("AWS::DynamoDB::Table", configure_table)
    after_provisioning("AWS::S3::Bucket", configure_bucket)


def configure_table(name, properties):
    ttl = properties.get("TimeToLiveSpecification")
    if ttl:
        enabled = ttl.get("Enabled") in (True, "true")
        specification = {"Enabled": enabled, "AttributeName": ttl["AttributeName"]}
        dynamodb._update_ttl({"TableName": name, "TimeToLiveSpecification": specification})
    recovery = properties.get("PointInTimeRecoverySpecification")
    if recovery:
        dynamodb._update_continuous_backups({"TableName": name, "PointInTimeRecoverySpecification": recovery})


def configure_bucket(name, properties):
    rules = (properties.get("LifecycleConfiguration") or {}).get("Rules")
    if rules:
        s3._put_bucket_lifecycle(name, element("LifecycleConfiguration", *map(lifecycle_rule, rules)).encode())


def lifecycle_rule(rule):
    parts = [element("ID", escape(rule.get("Id", "rule"))), element("Status", rule["Status"])]
    parts.append(element("Filter", element("Prefix", escape(rule.get("Prefix", "")))))
    expiration = []
    if "ExpirationInDays" in rule:
        expiration.append(element("Days", rule["ExpirationInDays"]))
    if "ExpiredObjectDeleteMarker" in rule:
        expiration.append(element("ExpiredObjectDeleteMarker", str(rule["ExpiredObjectDeleteMarker"]).lower()))
    if expiration:
        parts.append(element("Expiration", *expiration))
    for name in ("NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"):
        if name in rule:
            parts.append(element(name, *(element(key, value) for key, value in rule[name].items())))
    return element("Rule", *parts)


def element(name, *content):
    return f"<{name}>{''.join(map(str, content))}</{name}>"


def expire_items_promptly():
    """Items past their time to live go every 60 s; here each second, so that tests need not wait."""

    def sweep():
        while True:
            time.sleep(TTL_SWEEP_S)
            for (account, region, name), setting in list(dynamodb._ttl_settings.all_items()):
                if setting.get("TimeToLiveStatus") == "ENABLED":
                    expire_items(account, region, name, setting["AttributeName"])

    threading.Thread(target=sweep, daemon=True, name="time-to-live").start()


def expire_items(account, region, name, attribute):
    account_token, region_token = _request_account_id.set(account), _request_region.set(region)
    try:
        with dynamodb._lock:
            table = dynamodb._tables.get(name)
            now = time.time()
            for pk, items in list((table or {}).get("items", {}).items()):
                for sk, item in list(items.items()):
                    expires_at = (item.get(attribute) or {}).get("N")
                    if expires_at is not None and float(expires_at) <= now:
                        dynamodb._remove_item(table, pk, sk)
    finally:
        _request_account_id.reset(account_token)
        _request_region.reset(region_token)


def describe_logs_that_grow():
    """A stream that a function begins while the groups are described is an error: they are described once more."""
    describe = cloudwatch_logs._describe_log_groups

    def describe_until_whole(data):
        while True:
            try:
                return describe(data)
            except RuntimeError as error:
                if "changed size" not in str(error):
                    raise

    cloudwatch_logs._describe_log_groups = describe_until_whole


def read_concurrency_as_number():
    """A number that comes from a template parameter stays text, which the queue's poller cannot compare."""
    handlers = HANDLERS["AWS::Lambda::EventSourceMapping"]
    create, update = handlers["create"], handlers["update"]

    def with_number(properties):
        declared = properties.get("ScalingConfig") or {}
        if "MaximumConcurrency" not in declared:
            return properties
        scaling = {**declared, "MaximumConcurrency": int(declared["MaximumConcurrency"])}
        return {**properties, "ScalingConfig": scaling}

    handlers["create"] = lambda logical_id, properties, stack: create(logical_id, with_number(properties), stack)
    handlers["update"] = lambda physical_id, old, new, *rest, **named: update(
        physical_id, with_number(old), with_number(new), *rest, **named
    )


# --- Identity and secrets ---


def honour_secret_generation():
    """`ExcludePunctuation` and its siblings are ignored: they become excluded characters."""
    import string

    groups = {
        "ExcludeLowercase": string.ascii_lowercase,
        "ExcludeUppercase": string.ascii_uppercase,
        "ExcludeNumbers": string.digits,
        "ExcludePunctuation": string.punctuation,
    }
    generate = provisioners._sm_secret_string

    def generate_as_declared(properties):
        declared = properties.get("GenerateSecretString")
        if not declared:
            return generate(properties)
        excluded = declared.get("ExcludeCharacters", "")
        excluded += "".join(group for name, group in groups.items() if declared.get(name) in (True, "true"))
        return generate({**properties, "GenerateSecretString": {**declared, "ExcludeCharacters": excluded}})

    provisioners._sm_secret_string = generate_as_declared


def rotate_refresh_tokens():
    """`GetTokensFromRefreshToken` returns a new refresh token and spends the old one when the client rotates; MiniStack
    does not know rotation. It drops the setting, so every client rotates here, with the grace period of the template."""
    refresh = cognito._refresh_auth_result
    spent = {}

    def refresh_and_rotate(pool, pool_id, client_id, token):
        if token in spent and time.monotonic() - spent[token] > REFRESH_GRACE_S:
            cognito._revoked_tokens.add(token)
        result, error = refresh(pool, pool_id, client_id, token)
        if error:
            return result, error
        claims = cognito._token_claims(token)
        result["RefreshToken"] = cognito._fake_token(
            claims["sub"],
            pool_id,
            client_id,
            "refresh",
            origin_jti=claims.get("origin_jti", ""),
            scope=claims.get("scope"),
        )
        spent.setdefault(token, time.monotonic())
        return result, None

    cognito._refresh_auth_result = refresh_and_rotate


def demand_client_secrets():
    """`GetTokensFromRefreshToken` and `RevokeToken` need the secret of a client that has one; MiniStack does not ask for it
    there, as it does for `SECRET_HASH` in other calls. A trigger that fails lets no token be issued; MiniStack issues it."""
    os.environ["MINISTACK_COGNITO_PRETOKEN_STRICT"] = "1"
    validate = cognito._validate_client_secret_hash

    def validate_hash_or_secret(action, request):
        if action not in ("GetTokensFromRefreshToken", "RevokeToken"):
            return validate(action, request)
        pool, _ = cognito._pool_for_client(request.get("ClientId"))
        secret = pool and pool["_clients"][request["ClientId"]].get("ClientSecret")
        if secret and request.get("ClientSecret") != secret:
            return error_response_json("NotAuthorizedException", "Unable to verify the secret of the client", 400)
        return None

    cognito._validate_client_secret_hash = validate_hash_or_secret


def refuse_taken_addresses():
    """Makes `AdminUpdateUserAttributes` refuse the address of another user: `AliasExistsException`."""
    update = cognito._admin_update_user_attributes

    def update_unless_taken(request):
        wanted = {a["Value"].lower() for a in request.get("UserAttributes", []) if a["Name"] == "email"}
        pool, error = cognito._resolve_pool(request.get("UserPoolId"))
        users = {} if error else pool["_users"]
        own, _ = (None, None) if error else cognito._resolve_user(pool, request.get("Username"))
        for user in users.values():
            email = cognito._attr_list_to_dict(user.get("Attributes", [])).get("email", "")
            if user is not own and email.lower() in wanted:
                return error_response_json("AliasExistsException", "An account with the email already exists.", 400)
        return update(request)

    cognito._admin_update_user_attributes = update_unless_taken


def pass_metadata_to_the_sign_up_trigger():
    """AWS gives the trigger the `ClientMetadata` of the sign-up, as `clientMetadata`
    (https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-pre-sign-up.html). MiniStack drops it."""
    sign_up, build = cognito._sign_up, cognito._build_presignup_event
    metadata = contextvars.ContextVar("client_metadata", default=None)

    def sign_up_with_metadata(request):
        token = metadata.set(request.get("ClientMetadata"))
        try:
            return sign_up(request)
        finally:
            metadata.reset(token)

    def build_with_metadata(*arguments, **named):
        event = build(*arguments, **named)
        if metadata.get():
            event["request"]["clientMetadata"] = metadata.get()
        return event

    cognito._sign_up = sign_up_with_metadata
    cognito._build_presignup_event = build_with_metadata


def ask_for_the_text_of_mails_with_codes():
    """AWS asks the trigger `CustomMessage` for subject and message, and sends those of the user pool if it answers none
    (https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-custom-message.html). MiniStack never does."""
    send, template = cognito._send_verification_email, cognito._resolve_verification_template
    answered = contextvars.ContextVar("custom_message", default=None)

    def send_custom(pool, username, attributes, code, attribute_name="email"):
        source = "CustomMessage_ForgotPassword" if attribute_name == "password" else "CustomMessage_ResendCode"
        token = answered.set(custom_message(pool, source, attributes))
        try:
            return send(pool, username, attributes, code, attribute_name)
        finally:
            answered.reset(token)

    def answered_or_template(pool, by_link=False):
        response = answered.get() or {}
        if response.get("emailSubject") and "{####}" in (response.get("emailMessage") or ""):
            return response["emailSubject"], response["emailMessage"]
        return template(pool, by_link=by_link)

    cognito._send_verification_email = send_custom
    cognito._resolve_verification_template = answered_or_template


def custom_message(pool, source, attributes):
    """What the trigger answers; None if the user pool has none."""
    arn = (pool.get("LambdaConfig") or {}).get("CustomMessage")
    if not arn:
        return None
    event = {
        "version": "1",
        "triggerSource": source,
        "region": cognito._pool_region(pool["Id"]),
        "userPoolId": pool["Id"],
        "userName": attributes.get("sub", ""),
        "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": ""},
        "request": {"userAttributes": dict(attributes), "codeParameter": "{####}", "usernameParameter": None},
        "response": {"smsMessage": None, "emailMessage": None, "emailSubject": None},
    }
    record, config, _ = lambda_svc._get_func_record_for_ref(arn)
    result = lambda_svc._execute_function_with_config_scope(lambda_svc._execution_record_for_config(record, config), event)
    if result.get("error"):
        raise RuntimeError(f"the trigger of the mail with a code failed: {result.get('body')}")
    return cognito._extract_trigger_response(result.get("body"))


def decide_about_the_identity_that_mails():
    """IAM decides about `SendEmail` on the verified identity of the sender; MiniStack does on `*`. Here a domain is one."""
    resource_of = iam_actions._ses_v2_resource_arn

    def resource_or_sender(method, path, body, region, account_id):
        if (method, path.rstrip("/")) != ("POST", "/v2/email/outbound-emails"):
            return resource_of(method, path, body, region, account_id)
        domain = json.loads(body or b"{}").get("FromEmailAddress", "").rpartition("@")[2]
        return f"arn:aws:ses:{region}:{account_id}:identity/{domain}"

    iam_actions._ses_v2_resource_arn = resource_or_sender


def count_loopback_as_tls():
    """The bucket's policy refuses plain HTTP, which is all there is on the loopback interface."""
    pin = app.pin_request_origin
    app.pin_request_origin = lambda source_ip, secure_transport: pin(source_ip, True)


def record_calls(path):
    """Appends what each role asked for and whether it was allowed, at the one point where MiniStack decides it."""
    evaluated = contextvars.ContextVar("evaluated", default=None)
    evaluate, enforce = iam_evaluator.evaluate, iam_evaluator.enforce
    calls = open(path, "a", buffering=1, encoding="utf-8")

    def evaluate_and_remember(context, *arguments):
        evaluated.set(context)
        return evaluate(context, *arguments)

    def enforce_and_record(*arguments, **options):
        evaluated.set(None)
        refusal = enforce(*arguments, **options)
        context = evaluated.get()
        if context is not None and ":assumed-role/" in context.principal_arn:
            call = {
                "role": context.principal_arn.split("/")[1],
                "action": context.action,
                "resource": context.resource_arn,
                "allowed": refusal is None,
            }
            calls.write(json.dumps(call) + "\n")
        return refusal

    iam_evaluator.evaluate = evaluate_and_remember
    iam_evaluator.enforce = enforce_and_record


def record_shapes(path):
    """Appends what items and messages are made of when they are written, so that what goes again is seen all the same:
    of keys the part up to the first `#`, of the rest the paths of the fields, without any value."""
    shapes = open(path, "a", buffering=1, encoding="utf-8")
    known = set()
    emit, send = dynamodb._emit_stream_event, sqs._act_send_message

    def record(place, paths):
        line = json.dumps({**place, "paths": sorted(set(paths))})
        if line not in known:
            known.add(line)
            shapes.write(line + "\n")

    def emit_and_record(table, event, old, new, *rest, **named):
        if new:
            begin = {key: "".join(new[key]["S"].partition("#")[:2]) for key in ("pk", "sk") if key in new}
            record({"table": table, **begin}, attribute_paths("", {"M": new}))
        return emit(table, event, old, new, *rest, **named)

    def send_and_record(request, url):
        answer = send(request, url)
        try:
            body = json.loads(request["MessageBody"])
        except ValueError:
            # Nothing that a function wrote: it is there to be refused.
            return answer
        record({"queue": request.get("QueueUrl", url)}, json_paths("", body))
        return answer

    dynamodb._emit_stream_event = emit_and_record
    sqs._act_send_message = sqs._HANDLERS["SendMessage"] = send_and_record


def attribute_paths(path, value):
    """The paths of what a DynamoDB attribute is made of."""
    if "M" in value:
        return [found for name, part in value["M"].items() for found in attribute_paths(below(path, name), part)]
    if "L" in value:
        return [found for part in value["L"] for found in attribute_paths(below(path, "*"), part)]
    return [path]


def json_paths(path, value):
    """The paths of what a JSON value is made of."""
    if isinstance(value, dict):
        return [found for name, part in value.items() for found in json_paths(below(path, name), part)]
    if isinstance(value, list):
        return [found for part in value for found in json_paths(below(path, "*"), part)]
    return [path]


def below(path, name):
    return f"{path}.{name}" if path else name


def save_regularly(interval_s):
    """MiniStack writes its data only when it ends. Writes it every `interval_s` seconds as well, so that a killed process
    loses seconds. The packages of the functions, hundreds of megabytes, are written only when they have changed."""

    def packages():
        saved = lambda_svc.get_state() or {}
        return hash(json.dumps(saved, default=describe_package))

    def save():
        written = None
        # Before it accepts calls it may not have read all of its data.
        while not accepts_calls():
            time.sleep(0.2)
        while True:
            time.sleep(interval_s)
            try:
                services = app._build_persistence_save_dict()
                now = packages()
                if now == written:
                    services.pop("lambda", None)
                app.save_all(services)
                written = now
            except Exception:
                # Changed while it was read: the next time will do.
                logging.getLogger("launcher").warning("the data was not saved", exc_info=True)

    threading.Thread(target=save, daemon=True, name="save").start()


def accepts_calls():
    try:
        socket.create_connection(("127.0.0.1", int(os.environ["GATEWAY_PORT"])), timeout=1).close()
        return True
    except OSError:
        return False


def describe_package(part):
    """Stands for a value that JSON has no form for: a package by its length, a dictionary by its content."""
    data = getattr(part, "_data", None)
    if data is not None:
        return {repr(key): value for key, value in data.items()}
    return len(part) if isinstance(part, (bytes, bytearray)) else repr(part)


def end_with_parent():
    def wait_for_end_of_input():
        while os.read(sys.stdin.fileno(), 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait_for_end_of_input, daemon=True, name="parent-watch").start()


def main():
    answer_without_waiting()
    import_http_apis()
    keep_dropped_properties()
    expire_items_promptly()
    describe_logs_that_grow()
    read_concurrency_as_number()
    honour_secret_generation()
    rotate_refresh_tokens()
    demand_client_secrets()
    refuse_taken_addresses()
    pass_metadata_to_the_sign_up_trigger()
    ask_for_the_text_of_mails_with_codes()
    decide_about_the_identity_that_mails()
    count_loopback_as_tls()
    if os.environ.get("AWS_CALLS_FILE"):
        record_calls(os.environ["AWS_CALLS_FILE"])
    if os.environ.get("AWS_SHAPES_FILE"):
        record_shapes(os.environ["AWS_SHAPES_FILE"])
    if os.environ.get("SAVE_INTERVAL_S"):
        save_regularly(float(os.environ["SAVE_INTERVAL_S"]))
    end_with_parent()
    try:
        app.main()
    finally:
        # The function processes are in this group, and nothing else is.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGTERM)


if __name__ == "__main__":
    main()
