//! What becomes of a message about a generation that a worker has, or that has ended.

use domain::generations::generation::ProviderJob;
use fake_aws::{aws::Aws, environment::environment, seed};
use http::StatusCode;
use serde_json::Value;
use store::Write;

use super::*;

/// The queued generation of the events.
const QUEUED: &str = "0199c8a5-1f60-7a8e-b2d7-3c4e5f60718a";

struct World {
    aws: Aws,
    worker: Worker,
    account: AccountId,
    id: GenerationId,
}

impl World {
    async fn new() -> Self {
        Self::with("sketch").await
    }

    async fn with(providers: &str) -> Self {
        let aws = seed::aws(MediaKind::Image).await.unwrap();
        let mut environment = environment(&aws).unwrap();
        environment.push(("PROVIDERS", providers.to_owned()));
        let environment: Environment = environment.into_iter().collect();
        let worker = Worker::new(&environment, MediaKind::Image).unwrap();
        Self { account: aws.account().parse().unwrap(), aws, worker, id: QUEUED.parse().unwrap() }
    }

    async fn change(&self, change: impl FnOnce(Generation) -> Generation) {
        let generation = self.worker.table.generation(self.account, self.id).await.unwrap().unwrap();
        let version = generation.version + 1;
        let changed = Generation { version, ..change(generation) };
        self.worker.table.commit(&[Write::Generation(&changed)]).await.unwrap();
    }

    /// Handles a message; returns the calls to AWS and the messages that were sent.
    async fn handle(&self, job_reported: bool, receive_count: u32) -> (Vec<String>, Vec<Value>) {
        self.aws.take_calls().await;
        let record = Record {
            message_id: "message".to_owned(),
            receipt_handle: "receipt".to_owned(),
            body: GenerationMessage { job_reported, ..GenerationMessage::new(self.account, self.id) },
            receive_count,
            sent_at: clock::now(),
            queue_arn: "arn:aws:sqs:eu-west-1:123456789012:darkroom-images".to_owned(),
            deadline: clock::now() + SignedDuration::from_secs(100),
        };
        self.worker.work(record).await.unwrap();
        (self.aws.take_calls().await, self.aws.take_messages().await)
    }
}

fn in_call(generation: Generation) -> Generation {
    let soon = clock::now() + SignedDuration::from_mins(5);
    Generation { status: GenerationStatus::Running, in_call: true, lease_until: Some(soon), ..generation }
}

#[tokio::test]
async fn report_that_is_faster_than_the_record_of_its_job_is_looked_at_a_second_later() {
    let world = World::new().await;
    world.change(in_call).await;
    let (_, sent) = world.handle(true, 1).await;
    let [again] = sent.as_slice() else { panic!("{sent:?}") };
    assert_eq!(again["DelaySeconds"], 1);
    assert!(again["MessageBody"].as_str().unwrap().contains(r#""job_reported":true"#), "{again}");

    assert!(world.handle(false, 1).await.1.is_empty(), "a message without a report is dropped");
    let job = ProviderJob { provider: "fal".to_owned(), id: "image::a".to_owned() };
    world.change(|generation| Generation { provider_job: Some(job), ..generation }).await;
    assert!(world.handle(true, 1).await.1.is_empty(), "the worker polls the job already");
}

/// A generation of two pictures by a job of fal. The fake bucket is the host of fal.
async fn job_of_fal() -> World {
    let world = World::with("fal").await;
    world.aws.play("GetSecretValue", serde_json::json!({"SecretString": r#"{"fal": "key"}"#})).await;
    let job = ProviderJob { provider: "fal".to_owned(), id: "image:fal-ai/flux:job".to_owned() };
    world
        .change(|generation| {
            let mut generation = Generation { provider_job: Some(job), ..in_call(generation) };
            (generation.in_call, generation.lease_until) = (false, None);
            generation.settings.model = "flux-schnell".to_owned();
            generation.settings.count = 2;
            generation
        })
        .await;
    world.put("fal-ai/flux/requests/job/status", r#"{"status":"COMPLETED"}"#.to_owned()).await;
    world.put("result", "a picture".to_owned()).await;
    world
}

impl World {
    async fn put(&self, key: &str, content: String) {
        self.aws.put_object(key.to_owned(), content.into_bytes()).await;
    }

    /// Has the job of fal return these objects of the bucket.
    async fn return_from_fal(&self, keys: [&str; 2]) {
        let url = |key| serde_json::json!({"url": format!("{}/bucket/{key}", self.aws.endpoint())});
        let images = serde_json::json!({"images": keys.map(url)});
        self.put("fal-ai/flux/requests/job", images.to_string()).await;
    }

    async fn present(&self) -> Generation {
        self.worker.table.generation(self.account, self.id).await.unwrap().unwrap()
    }
}

#[tokio::test]
async fn files_of_a_poll_that_fails_after_them_are_removed() {
    let world = job_of_fal().await;
    world.aws.fail_object("overloaded".to_owned(), StatusCode::SERVICE_UNAVAILABLE).await;
    for (second, removes) in [("result", false), ("gone", false), ("overloaded", true)] {
        world.return_from_fal(["result", second]).await;
        world.aws.freeze().await;
        let (calls, _) = world.handle(false, 1).await;
        let place = |call: &str| calls.iter().position(|called| called == call);
        let stored = place("PutObject").unwrap();
        assert_eq!(place("ListObjectVersions").is_some_and(|listed| listed > stored), removes, "{calls:?}");
    }
}

#[tokio::test]
async fn files_of_the_last_poll_are_finished_although_another_cannot_be_had() {
    let world = job_of_fal().await;
    world.aws.fail_object("overloaded".to_owned(), StatusCode::SERVICE_UNAVAILABLE).await;
    world.return_from_fal(["overloaded", "result"]).await;
    for (left_s, files) in [(60, 0), (20, 1)] {
        let deadline_at = clock::now() + SignedDuration::from_secs(left_s);
        world.change(|generation| Generation { deadline_at, lease_until: None, ..generation }).await;
        world.handle(false, 1).await;
        assert_eq!(world.present().await.received_files, files);
    }
}

#[tokio::test]
async fn job_whose_poll_crashed_after_some_files_is_polled_again_without_them() {
    let world = job_of_fal().await;
    world.return_from_fal(["result", "result"]).await;
    world.change(|generation| Generation { in_call: true, ..generation }).await;
    world.put(&Bucket::received_key(world.account, world.id, 0), "of the first poll".to_owned()).await;
    let (calls, _) = world.handle(false, 2).await;
    let place = |call: &str| calls.iter().position(|called| called == call).unwrap();
    // The status of the job is an object of the fake bucket.
    assert!(place("DeleteObjects") < place("GetObject"), "{calls:?}");
    assert_eq!(world.present().await.received_files, 2);
}

#[tokio::test]
async fn job_whose_poll_crashed_after_all_files_is_finished_with_them() {
    let world = job_of_fal().await;
    world.return_from_fal(["gone", "gone"]).await;
    world.change(|generation| Generation { in_call: true, ..generation }).await;
    for number in 0..2 {
        world.put(&Bucket::received_key(world.account, world.id, number), "of the first poll".to_owned()).await;
    }
    let (calls, _) = world.handle(false, 2).await;
    assert!(!calls.iter().any(|call| ["DeleteObjects", "PutObject"].contains(&call.as_str())), "{calls:?}");
    assert_eq!(world.present().await.received_files, 2);
}

#[tokio::test]
async fn start_is_not_repeated_for_a_file_that_cannot_be_stored() {
    for (failing, files, failure) in [(vec![0], 2, None), (vec![0, 1], 0, Some(Failure::ProviderUnavailable))] {
        let world = World::new().await;
        world
            .change(|mut generation| {
                generation.settings.count = 2;
                generation
            })
            .await;
        for number in failing {
            let key = Bucket::received_key(world.account, world.id, number);
            world.aws.fail_object(key, StatusCode::FORBIDDEN).await;
        }
        world.handle(false, 1).await;
        let generation = world.present().await;
        assert_eq!((generation.received_files, generation.failure), (files, failure));
    }
}

#[tokio::test]
async fn files_of_a_call_that_crashed_are_removed_after_the_deadline() {
    for crashed in [true, false] {
        let world = World::new().await;
        let deadline_at = clock::now();
        world.change(|generation| Generation { deadline_at, in_call: crashed, ..generation }).await;
        let (calls, _) = world.handle(false, 1).await;
        assert_eq!(world.present().await.failure, Some(Failure::DeadlinePassed));
        assert_eq!(calls.last().is_some_and(|call| call == "ListObjectVersions"), crashed, "{calls:?}");
    }
}

#[tokio::test]
async fn start_that_may_have_begun_is_not_repeated_although_the_budget_cannot_count_it() {
    // The fake bucket answers a start with nothing that fal says.
    let world = World::with("fal").await;
    world.aws.play("GetSecretValue", serde_json::json!({"SecretString": r#"{"fal": "key"}"#})).await;
    world
        .change(|mut generation| {
            generation.settings.model = "flux-schnell".to_owned();
            generation
        })
        .await;
    world.aws.play("UpdateItem", serde_json::json!({"__type": "ValidationException"})).await;
    world.handle(false, 1).await;
    assert_eq!(world.present().await.failure, Some(Failure::ProviderUnavailable));
}

#[tokio::test]
async fn first_message_after_the_end_costs_a_read_and_a_repeated_one_looks_for_files() {
    let world = World::new().await;
    world.change(|generation| Generation { status: GenerationStatus::Canceled, ..generation }).await;
    for job_reported in [true, false] {
        let (calls, sent) = world.handle(job_reported, 1).await;
        assert!(sent.is_empty() && !calls.contains(&"ListObjectVersions".to_owned()), "{calls:?}");
        let (calls, _) = world.handle(job_reported, 2).await;
        assert!(calls.contains(&"ListObjectVersions".to_owned()), "{calls:?}");
    }
}
