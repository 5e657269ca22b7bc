//! Builds the web client and makes a table of its files for `include_bytes!`.
//!
//! Vite writes into `OUT_DIR`; npm installs into `web/node_modules`, once for all builds. The types of the API come from
//! `web/openapi.json`, which a test compares with the document that is served: a change of the API that the client does not
//! follow fails this build.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use interpreters::node;

/// The sources of the client, in `web/`.
const SOURCES: [&str; 7] =
    ["index.html", "openapi.json", "package.json", "package-lock.json", "src", "tsconfig.json", "vite.config.ts"];

fn main() -> Result<()> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let web = package.join("web");
    for source in SOURCES {
        println!("cargo::rerun-if-changed=web/{source}");
    }
    let out = std::env::var_os("OUT_DIR").map(PathBuf::from).context("cargo sets OUT_DIR")?;
    let dist = out.join("dist");

    let node = node(&mut ())?;
    // The types of the API are written beside the installed packages: one build at a time.
    let _lock = node.install(&web, "the packages of the web client", &mut ())?;
    let output = node.npm(&web, &["run", "build"], &[("SITE_OUT_DIR", &dist)])?;
    for line in output.lines().filter(|line| line.contains("compressed JavaScript")) {
        println!("cargo::warning={}", line.trim());
    }
    fs::write(out.join("files.rs"), table(&dist)?)?;
    Ok(())
}

/// Returns the table of files in Rust: the page, the assets, and those of the console, sorted by name.
fn table(dist: &Path) -> Result<String> {
    let mut table = format!("pub(crate) static PAGE: File = {};\n", entry(&dist.join("index.html"), "index.html"));
    for (list, folder) in [("ASSETS", dist.join("assets")), ("CONSOLE_ASSETS", dist.join("staff/assets"))] {
        let mut names: Vec<String> = fs::read_dir(&folder)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect::<Result<_>>()?;
        names.retain(|name| !name.ends_with(".br") && !name.ends_with(".gz"));
        names.sort();
        writeln!(table, "\npub(crate) static {list}: [File; {}] = [", names.len())?;
        for name in names {
            writeln!(table, "    {},", entry(&folder.join(&name), &name))?;
        }
        table.push_str("];\n");
    }
    Ok(table)
}

fn entry(path: &Path, name: &str) -> String {
    let included = |suffix: &str| {
        let path = format!("{}{suffix}", path.display());
        if Path::new(&path).exists() { format!("Some(include_bytes!({path:?}))") } else { "None".to_owned() }
    };
    let plain = format!("include_bytes!({:?})", path.display().to_string());
    format!("File {{ name: {name:?}, plain: {plain}, brotli: {}, gzip: {} }}", included(".br"), included(".gz"))
}
