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
use futures_util::{StreamExt, TryStreamExt, stream};
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
    // A function is a process of its own, so a few at once take less time.
    let checks = stream::iter(EVENTS).map(|event| differences(event, &binaries)).buffer_unordered(4);
    let found: Vec<_> = checks.try_collect::<Vec<_>>().await.unwrap().concat();
    assert!(found.is_empty(), "{found:#?}");
}

#[tokio::test]
async fn over_tls_a_function_trusts_the_roots_that_it_is_told_of_and_calls_each_service_at_its_address() {
    let binaries = build("dev").unwrap();
    let tls = Tls::new(&binaries).unwrap();
    let called = async |function: &str, event: &str, aws: Aws| {
        let input = std::fs::read(stack::workspace().join(event)).unwrap();
        let mut function = Function::start(&binaries.join(function), &aws).await.unwrap();
        let answer = function.invoke(input.into()).await.unwrap();
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        assert!(body["statusCode"].as_u64().is_some_and(|status| status < 300), "{body}");
        aws.services().await
    };
    let (table, secrets, users) = ("DynamoDB_20120810", "secretsmanager", "AWSCognitoIdentityProviderService");
    // They connect to the services while they start.
    for (function, event, services) in [
        (
            "submit",
            "events/submit/create.json",
            ["AmazonSQS", "AmazonSQS", table, table, table, table, table, secrets].as_slice(),
        ),
        (
            "session",
            "events/session/sign-in.json",
            &[users, users, table, table, table, table, table, table, table, table, table, secrets, secrets],
        ),
    ] {
        let aws = seed::aws(MediaKind::Image).await.unwrap();
        assert_eq!(sorted(&called(function, event, aws).await), sorted(services));
        let aws = seed::aws(MediaKind::Image).await.unwrap().over_tls(&tls).await.unwrap();
        assert_eq!(sorted(&called(function, event, aws).await), sorted(services));
    }
}

/// A handshake costs two round trips and half a millisecond of the CPU.
#[tokio::test]
async fn first_request_opens_no_connection_where_people_wait() {
    let binaries = build("dev").unwrap();
    let tls = Tls::new(&binaries).unwrap();
    let mut opened = Vec::new();
    for event in [
        "events/session/sign-in.json",
        "events/account/read.json",
        "events/submit/create.json",
        "events/upload-presign/create.json",
        "events/gallery/list.json",
        "events/gallery/public.json",
        "events/visibility/publish.json",
    ] {
        let aws = seed::aws(MediaKind::Image).await.unwrap().over_tls(&tls).await.unwrap();
        let input = std::fs::read(stack::workspace().join(event)).unwrap();
        let function = event.split('/').nth(1).unwrap();
        let mut function = Function::start(&binaries.join(function), &aws).await.unwrap();
        let before = aws.connections();
        function.invoke(input.into()).await.unwrap();
        if aws.connections() > before {
            opened.push((event, aws.connections() - before));
        }
    }
    assert_eq!(opened, []);
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
