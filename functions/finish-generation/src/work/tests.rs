//! What becomes of an output that a played classifier blocks, passes, or does not answer for.

use std::sync::{Arc, Mutex};

use domain::{
    AccountId, Credits, GenerationId,
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

/// A moderation endpoint that answers with these statuses and scores of sexual content, in turn.
async fn play(answers: &'static [(u16, f64)]) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    tokio::spawn(async move {
        for (status, score) in answers.iter().cycle() {
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

async fn world(answers: &'static [(u16, f64)]) -> World {
    let aws = seed::aws(MediaKind::Image).await.unwrap();
    let (address, asked) = play(answers).await;
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

    /// Makes it due now, with these changes.
    async fn change(&self, change: impl FnOnce(Generation) -> Generation) {
        let generation = self.worker.table.generation(self.account, self.id).await.unwrap().unwrap();
        let due = Generation { lease_until: None, version: generation.version + 1, ..generation };
        self.worker.table.commit(&[store::Write::Generation(&change(due))]).await.unwrap();
    }

    /// Has received two files: the one that there is, and this one before or after it.
    async fn receive_two(&self, numbers: [u32; 2], other: Option<Vec<u8>>) {
        let key = |number| Bucket::received_key(self.account, self.id, number);
        let picture = self.worker.bucket.read(&key(0), u64::MAX).await.unwrap().unwrap();
        let [first, second] = numbers;
        self.aws.put_object(key(second), other.unwrap_or_else(|| picture.clone())).await;
        self.aws.put_object(key(first), picture).await;
        self.change(of_two).await;
    }
}

/// Makes it a generation of two files, which were received, at a credit each.
fn of_two(mut generation: Generation) -> Generation {
    generation.settings.count = 2;
    Generation { received_files: 2, reserved: Credits(2), ..generation }
}

#[tokio::test]
async fn blocked_output_is_not_stored_and_not_charged_and_is_a_strike() {
    let world = world(&[(200, 0.9)]).await;
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
    let world = world(&[(200, 0.1)]).await;
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
    let world = world(&[(500, 0.0)]).await;
    let before = world.worker.table.account(world.account).await.unwrap().unwrap();
    for check in 1..CHECKS {
        let (_, generation, calls) = world.work().await;
        assert!(!generation.status.is_final() && generation.tries.checks == check, "{generation:?}");
        assert!(generation.received_files == 1, "the received file is kept for the next check");
        assert!(calls.iter().any(|call| call == "SendMessage") && !calls.iter().any(|call| call == "PutObject"));
        // The message is delayed: its time has come.
        world.change(|generation| generation).await;
    }
    let (account, generation, calls) = world.work().await;
    assert_eq!(generation.failure, Some(Failure::Unchecked));
    assert_eq!(account.balance.available.0, before.balance.available.0 + generation.reserved.0);
    assert!(account.strikes.is_unused(), "a failure of a classifier is no strike");
    assert!(!calls.iter().any(|call| call == "PutObject"), "{calls:?}");
}

#[tokio::test]
async fn files_that_slow_checks_leave_no_time_for_do_not_cost_those_that_are_done() {
    let world = world(&[(200, 0.1)]).await;
    world.receive_two([0, 1], None).await;
    let (_, generation, calls) = world.work_for(SignedDuration::from_secs(60)).await;
    assert_eq!(world.asked.lock().unwrap().len(), 1, "the first file is always checked");
    assert_eq!((generation.status, generation.outputs.len()), (GenerationStatus::Succeeded, 1));
    assert_eq!(generation.spent.0, 1);
    assert!(calls.iter().any(|call| call == "ListObjectVersions"), "the file that was not read stays: {calls:?}");
}

#[tokio::test]
async fn file_that_is_not_there_does_not_cost_the_others() {
    let world = world(&[(200, 0.1)]).await;
    world.change(of_two).await;
    let (_, generation, calls) = world.work_for(SignedDuration::from_secs(300)).await;
    assert_eq!((generation.status, generation.outputs.len()), (GenerationStatus::Succeeded, 1));
    assert_eq!(generation.spent.0, 1);
    assert!(calls.iter().any(|call| call == "ListObjectVersions"), "it may have come late: {calls:?}");
}

#[tokio::test]
async fn file_without_time_is_checked_in_another_invocation_if_none_is_done() {
    let world = world(&[(200, 0.1)]).await;
    world.receive_two([1, 0], Some(b"no picture".to_vec())).await;
    let (_, generation, _) = world.work_for(SignedDuration::from_secs(60)).await;
    assert!(!generation.status.is_final() && generation.tries.checks == 1, "{generation:?}");
    world.change(|generation| generation).await;
    let (_, generation, calls) = world.work_for(SignedDuration::from_secs(300)).await;
    assert_eq!((generation.status, generation.outputs.len()), (GenerationStatus::Succeeded, 1));
    assert!(!calls.iter().any(|call| call == "ListObjectVersions"), "files that were read are listed: {calls:?}");
}

#[tokio::test]
async fn what_was_decided_about_a_file_is_kept_although_another_cannot_be_checked() {
    let blocked = || Some(Failure::Blocked { stage: Stage::Outputs, categories: [Category::SexualExplicit].into() });
    let of_both: [(&[_], _, _, _); 4] = [
        (&[(200, 0.9), (500, 0.0)], blocked(), 0, 1),
        (&[(500, 0.0), (200, 0.9)], blocked(), 0, 1),
        (&[(200, 0.1), (500, 0.0)], None, 1, 0),
        (&[(500, 0.0), (200, 0.1)], None, 1, 0),
    ];
    for (answers, failure, outputs, strikes) in of_both {
        let world = world(answers).await;
        world.receive_two([0, 1], None).await;
        let work = async || world.work_for(SignedDuration::from_secs(300)).await;
        let (mut account, mut generation, _) = work().await;
        for _ in 1..CHECKS {
            assert!(!generation.status.is_final() && account.strikes.is_unused(), "{generation:?}");
            world.change(|generation| generation).await;
            (account, generation, _) = work().await;
        }
        assert!(generation.status.is_final() && generation.verdicts.len() == 1, "{generation:?}");
        let asked = world.asked.lock().unwrap().len();
        assert_eq!(asked, usize::try_from(2 * CHECKS).unwrap(), "each file is checked in each attempt");
        assert_eq!((generation.failure, generation.outputs.len()), (failure, outputs));
        assert_eq!(account.strikes.count, strikes);
    }
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
            world.change(|generation| generation).await;
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

#[tokio::test]
async fn account_that_has_half_of_the_workers_waits_for_one_and_is_then_finished() {
    let world = of(seed::aws(MediaKind::Image).await.unwrap(), "local", "");
    let table = &world.worker.table;
    let (account, generation) = table.account_and_generation(world.account, world.id).await.unwrap();
    let (account, generation) = (account.unwrap(), generation.unwrap());
    let busy = Account { jobs_in_flight: 6, version: account.version + 1, ..account };
    table.commit(&[store::Write::Account(&busy)]).await.unwrap();
    // Five of the ten workers finish others of this account, one of them for too long.
    let soon = clock::now() + SignedDuration::from_mins(5);
    let others: Vec<_> = (0..5)
        .map(|_| Generation {
            id: GenerationId(clock::uuid_at(clock::now())),
            status: GenerationStatus::Running,
            in_call: true,
            lease_until: Some(soon),
            version: 1,
            ..generation.clone()
        })
        .collect();
    for other in &others {
        table.commit(&[store::Write::Generation(other)]).await.unwrap();
    }
    world.aws.take_messages().await;
    let (_, waiting, calls) = world.work().await;
    assert_eq!(calls, ["BatchGetItem", "Query", "SendMessage", "BatchGetItem"], "the last one is of this test");
    assert_eq!(waiting, generation, "nothing is claimed");
    let messages = world.aws.take_messages().await;
    let [message] = messages.as_slice() else { panic!("{messages:?}") };
    assert_eq!(message["DelaySeconds"], 2, "six jobs for five workers");
    assert_eq!(message["MessageGroupId"], world.account.to_string());

    let crashed = Generation { lease_until: Some(clock::now()), version: 2, ..others[0].clone() };
    table.commit(&[store::Write::Generation(&crashed)]).await.unwrap();
    let (_, finished, _) = world.work().await;
    assert_eq!(finished.status, GenerationStatus::Succeeded);
}
