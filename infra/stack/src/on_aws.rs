//! Tests of `deploy_on_aws.py`: its unit tests, and a deployment from nothing to the demo and back, to a local AWS as if it
//! were AWS.

use std::fs;
use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use interpreters::{python, workspace};

use crate::ministack::Ministack;
use crate::options::Options;
use crate::proxy::Proxy;
use crate::state::State;

const SETTINGS: &str = r#"
[dev]
region = "us-east-1"
[dev.parameters]
Providers = "openai,sketch"
Architecture = "ARCHITECTURE"
[prod]
region = "us-east-1"
[prod.parameters]
Architecture = "ARCHITECTURE"
"#;
/// The architecture of what is built for this machine.
const ARCHITECTURE: &str = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
/// Prints the names of all buckets.
const BUCKETS: &str = "import boto3
for bucket in boto3.client('s3', region_name='us-east-1').list_buckets()['Buckets']: print(bucket['Name'])";

#[test]
fn rules_of_the_deployment_to_aws() {
    let python = python("venv", "the clients of AWS", "infra/stack/requirements.txt", &mut ()).unwrap();
    let folder = workspace().join("infra/stack");
    let mut tests = Command::new(python);
    tests.args(["-m", "unittest", "discover", "-s", "on_aws", "-t", "."]).current_dir(folder);
    let ended = tests.output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success() && said.contains("\nOK\n"), "{said}");
}

/// Runs commands of `deploy_on_aws.py` in an account of AWS that is in this process.
struct Deployer {
    stage: &'static str,
    python: PathBuf,
    endpoint: String,
    settings: PathBuf,
    functions: PathBuf,
}

impl Deployer {
    /// Returns a command of Python in that account.
    fn python(&self) -> Command {
        let mut python = Command::new(&self.python);
        python
            .env_clear()
            .envs([
                ("AWS_ACCESS_KEY_ID", "test"),
                ("AWS_SECRET_ACCESS_KEY", "test"),
                ("OPENAI_API_KEY", "key-of-openai"),
            ])
            .env("AWS_ENDPOINT_URL", &self.endpoint);
        python
    }

    /// Returns the names of all buckets, a line each.
    fn buckets(&self) -> String {
        let listed = self.python().args(["-c", BUCKETS]).output().unwrap();
        assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
        String::from_utf8(listed.stdout).unwrap()
    }

    /// Returns whether the command succeeded, its standard output, and what it said beside that.
    fn run(&self, command: &str, options: &[&str], typed: &str) -> (bool, String, String) {
        let mut child = self
            .python()
            .arg(workspace().join("infra/stack/deploy_on_aws.py"))
            .args([command, self.stage, "--settings"])
            .arg(&self.settings)
            .arg("--functions")
            .arg(&self.functions)
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It may end before it reads.
        let _ = child.stdin.take().unwrap().write_all(typed.as_bytes());
        let ended = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (ended.status.success(), text(ended.stdout), text(ended.stderr))
    }

    fn succeeds(&self, command: &str, options: &[&str], typed: &str) -> (String, String) {
        let (succeeded, result, said) = self.run(command, options, typed);
        assert!(succeeded, "{command}: {said}");
        (result, said)
    }
}

fn contains(text: &str, expected: &[&str]) {
    for part in expected {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
}

#[test]
fn deploys_from_nothing_to_the_demo_and_back() {
    let mut bins = cargo_build::functions().unwrap();
    bins.push("stack".to_owned());
    let functions = cargo_build::build(&bins, &mut ()).unwrap();
    let folder = std::env::temp_dir().join(format!("darkroom-on-aws-{}", std::process::id()));
    let state = State::open(&folder, true).unwrap();
    let python = python("venv", "the clients of AWS", "infra/stack/requirements.txt", &mut ()).unwrap();
    let mut options = Options::new(&folder);
    options.saves_regularly = false;
    let mut ministack = Ministack::start(&python, &state, &options).unwrap();
    let settings = folder.join("darkroom.toml");
    fs::write(&settings, SETTINGS.replace("ARCHITECTURE", ARCHITECTURE)).unwrap();
    let aws = Deployer { stage: "dev", python, endpoint: ministack.endpoint().to_owned(), settings, functions };

    let (plan, said) = aws.succeeds("deploy", &["--plan"], "");
    contains(
        &plan,
        &["Nothing of it was carried out", "Providers                  openai,sketch", "add              Table "],
    );
    contains(&said, &["ok       the key openai: from OPENAI_API_KEY", "limit    no MailFrom"]);
    assert!(!aws.run("where", &[], "").0, "a plan deploys nothing");

    let (result, said) = aws.succeeds("deploy", &[], "");
    assert_eq!(result, "changed\n");
    contains(&said, &["Once more, with the address that the stack has made", "The keys are stored"]);
    assert!(!said.contains("key-of-openai"));
    let (result, said) = aws.succeeds("deploy", &[], "");
    assert_eq!(result, "unchanged\n");
    contains(&said, &["darkroom-dev has these functions and parameters already", "The keys are as they were"]);

    let (request, said) =
        aws.succeeds("certificate-request", &["--organization", "Studio Example", "--country", "DE"], "");
    contains(&request, &["-----BEGIN CERTIFICATE REQUEST-----", "-----END CERTIFICATE REQUEST-----"]);
    contains(&said, &["Send this request to an authority"]);
    let chain = folder.join("chain.pem");
    fs::write(&chain, request).unwrap();
    let (succeeded, _, said) = aws.run("certificate", &["--chain", chain.to_str().unwrap()], "");
    assert!(!succeeded, "a request is no chain");
    contains(&said, &["the file has no certificates in PEM"]);
    let (_, said) = aws.succeeds("certificate", &["--chain", "none"], "");
    contains(&said, &["It is set already"]);

    let (places, _) = aws.succeeds("where", &[], "");
    let (account, _) = aws.succeeds("demo-account", &[], "");
    let [address, email, password] = account.lines().collect::<Vec<_>>()[..] else { panic!("{account}") };
    contains(&places, &[address, "darkroom-dev-000000000000-us-east-1"]);
    let api = address.trim_start_matches("https://").split('.').next().unwrap();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let reachable = format!("http://localhost:{}", listener.local_addr().unwrap().port());
    let mut proxy = Proxy::start(listener, ministack.port(), api, None).unwrap();
    let mut demo = Command::new(aws.functions.join("stack"));
    let demo = demo.args(["demo", "--at", &reachable]).env("DEMO_EMAIL", email).env("DEMO_PASSWORD", password);
    let shown = demo.output().unwrap();
    let (lines, said) = (String::from_utf8_lossy(&shown.stdout), String::from_utf8_lossy(&shown.stderr));
    assert!(shown.status.success(), "{said}");
    contains(&lines, &["image-1.png", "video-1.mp4", "Credits spent"]);
    contains(&said, &["The account of the demo is deleted"]);
    proxy.stop();

    let (left, said) = aws.succeeds("destroy", &[], "darkroom-dev\n");
    contains(&said, &["API, functions, queues", "Type darkroom-dev"]);
    contains(&left, &["darkroom-dev is removed", "AppKey", "Table ", "Bucket", "UserPool"]);
    // A bucket with packages could not be removed. That of the accounts stays.
    assert_eq!(aws.buckets(), "darkroom-dev-000000000000-us-east-1\n");
    let (succeeded, _, said) = aws.run("deploy", &[], "");
    assert!(!succeeded);
    contains(&said, &["missing  the bucket darkroom-dev-000000000000-us-east-1", "something is missing"]);

    let prod = Deployer { stage: "prod", ..aws };
    let (plan, _) = prod.succeeds("deploy", &["--plan"], "");
    contains(
        &plan,
        &["The plan for darkroom-prod", "add              Distribution ", "add              MediaDistribution "],
    );
    ministack.stop().unwrap();
    fs::remove_dir_all(folder).unwrap();
}
