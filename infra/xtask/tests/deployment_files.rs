//! The files that decide what is built and deployed, read as SAM and cargo read them.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::{fs, path::Path};

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
