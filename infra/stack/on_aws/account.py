"""Looks at the AWS account before anything is built: what a deployment needs and what is missing.

It only reads. What it may not read, or what no call can tell, it says as well.
"""

import functools
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from on_aws import DeployFailed, code

OK, LIMIT, MISSING = "ok", "limit", "missing"
# Lambda keeps as much for functions without a reservation:
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
UNRESERVED = 100
# What the API, the sweep and the other functions need while all workers run.
BESIDE_WORKERS = 3
INDEXES = ("gallery", "due", "find")
# What a restore of the table switches off, as docs/operating.md says.
TRIGGERS = ("GenerateImageQueued", "GenerateVideoQueued", "FinishGenerationReceived", "PaypalVerifyKept")
LAMBDA_QUOTA = "aws service-quotas request-service-quota-increase --service-code lambda --quota-code L-B99A9384 --desired-value {} --region {}"


@dataclass(frozen=True)
class Line:
    """One thing that was looked at. `missing` stops the deployment, `limit` does not. `how` says how to get it."""

    state: str
    text: str
    how: str = ""

    def __str__(self):
        line = f"  {self.state:<8} {self.text}"
        return f"{line}\n           {self.how}" if self.how else line


def identity(session):
    """Returns the id of the account and the name of the caller. Raises DeployFailed without usable credentials."""
    try:
        caller = session.client("sts").get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        raise DeployFailed(
            f"AWS does not accept these credentials: {error}. Run aws configure sso, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
            "or name a profile in darkroom.toml"
        ) from None
    return caller["Account"], caller["Arn"]


def look(session, settings, account, stack, copied=None):
    """Returns a line for each thing that the deployment needs. `stack` is the one that is there, or None; `copied` has the names of
    the secrets of `prod` whose values CloudFormation copies into functions, each with that of the resource of CloudFront that has it."""
    held = reserved_concurrency(lambda parameter: given(stack).get(parameter))

    def concurrency(*arguments):
        return concurrency_line(*arguments, held)

    checks = [stack_line(settings, stack), bucket_line if stack is None else triggers_line, concurrency, mail_line]
    if settings.value("MailIdentity"):
        checks.append(identity_line)
        if settings.value("MailFrom") != settings.value("MailIdentity"):
            checks.append(sender_line)
    if settings.stage == "prod":
        checks.append(distribution_line)
        if stack is not None:
            checks += [domain_line(settings, stack), *(functools.partial(secret_line, *names) for names in (copied or {}).items())]
    if settings.value("SiteCertificateArn"):
        checks.append(certificate_line)
    if settings.value("RestoredTable"):
        checks.append(restored_table_line)
    return [check if isinstance(check, Line) else readable(check, session, settings, account) for check in checks]


def readable(check, session, settings, account):
    """Makes a check, or says that it is not permitted."""
    try:
        return check(session, settings, account)
    except ClientError as error:
        if code(error) in ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation"):
            return Line(LIMIT, f"{error.operation_name} is not permitted, so this is not known", str(error))
        raise


def given(stack):
    """Returns the parameters that a stack has."""
    return {one["ParameterKey"]: one["ParameterValue"] for one in (stack or {}).get("Parameters", [])}


def resource(session, settings, name):
    """Returns what CloudFormation has about a resource of the stack, or None if the stack has none of this name."""
    try:
        found = session.client("cloudformation").describe_stack_resource(StackName=settings.stack, LogicalResourceId=name)
    except ClientError as error:
        if code(error) != "ValidationError":
            raise
        return None
    return found["StackResourceDetail"]


def reserved_concurrency(value):
    """Returns how much of the concurrency of the account the functions of a stack with these parameters have for themselves."""
    return int(value("SweepReservedConcurrency") or 0) + 3 * int(value("WebhookReservedConcurrency") or 0)


def stack_line(settings, stack):
    if stack is None:
        return Line(OK, f"the stack {settings.stack} does not exist: it will be created")
    shards = int(given(stack).get("IndexShards", 1))
    if int(settings.value("IndexShards")) < shards:
        return Line(
            MISSING,
            f"the indexes of {settings.stack} have {shards} shards: with fewer, nothing would find what is in the others",
            f"set IndexShards to {shards} or more",
        )
    table, restored = given(stack).get("RestoredTable", ""), settings.value("RestoredTable")
    if table != restored and settings.value("GradualShift") == "true":
        return Line(
            MISSING,
            "the functions are to use another table: with GradualShift some would use the one and some the other for a while",
            "set GradualShift to false for this deployment, as docs/operating.md says",
        )
    return Line(OK, f"the stack {settings.stack} exists: {stack['StackStatus']}")


def bucket_line(session, settings, account):
    """The name of the bucket is fixed, and a bucket outlives its stack."""
    name = f"darkroom-{settings.stage}-{account}-{settings.region}"
    try:
        session.client("s3").head_bucket(Bucket=name)
    except ClientError as error:
        if code(error) in ("404", "NoSuchBucket"):
            return Line(OK, f"the name of the bucket is free: {name}")
        if code(error) != "403":
            raise
    return Line(
        MISSING,
        f"the bucket {name} is there already: of this stage under another name of the stack, or of a stack that was removed",
        f"if the stack exists, set stack in darkroom.toml to its name; if it was removed and nothing is needed: empty the bucket in the "
        f"console, then aws s3api delete-bucket --bucket {name}",
    )


def triggers_line(session, settings, _account):
    """A trigger that was switched off stays so: a deployment does not change what it did not switch off itself."""
    pages = session.client("lambda").get_paginator("list_event_source_mappings").paginate()
    states = {mapping["UUID"]: mapping["State"] for page in pages for mapping in page["EventSourceMappings"]}
    off, commands = [], []
    for name in TRIGGERS:
        mapping = resource(session, settings, name)
        uuid = mapping and mapping["PhysicalResourceId"]
        if states.get(uuid) in ("Disabled", "Disabling"):
            off.append(f"{name} ({states[uuid]})")
            commands.append(f"aws lambda update-event-source-mapping --uuid {uuid} --enabled --region {settings.region}")
    if not off:
        return Line(OK, "the triggers of the workers and of paypal-verify are on")
    return Line(
        LIMIT,
        f"triggers that are not on, so what is queued for them waits: {', '.join(off)}",
        f"unless a restore of the table needs that: {', then '.join(commands)}",
    )


def concurrency_line(session, settings, _account, held=0):
    """What other stages and other functions have reserved is not there. `held` is what this stack has reserved itself."""
    limits = session.client("lambda").get_account_settings()["AccountLimit"]
    quota, free = limits["ConcurrentExecutions"], limits["UnreservedConcurrentExecutions"] + held
    of_others = quota - free
    number = lambda parameter: int(settings.value(parameter) or 0)
    reserved = reserved_concurrency(settings.value)
    workers = number("ImageConcurrency") + number("VideoConcurrency") + number("FinishConcurrency")
    here = f"Lambda runs {quota} functions at once here" + (f", of which others have reserved {of_others}" if of_others else "")
    if reserved and free - reserved < UNRESERVED:
        needed = of_others + reserved + max(UNRESERVED, workers + BESIDE_WORKERS)
        return Line(
            MISSING,
            f"{here}, and {reserved} are to be reserved: {UNRESERVED} must stay unreserved",
            f"set SweepReservedConcurrency and WebhookReservedConcurrency to 0, or {LAMBDA_QUOTA.format(needed, settings.region)}",
        )
    if workers + BESIDE_WORKERS > free - reserved:
        needed = max(1000, of_others + reserved + workers + BESIDE_WORKERS)
        own = f", and this stack reserves {reserved}" if reserved else ""
        return Line(
            LIMIT,
            f"{here}{own}, and {workers} workers leave the API less than {BESIDE_WORKERS}",
            f"lower ImageConcurrency, VideoConcurrency and FinishConcurrency, or {LAMBDA_QUOTA.format(needed, settings.region)}",
        )
    return Line(OK, f"{here}, {workers} of them workers" if not of_others else f"{here}; {workers} are workers")


def mail_line(session, settings, _account):
    account = session.client("sesv2").get_account()
    if not settings.value("MailFrom"):
        return Line(
            LIMIT,
            "no MailFrom: Cognito mails 50 codes a day, and nobody can change their email address or contact support as a guest",
            "verify a domain or an address with Amazon SES, and set MailFrom and MailIdentity",
        )
    if not account.get("SendingEnabled", False):
        return Line(MISSING, "Amazon SES sends no mail for this account", "open the SES console: it says why sending is paused")
    if not account.get("ProductionAccessEnabled", False):
        return Line(
            LIMIT,
            "Amazon SES is in the sandbox: 200 mails a day, and only to addresses that are verified themselves",
            f"request production access: https://console.aws.amazon.com/ses/home?region={settings.region}#/account (about a day)",
        )
    return Line(OK, f"Amazon SES sends {account['SendQuota']['Max24HourSend']:.0f} mails a day to anybody")


def identity_line(session, settings, _account):
    name = settings.value("MailIdentity")
    how = f"aws sesv2 create-email-identity --email-identity {name} --region {settings.region}, then do what it asks: DNS records, or a link in a mail"
    try:
        found = session.client("sesv2").get_email_identity(EmailIdentity=name)
    except ClientError as error:
        if code(error) != "NotFoundException":
            raise
        return Line(MISSING, f"Amazon SES has no identity {name} in {settings.region}", how)
    if not found.get("VerifiedForSendingStatus", False):
        return Line(MISSING, f"the identity {name} of Amazon SES is not verified: {found.get('VerificationStatus', 'PENDING')}", how)
    configuration_set = found.get("ConfigurationSetName")
    if configuration_set:
        return Line(
            MISSING,
            f"the identity {name} has the configuration set {configuration_set}, which the functions may not use: their mail would be refused",
            f"take it away: aws sesv2 put-email-identity-configuration-set-attributes --email-identity {name} --region {settings.region}",
        )
    return Line(OK, f"the identity {name} of Amazon SES is verified")


def sender_line(session, settings, _account):
    """An address can have an identity beside that of its domain:
    https://docs.aws.amazon.com/ses/latest/dg/creating-identities.html"""
    sender, identity = settings.value("MailFrom"), settings.value("MailIdentity")
    try:
        session.client("sesv2").get_email_identity(EmailIdentity=sender)
    except ClientError as error:
        if code(error) != "NotFoundException":
            raise
        return Line(OK, f"{sender} has no identity beside {identity}")
    return Line(
        LIMIT,
        f"{sender} has an identity of its own, whose configuration counts for it, and the functions may use {identity} only",
        f"set MailIdentity to {sender}, or aws sesv2 delete-email-identity --email-identity {sender} --region {settings.region}",
    )


def distribution_line(session, _settings, _account):
    listed = session.client("cloudfront").list_distributions(MaxItems="1")["DistributionList"]
    if listed["Quantity"]:
        return Line(OK, "CloudFront has made distributions for this account")
    return Line(
        LIMIT,
        "CloudFront has made no distribution for this account yet, and no call tells whether it will: AWS first verifies some new accounts",
        "if the deployment fails for it, it is rolled back: ask AWS Support to verify the account, and deploy again",
    )


def domain_line(settings, stack):
    """A passkey is for the domain on which it was set up."""
    deployed, wanted = given(stack).get("SiteDomain", ""), settings.value("SiteDomain")
    if deployed == wanted:
        return Line(OK, f"the web client stays on {wanted or 'the domain of its distribution'}")
    return Line(
        LIMIT,
        f"the web client moves from {deployed or 'the domain of its distribution'} to {wanted or 'that of its distribution'}: passkeys stop working",
        "before that, ask each account owner and staff member with a passkey to keep a recovery code or set up an app; after it they set up "
        "passkeys again",
    )


def secret_line(name, holder, session, settings, _account):
    """A function reads the value at each change of it, and `holder` only if it changes itself: another value would part them. The value
    itself is not read."""
    secret = resource(session, settings, name)
    if secret is None:
        return Line(OK, f"the secret {name} will be created")
    secret = secret["PhysicalResourceId"]
    # AWS deletes old versions once there are more than 100.
    asked = {"SecretId": secret, "IncludeDeprecated": True, "MaxResults": 100}
    try:
        versions = session.client("secretsmanager").list_secret_version_ids(**asked)["Versions"]
    except ClientError as error:
        if code(error) != "ResourceNotFoundException":
            raise
        versions = []
    current = next((version for version in versions if "AWSCURRENT" in version.get("VersionStages", [])), None)
    if current is None:
        return Line(
            MISSING,
            f"the secret {name} was deleted, or has no value",
            f"name its resource anew in template.yaml, as its description says: CloudFormation looks for {secret}",
        )
    first = min(versions, key=lambda version: version["CreatedDate"])
    if first == current:
        return Line(OK, f"the secret {name} has the value that CloudFront has")
    changed = resource(session, settings, holder)
    if changed and changed["LastUpdatedTimestamp"] > current["CreatedDate"]:
        return Line(
            LIMIT,
            f"the secret {name} has another value than at first, and {holder} was changed after that: it may have either",
            "if requests or links to files are refused with 403 after the deployment, name the resource of the secret anew in template.yaml, "
            "as its description says: all get a new value",
        )
    return Line(
        MISSING,
        f"the secret {name} has another value than at first: functions that are changed would read it, and CloudFront keeps the first one",
        f"put that back: aws secretsmanager update-secret-version-stage --secret-id {secret} --version-stage AWSCURRENT "
        f"--move-to-version-id {first['VersionId']} --remove-from-version-id {current['VersionId']} --region {settings.region}. If functions "
        "have been changed since, change a parameter, such as LogRetentionDays, in the next deployment, so that all read it again",
    )


def certificate_line(session, settings, _account):
    arn, domain = settings.value("SiteCertificateArn"), settings.value("SiteDomain")
    how = f"aws acm request-certificate --domain-name {domain} --validation-method DNS --region us-east-1, then set the DNS record that it names"
    if arn.split(":")[3:4] != ["us-east-1"]:
        return Line(MISSING, "SiteCertificateArn is of another region: CloudFront takes certificates of us-east-1 only", how)
    try:
        found = session.client("acm", region_name="us-east-1").describe_certificate(CertificateArn=arn)["Certificate"]
    except ClientError as error:
        if code(error) != "ResourceNotFoundException":
            raise
        return Line(MISSING, f"there is no certificate {arn}", how)
    names = [found["DomainName"], *found.get("SubjectAlternativeNames", [])]
    if found["Status"] != "ISSUED":
        return Line(MISSING, f"the certificate of {domain} is not issued: {found['Status']}", how)
    if domain not in names and f"*.{domain.partition('.')[2]}" not in names:
        return Line(MISSING, f"the certificate is for {', '.join(names)}, and not for {domain}", how)
    return Line(OK, f"the certificate of {domain} is issued")


def restored_table_line(session, settings, _account):
    """A restore leaves out what deletes old items and what the next restore needs."""
    name, dynamodb = settings.value("RestoredTable"), session.client("dynamodb")
    try:
        table = dynamodb.describe_table(TableName=name)["Table"]
    except ClientError as error:
        if code(error) != "ResourceNotFoundException":
            raise
        return Line(MISSING, f"there is no table {name} in {settings.region}", "restore it as docs/operating.md says, or take RestoredTable away")
    # While a table or an index is UPDATING, such as for warm throughput, it is used as before.
    usable_in = ("ACTIVE", "UPDATING")
    if table["TableStatus"] not in usable_in:
        return Line(MISSING, f"the table {name} cannot be used yet: {table['TableStatus']}", "wait until it is ACTIVE, from minutes to hours")
    usable = {index["IndexName"] for index in table.get("GlobalSecondaryIndexes", []) if index["IndexStatus"] in usable_in}
    lacking = [index for index in INDEXES if index not in usable]
    if lacking:
        return Line(
            MISSING,
            f"the table {name} does not have the indexes {', '.join(lacking)}, which the functions read",
            "restore once more, with all indexes, or wait until they are ACTIVE",
        )
    ttl = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    if ttl.get("TimeToLiveStatus") not in ("ENABLED", "ENABLING") or ttl["AttributeName"] != "ttl":
        command = f"aws dynamodb update-time-to-live --table-name {name} --time-to-live-specification Enabled=true,AttributeName=ttl"
        return Line(MISSING, f"the table {name} deletes nothing that has ended", f"{command} --region {settings.region}")
    backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    if backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus") != "ENABLED":
        command = f"aws dynamodb update-continuous-backups --table-name {name} --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true"
        return Line(MISSING, f"the table {name} could not be restored itself", f"{command} --region {settings.region}")
    return Line(OK, f"the table {name} has its indexes, and deletes and is backed up like that of the stack")
