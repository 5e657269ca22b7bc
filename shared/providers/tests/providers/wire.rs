//! Requests on the wire: as documented, and without personal data.

use providers::{OutputKind, ProviderErrorKind, ProviderRequest, Providers, Quality};
use serde_json::{Value, json};

use crate::stub::{Reply, Seen, Stub};
use crate::{Case, KEY, Kept, PNG, PROMPT, fal, openai, reference_image, replicate, request, run, settings, stability};

/// Runs a case, which must succeed, and returns the first request.
async fn sent(case: Case) -> Seen {
    let stub = Stub::play(case.replies).await;
    let outputs = run(&stub, case.provider, &case.request).await.unwrap();
    assert_eq!(outputs[0], PNG);
    stub.seen().remove(0)
}

fn check_json(seen: &Seen, line: &str, authorization: &str, body: &Value) {
    assert_eq!(seen.line(), line);
    assert_eq!(seen.header("authorization").unwrap(), format!("{authorization} {KEY}"));
    assert_eq!(&seen.json(), body, "{line}");
}

/// Compares the parts of a form, each written `name=content`.
fn check_form(seen: &Seen, line: &str, parts: &[&str]) {
    assert_eq!(seen.line(), line);
    assert_eq!(seen.header("authorization").unwrap(), format!("Bearer {KEY}"));
    let short = |(head, content): (String, String)| {
        let name = head.split("name=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        format!("{name}={content}")
    };
    assert_eq!(seen.parts().into_iter().map(short).collect::<Vec<_>>(), parts, "{line}");
}

#[tokio::test]
async fn openai_request_is_json_or_a_form_for_edits() {
    let case = openai();
    let request = ProviderRequest { negative_prompt: Some("people".to_owned()), ..case.request };
    let body = json!({
        "model": "gpt-image-2", "prompt": format!("{PROMPT}\n\nDo not show: people"), "n": 1,
        "size": "1536x1024", "quality": "medium", "output_format": "png",
    });
    check_json(&sent(Case { request, ..case }).await, "POST /v1/images/generations", "Bearer", &body);

    let case = openai();
    let request = ProviderRequest {
        reference_image: Some(reference_image()),
        width: 512,
        height: 512,
        quality: Some(Quality::High),
        ..case.request
    };
    let prompt = format!("prompt={PROMPT}");
    let parts = [
        "model=gpt-image-2",
        &prompt,
        "n=1",
        "quality=high",
        "size=1024x1024",
        "output_format=png",
        "image[]=input-bytes",
    ];
    check_form(&sent(Case { request, ..case }).await, "POST /v1/images/edits", &parts);
}

#[tokio::test]
async fn stability_request_is_a_form_for_each_model() {
    let prompt = format!("prompt={PROMPT}");
    let ask = async |model: &str, image: bool| {
        let case = stability();
        let reference_image = image.then(reference_image);
        let negative_prompt = (!image).then(|| "people".to_owned());
        let request = ProviderRequest { reference_image, negative_prompt, ..request(OutputKind::Image, model) };
        sent(Case { request, ..case }).await
    };
    let seen = ask("core", false).await;
    assert_eq!(seen.header("accept").unwrap(), "image/*");
    let parts = [&prompt, "output_format=png", "negative_prompt=people", "seed=8", "aspect_ratio=16:9"];
    check_form(&seen, "POST /v2beta/stable-image/generate/core", &parts);
    let parts = [&prompt, "output_format=png", "seed=8", "strength=0.7", "image=input-bytes"];
    check_form(&ask("ultra", true).await, "POST /v2beta/stable-image/generate/ultra", &parts);
    let parts = [
        &prompt,
        "output_format=png",
        "seed=8",
        "model=sd3.5-large",
        "mode=image-to-image",
        "strength=0.7",
        "image=input-bytes",
    ];
    check_form(&ask("sd3.5-large", true).await, "POST /v2beta/stable-image/generate/sd3", &parts);
}

#[tokio::test]
async fn replicate_prediction_is_created_and_polled() {
    let case = replicate();
    let body = json!({ "input": {
        "prompt": PROMPT, "seed": 7, "aspect_ratio": "16:9", "num_outputs": 3, "output_format": "png",
        "go_fast": false,
    }});
    let request = ProviderRequest { count: 3, ..case.request };
    let line = "POST /v1/models/black-forest-labs/flux-schnell/predictions";
    check_json(&sent(Case { request, ..case }).await, line, "Bearer", &body);

    let case = replicate();
    let video =
        ProviderRequest { duration_ms: Some(6_000), ..crate::request(OutputKind::Video, "wan-video/wan-2.2-i2v-fast") };
    let request = ProviderRequest { reference_image: Some(reference_image()), ..video };
    let body = json!({ "input": {
        "prompt": PROMPT, "seed": 7, "image": "data:image/png;base64,aW5wdXQtYnl0ZXM=",
        "num_frames": 96, "frames_per_second": 16, "resolution": "720p",
    }});
    let line = "POST /v1/models/wan-video/wan-2.2-i2v-fast/predictions";
    check_json(&sent(Case { request, ..case }).await, line, "Bearer", &body);

    let stub = Stub::play(replicate().replies).await;
    run(&stub, "replicate", &replicate().request).await.unwrap();
    let lines: Vec<_> = stub.seen().iter().skip(1).map(|seen| seen.line().to_owned()).collect();
    assert_eq!(lines, ["GET /v1/predictions/abc123", "GET /v1/predictions/abc123", "GET /result.png"]);
}

#[tokio::test]
async fn fal_request_goes_through_its_queue() {
    let body = json!({
        "prompt": PROMPT, "seed": 7, "enable_safety_checker": true, "num_images": 1, "output_format": "png",
        "image_size": { "width": 1280, "height": 720 },
    });
    let seen_first = sent(fal()).await;
    check_json(&seen_first, "POST /fal-ai/flux/schnell", "Key", &body);
    let lifecycle = seen_first.header("x-fal-object-lifecycle-preference").unwrap();
    assert_eq!(lifecycle, r#"{"expiration_duration_seconds":3600}"#);

    let submitted = [crate::FAL_SUBMITTED, crate::FAL_COMPLETED, r#"{"video":{"url":"{base}/video.mp4"}}"#];
    let replies = [&submitted.map(Reply::json)[..], &[Reply::new(200, "video/mp4", PNG)]].concat();
    let request = request(OutputKind::Video, "fal-ai/wan/v2.2-a14b/text-to-video/turbo");
    let stub = Stub::play(replies).await;
    run(&stub, "fal", &request).await.unwrap();
    let seen = stub.seen();
    let body = json!({
        "prompt": PROMPT, "seed": 7, "enable_safety_checker": true, "enable_output_safety_checker": true,
        "resolution": "720p", "aspect_ratio": "16:9",
    });
    check_json(&seen[0], "POST /fal-ai/wan/v2.2-a14b/text-to-video/turbo", "Key", &body);
    let lines: Vec<_> = seen.iter().skip(1).map(Seen::line).collect();
    let job = "GET /fal-ai/wan/requests/80e732af-660e";
    assert_eq!(lines, [&format!("{job}/status"), job, "GET /video.mp4"]);
}

#[tokio::test]
async fn address_to_call_is_sent_with_the_last_job_if_reports_can_be_verified() {
    let callback = Some("https://api.example/v1/webhooks/x/a-_1".to_owned());
    let start = async |provider: &str, model: &str, count: u8, reports: bool, reply: &str| {
        let stub = Stub::play(vec![Reply::json(reply); count.into()]).await;
        let config = providers::ProviderConfig { replicate_reports: reports, ..settings(&stub) };
        let provider = Providers::new(&config).unwrap().by_name(provider).unwrap();
        assert_eq!(provider.reports_jobs(), reports);
        let request = ProviderRequest { count, callback: callback.clone(), ..request(OutputKind::Video, model) };
        provider.start(&request, &Kept::default()).await.unwrap();
        stub.seen()
    };
    let with_replicate = async |reports: bool| {
        start("replicate", "wan-video/wan-2.2-t2v-fast", 2, reports, crate::REPLICATE_STARTED).await
    };
    let seen = with_replicate(true).await;
    assert_eq!(seen[0].json().get("webhook"), None);
    assert_eq!(seen[1].json()["webhook"], *callback.as_ref().unwrap());
    assert_eq!(seen[1].json()["webhook_events_filter"], json!(["completed"]));
    assert!(with_replicate(false).await.iter().all(|seen| seen.json().get("webhook").is_none()));

    let model = "fal-ai/wan/v2.2-a14b/text-to-video/turbo";
    let seen = start("fal", model, 2, true, crate::FAL_SUBMITTED).await;
    assert_eq!(seen[0].line(), format!("POST /{model}"));
    let escaped = "https%3A%2F%2Fapi.example%2Fv1%2Fwebhooks%2Fx%2Fa-_1";
    assert_eq!(seen[1].line(), format!("POST /{model}?fal_webhook={escaped}"));
}

#[tokio::test]
async fn only_prompt_settings_and_image_are_sent() {
    for Case { provider, request, replies } in [openai(), stability(), replicate(), fal()] {
        // Exhaustive, so that a new field of the request has to be considered here.
        let ProviderRequest {
            kind,
            model,
            prompt,
            negative_prompt,
            width,
            height,
            quality,
            count,
            seed,
            duration_ms,
            reference_image,
            callback,
        } = request.clone();
        assert_eq!((kind, width, height, count, seed), (OutputKind::Image, 1280, 720, 1, Some(7)));
        assert!(!model.is_empty() && prompt == PROMPT && negative_prompt.is_none());
        assert!(duration_ms.is_none() && reference_image.is_none() && quality.is_none() && callback.is_none());

        let stub = Stub::play(replies).await;
        run(&stub, provider, &request).await.unwrap();
        for seen in stub.seen() {
            // The last two limit what the provider does: https://replicate.com/changelog/2025-10-16-prediction-deadlines,
            // https://fal.ai/docs/model-endpoints/media-expiration
            let known = [
                "accept",
                "authorization",
                "content-length",
                "content-type",
                "host",
                "cancel-after",
                "x-fal-object-lifecycle-preference",
            ];
            let others: Vec<_> =
                seen.headers().into_iter().filter(|(name, _)| !known.contains(&name.as_str())).collect();
            assert!(others.is_empty(), "{provider}: {others:?}");
            assert!(!seen.line().contains('?'), "{provider}: {}", seen.line());
        }
    }
}

#[tokio::test]
async fn fal_payloads_are_deleted_and_missing_ones_are_no_error() {
    for status in [200, 404] {
        let stub = Stub::play(vec![Reply::new(status, "application/json", b"{}"); 2]).await;
        let providers = Providers::new(&settings(&stub)).unwrap();
        providers.by_name("fal").unwrap().delete_remote("image:fal-ai/flux:80e732af-660e,91f843b0-771f").await.unwrap();
        let seen = stub.seen();
        let lines: Vec<_> = seen.iter().map(Seen::line).collect();
        let of = |request: &str| format!("DELETE /v1/models/requests/{request}/payloads");
        assert_eq!(lines, [of("80e732af-660e"), of("91f843b0-771f")]);
        assert_eq!(seen[0].header("authorization").unwrap(), format!("Key {KEY}"));
    }
    let refused = async |reply: Reply| {
        let stub = Stub::play(vec![reply]).await;
        let providers = Providers::new(&settings(&stub)).unwrap();
        providers.by_name("fal").unwrap().delete_remote("image:fal-ai/flux:80e732af-660e").await.unwrap_err().kind
    };
    assert_eq!(refused(Reply::new(403, "application/json", b"{}")).await, ProviderErrorKind::AccountProblem);
    let partly = r#"{"cdn_delete_results":[{"link":"https://v3.fal.media/a","exception":null},
        {"link":"https://v3.fal.media/b","exception":"timed out"}]}"#;
    assert_eq!(refused(Reply::json(partly)).await, ProviderErrorKind::Unconfirmed, "a file is left");
}

#[tokio::test]
async fn cancel_is_confirmed_only_if_the_provider_charges_nothing() {
    let cancel = async |provider: &str, job: &str, replies: &[Reply]| {
        let stub = Stub::play(replies.to_vec()).await;
        let providers = Providers::new(&settings(&stub)).unwrap();
        let is_free = providers.by_name(provider).unwrap().cancel(job).await.unwrap();
        (is_free, stub.seen().iter().map(|seen| seen.line().to_owned()).collect::<Vec<_>>())
    };
    let prediction = |status: &str| Reply::json(&format!(r#"{{"id":"a","status":"{status}"}}"#));
    let (get, post) = ("GET /v1/predictions/a", "POST /v1/predictions/a/cancel");
    for (replies, is_free, lines) in [
        (vec![prediction("starting"), prediction("aborted")], true, vec![get, post]),
        (vec![prediction("starting"), prediction("canceled")], false, vec![get, post]),
        (vec![prediction("processing")], false, vec![get]),
        (vec![prediction("succeeded")], false, vec![get]),
        (vec![prediction("aborted")], true, vec![get]),
    ] {
        assert_eq!(
            cancel("replicate", "image::a", &replies).await,
            (is_free, lines.iter().map(ToString::to_string).collect())
        );
    }
    let (get, put) = ("GET /fal-ai/flux/requests/a/status", "PUT /fal-ai/flux/requests/a/cancel");
    let status = |status: &str| Reply::json(&format!(r#"{{"status":"{status}"}}"#));
    let requested = Reply::new(202, "application/json", br#"{"status":"CANCELLATION_REQUESTED"}"#);
    let completed = Reply::new(400, "application/json", br#"{"status":"ALREADY_COMPLETED"}"#);
    for (replies, is_free, lines) in [
        (vec![status("IN_QUEUE"), status("OK")], true, vec![get, put]),
        (vec![status("IN_QUEUE"), requested], false, vec![get, put]),
        (vec![status("IN_QUEUE"), completed], false, vec![get, put]),
        (vec![status("IN_PROGRESS")], false, vec![get]),
        (vec![status("COMPLETED")], false, vec![get]),
    ] {
        let expected = (is_free, lines.iter().map(ToString::to_string).collect());
        assert_eq!(cancel("fal", "image:fal-ai/flux:a", &replies).await, expected);
    }
    // All jobs of a batch must be canceled for free.
    let replies = [status("IN_QUEUE"), status("OK"), status("IN_PROGRESS")];
    assert!(!cancel("fal", "image:fal-ai/flux:a,b", &replies).await.0);
}
