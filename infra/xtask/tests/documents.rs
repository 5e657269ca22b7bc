//! What the documents name exists: files and folders in code spans, and targets of links. Their sums are right.

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

/// Returns the folder of the workspace.
fn root() -> Result<&'static Path> {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).context("the workspace")
}

/// Returns what follows this heading in a document, up to the next heading of its level.
fn section(document: &str, heading: &str) -> Result<String> {
    let text = fs::read_to_string(root()?.join(document))?;
    let (_, rest) = text.split_once(&format!("\n{heading}\n")).context(heading.to_owned())?;
    let level = heading.split(' ').next().unwrap_or_default();
    Ok(rest.split(&format!("\n{level} ")).next().unwrap_or_default().to_owned())
}

/// Returns the cells of the first table, without its two lines of headings.
fn table(text: &str) -> Vec<Vec<&str>> {
    let lines = text.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    lines.skip(2).map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

/// Reads an amount in dollars with four decimals, in hundredths of a cent.
fn amount(cell: &str) -> Result<u64> {
    let (dollars, rest) = cell.trim_matches('*').split_once('.').with_context(|| cell.to_owned())?;
    ensure!(rest.len() == 4, "{cell}");
    Ok(format!("{dollars}{rest}").parse()?)
}

/// Reads the number in the last cell of a row.
fn units(row: &[&str]) -> Result<u64> {
    Ok(row.last().context("a column")?.parse()?)
}

#[test]
fn rows_of_the_costs_table_add_up_to_its_totals() -> Result<()> {
    let section = section("docs/costs.md", "## What it costs")?;
    let table = table(&section);
    let (totals, rows) = table.split_last().context("rows")?;
    ensure!(rows.len() > 5 && totals.len() == 4, "{table:#?}");
    for column in [2, 3] {
        let amounts = table.iter().map(|row| amount(row.get(column).context("a column")?));
        let amounts = amounts.collect::<Result<Vec<_>>>()?;
        let (total, amounts) = amounts.split_last().context("amounts")?;
        let sum: u64 = amounts.iter().sum();
        ensure!(sum == *total, "column {column} adds up to {sum}, its total is {total}");
    }
    Ok(())
}

#[test]
fn documents_agree_on_the_write_units_of_a_picture() -> Result<()> {
    let written = section("docs/costs.md", "### What is written")?;
    let units = table(&written).iter().map(|row| units(row)).collect::<Result<Vec<_>>>()?;
    let (deletion, at_once) = units.split_last().context("rows")?;
    let at_once: u64 = at_once.iter().sum();
    let all = at_once + deletion;
    let costs = section("docs/costs.md", "## What it costs")?;
    ensure!(costs.contains(&format!("[{all} for each](#what-is-written) | {all},000 |")), "costs.md: {all}");
    let scaling = section("docs/scaling.md", "## What one picture takes")?;
    ensure!(scaling.contains(&format!("| {at_once} at once, {deletion} at its deletion |")), "scaling.md: {at_once}");
    ensure!(scaling.contains(&format!("{all}*p* write units")), "scaling.md: {all}");
    Ok(())
}

#[test]
fn runbook_names_the_remedy_of_a_busy_index() -> Result<()> {
    for alarm in ["DueIndexThrottleAlarm", "GalleryIndexThrottleAlarm"] {
        let section = section("docs/runbook.md", &format!("## {alarm}"))?;
        let (_, remedy) = section.split_once("**Do:**").context(alarm)?;
        ensure!(remedy.contains("`IndexShards`"), "{alarm} does not name IndexShards");
    }
    Ok(())
}

#[test]
fn files_that_documents_name_exist() -> Result<()> {
    let root = root()?;
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
