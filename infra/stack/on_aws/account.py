"""Looks at the AWS account before anything is built: what a deployment needs and what is missing.

It only reads. What it may not read, or what no call can tell, it says as well.
"""

from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from on_aws import DeployFailed, code

OK, LIMIT, MISSING = "ok", "limit", "missing"
# Lambda keeps as much for functions without a reservation:
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
UNRESERVED = 100
# What the API, the sweep and the other functions need while all workers run.
BESIDE_WORKERS = 3
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


def look(session, settings, account, stack):
    """Returns a line for each thing that the deployment needs. `stack` is the one that is there, or None."""
    held = reserved_concurrency(lambda parameter: given(stack).get(parameter))

    def concurrency(*arguments):
        return concurrency_line(*arguments, held)

    checks = [stack_line(settings, stack), *([bucket_line] if stack is None else []), concurrency, mail_line]
    if settings.value("MailIdentity"):
        checks.append(identity_line)
    if settings.stage == "prod":
        checks.append(distribution_line)
    if settings.value("SiteCertificateArn"):
        checks.append(certificate_line)
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


def distribution_line(session, _settings, _account):
    listed = session.client("cloudfront").list_distributions(MaxItems="1")["DistributionList"]
    if listed["Quantity"]:
        return Line(OK, "CloudFront has made distributions for this account")
    return Line(
        LIMIT,
        "CloudFront has made no distribution for this account yet, and no call tells whether it will: AWS first verifies some new accounts",
        "if the deployment fails for it, it is rolled back: ask AWS Support to verify the account, and deploy again",
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
