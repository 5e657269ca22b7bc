//! What becomes of an output that a played classifier blocks, passes, or does not answer for.

use std::sync::{Arc, Mutex};

use domain::{
    AccountId, GenerationId,
    accounts::account::Account,
    catalogue::models::MediaKind,
    generations::generation::{CHECKS, Failure, Generation, GenerationStatus},
    moderation::verdict::{Category, Stage},
};
use fake_aws::{
    aws::Aws,
    environment::environment,
    seed,
    time_stamps::{self, Behaviour},
};
use jiff::SignedDuration;
use runtime::{clock, config::Environment, sqs::Record};
use serde_json::json;
use store::GenerationMessage;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;

/// The generation of the events whose file was received.
const RECEIVED: &str = "0199c8a5-2a71-7b9f-a3e8-4d5f60718293";

struct World {
    aws: Aws,
    worker: Worker,
    account: AccountId,
    id: GenerationId,
    /// The requests to the classifier.
    asked: Arc<Mutex<Vec<String>>>,
}

/// A moderation endpoint that answers each request with this status and this score of sexual content.
async fn play(status: u16, score: f64) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    tokio::spawn(async move {
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            let (mut bytes, mut missing) = (Vec::new(), usize::MAX);
            while bytes.len() < missing {
                if connection.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                    break;
                }
                if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                    let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
                    let length = head.split("content-length: ").nth(1).unwrap().lines().next().unwrap().to_owned();
                    missing = end + 4 + length.parse::<usize>().unwrap();
                }
            }
            seen.lock().unwrap().push(String::from_utf8_lossy(&bytes).into_owned());
            let body =
                json!({"id": "m", "model": "m", "results": [{"category_scores": {"sexual": score}}]}).to_string();
            let head =
                format!("HTTP/1.1 {status} Played\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
            let _ = connection.write_all((head + &body).as_bytes()).await;
        }
    });
    (address, asked)
}

async fn world(status: u16, score: f64) -> World {
    let aws = seed::aws(MediaKind::Image).await.unwrap();
    let (address, asked) = play(status, score).await;
    World { asked, ..of(aws, "local,openai", &address) }
}

fn of(aws: Aws, moderation: &str, openai: &str) -> World {
    let mut variables = environment(&aws).unwrap();
    variables.push(("MODERATION", moderation.to_owned()));
    variables.push(("PROVIDER_ENDPOINTS", json!({"openai": openai}).to_string()));
    let environment: Environment = variables.into_iter().collect();
    let worker = Worker::new(&environment).unwrap();
    World { account: aws.account().parse().unwrap(), aws, worker, id: RECEIVED.parse().unwrap(), asked: Arc::default() }
}

impl World {
    async fn work(&self) -> (Account, Generation, Vec<String>) {
        self.work_for(SignedDuration::from_secs(100)).await
    }

    /// Handles the message in an invocation that ends after this time.
    async fn work_for(&self, time: SignedDuration) -> (Account, Generation, Vec<String>) {
        self.aws.take_calls().await;
        let body = GenerationMessage::new(self.account, self.id);
        let record = Record {
            message_id: "message".to_owned(),
            receipt_handle: "receipt".to_owned(),
            body,
            receive_count: 1,
            sent_at: clock::now(),
            queue_arn: "arn:aws:sqs:eu-west-1:123456789012:darkroom-finish".to_owned(),
            deadline: clock::now() + time,
        };
        self.worker.work(record).await.unwrap();
        let (account, generation) = self.worker.table.account_and_generation(self.account, self.id).await.unwrap();
        (account.unwrap(), generation.unwrap(), self.aws.take_calls().await)
    }
}

#[tokio::test]
async fn blocked_output_is_not_stored_and_not_charged_and_is_a_strike() {
    let world = world(200, 0.9).await;
    let before = world.worker.table.account(world.account).await.unwrap().unwrap();
    let (account, generation, calls) = world.work().await;
    let categories = [Category::SexualExplicit].into();
    assert_eq!(generation.failure, Some(Failure::Blocked { stage: Stage::Outputs, categories }));
    assert!(generation.outputs.is_empty() && generation.spent.0 == 0, "{generation:?}");
    assert_eq!(account.balance.available.0, before.balance.available.0 + generation.reserved.0);
    assert!(!calls.iter().any(|call| call == "PutObject"), "{calls:?}");
    assert!(!calls.iter().any(|call| call == "Sign"), "a blocked output costs a signature: {calls:?}");
    assert_eq!(account.strikes.count, 1);
    let [verdict] = generation.verdicts.as_slice() else { panic!("{generation:?}") };
    assert!(verdict.is_blocked() && verdict.classifier == "openai", "{verdict:?}");
}

#[tokio::test]
async fn output_that_passes_is_stored_with_the_verdict_and_only_its_bytes_were_sent() {
    let world = world(200, 0.1).await;
    let (account, generation, calls) = world.work().await;
    assert_eq!(generation.status, GenerationStatus::Succeeded);
    assert!(calls.iter().any(|call| call == "Sign"), "{calls:?}");
    assert!(calls.iter().any(|call| call == "PutObject"), "{calls:?}");
    assert!(account.strikes.is_unused());
    assert!(generation.verdicts.len() == 1 && !generation.verdicts[0].is_blocked(), "{generation:?}");
    let asked = world.asked.lock().unwrap().clone();
    assert!(asked.len() == 1 && asked[0].contains("data:image/png;base64,"), "{}", asked.len());
    for private in [generation.id.to_string(), generation.settings.prompt, account.id.to_string(), account.email] {
        assert!(!asked[0].contains(&private), "{private} was sent to the classifier");
    }
}

#[tokio::test]
async fn classifier_that_does_not_answer_is_asked_again_and_then_the_generation_fails_and_is_refunded() {
    let world = world(500, 0.0).await;
    let before = world.worker.table.account(world.account).await.unwrap().unwrap();
    for check in 1..CHECKS {
        let (_, generation, calls) = world.work().await;
        assert!(!generation.status.is_final() && generation.tries.checks == check, "{generation:?}");
        assert!(generation.received_files == 1, "the received file is kept for the next check");
        assert!(calls.iter().any(|call| call == "SendMessage") && !calls.iter().any(|call| call == "PutObject"));
        // The message is delayed: its time has come.
        let due = Generation { lease_until: None, version: generation.version + 1, ..generation };
        world.worker.table.commit(&[store::Write::Generation(&due)]).await.unwrap();
    }
    let (account, generation, calls) = world.work().await;
    assert_eq!(generation.failure, Some(Failure::Unchecked));
    assert_eq!(account.balance.available.0, before.balance.available.0 + generation.reserved.0);
    assert!(account.strikes.is_unused(), "a failure of a classifier is no strike");
    assert!(!calls.iter().any(|call| call == "PutObject"), "{calls:?}");
}

#[tokio::test]
async fn files_that_slow_checks_leave_no_time_for_are_checked_in_another_invocation() {
    let world = world(200, 0.1).await;
    let two = |generation: Generation| {
        let due = Generation { lease_until: None, version: generation.version + 1, ..generation };
        Generation { received_files: 2, ..due }
    };
    let received = world.worker.table.generation(world.account, world.id).await.unwrap().unwrap();
    world.worker.table.commit(&[store::Write::Generation(&two(received))]).await.unwrap();
    let (_, generation, _) = world.work_for(SignedDuration::from_secs(60)).await;
    assert!(!generation.status.is_final() && generation.tries.checks == 1, "{generation:?}");
    assert_eq!(world.asked.lock().unwrap().len(), 1, "the first file is always checked");
    world.worker.table.commit(&[store::Write::Generation(&two(generation))]).await.unwrap();
    let (_, generation, _) = world.work_for(SignedDuration::from_secs(300)).await;
    assert_eq!(generation.status, GenerationStatus::Succeeded);
}

/// The time stamps of an authority that behaves so: the generation, its file, and the requests.
async fn with_authority(behaviour: Behaviour) -> (Generation, Vec<u8>, &'static time_stamps::Server) {
    let aws = seed::aws(MediaKind::Image).await.unwrap();
    let server = time_stamps::Server::start(behaviour).unwrap();
    let mut variables = environment(&aws).unwrap();
    variables.push(("TIME_STAMP_URL", format!("{}/tsr", server.address())));
    let environment: Environment = variables.into_iter().collect();
    let worker = Worker::new(&environment).unwrap();
    let account = aws.account().parse().unwrap();
    let world = World { aws, worker, account, id: RECEIVED.parse().unwrap(), asked: Arc::default() };
    let (_, generation, _) = world.work().await;
    let key = &generation.outputs[0].file.key;
    let file = world.aws.written(key).await.unwrap();
    (generation, file, server)
}

#[tokio::test]
async fn authority_stamps_the_signature_and_learns_a_hash_of_it_and_nothing_else() {
    let (generation, file, server) = with_authority(Behaviour::Right).await;
    assert_eq!(generation.status, GenerationStatus::Succeeded);
    let token = b"Time-stamping authority for tests";
    assert!(file.windows(token.len()).any(|window| window == token), "the file has no time stamp");
    let requests = server.requests();
    let [(head, body)] = requests.as_slice() else { panic!("{} requests", requests.len()) };
    assert!(head.starts_with("POST /tsr HTTP/1.1") && head.contains("application/timestamp-query"), "{head}");
    assert_eq!(body.len(), 67, "a request is a hash, a nonce, and nothing else");
    for header in head.lines().skip(1).filter_map(|line| line.split(':').next()).map(str::to_lowercase) {
        assert!(["content-type", "content-length", "accept", "host"].contains(&header.as_str()), "{head}");
    }
}

#[tokio::test]
async fn output_is_signed_in_time_without_a_time_stamp_whatever_the_authority_does() {
    for behaviour in Behaviour::WRONG {
        let started = clock::now();
        let (generation, file, server) = with_authority(behaviour).await;
        assert_eq!(generation.status, GenerationStatus::Succeeded, "{behaviour:?}");
        assert!(generation.spent.0 > 0, "{behaviour:?}");
        assert!(clock::now().duration_since(started) < SignedDuration::from_secs(20), "{behaviour:?}");
        assert_eq!(server.requests().len(), 1, "{behaviour:?}: asked again, or another was");
        let checked = provenance::check(&file, "image/png", "");
        let provenance::CredentialsCheck::Found(credentials) = checked else { panic!("{checked:?}") };
        assert!(credentials.valid, "{behaviour:?}: {credentials:?}");
        let token = b"Time-stamping authority for tests";
        assert!(!file.windows(token.len()).any(|window| window == token), "{behaviour:?}");
    }
}

#[tokio::test]
async fn output_that_rekognition_blocks_is_not_stored_and_one_that_it_cannot_check_is_refunded() {
    let label = json!({"Name": "Explicit", "ParentName": "", "Confidence": 97.5});
    let blocks = json!({"ModerationLabels": [label], "ModerationModelVersion": "7.0"});
    let categories = [Category::SexualExplicit].into();
    for (played, checks, expected) in [
        (blocks, 1, Failure::Blocked { stage: Stage::Outputs, categories }),
        (json!({"__type": "AccessDeniedException"}), CHECKS, Failure::Unchecked),
    ] {
        let world = of(seed::aws(MediaKind::Image).await.unwrap(), "local,rekognition", "http://127.0.0.1:1");
        world.aws.play("DetectModerationLabels", played).await;
        let before = world.worker.table.account(world.account).await.unwrap().unwrap();
        let (mut account, mut generation, mut calls) = world.work().await;
        for _ in 1..checks {
            assert!(!generation.status.is_final(), "{generation:?}");
            let due = Generation { lease_until: None, version: generation.version + 1, ..generation };
            world.worker.table.commit(&[store::Write::Generation(&due)]).await.unwrap();
            (account, generation, calls) = world.work().await;
        }
        assert_eq!(generation.failure, Some(expected));
        assert_eq!(account.balance.available.0, before.balance.available.0 + generation.reserved.0);
        assert!(calls.iter().any(|call| call == "DetectModerationLabels"), "{calls:?}");
        assert!(
            !calls.iter().any(|call| ["PutObject", "Sign", "GetSecretValue"].contains(&call.as_str())),
            "{calls:?}"
        );
    }
}
