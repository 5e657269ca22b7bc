//! Least privilege: the role of each function in the template allows exactly the calls that the function made.
//!
//! The local AWS evaluates the policies of the role for every call, and records each decision. A missing permission is
//! a denied call. An unneeded permission is one without a call, which only a run of the whole suite shows.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use libtest_mimic::{Failed, Trial};
use serde_json::Value;

use crate::{
    env::{
        http::text,
        test_env::{MAIL_IDENTITY, TestEnv, is_kept},
    },
    template::deployed,
};

/// Permissions without a recorded call, and the reason.
const UNSEEN: [(&str, &str); 7] = [
    ("logs:CreateLogStream", "the service writes the logs in the role's name"),
    ("logs:PutLogEvents", "the service writes the logs in the role's name"),
    ("sqs:ReceiveMessage", "the service polls the queue in the role's name"),
    ("sqs:DeleteMessage", "the service polls the queue in the role's name"),
    ("sqs:GetQueueAttributes", "the service polls the queue in the role's name"),
    (
        "s3:DeleteObjectVersion",
        "the local AWS asks for it for the second version of a request on, AWS for the first as well",
    ),
    ("s3:ListBucket", "a role that does not list needs it as well: S3 then responds 404, not 403, for a missing key"),
];

/// The only wildcards: the files of all accounts, and their generated files.
const PEOPLES_FILES: [&str; 2] = ["/accounts/*\"", "/accounts/*/generations/*\""];

/// Lists the checks of the recorded calls. `whole` states that no test was left out.
pub fn trials(envs: &[&'static TestEnv], whole: bool) -> Vec<Trial> {
    let mut trials = vec![
        check_trial(envs, "no_function_call_is_denied", nothing_is_denied),
        check_trial(envs, "every_function_has_its_own_role_without_wildcards", roles_are_narrow),
    ];
    if whole {
        trials.push(check_trial(envs, "every_permission_is_used", every_permission_is_used));
    }
    trials
}

fn check_trial(envs: &[&'static TestEnv], name: &str, check: fn(&Seen) -> Result<()>) -> Trial {
    let envs = envs.to_vec();
    Trial::test(format!("privileges::{name}"), move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let checked = runtime.block_on(Seen::by(&envs)).and_then(|seen| check(&seen));
        checked.map_err(|error| Failed::from(format!("{error:#}")))
    })
}

/// A call of a function, with the decision of the local AWS.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Call {
    role: String,
    action: String,
    resource: String,
    allowed: bool,
}

/// The template and the recorded calls.
struct Seen {
    template: Value,
    calls: BTreeSet<Call>,
}

/// A permission of a role. The resource is written as in the template.
struct Permission<'a> {
    role: &'a str,
    action: &'a str,
    resource: &'a Value,
}

impl Seen {
    async fn by(envs: &[&'static TestEnv]) -> Result<Self> {
        let mut calls = BTreeSet::new();
        for env in envs {
            for line in std::fs::read_to_string(&env.calls)?.lines() {
                let call: Value = serde_json::from_str(line)?;
                calls.insert(Call {
                    role: logical_id(&text(&call, "role")?)?.to_owned(),
                    action: text(&call, "action")?,
                    resource: text(&call, "resource")?,
                    allowed: call["allowed"] == true,
                });
            }
        }
        // One test on a stack that is kept need not call anything.
        ensure!(!calls.is_empty() || is_kept(), "no call was recorded");
        let env = envs.first().context("no stack is running")?;
        Ok(Self { template: deployed(env, "Table").await?, calls })
    }

    fn declared(&self, kind: &str) -> impl Iterator<Item = (&str, &Value)> {
        let resources = self.template["Resources"].as_object().into_iter().flatten();
        resources
            .filter(move |(_, resource)| resource["Type"] == kind)
            .map(|(id, resource)| (id.as_str(), &resource["Properties"]))
    }

    fn permissions(&self) -> Result<Vec<Permission<'_>>> {
        let mut permissions = Vec::new();
        for (role, properties) in self.declared("AWS::IAM::Role") {
            for policy in properties["Policies"].as_array().into_iter().flatten() {
                for statement in policy["PolicyDocument"]["Statement"].as_array().context("no statements")? {
                    let statement = chosen(statement);
                    if statement["Ref"] == "AWS::NoValue" {
                        continue;
                    }
                    ensure!(statement["Effect"] == "Allow", "{role}: {statement}");
                    for action in many(&statement["Action"]) {
                        let action = action.as_str().context("an action is a text")?;
                        let resources = many(&statement["Resource"]).iter();
                        permissions.extend(resources.map(|resource| Permission { role, action, resource }));
                    }
                }
            }
        }
        Ok(permissions)
    }
}

/// Returns a list, or a single value as a list.
fn many(value: &Value) -> &[Value] {
    value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice)
}

/// Returns what counts in `dev` with the table of the stack: all conditions of permissions are false there.
fn chosen(value: &Value) -> &Value {
    value["Fn::If"].as_array().map_or(value, |of| &of[2])
}

/// Returns `Table` for the deployed name `darkroom-Table-0A1B2C`.
fn logical_id(deployed: &str) -> Result<&str> {
    deployed.split('-').nth(1).with_context(|| format!("{deployed} is not a name that the deployment gave"))
}

impl Permission<'_> {
    fn covers(&self, call: &Call) -> Result<bool> {
        Ok(self.role == call.role && self.action == call.action && covers(self.resource, &call.resource)?)
    }
}

/// Returns whether the template's resource covers this ARN.
fn covers(declared: &Value, arn: &str) -> Result<bool> {
    let declared = chosen(declared);
    if let Some(of) = declared["Fn::GetAtt"].as_array() {
        return Ok(is_resource(of[0].as_str().context("a text")?, arn, ""));
    }
    let pattern = declared["Fn::Sub"].as_str().with_context(|| format!("{declared} is not understood"))?;
    if let Some((id, path)) = pattern.strip_prefix("${").and_then(|rest| rest.split_once(".Arn}")) {
        return Ok(is_resource(id, arn, path));
    }
    let pattern = pattern.replace("${Stage}", "dev").replace("${MailIdentity}", MAIL_IDENTITY);
    let pattern = [("Partition", "aws"), ("AccountId", "000000000000"), ("Region", "us-east-1")]
        .iter()
        .fold(pattern, |pattern, (name, value)| pattern.replace(&format!("${{AWS::{name}}}"), value));
    Ok(match pattern.split_once('*') {
        // A second wildcard is at the end.
        Some((start, rest)) => arn.strip_prefix(start).is_some_and(|named| named.contains(rest.trim_end_matches('*'))),
        None => arn == pattern,
    })
}

/// Returns whether this is the ARN of the resource with this logical id and path. The ids of the user pool and of the signing key
/// are the only ones that AWS chooses alone.
fn is_resource(id: &str, arn: &str, path: &str) -> bool {
    if id == "SigningKey" {
        return arn.contains(":kms:") && arn.contains(":key/");
    }
    if id == "UserPool" {
        return arn.contains(":userpool/");
    }
    let name = arn.strip_suffix(path).and_then(|arn| arn.rsplit([':', '/']).next());
    name.is_some_and(|name| name.starts_with("darkroom-") && name.split('-').nth(1) == Some(id))
}

fn nothing_is_denied(seen: &Seen) -> Result<()> {
    let denied: Vec<_> = seen.calls.iter().filter(|call| !call.allowed).collect();
    ensure!(denied.is_empty(), "{denied:#?}");
    Ok(())
}

fn roles_are_narrow(seen: &Seen) -> Result<()> {
    let functions: Vec<_> = seen.declared("AWS::Serverless::Function").collect();
    ensure!(!functions.is_empty() && functions.len() == seen.declared("AWS::IAM::Role").count());
    for (function, properties) in functions {
        let role = &properties["Role"]["Fn::GetAtt"][0];
        ensure!(*role == format!("{function}Role"), "{function} has {role}");
        ensure!(properties["Policies"].is_null(), "{function} has permissions beside its role's");
    }
    for (role, properties) in seen.declared("AWS::IAM::Role") {
        ensure!(properties["ManagedPolicyArns"].is_null(), "{role} has a managed policy");
    }
    for Permission { role, action, resource } in seen.permissions()? {
        ensure!(!action.contains('*'), "{role}: {action}");
        let resource = resource.to_string();
        let narrow = PEOPLES_FILES.iter().fold(resource.clone(), |rest, files| rest.replace(files, ""));
        ensure!(!narrow.contains('*'), "{role}: {action} on {resource}");
    }
    Ok(())
}

fn every_permission_is_used(seen: &Seen) -> Result<()> {
    let mut unused = Vec::new();
    for permission in seen.permissions()? {
        let Permission { role, action, resource } = permission;
        let mut used = false;
        for call in &seen.calls {
            used |= permission.covers(call)?;
        }
        if !used && !UNSEEN.iter().any(|(unseen, _)| *unseen == action) {
            unused.push(format!("{role}: {action} on {resource}"));
        }
    }
    ensure!(unused.is_empty(), "allowed, and never used: {unused:#?}");
    Ok(())
}
