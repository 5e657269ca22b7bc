//! Finds files of one crate that import each other, directly or through others.
//!
//! An import is a path in the code that begins with `crate`, `self` or `super` and leads to an item of another file. `mod`
//! declarations and re-exports (`pub use`) are none: what is imported through a re-export counts as an import of the file
//! that defines it. Test modules inside a file count as that file; files named `tests.rs` and what is below them do not.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

use anyhow::{Context, Result, ensure};

/// What to do about a circle.
pub(crate) const ADVICE: &str = "move what both files need below them";

/// The path of a module in its crate; the root is empty.
type Module = Vec<String>;

/// Reads every crate that git tracks below `root`, and returns one line for each circle.
///
/// # Errors
/// Git or a file cannot be read.
pub(crate) fn check(root: &Path) -> Result<Vec<String>> {
    let listed =
        Command::new("git").args(["ls-files", "-z", "*.rs"]).current_dir(root).output().context("git ls-files")?;
    ensure!(listed.status.success(), "git ls-files failed in {}", root.display());
    let listed = String::from_utf8(listed.stdout).context("git ls-files")?;
    let files: Vec<&str> = listed.split('\0').filter(|path| root.join(path).is_file()).collect();
    let mut circles = Vec::new();
    for folder in files.iter().filter_map(|path| path.strip_suffix("/lib.rs").or_else(|| path.strip_suffix("/main.rs")))
    {
        let mut crate_files = BTreeMap::new();
        for path in files.iter().filter(|path| path.starts_with(&format!("{folder}/"))) {
            let within = path.trim_start_matches(folder).trim_start_matches('/');
            if let Some(module) = module_of(within).filter(|module| !module.iter().any(|part| part == "tests")) {
                let text = fs::read_to_string(root.join(path)).with_context(|| (*path).to_owned())?;
                crate_files.entry(module).or_insert_with(|| ((*path).to_owned(), text));
            }
        }
        circles.extend(circles_of(&crate_files));
    }
    circles.sort();
    circles.dedup();
    Ok(circles)
}

/// The module of a file, by its path below the folder of the crate's root. Binaries beside the root are crates of their own.
fn module_of(within: &str) -> Option<Module> {
    let within = within.strip_suffix(".rs")?;
    let parts: Vec<_> = within.split('/').map(str::to_owned).collect();
    match parts.as_slice() {
        [root] if root == "lib" || root == "main" => Some(Vec::new()),
        [bin, ..] if bin == "bin" => None,
        [folders @ .., last] if last == "mod" => Some(folders.to_vec()),
        _ => Some(parts),
    }
}

/// One line for each group of files that import each other.
fn circles_of(files: &BTreeMap<Module, (String, String)>) -> Vec<String> {
    let exports: BTreeMap<_, _> = files.iter().map(|(module, (_, text))| (module, reexports(text))).collect();
    let mut imports: BTreeMap<&Module, BTreeSet<Module>> = BTreeMap::new();
    for (module, (_, text)) in files {
        let targets = paths(text).into_iter().filter_map(|path| resolve(&path, module, files, &exports));
        imports.insert(module, targets.filter(|target| target != module).collect());
    }
    let reach = |from: &Module| {
        let mut seen = BTreeSet::new();
        let mut next: Vec<Module> = imports.get(from).into_iter().flatten().cloned().collect();
        while let Some(module) = next.pop() {
            if seen.insert(module.clone()) {
                next.extend(imports.get(&module).into_iter().flatten().cloned());
            }
        }
        seen
    };
    let reached: BTreeMap<&Module, BTreeSet<Module>> = files.keys().map(|module| (module, reach(module))).collect();
    let mutual = |one: &Module, other: &Module| {
        reached.get(one).is_some_and(|seen| seen.contains(other))
            && reached.get(other).is_some_and(|seen| seen.contains(one))
    };
    let mut groups = BTreeSet::new();
    for module in files.keys().filter(|module| mutual(module, module)) {
        let group: BTreeSet<_> =
            files.iter().filter(|(other, _)| mutual(module, other)).map(|(_, (path, _))| path).collect();
        groups.insert(group.into_iter().cloned().collect::<Vec<_>>().join(", "));
    }
    groups.into_iter().collect()
}

/// The file that a path leads to: the longest beginning of it that is a module, through re-exports.
fn resolve(
    path: &[String],
    from: &Module,
    files: &BTreeMap<Module, (String, String)>,
    exports: &BTreeMap<&Module, Vec<Vec<String>>>,
) -> Option<Module> {
    let mut absolute = match path.first()?.as_str() {
        "crate" => path.get(1..)?.to_vec(),
        "self" => from.iter().chain(path.get(1..)?).cloned().collect(),
        _ => {
            let up = path.iter().take_while(|part| *part == "super").count();
            let base = from.get(..from.len().checked_sub(up)?)?;
            base.iter().chain(path.get(up..)?).cloned().collect()
        }
    };
    // A re-export may lead to another one; more than a few in a row do not occur.
    for _ in 0..8 {
        let length = (0..=absolute.len())
            .rev()
            .find(|length| absolute.get(..*length).is_some_and(|start| files.contains_key(start)))?;
        let module: Module = absolute.get(..length)?.to_vec();
        let item = absolute.get(length);
        let through = exports.get(&module).into_iter().flatten().find(|export| item.is_some() && export.last() == item);
        match through {
            Some(export) if export.len() > 1 || export.first() != item => {
                absolute = match export.first().map(String::as_str) {
                    Some("crate") => export.get(1..)?.to_vec(),
                    Some("self") => module.iter().chain(export.get(1..)?).cloned().collect(),
                    Some("super") => {
                        module.get(..module.len().checked_sub(1)?)?.iter().chain(export.get(1..)?).cloned().collect()
                    }
                    _ => module.iter().chain(export).cloned().collect(),
                };
            }
            _ => return Some(module),
        }
    }
    None
}

/// What a file re-exports: the paths of its `pub use`.
fn reexports(text: &str) -> Vec<Vec<String>> {
    statements(text).into_iter().filter(|(public, _)| *public).flat_map(|(_, tree)| flatten(&tree)).collect()
}

/// The paths that a file imports or names in its code.
fn paths(text: &str) -> Vec<Vec<String>> {
    let imported = statements(text).into_iter().filter(|(public, _)| !public).flat_map(|(_, tree)| flatten(&tree));
    let code = without_comments(text);
    let starts = ["crate::", "super::", "self::"];
    let named = code.lines().filter(|line| !is_use(line)).flat_map(|line| {
        let found = starts.iter().flat_map(|start| line.match_indices(start).map(|(at, _)| at));
        let begins = |at: &usize| {
            let before = line.get(..*at).and_then(|before| before.chars().next_back());
            before.is_none_or(|character| !character.is_alphanumeric() && !matches!(character, '_' | ':' | '$'))
        };
        found.filter(begins).filter_map(|at| line.get(at..)).map(first_path).collect::<Vec<_>>()
    });
    let relative =
        |path: &Vec<String>| path.first().is_some_and(|start| matches!(start.as_str(), "crate" | "super" | "self"));
    imported.chain(named).filter(relative).collect()
}

fn is_use(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("use ") || line.starts_with("pub use ") || line.starts_with("pub(crate) use ")
}

fn first_path(text: &str) -> Vec<String> {
    let end = text
        .find(|character: char| !character.is_alphanumeric() && character != '_' && character != ':')
        .unwrap_or(text.len());
    text.get(..end).unwrap_or_default().split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// The `use` statements of a file: whether each is public, and its tree.
fn statements(text: &str) -> Vec<(bool, String)> {
    let code = without_comments(text);
    let mut statements = Vec::new();
    let mut lines = code.lines();
    while let Some(line) = lines.next() {
        if !is_use(line) {
            continue;
        }
        let mut statement = line.to_owned();
        while !statement.contains(';') {
            let Some(more) = lines.next() else { break };
            statement.push_str(more.trim());
        }
        let statement = statement.split(';').next().unwrap_or_default().trim();
        if let Some((visibility, tree)) = statement.split_once("use ") {
            statements.push((visibility.starts_with("pub"), tree.to_owned()));
        }
    }
    statements
}

/// The code of a file. In a module inside the file, `super` is the file itself.
fn without_comments(text: &str) -> String {
    let mut inside = false;
    let lines = text.lines().map(|line| {
        if line.trim_start().starts_with("//") {
            return String::new();
        }
        match line {
            "}" => inside = false,
            _ if line.starts_with("mod ") && line.ends_with('{') => inside = true,
            _ => {}
        }
        if inside {
            line.replace("super::super::", "\0").replace("super::", "self::").replace('\0', "super::")
        } else {
            line.to_owned()
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The paths of a tree: `a::{b, c::d}` has `a::b` and `a::c::d`.
fn flatten(tree: &str) -> Vec<Vec<String>> {
    let tree = tree.trim();
    let Some(open) = tree.find('{') else {
        let path = tree.split(" as ").next().unwrap_or_default();
        let parts: Vec<_> =
            path.split("::").map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect();
        return if parts.is_empty() { Vec::new() } else { vec![parts] };
    };
    let start: Vec<_> = tree
        .get(..open)
        .unwrap_or_default()
        .split("::")
        .map(|part| part.trim().to_owned())
        .filter(|part| !part.is_empty())
        .collect();
    let inner = tree.get(open + 1..).and_then(|inner| inner.strip_suffix('}')).unwrap_or_default();
    let mut paths = Vec::new();
    let (mut depth, mut begin) = (0_i32, 0);
    for (at, character) in inner.char_indices().chain([(inner.len(), ',')]) {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                for path in flatten(inner.get(begin..at).unwrap_or_default()) {
                    let path = path.into_iter().filter(|part| part != "self");
                    paths.push(start.iter().cloned().chain(path).collect());
                }
                begin = at + 1;
            }
            _ => {}
        }
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(files: &[(&str, &str)], circles: &[&str]) {
        let files =
            files.iter().map(|(path, text)| (module_of(path).unwrap(), ((*path).to_owned(), (*text).to_owned())));
        assert_eq!(circles_of(&files.collect()), circles);
    }

    #[test]
    fn circle_is_found_directly_and_through_other_files() {
        check(
            &[("lib.rs", "mod a;\nmod b;"), ("a.rs", "use crate::b::B;"), ("b.rs", "use super::a::A;")],
            &["a.rs, b.rs"],
        );
        let through = [
            ("lib.rs", ""),
            ("a.rs", "use crate::b::B;"),
            ("b.rs", "fn f() { crate::c::f() }"),
            ("c.rs", "use crate::{a::A, x};"),
        ];
        check(&through, &["a.rs, b.rs, c.rs"]);
    }

    #[test]
    fn import_through_a_reexport_is_one_of_the_defining_file() {
        let facade = [
            ("lib.rs", "mod a;\nmod b;\npub use a::A;\npub use b::{B, C};"),
            ("a.rs", "use crate::B;"),
            ("b.rs", "use crate::{\n    A,\n};"),
        ];
        check(&facade, &["a.rs, b.rs"]);
        check(&[("lib.rs", "mod a;\nmod b;\npub use a::A;"), ("a.rs", "struct A;"), ("b.rs", "use crate::A;")], &[]);
    }

    #[test]
    fn super_in_an_inline_module_is_the_file_itself() {
        let tested = |import: &str| format!("struct A;\n#[cfg(test)]\nmod tests {{\n    use {import};\n}}\n");
        check(&[("lib.rs", "use crate::a::A;"), ("a.rs", &tested("super::*"))], &[]);
        check(&[("lib.rs", "use crate::a::A;"), ("a.rs", &tested("super::super::B"))], &["a.rs, lib.rs"]);
    }

    #[test]
    fn declarations_and_comments_are_no_imports() {
        check(
            &[
                ("lib.rs", "pub mod a;"),
                ("a.rs", "// use crate::b::B;\nuse std::fmt;\npub mod b;"),
                ("a/b.rs", "use super::A;"),
            ],
            &[],
        );
    }
}
