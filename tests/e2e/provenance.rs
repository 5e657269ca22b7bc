//! Tests of what generated files tell about how they were made, and of the check of any file.

mod check;
mod signing;

use std::{collections::BTreeMap, fs, process::Command};

use anyhow::{Context, Result, ensure};
use fake_aws::signing::Key;
use libtest_mimic::Trial;
use provenance::{CertificateChain, Claim, Manifest, Signer};
use runtime::clock;
use serde_json::{Value, json};

use crate::env::{
    gallery::download,
    provider_stub::provider_stub,
    test_env::{TestEnv, TestUser},
    trial::TestEnvs,
};

/// Lists the tests of this area that share a stack.
pub fn trials(envs: Option<&'static TestEnvs>) -> Vec<Trial> {
    [check::trials(envs), signing::trials(envs)].into_iter().flatten().collect()
}

/// Generates an image for which the provider responds with this file, and downloads it.
async fn generated(ada: &TestUser, file: Vec<u8>) -> Result<Vec<u8>> {
    let prompt = format!("a wreck of {}", ada.account_id);
    provider_stub()?.respond_with(&prompt, file);
    finished(ada, &json!({"model": "stable-image-core", "prompt": prompt})).await
}

/// Generates what this body asks for, and downloads its first output.
async fn finished(ada: &TestUser, body: &Value) -> Result<Vec<u8>> {
    let generation = ada.ended(&ada.submit(body).await?).await?;
    ensure!(generation["status"] == "succeeded", "{generation}");
    download(ada, &generation["outputs"][0]["file"]["url"]).await
}

/// Signs a file as a provider does whose certificate nobody here knows.
fn signed_by_provider(file: &[u8], media_type: &'static str) -> Result<Vec<u8>> {
    let now = clock::now();
    let key = Key::numbered(9).context("no key")?;
    let chain = CertificateChain::issue(&key.public(), now)?;
    let signer = Signer::new(chain, move |digest| Ok(key.sign(digest)?));
    let claim = Claim {
        model: "of the provider",
        provider: "another",
        has_starting_image: false,
        visible_label: None,
        at: now,
    };
    Ok(Manifest::begin(file, media_type)?.sign(file, &claim, &signer)?.file)
}

/// Verifies files, by their names, with a program that is not the one that signed them. The certificates of the stack are trusted
/// and no others.
async fn verified(env: &TestEnv, files: &BTreeMap<&str, Vec<u8>>) -> Result<BTreeMap<String, Value>> {
    let certificates = env.table()?.signing_certificates().await?;
    ensure!(!certificates.is_empty(), "no certificate is stored");
    let chains: String = certificates.iter().map(|certificate| certificate.chain.as_str()).collect();
    let folder = env.folder.with_extension(format!("c2pa-{}", clock::uuid_at(clock::now())));
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("anchors.pem"), chains)?;
    fs::write(folder.join("authorities.pem"), env.authority.authority().root())?;
    for (name, bytes) in files {
        fs::write(folder.join(name), bytes)?;
    }
    let python = stack::python("venv-tests", "Schemathesis", "tests/requirements.txt", &mut ())?;
    let script = stack::workspace().join("tests/check_c2pa.py");
    let mut check = Command::new(python);
    check.current_dir(&folder).arg(script).args(["anchors.pem", "authorities.pem"]).args(files.keys());
    let output = check.output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let reports: Vec<Value> = serde_json::from_slice(&output.stdout)?;
    ensure!(reports.len() == files.len());
    Ok(files.keys().map(|name| (*name).to_owned()).zip(reports).collect())
}
