//! Links to files through the distribution: as the functions sign them, and as the function of the distribution in the template
//! checks them.

use std::{io::Write as _, process::Stdio};

use anyhow::{Context, Result, ensure};
use jiff::SignedDuration;
use runtime::{clients::Clients, clock};
use serde_json::{Value, json};
use store::{Bucket, Distribution};

use crate::world::World;

const HOST: &str = "d111111abcdef8.cloudfront.net";
const KEY: &str = "a-key-of-the-distribution";
const FILE: &str =
    "accounts/4f2d7c1e-9b0a-4c3d-8e5f-6a7b8c9d0e1f/generations/0199c8a3-55d0-7c1b-a4e6-90b1c2d3e4f5/0.png";

/// Returns the answers of the distribution's function to requests for these URLs, run by Node.js.
fn answers(urls: &[String]) -> Result<Vec<Value>> {
    let template = std::fs::read_to_string(stack::workspace().join("template.yaml"))?;
    let template: Value = serde_saphyr::from_str(&template)?;
    let code = template["Resources"]["MediaLinks"]["Properties"]["FunctionCode"].as_str().context("no function")?;
    let code = code.replace("{{resolve:secretsmanager:${MediaKey}}}", KEY);
    ensure!(!code.contains("${"), "a reference is not replaced: {code}");
    let events: Vec<_> = urls.iter().map(|url| event(url)).collect::<Result<_>>()?;
    let program = format!("{code}\nconsole.log(JSON.stringify({}.map(handler)));", Value::from(events));
    let node = interpreters::node(&mut ())?;
    let mut run = node.command("node").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    run.stdin.take().context("no input")?.write_all(program.as_bytes())?;
    let output = run.wait_with_output()?;
    ensure!(output.status.success(), "the function fails");
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Returns the event of a viewer's request
/// (<https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-event-structure.html>).
fn event(url: &str) -> Result<Value> {
    let rest = url.strip_prefix(&format!("https://{HOST}")).context("another host")?;
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let parameters = query.split('&').filter_map(|pair| pair.split_once('='));
    let query: serde_json::Map<_, _> =
        parameters.map(|(name, value)| (name.to_owned(), json!({"value": value}))).collect();
    Ok(json!({"request": {"method": "GET", "uri": path, "querystring": query, "headers": {}, "cookies": {}}}))
}

#[tokio::test]
async fn distribution_admits_a_link_to_its_file_until_it_expires() -> Result<()> {
    let world = World::new().await?;
    let s3 = Clients::new(&world.environment)?.s3().clone();
    let bucket = Bucket::new(s3, "bucket".to_owned()).behind(Some(Distribution::new(HOST, KEY)));
    let now = clock::now();
    let link = bucket.link(FILE, 240, now).await?;
    let expired = bucket.link(FILE, 240, now - SignedDuration::from_secs(241)).await?;
    let (path, query) = link.split_once('?').context("no query")?;
    let expires = (now.as_second() + 240).to_string();
    let refused = [
        expired,
        path.to_owned(),
        format!("{path}?expires={expires}"),
        link.replace("/0.png", "/1.png"),
        link.replace(&expires, &(now.as_second() + 9999).to_string()),
        link[..link.len() - 1].to_owned(),
        format!("{path}?{}", query.replace("signature=", "signature=0")),
    ];
    let answers = answers(&[std::slice::from_ref(&link), refused.as_slice()].concat())?;
    let (admitted, refused) = answers.split_first().context("no answer")?;
    ensure!(admitted["uri"] == format!("/{FILE}") && admitted["querystring"] == json!({}), "{admitted}");
    ensure!(refused.iter().all(|answer| answer["statusCode"] == 403), "{refused:?}");
    ensure!(refused.len() == 7);
    Ok(())
}

#[tokio::test]
async fn functions_link_to_the_distribution_and_upload_to_the_bucket() -> Result<()> {
    let world = World::new().await?.with_variables([("MEDIA_HOST", HOST), ("MEDIA_KEY", KEY)]);
    let shown = world.send("gallery/read", json!({})).await?.is(200)?;
    let file = &shown.body["outputs"][0]["file"];
    for link in [&file["url"], &file["thumbnail_url"]] {
        let link = link.as_str().context("no link")?;
        ensure!(link.starts_with(&format!("https://{HOST}/accounts/")) && link.contains("&signature="), "{link}");
    }
    let upload = world.send("upload-presign/create", json!({})).await?.is(201)?;
    ensure!(upload.body["put"]["url"].as_str().is_some_and(|url| url.starts_with(world.aws.endpoint())), "{upload:?}");
    let page = world.send("site/page", json!({})).await?.is(200)?;
    let policy = page.headers["content-security-policy"].as_str().unwrap_or_default();
    ensure!(policy.contains(&format!("img-src 'self' blob: data: https://{HOST};")), "{policy}");
    ensure!(policy.contains(&format!("connect-src 'self' https://{HOST} {}", world.aws.endpoint())), "{policy}");
    Ok(())
}

#[tokio::test]
async fn links_to_a_file_stay_the_same_for_half_a_minute() -> Result<()> {
    for variables in [[("MEDIA_HOST", ""), ("MEDIA_KEY", "")], [("MEDIA_HOST", HOST), ("MEDIA_KEY", KEY)]] {
        let world = World::new().await?.with_variables(variables);
        let mut links = Vec::new();
        for _ in 0..3 {
            let shown = world.send("gallery/read", json!({})).await?.is(200)?;
            let file = &shown.body["outputs"][0]["file"];
            links.push((file["url"].clone(), file["thumbnail_url"].clone()));
            tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
        }
        // The half minute may end once between them.
        ensure!(links[0] == links[1] || links[1] == links[2], "{links:?}");
    }
    Ok(())
}
