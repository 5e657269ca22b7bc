import datetime
import functools

from on_aws import DeployFailed, account
from on_aws.played import Played
from on_aws.settings import parsed
from on_aws.test_settings import ROOT, dev, prod, read

ACCOUNT = "123456789012"
ARN = "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012"
MAIL = "MailFrom = 'hello@example.com'\nMailIdentity = 'example.com'\n"
DOMAIN = f"SiteDomain = 'darkroom.example.com'\nSiteCertificateArn = '{ARN}'\n"
UUIDS = {name: f"00000000-0000-0000-0000-00000000000{number}" for number, name in enumerate(account.TRIGGERS)}


def limits(quota, reserved=0):
    return {"AccountLimit": {"ConcurrentExecutions": quota, "UnreservedConcurrentExecutions": quota - reserved}}


class Identity(Played):
    def test_caller_is_named(self):
        self.answer("sts", "get_caller_identity", {"Account": ACCOUNT, "Arn": "arn:aws:iam::123456789012:user/ada", "UserId": "A"})
        self.assertEqual(account.identity(self), (ACCOUNT, "arn:aws:iam::123456789012:user/ada"))

    def test_credentials_that_aws_refuses_are_explained(self):
        self.refuse("sts", "get_caller_identity", "ExpiredToken", "The security token included in the request is expired")
        with self.assertRaises(DeployFailed) as refused:
            account.identity(self)
        self.assertIn("token included in the request is expired", str(refused.exception))
        self.assertIn("aws configure sso", str(refused.exception))


class Lines(Played):
    def check(self, check, text, stage="dev"):
        return account.readable(check, self, read(text, stage), ACCOUNT)

    def says(self, line, state, *words):
        self.assertEqual(line.state, state, line)
        for word in words:
            self.assertIn(word, str(line))

    def test_indexes_keep_their_shards(self):
        def line(settings, shards):
            given = [{"ParameterKey": "IndexShards", "ParameterValue": shards}]
            return account.stack_line(read(dev(settings)), {"StackStatus": "UPDATE_COMPLETE", "Parameters": given})

        self.says(line("IndexShards = 4", "4"), "ok", "UPDATE_COMPLETE")
        self.says(line("IndexShards = 8", "4"), "ok")
        self.says(line("IndexShards = 2", "4"), "missing", "4 shards", "set IndexShards to 4 or more")
        self.says(line("", "4"), "missing", "set IndexShards to 4 or more")

    def test_all_functions_change_to_another_table_at_once(self):
        def line(settings, table):
            given = [{"ParameterKey": "RestoredTable", "ParameterValue": table}] if table else []
            return account.stack_line(read(prod(settings), "prod"), {"StackStatus": "UPDATE_COMPLETE", "Parameters": given})

        self.says(line("RestoredTable = 'restored'", ""), "missing", "use another table", "set GradualShift to false")
        self.says(line("", "restored"), "missing", "set GradualShift to false")
        self.says(line("RestoredTable = 'restored'\nGradualShift = false", ""), "ok")
        self.says(line("RestoredTable = 'restored'", "restored"), "ok")
        self.says(line("", ""), "ok")

    def test_concurrency_that_suffices_is_ok(self):
        self.answer("lambda", "get_account_settings", limits(1000))
        self.says(self.check(account.concurrency_line, dev()), "ok", "1000", "7 of them workers")

    def test_new_account_hears_that_workers_would_take_all(self):
        self.answer("lambda", "get_account_settings", limits(10))
        line = self.check(account.concurrency_line, prod(), "prod")
        self.says(line, "limit", "80 workers", "lower ImageConcurrency", "--quota-code L-B99A9384 --desired-value 1000 --region eu-central-1")
        self.answer("lambda", "get_account_settings", limits(10))
        self.says(self.check(account.concurrency_line, dev()), "ok")

    def test_reservation_without_room_would_fail_the_deployment(self):
        reserved = "SweepReservedConcurrency = 2\nWebhookReservedConcurrency = 10"
        self.answer("lambda", "get_account_settings", limits(131))
        self.says(self.check(account.concurrency_line, dev(reserved)), "missing", "32 are to be reserved", "--desired-value 132")
        self.answer("lambda", "get_account_settings", limits(132))
        self.says(self.check(account.concurrency_line, dev(reserved)), "ok")

    def test_what_others_have_reserved_is_not_there(self):
        reserved = "SweepReservedConcurrency = 2\nWebhookReservedConcurrency = 10"
        self.answer("lambda", "get_account_settings", limits(1000, reserved=869))
        self.says(self.check(account.concurrency_line, dev(reserved)), "missing", "others have reserved 869", "32 are to be reserved", "--desired-value 1001")
        self.answer("lambda", "get_account_settings", limits(1000, reserved=868))
        self.says(self.check(account.concurrency_line, dev(reserved)), "ok", "others have reserved 868", "7 are workers")
        self.answer("lambda", "get_account_settings", limits(1000, reserved=900))
        line = self.check(account.concurrency_line, dev("ImageConcurrency = 100"))
        self.says(line, "limit", "others have reserved 900, and 104 workers", "--desired-value 1007")

    def test_what_the_stack_has_reserved_itself_is_counted_once(self):
        reserved = "SweepReservedConcurrency = 2\nWebhookReservedConcurrency = 10"
        given = {"SweepReservedConcurrency": "2", "WebhookReservedConcurrency": "10"}
        parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()]
        self.triggers("dev")
        self.answer("lambda", "get_account_settings", limits(132, reserved=32))
        self.answer("sesv2", "get_account", {"SendingEnabled": True})
        lines = account.look(self, read(dev(reserved)), ACCOUNT, {"StackStatus": "UPDATE_COMPLETE", "Parameters": parameters})
        self.says(lines[2], "ok", "Lambda runs 132 functions at once here, 7 of them workers")

    def test_mail_says_sandbox_pause_and_cognito(self):
        sending = {"SendingEnabled": True, "ProductionAccessEnabled": False, "SendQuota": {"Max24HourSend": 200.0}}
        self.answer("sesv2", "get_account", sending)
        self.says(self.check(account.mail_line, dev(MAIL)), "limit", "sandbox", "production access")
        self.answer("sesv2", "get_account", {**sending, "ProductionAccessEnabled": True})
        self.says(self.check(account.mail_line, dev(MAIL)), "ok", "200 mails a day")
        self.answer("sesv2", "get_account", {**sending, "SendingEnabled": False})
        self.says(self.check(account.mail_line, dev(MAIL)), "missing", "sends no mail")
        self.answer("sesv2", "get_account", sending)
        self.says(self.check(account.mail_line, dev()), "limit", "50 codes a day", "MailIdentity")

    def test_identity_must_be_verified(self):
        self.answer("sesv2", "get_email_identity", {"VerifiedForSendingStatus": True}, EmailIdentity="example.com")
        self.says(self.check(account.identity_line, dev(MAIL)), "ok")
        self.answer("sesv2", "get_email_identity", {"VerifiedForSendingStatus": True, "ConfigurationSetName": "marketing"})
        self.says(self.check(account.identity_line, dev(MAIL)), "missing", "marketing", "put-email-identity-configuration-set-attributes")
        self.answer("sesv2", "get_email_identity", {"VerifiedForSendingStatus": False, "VerificationStatus": "PENDING"})
        self.says(self.check(account.identity_line, dev(MAIL)), "missing", "PENDING", "create-email-identity")
        self.refuse("sesv2", "get_email_identity", "NotFoundException")
        self.says(self.check(account.identity_line, dev(MAIL)), "missing", "no identity example.com in eu-central-1")

    def test_sender_with_an_identity_of_its_own_is_named(self):
        self.refuse("sesv2", "get_email_identity", "NotFoundException", EmailIdentity="hello@example.com")
        self.says(self.check(account.sender_line, dev(MAIL)), "ok", "hello@example.com has no identity beside example.com")
        self.answer("sesv2", "get_email_identity", {"VerifiedForSendingStatus": True}, EmailIdentity="hello@example.com")
        line = self.check(account.sender_line, dev(MAIL))
        self.says(line, "limit", "may use example.com only", "set MailIdentity to hello@example.com, or aws sesv2 delete-email-identity")

    def test_cloudfront_is_known_only_after_the_first_distribution(self):
        listed = {"Marker": "", "MaxItems": 1, "IsTruncated": False}
        self.answer("cloudfront", "list_distributions", {"DistributionList": {**listed, "Quantity": 0}}, MaxItems="1")
        self.says(self.check(account.distribution_line, prod(), "prod"), "limit", "no call tells", "AWS Support")
        self.answer("cloudfront", "list_distributions", {"DistributionList": {**listed, "Quantity": 1}})
        self.says(self.check(account.distribution_line, prod(), "prod"), "ok")

    def test_certificate_must_be_issued_for_the_domain_in_us_east_1(self):
        def certificate(**changed):
            found = {"CertificateArn": ARN, "DomainName": "darkroom.example.com", "Status": "ISSUED", **changed}
            self.answer("acm", "describe_certificate", {"Certificate": found}, CertificateArn=ARN)
            return self.check(account.certificate_line, prod(DOMAIN), "prod")

        self.says(certificate(), "ok")
        self.assertEqual(self.region_names[-1], ("acm", "us-east-1"))
        self.says(certificate(DomainName="*.example.com"), "ok")
        self.says(certificate(Status="PENDING_VALIDATION"), "missing", "PENDING_VALIDATION", "request-certificate")
        self.says(certificate(DomainName="example.org"), "missing", "for example.org, and not for darkroom.example.com")
        self.refuse("acm", "describe_certificate", "ResourceNotFoundException")
        self.says(self.check(account.certificate_line, prod(DOMAIN), "prod"), "missing", "there is no certificate")
        other = DOMAIN.replace("us-east-1", "eu-central-1")
        self.says(self.check(account.certificate_line, prod(other), "prod"), "missing", "us-east-1 only")

    def is_resource(self, name, physical, stage="prod", updated=datetime.datetime(2026, 1, 1)):
        detail = {"LogicalResourceId": name, "PhysicalResourceId": physical, "ResourceType": "T", "ResourceStatus": "CREATE_COMPLETE"}
        detail["LastUpdatedTimestamp"] = updated
        asked = {"StackName": f"darkroom-{stage}", "LogicalResourceId": name}
        self.answer("cloudformation", "describe_stack_resource", {"StackResourceDetail": detail}, **asked)

    def triggers(self, stage, *states):
        """Plays a stack with triggers in these states; without any it has none."""
        mappings = [{"UUID": UUIDS[name], "State": state} for name, state in zip(account.TRIGGERS, states)]
        self.answer("lambda", "list_event_source_mappings", {"EventSourceMappings": mappings})
        for name in account.TRIGGERS:
            if states:
                self.is_resource(name, UUIDS[name], stage)
            else:
                self.refuse("cloudformation", "describe_stack_resource", "ValidationError")

    def test_trigger_that_was_left_off_after_a_restore_is_named(self):
        self.triggers("dev", *["Enabled"] * 4)
        self.says(self.check(account.triggers_line, dev()), "ok")
        self.triggers("dev", "Enabled", "Disabled", "Enabled", "Disabling")
        line = self.check(account.triggers_line, dev())
        self.says(line, "limit", "waits: GenerateVideoQueued (Disabled), PaypalVerifyKept (Disabling)", "unless a restore")
        for name in ("GenerateVideoQueued", "PaypalVerifyKept"):
            self.says(line, "limit", f"aws lambda update-event-source-mapping --uuid {UUIDS[name]} --enabled --region eu-central-1")
        for states in ([], ["Enabled", "Updating", "Enabling", "Creating"]):
            self.triggers("dev", *states)
            self.says(self.check(account.triggers_line, dev()), "ok")

    def test_triggers_are_those_of_functions_that_work_on_queues(self):
        resources = parsed(ROOT / "template.yaml")["Resources"]
        events = [(name, *event) for name, one in resources.items() for event in one["Properties"].get("Events", {}).items()]
        queued = {f"{name}{event}" for name, event, of in events if of["Type"] == "SQS"}
        self.assertLessEqual(set(account.TRIGGERS), queued)

    def edge_key(self):
        return account.readable(functools.partial(account.secret_line, "EdgeKey", "Distribution"), self, read(prod(), "prod"), ACCOUNT)

    def secret(self, *stages, distribution_changed=datetime.datetime(2026, 1, 1)):
        """Plays the versions of a secret, the oldest last and the newest of January 9, and returns the line about it."""
        versions = []
        for day, held in zip(range(9, 0, -1), stages):
            version = {"VersionId": f"{'v' * 32}{day}", "CreatedDate": datetime.datetime(2026, 1, day)}
            versions.append(version | ({"VersionStages": [held]} if held else {}))
        self.is_resource("EdgeKey", "arn:edge")
        asked = {"SecretId": "arn:edge", "IncludeDeprecated": True, "MaxResults": 100}
        self.answer("secretsmanager", "list_secret_version_ids", {"Versions": versions}, **asked)
        if "AWSCURRENT" in stages[:-1]:
            self.is_resource("Distribution", "E1", updated=distribution_changed)
        return self.edge_key()

    def test_move_to_another_domain_says_that_passkeys_stop_working(self):
        def line(settings, domain):
            given = [{"ParameterKey": "SiteDomain", "ParameterValue": domain}] if domain else []
            return account.domain_line(read(prod(settings), "prod"), {"Parameters": given})

        self.says(line(DOMAIN, "darkroom.example.com"), "ok", "stays on darkroom.example.com")
        self.says(line("", ""), "ok", "stays on the domain of its distribution")
        self.says(line(DOMAIN, "old.example.com"), "limit", "from old.example.com to darkroom.example.com: passkeys stop working", "recovery code")
        self.says(line(DOMAIN, ""), "limit", "from the domain of its distribution to darkroom.example.com")
        self.says(line("", "old.example.com"), "limit", "from old.example.com to that of its distribution")

    def test_secret_that_cloudfront_has_too_keeps_its_first_value(self):
        self.says(self.secret("AWSCURRENT"), "ok", "the secret EdgeKey")
        for stages in (("AWSCURRENT", "AWSPREVIOUS"), ("AWSCURRENT", "AWSPREVIOUS", None)):
            version = "v" * 32
            command = (
                "aws secretsmanager update-secret-version-stage --secret-id arn:edge --version-stage AWSCURRENT "
                f"--move-to-version-id {version}{10 - len(stages)} --remove-from-version-id {version}9 --region eu-central-1. "
            )
            self.says(self.secret(*stages), "missing", "CloudFront keeps the first one", command, "change a parameter, such as LogRetentionDays")
        self.says(self.secret("AWSPREVIOUS", "AWSCURRENT"), "ok")

    def test_distribution_that_changed_after_its_secret_may_have_either_value(self):
        line = self.secret("AWSCURRENT", "AWSPREVIOUS", distribution_changed=datetime.datetime(2026, 1, 10))
        self.says(line, "limit", "Distribution was changed after that", "name the resource of the secret anew")
        self.assertNotIn("update-secret-version-stage", str(line))

    def test_secret_without_a_value_is_named(self):
        self.says(self.secret("AWSPREVIOUS"), "missing", "was deleted, or has no value", "looks for arn:edge")
        self.is_resource("EdgeKey", "arn:edge")
        self.refuse("secretsmanager", "list_secret_version_ids", "ResourceNotFoundException")
        self.says(self.edge_key(), "missing", "was deleted, or has no value")

    def test_secret_that_is_not_there_or_may_not_be_read_stops_nothing(self):
        self.refuse("cloudformation", "describe_stack_resource", "ValidationError", "Resource EdgeKey does not exist for stack darkroom-prod")
        self.says(self.edge_key(), "ok", "will be created")
        self.is_resource("EdgeKey", "arn:edge")
        self.refuse("secretsmanager", "list_secret_version_ids", "AccessDeniedException")
        self.says(self.edge_key(), "limit", "ListSecretVersionIds is not permitted")

    def test_secrets_of_prod_are_looked_at_once_there_is_a_stack(self):
        self.triggers("prod")
        self.answer("lambda", "get_account_settings", limits(1000))
        self.answer("sesv2", "get_account", {"SendingEnabled": True})
        self.answer("cloudfront", "list_distributions", {"DistributionList": {"Marker": "", "MaxItems": 1, "IsTruncated": False, "Quantity": 1}})
        for _ in range(2):
            self.refuse("cloudformation", "describe_stack_resource", "ValidationError")
        lines = account.look(self, read(prod(), "prod"), ACCOUNT, {"StackStatus": "UPDATE_COMPLETE"}, {"EdgeKey": "E", "MediaKey": "M"})
        said = ["the web client stays on the domain of its distribution", "the secret EdgeKey will be created", "the secret MediaKey will be created"]
        self.assertEqual([line.text for line in lines[-3:]], said)

    def restored(self, indexes=account.INDEXES, status="ACTIVE", ttl=None, recovery=None, indexes_are="ACTIVE"):
        """Plays a table, and what was set again after its restore as far as it is given. Returns the line about it."""
        indexes = [{"IndexName": index, "IndexStatus": indexes_are} for index in indexes]
        self.answer("dynamodb", "describe_table", {"Table": {"TableStatus": status, "GlobalSecondaryIndexes": indexes}}, TableName="restored")
        if ttl:
            self.answer("dynamodb", "describe_time_to_live", {"TimeToLiveDescription": ttl}, TableName="restored")
        if recovery:
            described = {"ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": recovery}}
            self.answer("dynamodb", "describe_continuous_backups", {"ContinuousBackupsDescription": described}, TableName="restored")
        return self.check(account.restored_table_line, dev("RestoredTable = 'restored'"))

    def test_restored_table_must_have_what_that_of_the_stack_has(self):
        ttl = {"TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"}
        self.says(self.restored(ttl=ttl, recovery="ENABLED"), "ok", "restored")
        self.says(self.restored(ttl={**ttl, "TimeToLiveStatus": "ENABLING"}, recovery="ENABLED"), "ok")
        self.says(self.restored(status="UPDATING", indexes_are="UPDATING", ttl=ttl, recovery="ENABLED"), "ok")
        self.says(self.restored(status="CREATING"), "missing", "CREATING", "wait until it is ACTIVE")
        self.says(self.restored(["due"]), "missing", "the indexes gallery, find")
        command = "aws dynamodb update-time-to-live --table-name restored --time-to-live-specification Enabled=true,AttributeName=ttl"
        command += " --region eu-central-1"
        self.says(self.restored(ttl={"TimeToLiveStatus": "DISABLED"}), "missing", command)
        self.says(self.restored(ttl={**ttl, "AttributeName": "expires"}), "missing", command)
        command = "aws dynamodb update-continuous-backups --table-name restored"
        command += " --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true"
        self.says(self.restored(ttl=ttl, recovery="DISABLED"), "missing", f"{command} --region eu-central-1")
        self.refuse("dynamodb", "describe_table", "ResourceNotFoundException", TableName="restored")
        line = self.check(account.restored_table_line, dev("RestoredTable = 'restored'"))
        self.says(line, "missing", "there is no table restored in eu-central-1")

    def test_restored_table_is_asked_for_the_indexes_and_the_attribute_of_that_of_the_stack(self):
        table = parsed(ROOT / "template.yaml")["Resources"]["Table"]["Properties"]
        self.assertEqual({index["IndexName"] for index in table["GlobalSecondaryIndexes"]}, set(account.INDEXES))
        self.assertEqual(table["TimeToLiveSpecification"], {"AttributeName": "ttl", "Enabled": True})
        self.assertEqual(table["PointInTimeRecoverySpecification"], {"PointInTimeRecoveryEnabled": True})

    def test_restored_table_is_looked_at_if_the_settings_name_one(self):
        self.triggers("dev")
        self.answer("lambda", "get_account_settings", limits(1000))
        self.answer("sesv2", "get_account", {"SendingEnabled": True})
        self.refuse("dynamodb", "describe_table", "ResourceNotFoundException")
        given = [{"ParameterKey": "RestoredTable", "ParameterValue": "restored"}]
        lines = account.look(self, read(dev("RestoredTable = 'restored'")), ACCOUNT, {"StackStatus": "UPDATE_COMPLETE", "Parameters": given})
        self.says(lines[-1], "missing", "there is no table restored")

    def test_bucket_of_an_earlier_stack_stops_the_deployment(self):
        name = "darkroom-dev-123456789012-eu-central-1"
        self.refuse("s3", "head_bucket", "404", Bucket=name)
        self.says(self.check(account.bucket_line, dev()), "ok", name)
        self.answer("s3", "head_bucket", {})
        self.says(self.check(account.bucket_line, dev()), "missing", f"delete-bucket --bucket {name}")
        self.refuse("s3", "head_bucket", "403")
        self.says(self.check(account.bucket_line, dev()), "missing")

    def test_what_may_not_be_read_is_said_and_stops_nothing(self):
        self.refuse("lambda", "get_account_settings", "AccessDeniedException", "not authorized to perform: lambda:GetAccountSettings")
        self.says(self.check(account.concurrency_line, dev()), "limit", "GetAccountSettings is not permitted", "lambda:GetAccountSettings")

    def test_each_stage_is_asked_about_what_it_has(self):
        self.triggers("dev", "Enabled", "Enabled", "Enabled", "Disabled")
        self.answer("lambda", "get_account_settings", limits(1000))
        self.answer("sesv2", "get_account", {"SendingEnabled": True})
        stack = {"StackStatus": "UPDATE_COMPLETE"}
        lines = account.look(self, read(dev()), ACCOUNT, stack)
        self.assertEqual([line.state for line in lines], ["ok", "limit", "ok", "limit"])
        self.assertIn("darkroom-dev exists: UPDATE_COMPLETE", str(lines[0]))
        self.refuse("s3", "head_bucket", "404")
        self.answer("lambda", "get_account_settings", limits(1000))
        self.answer("sesv2", "get_account", {"SendingEnabled": True, "ProductionAccessEnabled": True, "SendQuota": {"Max24HourSend": 1.0}})
        self.answer("sesv2", "get_email_identity", {"VerifiedForSendingStatus": True}, EmailIdentity="example.com")
        self.refuse("sesv2", "get_email_identity", "NotFoundException", EmailIdentity="hello@example.com")
        listed = {"Marker": "", "MaxItems": 1, "IsTruncated": False, "Quantity": 2}
        self.answer("cloudfront", "list_distributions", {"DistributionList": listed})
        found = {"CertificateArn": ARN, "DomainName": "darkroom.example.com", "Status": "ISSUED"}
        self.answer("acm", "describe_certificate", {"Certificate": found})
        lines = account.look(self, read(prod(MAIL + DOMAIN), "prod"), ACCOUNT, None)
        self.assertEqual([line.state for line in lines], ["ok"] * 8)
