//! Uses the public API as a client does: signs up, generates an image and a video, and saves them.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use indicatif::{MultiProgress, ProgressBar};
use stack::{Options, payments::PaymentKeys, workspace};
use tokio::runtime::Runtime;

use crate::client::{Client, Generation, Model, NO_MODEL, Status, unique};
use crate::serve;
use crate::terminal::{Steps, print, report, style};

const TICK: Duration = Duration::from_millis(100);

pub(crate) fn run(runtime: &Runtime, options: Options, keys: PaymentKeys, (image, video): (&str, &str)) -> Result<()> {
    if TcpStream::connect((Ipv4Addr::LOCALHOST, options.port)).is_ok() {
        report(&format!("Using the stack on port {}", options.port));
        return runtime.block_on(show(&format!("http://localhost:{}", options.port), image, video));
    }
    let mut steps = Steps::default();
    let (stack, _payments) = serve::bring_up(options, keys, &mut steps)?;
    steps.finish();
    runtime.block_on(show(stack.base_url(), image, video))?;
    stack.stop()
}

/// Uses a deployed service with an account that was made for it: nobody reads the mails of a demo. Deletes the account at the
/// end, also if the demo failed. A service whose models a new account cannot use is deployed all the same.
pub(crate) fn run_at(
    runtime: &Runtime,
    address: &str,
    [email, password]: [String; 2],
    (image, video): (&str, &str),
) -> Result<()> {
    runtime.block_on(async {
        let mut client = Client::new(address)?;
        client.sign_in(&email, &password).await?;
        let shown = match client.models().await {
            Ok(Some(models)) => generate_both(&client, &email, models, [image, video]).await,
            Ok(None) => {
                report(&format!("The demo generates nothing: {NO_MODEL}"));
                Ok(())
            }
            Err(error) => Err(error),
        };
        client.delete_account(&email).await?;
        report("The account of the demo is deleted");
        shown
    })
}

async fn show(base_url: &str, image: &str, video: &str) -> Result<()> {
    let mut client = Client::new(base_url)?;
    let email = format!("demo-{}@example.com", unique().simple());
    client.sign_up(&email, &unique().to_string()).await?;
    let models = client.models().await?.context(NO_MODEL)?;
    generate_both(&client, &email, models, [image, video]).await
}

async fn generate_both(
    client: &Client,
    email: &str,
    [image_model, video_model]: [Model; 2],
    [image, video]: [&str; 2],
) -> Result<()> {
    let before = client.account().await?.credits.available;
    report(&format!("Signed up as {email}, with {before} credits"));

    let folder = workspace().join("demo");
    fs::create_dir_all(&folder).with_context(|| format!("{} cannot be created", folder.display()))?;
    let bars = MultiProgress::new();
    let (image, video) = tokio::join!(
        generate(client, &image_model, image, &folder, bars.add(bar(&image_model))),
        generate(client, &video_model, video, &folder, bars.add(bar(&video_model))),
    );
    let (image, video) = (image?, video?);
    let after = client.account().await?.credits.available;
    for line in image.lines.iter().chain(&video.lines) {
        print(line);
    }
    print(&format!("Credits spent: {} ({} left)", image.spent + video.spent, after));
    Ok(())
}

struct Saved {
    spent: i64,
    lines: Vec<String>,
}

async fn generate(client: &Client, model: &Model, prompt: &str, folder: &Path, bar: ProgressBar) -> Result<Saved> {
    let submitted = client.submit(model, prompt).await?;
    let done = follow(client, submitted, &bar).await?;
    let mut lines = Vec::new();
    for (index, output) in done.outputs.iter().enumerate() {
        let media = &output.file;
        let path = file(folder, &model.kind, index, &media.content_type);
        let bytes = client.download(&media.url).await?;
        fs::write(&path, &bytes).with_context(|| format!("{} cannot be written", path.display()))?;
        let (width, height, kilobytes) = (media.width, media.height, bytes.len() / 1024);
        lines.push(format!("{}  {width} x {height}, {kilobytes} KB, {}: {prompt}", path.display(), model.title));
    }
    bar.finish_with_message("saved");
    Ok(Saved { spent: done.credits.spent, lines })
}

async fn follow(client: &Client, mut generation: Generation, bar: &ProgressBar) -> Result<Generation> {
    loop {
        match generation.status {
            Status::Queued => show_stage(bar, 1, "queued"),
            Status::Running => show_stage(bar, 2, "generating"),
            Status::Succeeded => {
                show_stage(bar, 3, "done");
                return Ok(generation);
            }
            Status::Failed => {
                let reason = generation.failure.map(|failure| failure.to_string()).unwrap_or_default();
                bail!("the generation {} failed, and its credits were refunded: {reason}", generation.id);
            }
            Status::Canceled => bail!("the generation {} was canceled, and its credits were refunded", generation.id),
        }
        tokio::time::sleep(Duration::from_secs(generation.poll_after_s.unwrap_or(1))).await;
        generation = client.generation(&generation.id).await?;
    }
}

/// Shows the stages queued, generating, done and saved: providers report no progress.
fn bar(model: &Model) -> ProgressBar {
    let bar = ProgressBar::new(4).with_style(style("{prefix:>6} [{bar:24}] {msg} {elapsed}"));
    bar.set_prefix(model.kind.clone());
    bar.enable_steady_tick(TICK);
    bar
}

fn show_stage(bar: &ProgressBar, stage: u64, name: &'static str) {
    bar.set_position(stage);
    bar.set_message(name);
}

fn file(folder: &Path, kind: &str, index: usize, content_type: &str) -> PathBuf {
    let extension = match content_type {
        "image/png" => "png",
        "image/jpeg" => "jpg",
        "image/webp" => "webp",
        "video/mp4" => "mp4",
        "video/webm" => "webm",
        _ => "bin",
    };
    folder.join(format!("{kind}-{}.{extension}", index + 1))
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// Answers each request with the first response whose method and path it has, and 404 to others. Returns its address.
    fn service(responses: &'static [(&str, &str)]) -> String {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                let mut reader = BufReader::new(connection.try_clone().unwrap());
                let (mut request, mut length) = (String::new(), 0);
                reader.read_line(&mut request).unwrap();
                loop {
                    let mut header = String::new();
                    reader.read_line(&mut header).unwrap();
                    let header = header.trim_end().to_lowercase();
                    if header.is_empty() {
                        break;
                    }
                    if let Some(value) = header.strip_prefix("content-length: ") {
                        length = value.parse().unwrap();
                    }
                }
                reader.take(length).read_to_end(&mut Vec::new()).unwrap();
                let response = responses.iter().find(|(expected, _)| request.starts_with(expected));
                let (status, body) = response.map_or(("404 Not Found", "{}"), |(_, body)| ("200 OK", body));
                let length = body.len();
                write!(connection, "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
                    .unwrap();
            }
        });
        address
    }

    fn shown_at(responses: &'static [(&str, &str)]) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        // Another test may have set it up.
        let _ = rustls::crypto::ring::default_provider().install_default();
        run_at(&runtime, &service(responses), ["demo@example.com".to_owned(), "password".to_owned()], ("a", "b"))
    }

    #[test]
    fn service_whose_models_must_be_bought_is_deployed_all_the_same() {
        shown_at(&[
            ("POST /v1/session/sign-in ", r#"{"access_token": "token"}"#),
            (
                "GET /v1/models ",
                r#"{"models": [
                    {"id": "a", "title": "A", "kind": "image", "needs_purchase": true},
                    {"id": "b", "title": "B", "kind": "video", "needs_purchase": false}
                ]}"#,
            ),
            ("POST /v1/privacy/deletion ", "{}"),
        ])
        .unwrap();
    }

    #[test]
    fn service_without_models_at_all_fails_the_demo() {
        let failed = shown_at(&[
            ("POST /v1/session/sign-in ", r#"{"access_token": "token"}"#),
            ("POST /v1/privacy/deletion ", "{}"),
        ]);
        assert!(failed.unwrap_err().to_string().contains("GET /v1/models was refused with 404"));
    }
}
