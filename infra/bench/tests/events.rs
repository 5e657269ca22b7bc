//! Every event in `events/`, handed to the binary of its function: what comes of it, and which calls to AWS that takes.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;
use bench::build;
use bench::events::{EVENTS, Event, Outcome};
use bench::function::Function;
use domain::catalogue::models::MediaKind;
use fake_aws::aws::Aws;
use fake_aws::tls::Tls;
use fake_aws::{current, seed};
use runtime::clock;
use serde_json::{Value, json};

/// What is not as it is written. The event comes twice, since the first time a process may fetch what it then keeps.
async fn differences(event: &Event, binaries: &Path) -> Result<Vec<String>> {
    let kind = if event.function() == "generate-video" { MediaKind::Video } else { MediaKind::Image };
    let aws = seed::aws(kind).await?;
    let mut function = Function::start(&binaries.join(event.function()), &aws).await?;
    let input = current(&std::fs::read(stack::workspace().join(event.path))?, clock::now())?;
    function.invoke(input.clone()).await?;
    aws.take_calls().await;
    let answer = function.invoke(input).await?;
    let body: Value = serde_json::from_slice(&answer.body)?;
    let calls = aws.take_calls().await;

    let as_written = match event.outcome {
        Outcome::Http(status) => body.get("statusCode") == Some(&json!(status)),
        Outcome::Batch(failed) => {
            let expected: Vec<_> = failed.iter().map(|id| json!({ "itemIdentifier": id })).collect();
            body.get("batchItemFailures") == Some(&json!(expected))
        }
        Outcome::Done => true,
    };
    let answered = (!as_written).then(|| format!("{} is answered with {body}", event.path));
    // Two calls at the same time arrive in any order.
    let called = (sorted(&calls) != sorted(event.calls)).then(|| format!("{} calls {calls:?}", event.path));
    Ok(answered.into_iter().chain(called).collect())
}

fn sorted<T: AsRef<str>>(calls: &[T]) -> Vec<&str> {
    let mut calls: Vec<_> = calls.iter().map(AsRef::as_ref).collect();
    calls.sort_unstable();
    calls
}

#[tokio::test]
async fn each_event_comes_to_what_is_written_and_costs_the_calls_that_are_written() {
    let binaries = build("dev").unwrap();
    let mut found = Vec::new();
    for event in EVENTS {
        found.extend(differences(event, &binaries).await.unwrap());
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[tokio::test]
async fn over_tls_a_function_trusts_the_roots_that_it_is_told_of_and_calls_the_same_services() {
    let binaries = build("dev").unwrap();
    let tls = Tls::new(&binaries).unwrap();
    let input = std::fs::read(stack::workspace().join("events/submit/create.json")).unwrap();
    let submit = async |aws: Aws| {
        let mut function = Function::start(&binaries.join("submit"), &aws).await.unwrap();
        let answer = function.invoke(input.clone().into()).await.unwrap();
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(body["statusCode"], json!(202), "{body}");
        aws.services().await
    };
    let services = submit(seed::aws(MediaKind::Image).await.unwrap()).await;
    let table = "DynamoDB_20120810";
    // It connects to DynamoDB and SQS while it starts.
    assert_eq!(
        sorted(&services),
        ["AmazonSQS", "AmazonSQS", table, table, table, table, table, table, "secretsmanager"]
    );
    let aws = seed::aws(MediaKind::Image).await.unwrap().over_tls(&tls, &services).await.unwrap();
    assert_eq!(sorted(&submit(aws).await), sorted(&services));
}

#[test]
fn each_file_is_an_event_and_each_event_has_its_file() {
    let mut files = BTreeSet::new();
    for folder in std::fs::read_dir(stack::workspace().join("events")).unwrap() {
        let folder = folder.unwrap();
        for file in std::fs::read_dir(folder.path()).unwrap() {
            let [folder, file] =
                [folder.file_name(), file.unwrap().file_name()].map(|name| name.into_string().unwrap());
            files.insert(format!("events/{folder}/{file}"));
        }
    }
    assert_eq!(files, EVENTS.iter().map(|event| event.path.to_owned()).collect());
}
