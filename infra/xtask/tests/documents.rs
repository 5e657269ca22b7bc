//! What the documents name exists: files and folders in code spans, and targets of links.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};

/// The names of the recipes for what is to be added.
const EXAMPLES: [&str; 3] = ["acme", "account-usage", "events/account/limits.json"];
/// The folders in which a code span names a file.
const FOLDERS: [&str; 7] = [".ci/", "docs/", "events/", "functions/", "infra/", "shared/", "tests/"];

/// Returns the code spans and the targets of links of a document, outside of code blocks.
fn named(text: &str) -> Vec<(bool, &str)> {
    let (mut found, mut in_block) = (Vec::new(), false);
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        } else if !in_block {
            found.extend(line.split('`').skip(1).step_by(2).map(|span| (false, span)));
            let targets = line.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
            found.extend(targets.map(|(target, _)| (true, target)));
        }
    }
    found
}

#[test]
fn files_that_documents_name_exist() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).context("the workspace")?;
    let mut documents = vec![root.join("README.md"), root.join("CONTRIBUTING.md")];
    for document in fs::read_dir(root.join("docs"))? {
        documents.extend(Some(document?.path()).filter(|path| path.extension().is_some_and(|end| end == "md")));
    }
    let (mut missing, mut checked) = (Vec::new(), 0);
    for document in documents {
        let text = fs::read_to_string(&document)?;
        let folder = document.parent().context("a folder")?;
        for (is_link, name) in named(&text) {
            let name = name.split('#').next().unwrap_or_default();
            let is_path =
                !name.contains(['<', '*', '{', ' ', ':', '?']) && !EXAMPLES.iter().any(|one| name.contains(one));
            let path = match is_link {
                true if is_path && !name.is_empty() => folder.join(name),
                false if is_path && FOLDERS.iter().any(|start| name.starts_with(start)) => root.join(name),
                _ => continue,
            };
            checked += 1;
            if !path.exists() {
                missing.push(format!("{}: {name}", document.display()));
            }
        }
    }
    ensure!(missing.is_empty(), "{missing:#?}");
    ensure!(checked > 100, "only {checked} names were found");
    Ok(())
}
