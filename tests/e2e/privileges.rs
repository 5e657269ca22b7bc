//! Least privilege, shown: what each function's role allows in the template is what the function was seen to do, no less
//! and no more.
//!
//! The local AWS decides about every call of a role by its policies, and writes each decision down. A permission that is
//! missing is a call that was denied. One that nobody needs is a permission without a call, which only a run of the whole
//! suite can tell.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};
use libtest_mimic::{Failed, Trial};
use serde_json::Value;

use crate::world::{MAIL_IDENTITY, TestEnv, text};

/// What is allowed and never seen, and why that is so.
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
    ("s3:ListBucket", "who does not list has it all the same: with it S3 answers 404, not 403, for what is not there"),
];
/// The only wildcards: everything that people have, and of that what was made.
const PEOPLES_FILES: [&str; 2] = ["/accounts/*\"", "/accounts/*/generations/*\""];
/// The bucket of the deployment, which holds the templates as they were deployed.
const DEPLOYMENTS: &str = "darkroom-deployments";

/// The looks at what these stacks wrote down. `whole` says that no test was left out.
pub fn trials(worlds: &[&'static TestEnv], whole: bool) -> Vec<Trial> {
    let mut trials = vec![
        look(worlds, "nothing_that_a_function_asks_for_is_denied", nothing_is_denied),
        look(worlds, "every_function_has_a_role_of_its_own_without_wildcards", roles_are_narrow),
    ];
    if whole {
        trials.push(look(worlds, "every_permission_is_used", every_permission_is_used));
    }
    trials
}

fn look(worlds: &[&'static TestEnv], name: &str, check: fn(&Seen) -> Result<()>) -> Trial {
    let worlds = worlds.to_vec();
    Trial::test(format!("privileges::{name}"), move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let checked = runtime.block_on(Seen::by(&worlds)).and_then(|seen| check(&seen));
        checked.map_err(|error| Failed::from(format!("{error:#}")))
    })
}

/// The template that declares this resource, as JSON, as it was deployed.
pub async fn template(world: &TestEnv, resource: &str) -> Result<Value> {
    let clients = world.clients()?;
    let listed = clients.s3().list_objects_v2().bucket(DEPLOYMENTS).prefix("templates/").send().await?;
    for object in listed.contents() {
        let key = object.key().context("an object without a key")?;
        let object = clients.s3().get_object().bucket(DEPLOYMENTS).key(key).send().await?;
        let template: Value = serde_json::from_slice(&object.body.collect().await?.to_vec())?;
        if template["Resources"].get(resource).is_some() {
            return Ok(template);
        }
    }
    bail!("no deployed template declares {resource}")
}

/// A call of a function, as the local AWS decided about it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Call {
    role: String,
    action: String,
    resource: String,
    allowed: bool,
}

/// What is declared, and what was seen.
struct Seen {
    template: Value,
    calls: BTreeSet<Call>,
}

/// What a role may do. The resource is as the template has it.
struct Permission<'a> {
    role: &'a str,
    action: &'a str,
    resource: &'a Value,
}

impl Seen {
    async fn by(worlds: &[&'static TestEnv]) -> Result<Self> {
        let mut calls = BTreeSet::new();
        for world in worlds {
            for line in std::fs::read_to_string(&world.calls)?.lines() {
                let call: Value = serde_json::from_str(line)?;
                calls.insert(Call {
                    role: logical_id(&text(&call, "role")?)?.to_owned(),
                    action: text(&call, "action")?,
                    resource: text(&call, "resource")?,
                    allowed: call["allowed"] == true,
                });
            }
        }
        ensure!(!calls.is_empty(), "nothing was written down: nothing was looked at");
        let world = worlds.first().context("there is no stack")?;
        Ok(Self { template: template(world, "Table").await?, calls })
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

/// One, or a list of them.
fn many(value: &Value) -> &[Value] {
    value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice)
}

/// `Table`, of the deployed name `darkroom-Table-0A1B2C`.
fn logical_id(deployed: &str) -> Result<&str> {
    deployed.split('-').nth(1).with_context(|| format!("{deployed} is not a name that the deployment gave"))
}

impl Permission<'_> {
    fn covers(&self, call: &Call) -> Result<bool> {
        Ok(self.role == call.role && self.action == call.action && covers(self.resource, &call.resource)?)
    }
}

/// Whether what the template names is this resource.
fn covers(declared: &Value, arn: &str) -> Result<bool> {
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
        // The second one, if there is one, stands at the end.
        Some((start, rest)) => arn.strip_prefix(start).is_some_and(|named| named.contains(rest.trim_end_matches('*'))),
        None => arn == pattern,
    })
}

/// Whether this is the ARN of the resource with this logical id, and then this path. The pool of the users is the only one
/// whose id the service chooses alone.
fn is_resource(id: &str, arn: &str, path: &str) -> bool {
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
        ensure!(properties["ManagedPolicyArns"].is_null(), "{role} has the permissions that somebody else decides on");
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
