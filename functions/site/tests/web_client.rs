//! Runs the checks and the unit tests of the web client with the Node.js that builds it: `npm run check` (types, formatter,
//! lints, import circles) and `npm test`.

use std::path::Path;

use interpreters::node;

#[test]
fn web_client_passes_its_checks_and_unit_tests() {
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("web");
    let node = node(&mut ()).unwrap();
    // The checks write the types of the API beside the packages: one at a time.
    let _lock = node.install(&web, "the packages of the web client", &mut ()).unwrap();
    for script in [["run", "check"].as_slice(), &["test"]] {
        if let Err(error) = node.npm(&web, script, &[]) {
            panic!("npm {script:?}: {error:#}");
        }
    }
}
