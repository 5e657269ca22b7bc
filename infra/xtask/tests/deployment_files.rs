//! The files that decide what is built and deployed, read as SAM and cargo read them.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use serde_json::Value as Yaml;
use toml::{Table, Value};

fn read(file: &str) -> Table {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
    fs::read_to_string(&path).unwrap().parse().unwrap()
}

/// The value of a template parameter in the `parameter_overrides` of a command, as `sam build` and `sam deploy` read them.
fn parameter(stage: &Table, command: &str, name: &str) -> Option<String> {
    let overrides = stage[command]["parameters"].get("parameter_overrides")?.as_array()?;
    let pairs = overrides.iter().filter_map(Value::as_str).filter_map(|pair| pair.split_once('='));
    pairs.filter(|(key, _)| *key == name).map(|(_, value)| value.to_owned()).next()
}

/// `sam build` resolves `Architecture` by its own parameters, not by those of `sam deploy`.
#[test]
fn each_stage_builds_for_the_architecture_that_it_deploys() {
    let file = read("samconfig.toml");
    for (stage, architecture) in [("dev", "x86_64"), ("prod", "arm64")] {
        let stage = file[stage].as_table().unwrap();
        for command in ["build", "deploy"] {
            assert_eq!(parameter(stage, command, "Architecture").as_deref(), Some(architecture), "{command}");
        }
    }
}

/// A rule of the template stops a deployment before anything is changed.
#[test]
fn template_refuses_every_test_setting_in_prod() {
    let template = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml")).unwrap();
    let (parameters, rest) = template.split_once("\nRules:\n").unwrap();
    let rule = rest.split_once("NoTestSettingsInProd:\n").unwrap().1.split("\n\n").next().unwrap();
    assert!(rule.contains("RuleCondition: !Equals [!Ref Stage, prod]"), "{rule}");
    let mut tested = Vec::new();
    let mut name = "";
    for line in parameters.lines() {
        name = line
            .strip_prefix("  ")
            .filter(|line| !line.starts_with(' '))
            .and_then(|line| line.split(':').next())
            .unwrap_or(name);
        if line.contains("'For tests:") {
            tested.push(name);
        }
    }
    assert_eq!(tested, ["PaymentEndpoints", "ProviderEndpoints", "SketchMarks"]);
    for name in tested {
        assert!(rule.contains(&format!("!Equals [!Ref {name},")), "{name} is not refused in prod");
    }
}

/// SAM's cache keys on the folder of a function, so a change in `shared/` or `Cargo.toml` would deploy old code.
#[test]
fn no_stage_builds_from_the_cache() {
    let file = read("samconfig.toml");
    for stage in ["dev", "prod"] {
        assert_eq!(file[stage]["build"]["parameters"]["cached"], Value::Boolean(false), "{stage}");
    }
}

/// SAM writes the binaries of all functions into the folder of the template.
#[test]
fn what_sam_builds_is_not_committed() {
    assert!(lines(".gitignore", "").contains(&"/.aws-sam".to_owned()));
}

/// A person who has the id of the client, which is in every access token, must not be able to act at the user pool, so the client has
/// a secret, and tokens have no scope.
#[test]
fn user_pool_and_its_client_trust_no_browser() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml");
    let template = fs::read_to_string(path).unwrap();
    let resource = |name: &str| {
        let (_, rest) = template.split_once(&format!("\n  {name}:\n")).unwrap();
        let end = rest.match_indices("\n  ").map(|(at, _)| at).find(|at| !rest[at + 3..].starts_with(' '));
        rest[..end.unwrap()].to_owned()
    };
    let (pool, client) = (resource("UserPool"), resource("UserPoolClient"));
    for (resource, property) in [
        (&client, "GenerateSecret: true"),
        (&client, "ExplicitAuthFlows: [ALLOW_USER_PASSWORD_AUTH]"),
        (&client, "WriteAttributes: [email]"),
        (&client, "PreventUserExistenceErrors: ENABLED"),
        (&client, "EnableTokenRevocation: true"),
        // Lite has no version 2 of the trigger.
        (&pool, "UserPoolTier: ESSENTIALS"),
        (&pool, "UserAttributeUpdateSettings: { AttributesRequireVerificationBeforeUpdate: [email] }"),
        (&pool, "PreTokenGenerationConfig: { LambdaArn: !GetAtt UserPoolTrigger.Arn, LambdaVersion: V2_0 }"),
    ] {
        assert!(resource.lines().any(|line| line.trim() == property), "{property}");
    }
}

/// Cargo Lambda sets `panic = "abort"` unless the profile names it, and the handlers catch panics.
#[test]
fn a_panic_unwinds_in_what_is_deployed() {
    assert_eq!(read("Cargo.toml")["profile"]["release"]["panic"].as_str(), Some("unwind"));
}

/// Returns the lines of a file that are about this, without the spaces around them.
fn lines(file: &str, about: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
    let text = fs::read_to_string(path).unwrap();
    text.lines().filter(|line| line.contains(about)).map(|line| line.trim().to_owned()).collect()
}

/// Both stages may be in one AWS account.
#[test]
fn alarms_watch_their_own_stage() {
    let namespaces = lines("infra/monitoring.yaml", " Namespace: ");
    assert!(namespaces.len() > 30);
    for namespace in namespaces {
        let known = [r#"Namespace: !Sub "Darkroom/${Stage}""#, r#"Namespace: !Sub "DarkroomApi/${Stage}""#];
        assert!(known.contains(&namespace.as_str()) || namespace.starts_with("Namespace: AWS/"), "{namespace}");
    }
    assert!(lines("infra/monitoring.yaml", "{Darkroom,").is_empty());
    assert!(lines("infra/monitoring.yaml", r#"["Darkroom","#).is_empty());
}

/// What AWS measures itself, with the dimensions that it does so by. An alarm about anything else is never raised.
///
/// Sources: [SQS](https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html),
/// [API Gateway](https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html),
/// [Lambda](https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html),
/// [SES](https://docs.aws.amazon.com/ses/latest/dg/reputationdashboard-cloudwatch-alarm.html),
/// [ACM](https://docs.aws.amazon.com/acm/latest/userguide/cloudwatch-metrics.html),
/// [DynamoDB](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html).
const METRICS_OF_AWS: &[(&str, &str, &[&[&str]])] = &[
    ("AWS/SQS", "NumberOfMessagesReceived", &[&["QueueName"]]),
    ("AWS/SQS", "ApproximateAgeOfOldestMessage", &[&["QueueName"]]),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible", &[&["QueueName"]]),
    ("AWS/ApiGateway", "5xx", &[&["ApiId"], &["ApiId", "Stage"]]),
    ("AWS/Lambda", "Throttles", &[&[], &["FunctionName"]]),
    ("AWS/Lambda", "Invocations", &[&[], &["FunctionName"]]),
    ("AWS/Lambda", "Errors", &[&[], &["FunctionName"]]),
    ("AWS/SES", "Reputation.BounceRate", &[&[]]),
    ("AWS/SES", "Reputation.ComplaintRate", &[&[]]),
    ("AWS/DynamoDB", "ReadThrottleEvents", &[&["TableName"], &["TableName", "GlobalSecondaryIndexName"]]),
    ("AWS/DynamoDB", "WriteThrottleEvents", &[&["TableName"], &["TableName", "GlobalSecondaryIndexName"]]),
];

#[test]
fn alarms_are_about_metrics_and_dimensions_that_aws_documents() {
    let mut checked = 0;
    for (name, alarm) in resources(&template("infra/monitoring.yaml"), "AWS::CloudWatch::Alarm") {
        let properties = &alarm["Properties"];
        let namespace = properties["Namespace"].as_str().unwrap();
        if !namespace.starts_with("AWS/") {
            continue;
        }
        let metric = properties["MetricName"].as_str().unwrap();
        let documented = METRICS_OF_AWS.iter().find(|known| (known.0, known.1) == (namespace, metric));
        let (_, _, possible) = documented.unwrap_or_else(|| panic!("{name}: {namespace} has no metric {metric}"));
        let dimensions = properties["Dimensions"].as_array().into_iter().flatten();
        let dimensions: Vec<_> = dimensions.map(|dimension| dimension["Name"].as_str().unwrap()).collect();
        assert!(possible.contains(&dimensions.as_slice()), "{name}: {metric} by {dimensions:?}");
        checked += 1;
    }
    assert!(checked > 20, "{checked} alarms");
}

/// A line that is no JSON cannot be searched. The string variants of variables bring their own quotes, and `-` has none.
#[test]
fn line_of_the_access_log_is_json() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml");
    let template = fs::read_to_string(path).unwrap();
    let format = template.split_once("Format: >-\n").unwrap().1.split("\n\n").next().unwrap();
    let members: Vec<_> = format.trim().trim_matches(['{', '}']).split(',').map(str::trim).collect();
    assert!(members.len() > 5);
    for member in members {
        let (name, value) = member.split_once(':').unwrap();
        assert!(name.starts_with('"') && value.starts_with(r#""$context."#) && value.ends_with('"'), "{member}");
        assert!(!value.contains("messageString"), "{member}");
    }
}

/// The time and the memory of an invocation are in its REPORT line, of the level INFO.
#[test]
fn report_lines_are_logged() {
    assert!(lines("template.yaml", "SystemLogLevel").iter().all(|line| line.contains("SystemLogLevel: INFO")));
}

/// An event of the sweep is stale after a minute, and S3 answers 403 for a missing object to a role that may not list.
#[test]
fn sweep_drops_old_events_and_workers_may_learn_that_an_input_is_missing() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml");
    let template = fs::read_to_string(path).unwrap();
    let section = |from: &str, to: &str| {
        let (_, rest) = template.split_once(&format!("\n  {from}:\n")).unwrap();
        rest.split_once(&format!("\n  {to}:\n")).unwrap().0.to_owned()
    };
    assert!(section("Sweep", "SweepRole").contains("MaximumEventAgeInSeconds: 60"));
    for worker in ["GenerateImage", "GenerateVideo"] {
        assert!(
            section(&format!("{worker}Role"), &format!("{worker}Logs")).contains("Action: [s3:ListBucket],"),
            "{worker}"
        );
    }
}

/// A first deployment that fails must roll back, and a new AWS account runs ten functions at once.
#[test]
fn defaults_fit_the_first_deployment_to_a_new_account() {
    let protected = lines("template.yaml", "DeletionProtection");
    assert_eq!(protected.len(), 3);
    assert!(protected.iter().all(|line| line.contains("!If [IsProtected, ")), "{protected:?}");
    let concurrency: u32 = ["ImageConcurrency: {", "VideoConcurrency: {", "FinishConcurrency: {"]
        .iter()
        .map(|name| {
            let line = &lines("template.yaml", name)[0];
            line.split_once("Default: ").unwrap().1.split(',').next().unwrap().parse::<u32>().unwrap()
        })
        .sum();
    assert!(concurrency <= 7, "{concurrency}");
}

/// What is sealed with the application key cannot be read without it, and the operator has typed the others in.
#[test]
fn secrets_outlive_the_stack_and_a_restored_table_replaces_the_table() {
    let template = lines("template.yaml", "").join("\n");
    for secret in ["AppKey", "ProviderKeys", "PaymentKeys", "SigningCertificate"] {
        let retained =
            "Type: AWS::SecretsManager::Secret\nDeletionPolicy: RetainExceptOnCreate\nUpdateReplacePolicy: Retain\n";
        assert!(template.contains(&format!("\n{secret}:\n{retained}")), "{secret}");
    }
    let key = "Type: AWS::KMS::Key\nDeletionPolicy: RetainExceptOnCreate\nUpdateReplacePolicy: Retain\n";
    assert!(template.contains(&format!("\nSigningKey:\n{key}")));
    // Stages, regions and accounts have buckets of their own.
    assert_eq!(
        lines("template.yaml", "BucketName: !Sub"),
        [r#"BucketName: !Sub "darkroom-${Stage}-${AWS::AccountId}-${AWS::Region}""#]
    );
    for about in ["TABLE: ", "TableName: ", "Table.Arn"] {
        let found = lines("template.yaml", about);
        assert!(!found.is_empty() && found.iter().all(|line| line.contains("!If [HasRestoredTable, ")), "{found:?}");
    }
}

/// Cognito's own mail ends after fifty a day.
#[test]
fn user_pool_sends_from_the_address_of_the_deployment() {
    let template = lines("template.yaml", "").join("\n");
    let expected =
        "EmailConfiguration: !If\n- HasMail\n- EmailSendingAccount: DEVELOPER\nFrom: !Ref MailFrom\nSourceArn: ";
    assert!(template.contains(expected));
}

/// Reads a template. The short forms of CloudFormation functions are YAML tags, of which only the arguments are left.
fn template(file: &str) -> Yaml {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
    serde_saphyr::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Returns the resources of this type, by their names.
fn resources(template: &Yaml, kind: &str) -> BTreeMap<String, Yaml> {
    let resources = template["Resources"].as_object().unwrap().iter();
    resources.filter(|(_, one)| one["Type"] == kind).map(|(name, one)| (name.clone(), one.clone())).collect()
}

/// A version that fails is taken back by itself, before most people met it. The web client changes at once, and last: its files
/// name each other, and it needs the API of its own version.
#[test]
fn functions_of_the_api_change_gradually_and_the_web_client_last() {
    let alarms = resources(&template("infra/monitoring.yaml"), "AWS::CloudWatch::Alarm");
    let names: BTreeSet<_> = alarms.values().filter_map(|alarm| alarm["Properties"]["AlarmName"].as_str()).collect();
    let functions = resources(&template("template.yaml"), "AWS::Serverless::Function");
    let mut aliases = BTreeSet::new();
    for (name, function) in &functions {
        let properties = &function["Properties"];
        let events = properties["Events"].as_object();
        let is_of_api = name != "Site" && events.into_iter().flatten().any(|(_, event)| event["Type"] == "HttpApi");
        if !is_of_api {
            assert!(properties["AutoPublishAlias"].is_null() && properties["DeploymentPreference"].is_null(), "{name}");
            continue;
        }
        assert_eq!(properties["AutoPublishAlias"], "live", "{name}");
        let preference = &properties["DeploymentPreference"];
        assert_eq!(preference["Enabled"], "GradualShift", "{name}");
        assert_eq!(preference["Type"], "Canary10Percent5Minutes", "{name}");
        let watched = preference["Alarms"].as_array().unwrap();
        assert!(!watched.is_empty(), "{name}");
        for alarm in watched {
            assert!(names.contains(alarm.as_str().unwrap()), "{name} names {alarm}, which does not exist");
        }
        aliases.insert(format!("{name}Aliaslive"));
    }
    assert!(aliases.len() > 10);
    let before_site = functions["Site"]["DependsOn"].as_array().unwrap();
    assert_eq!(before_site.iter().map(|name| name.as_str().unwrap().to_owned()).collect::<BTreeSet<_>>(), aliases);
    for (stage, gradual) in [("dev", None), ("prod", Some("true"))] {
        let file = read("samconfig.toml");
        assert_eq!(parameter(file[stage].as_table().unwrap(), "deploy", "GradualShift").as_deref(), gradual, "{stage}");
    }
}

/// Who gets the mail of an alarm finds out what to do.
#[test]
fn runbook_has_a_section_for_each_alarm_and_names_what_exists() {
    let (monitoring, template) = (template("infra/monitoring.yaml"), template("template.yaml"));
    let mut alarms: BTreeSet<String> = BTreeSet::new();
    for kind in ["AWS::CloudWatch::Alarm", "AWS::Budgets::Budget"] {
        alarms.extend([&monitoring, &template].into_iter().flat_map(|file| resources(file, kind).into_keys()));
    }
    let runbook = lines("docs/runbook.md", "").join("\n");
    let mut described = BTreeSet::new();
    for section in runbook.split("\n## ").skip(1) {
        let (title, text) = section.split_once('\n').unwrap();
        for alarm in title.split(", ") {
            assert!(described.insert(alarm.to_owned()), "{alarm} has two sections");
        }
        for part in ["**It means:** ", "**Look at:**", "**Do:** "] {
            assert_eq!(text.matches(part).count(), 1, "{title}: {part}");
        }
    }
    assert_eq!(described, alarms);

    let events = |name: &str, one: &Yaml| -> Vec<String> {
        let events = one["Properties"]["Events"].as_object().into_iter().flatten();
        events.map(|(event, _)| format!("{name}{event}")).collect()
    };
    let known: BTreeSet<String> = template["Resources"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(name, one)| [vec![name.clone()], events(name, one)].concat())
        .collect();
    let mut named = 0;
    for command in ["logs ", "$(id "] {
        for rest in runbook.split(command).skip(1) {
            let name = rest.split(|end: char| !end.is_alphanumeric()).next().unwrap();
            if name.starts_with(char::is_uppercase) {
                assert!(known.contains(name), "{command}{name}");
                named += 1;
            }
        }
    }
    assert!(named > 30, "{named}");
}

/// Floods reach neither the user pool nor the API, if the operator asks for that.
#[test]
fn web_acls_stand_before_the_user_pool_and_the_distributions_if_asked_for() {
    let template = template("template.yaml");
    let (acl, association) = (&template["Resources"]["PoolWebAcl"], &template["Resources"]["PoolWebAclAssociation"]);
    assert_eq!(
        (&acl["Condition"], &association["Condition"]),
        (&"HasUserPoolWebAcl".into(), &"HasUserPoolWebAcl".into())
    );
    let ends = &association["Properties"];
    assert_eq!((&ends["ResourceArn"], &ends["WebACLArn"]), (&"UserPool.Arn".into(), &"PoolWebAcl.Arn".into()));
    let rules = acl["Properties"]["Rules"].as_array().unwrap();
    assert!(rules.iter().any(|rule| rule["Statement"]["RateBasedStatement"]["AggregateKeyType"] == "IP"), "{rules:?}");
    let distributions = resources(&template, "AWS::CloudFront::Distribution");
    assert_eq!(distributions.len(), 2);
    for (name, distribution) in distributions {
        let acl = &distribution["Properties"]["DistributionConfig"]["WebACLId"];
        assert_eq!((&acl[0], &acl[1]), (&"HasSiteWebAcl".into(), &"SiteWebAclArn".into()), "{name}");
    }
}

/// Where the account has room, workers cannot stop the sweep, nor messages about payments.
#[test]
fn sweep_and_webhooks_may_have_concurrency_of_their_own() {
    let functions = resources(&template("template.yaml"), "AWS::Serverless::Function");
    let mut reserved = BTreeMap::new();
    for (name, function) in functions {
        if let Some(share) = function["Properties"]["ReservedConcurrentExecutions"].as_array() {
            reserved.insert(name, (share[0].as_str().unwrap().to_owned(), share[1].as_str().unwrap().to_owned()));
        }
    }
    let of = |condition: &str, parameter: &str| (condition.to_owned(), parameter.to_owned());
    let webhook = of("ReservesWebhooks", "WebhookReservedConcurrency");
    let expected = [
        ("PaypalIpn", webhook.clone()),
        ("PaypalWebhook", webhook.clone()),
        ("StripeWebhook", webhook),
        ("Sweep", of("ReservesSweep", "SweepReservedConcurrency")),
    ];
    assert_eq!(reserved, expected.map(|(name, share)| (name.to_owned(), share)).into());
}

/// A budget needs a person who hears of it.
#[test]
fn alarms_of_the_account_depend_on_what_they_need() {
    let template = template("template.yaml");
    assert_eq!(template["Rules"]["BudgetAndAlarmEmail"]["Assertions"].as_array().unwrap().len(), 1);
    let monitoring = self::template("infra/monitoring.yaml");
    assert_eq!(monitoring["Resources"]["Budget"]["Condition"], "HasBudget");
    assert_eq!(monitoring["Resources"]["CertificateAlarm"]["Condition"], "HasCertificate");
    let passed = template["Resources"]["Monitoring"]["Properties"]["Parameters"].as_object().unwrap();
    let wanted = monitoring["Parameters"].as_object().unwrap();
    assert_eq!(passed.keys().collect::<BTreeSet<_>>(), wanted.keys().collect::<BTreeSet<_>>());
}
