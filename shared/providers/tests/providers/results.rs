//! Download of results: allowed hosts, size limits, and no API key.

use providers::{OutputKind, ProviderErrorKind, ProviderRequest, Providers, StartResponse};

use crate::stub::{Reply, Stub};
use crate::{Case, Kept, PNG, fal, openai, replicate, request, run, settings, throttled, unavailable};

const MIB: usize = 1024 * 1024;

/// Plays a case with other results and compares the outcome.
async fn check(what: &str, results: &[Reply], expected: Result<&[u8], ProviderErrorKind>) {
    for Case { provider, request, mut replies } in [replicate(), fal()] {
        replies.pop();
        let asked = replies.len() + results.len();
        replies.extend_from_slice(results);
        let stub = Stub::play(replies).await;
        let outcome = run(&stub, provider, &request).await;
        let outcome = outcome.as_ref().map(|outputs| outputs[0].as_slice()).map_err(|error| error.kind.clone());
        assert_eq!(outcome, expected, "{provider}: {what}");
        assert_eq!(stub.seen().len(), asked, "{provider}: {what}");
        let fetches = stub.seen().into_iter().rev().take(results.len());
        assert!(fetches.into_iter().all(|fetch| fetch.header("authorization").is_none()), "{provider}: {what}");
        assert!(stub.flooded() < 40 * MIB, "{provider}: {what}: took {} bytes", stub.flooded());
    }
}

#[tokio::test]
async fn result_is_downloaded_without_the_api_key() {
    check("a result", &[Reply::new(200, "image/png", PNG)], Ok(PNG)).await;
    let moved = Reply::redirect("{base}/moved");
    check("a moved result", &[moved.clone(), moved.clone(), moved, Reply::new(200, "image/png", PNG)], Ok(PNG)).await;
}

#[tokio::test]
async fn missing_or_non_media_result_is_retryable() {
    let png = Reply::new(200, "image/png", PNG);
    let check = async |what, reply, expected| check(what, &[reply], Err(expected)).await;
    check("expired", Reply::new(403, "application/xml", b"<Error/>"), ProviderErrorKind::JobEnded).await;
    check("not found", Reply::new(404, "text/html", b"no"), ProviderErrorKind::JobEnded).await;
    check("a web page", Reply::new(200, "text/html; charset=utf-8", b"<html>"), ProviderErrorKind::JobEnded).await;
    check("a cut file", png.clone().cut(), ProviderErrorKind::InvalidResponse).await;
    check("a slow file", png.stall(), unavailable(None)).await;
    check("overloaded", Reply::new(503, "text/html", b"").header("retry-after", "2"), unavailable(Some(2))).await;
}

#[tokio::test]
async fn oversized_result_is_refused_before_it_is_in_memory() {
    let large = Reply::new(200, "image/png", b"");
    let declared = large.clone().header("content-length", "104857600");
    check("a declared length", &[declared], Err(ProviderErrorKind::JobEnded)).await;
    check("an undeclared length", &[large.flood(100 * MIB)], Err(ProviderErrorKind::JobEnded)).await;
}

#[tokio::test]
async fn result_from_a_forbidden_address_is_refused() {
    let other = Stub::play(vec![Reply::new(200, "image/png", PNG)]).await;
    let forbidden = [
        other.base.as_str(),
        "http://10.0.0.1/",
        "https://10.0.0.1/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "http://169.254.169.254/latest/meta-data/",
        "https://2130706433/",
        "http://replicate.delivery/",
        "https://replicate.delivery:8443/",
        "https://replicate.delivery@10.0.0.1/",
        "https://replicate.delivery.example/",
        "https://notreplicate.delivery/",
        "file:///etc/passwd",
        "data:image/png;base64,AAAA",
        // Listed among the result hosts, but resolved to this machine.
        "https://localhost/",
    ];
    for address in forbidden {
        check(address, &[Reply::redirect(address)], Err(ProviderErrorKind::JobEnded)).await;
    }
    let moved = Reply::redirect("{base}/moved");
    check("a redirect loop", &vec![moved; 4], Err(ProviderErrorKind::JobEnded)).await;
    assert!(other.seen().is_empty());
}

#[tokio::test]
async fn forbidden_address_in_the_first_response_is_refused() {
    let case = replicate();
    let replies =
        [r#"{"id":"a","status":"starting"}"#, r#"{"id":"a","status":"succeeded","output":"http://10.0.0.1/"}"#];
    let stub = Stub::play(replies.map(Reply::json).to_vec()).await;
    let error = run(&stub, case.provider, &case.request).await.unwrap_err();
    assert_eq!(error.kind, ProviderErrorKind::JobEnded);
}

#[tokio::test]
async fn paid_outputs_are_kept_when_others_fail() {
    let three = ProviderRequest { count: 3, ..request(OutputKind::Image, "core") };
    let good = Reply::new(200, "image/png", PNG).header("finish-reason", "SUCCESS");
    let filtered = Reply::new(200, "image/png", PNG).header("finish-reason", "CONTENT_FILTERED");
    let busy = Reply::new(429, "application/json", b"{}");
    let outputs =
        async |replies| run(&Stub::play(replies).await, "stability", &three).await.map(|outputs| outputs.len());
    assert_eq!(outputs(vec![good.clone(), filtered.clone(), good.clone()]).await.unwrap(), 2);
    assert_eq!(outputs(vec![filtered.clone(), good.clone(), good.clone()]).await.unwrap(), 2);
    assert_eq!(outputs(vec![good.clone(), busy.clone()]).await.unwrap(), 1);
    assert_eq!(outputs(vec![busy]).await.unwrap_err().kind, throttled(None));
    assert!(matches!(outputs(vec![filtered; 3]).await.unwrap_err().kind, ProviderErrorKind::Rejected { .. }));
}

#[tokio::test]
async fn result_that_is_gone_does_not_cost_the_others() {
    let done = r#"{"id":"a","status":"succeeded","output":["{base}/1.png","{base}/2.png","{base}/3.png"]}"#;
    let started = [Reply::json(r#"{"id":"a","status":"starting"}"#), Reply::json(done)];
    let (png, gone) = (Reply::new(200, "image/png", PNG), Reply::new(404, "text/html", b"no"));
    let overloaded = Reply::new(503, "text/html", b"");
    let play = async |results: [&Reply; 3]| {
        let stub = Stub::play(started.iter().chain(results).cloned().collect()).await;
        run(&stub, "replicate", &replicate().request).await.map(|outputs| outputs.len())
    };
    assert_eq!(play([&png, &gone, &png]).await.unwrap(), 2);
    assert_eq!(play([&gone, &gone, &png]).await.unwrap(), 1);
    assert_eq!(play([&gone, &gone, &gone]).await.unwrap_err().kind, ProviderErrorKind::JobEnded);
    assert_eq!(play([&png, &gone, &overloaded]).await.unwrap_err().kind, unavailable(None), "all can be had later");
}

#[tokio::test]
async fn results_after_one_that_can_be_had_later_are_handed_over() {
    let done = r#"{"id":"a","status":"succeeded","output":["{base}/1.png","{base}/2.png","{base}/3.png"]}"#;
    let (png, overloaded) = (Reply::new(200, "image/png", PNG), Reply::new(503, "text/html", b""));
    let started = Reply::json(r#"{"id":"a","status":"starting"}"#);
    let stub = Stub::play(vec![started, Reply::json(done), png.clone(), overloaded, png]).await;
    let providers = Providers::new(&settings(&stub)).unwrap();
    let (provider, kept) = (providers.by_name("replicate").unwrap(), Kept::default());
    let started = provider.start(&replicate().request, &kept).await.unwrap();
    let StartResponse::Job { id, .. } = started else { panic!("no job") };
    assert_eq!(provider.poll(&id, &kept).await.err().unwrap().kind, unavailable(None));
    assert_eq!(kept.0.into_inner().unwrap().len(), 2);
}

#[tokio::test]
async fn several_videos_are_several_jobs_under_one_id() {
    let two = ProviderRequest { count: 2, ..request(OutputKind::Video, "wan-video/wan-2.2-t2v-fast") };
    let job = |id: &str, rest: &str| Reply::json(&format!(r#"{{"id":"{id}",{rest}}}"#));
    let (starting, failed) = (r#""status":"starting""#, r#""status":"failed","error":"out of memory""#);
    let done = r#""status":"succeeded","output":"{base}/video.mp4""#;
    let video = Reply::new(200, "video/mp4", b"video");
    let started = || vec![job("a", starting), job("b", starting)];
    let play = async |rest: &[Reply]| {
        let stub = Stub::play([&started()[..], rest].concat()).await;
        let outputs = run(&stub, "replicate", &two).await.map(|outputs| outputs.len());
        (outputs, stub.seen().iter().map(|seen| seen.line().to_owned()).collect::<Vec<_>>())
    };
    let (outputs, lines) = play(&[job("a", done), job("b", done), video.clone(), video.clone()]).await;
    assert_eq!(outputs.unwrap(), 2);
    assert_eq!(lines[2..4], ["GET /v1/predictions/a", "GET /v1/predictions/b"]);
    assert_eq!(play(&[job("a", failed), job("b", done), video]).await.0.unwrap(), 1);
    assert_eq!(play(&[job("a", failed), job("b", failed)]).await.0.unwrap_err().kind, ProviderErrorKind::JobEnded);
}

#[tokio::test]
async fn openai_generates_each_image_in_a_call_of_its_own() {
    let three = ProviderRequest { count: 3, ..openai().request };
    let good = openai().replies.remove(0);
    let down = Reply::new(500, "application/json", b"{}");
    let play = async |replies: Vec<Reply>| {
        let stub = Stub::play(replies).await;
        let outputs = run(&stub, "openai", &three).await.map(|outputs| outputs.len());
        (outputs, stub.seen())
    };
    let (outputs, seen) = play(vec![good.clone(); 3]).await;
    assert_eq!(outputs.unwrap(), 3);
    assert!(seen.iter().all(|call| call.json()["n"] == 1) && seen.len() == 3);
    let (outputs, seen) = play(vec![good.clone(), down.clone(), good.clone()]).await;
    assert_eq!((outputs.unwrap(), seen.len()), (2, 3), "outputs that are paid for are kept");
    assert_eq!(play(vec![down.clone(); 3]).await.0.unwrap_err().kind, unavailable(None));
    let blocked = br#"{"error":{"code":"moderation_blocked","type":"image_generation_user_error","message":"..."}}"#;
    let (silent, blocked) = (good.clone().cut(), Reply::new(400, "application/json", blocked));
    let kind = async |replies| play(replies).await.0.unwrap_err().kind;
    let may_be_paid_for = vec![down.clone(), silent.clone(), down.clone()];
    assert_eq!(kind(may_be_paid_for).await, ProviderErrorKind::Unconfirmed, "another start may be paid for twice");
    assert!(matches!(kind(vec![down, silent, blocked]).await, ProviderErrorKind::Rejected { .. }));
}
