//! The variables that cargo sets for the programs it starts.

use std::ffi::OsString;
use std::process::Command;

/// Variables of one package: cargo sets them for `cargo run`, `cargo test` and build scripts.
/// <https://doc.rust-lang.org/cargo/reference/environment-variables.html>
const OF_A_PACKAGE: [&str; 9] = [
    "CARGO",
    "CARGO_BIN_NAME",
    "CARGO_CRATE_NAME",
    "CARGO_MAKEFLAGS",
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_LINKS",
    "CARGO_MANIFEST_PATH",
    "CARGO_PRIMARY_PACKAGE",
    "OUT_DIR",
];
const PREFIXES: [&str; 4] = ["CARGO_PKG_", "CARGO_BIN_EXE_", "CARGO_FEATURE_", "CARGO_CFG_"];

/// Removes those of `inherited` that belong to the package of the caller. Settings of the person stay: `CARGO_HOME`,
/// `CARGO_TARGET_DIR`, `CARGO_NET_*`, `CARGO_PROFILE_*`, `CARGO_INCREMENTAL`, `RUSTC_WRAPPER`.
pub(crate) fn clean(command: &mut Command, inherited: impl Iterator<Item = OsString>) {
    for name in inherited {
        if name.to_str().is_some_and(belongs_to_a_package) {
            command.env_remove(name);
        }
    }
}

fn belongs_to_a_package(name: &str) -> bool {
    OF_A_PACKAGE.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Those of `names` that cargo does not see.
    fn removed(names: &[&str]) -> Vec<String> {
        let mut command = Command::new("cargo");
        clean(&mut command, names.iter().map(OsString::from));
        let removed = command.get_envs().filter(|(_, value)| value.is_none());
        removed.map(|(name, _)| name.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn variables_of_the_calling_package_are_removed() {
        let names = [
            "CARGO",
            "CARGO_BIN_EXE_local",
            "CARGO_MANIFEST_DIR",
            "CARGO_MANIFEST_PATH",
            "CARGO_PKG_NAME",
            "CARGO_PKG_VERSION_PRE",
            "CARGO_PRIMARY_PACKAGE",
        ];
        assert_eq!(removed(&names), names);
    }

    #[test]
    fn settings_of_the_person_stay() {
        let names = [
            "CARGO_HOME",
            "CARGO_INCREMENTAL",
            "CARGO_NET_OFFLINE",
            "CARGO_PROFILE_DEV_DEBUG",
            "CARGO_TARGET_DIR",
            "CARGO_TERM_COLOR",
            "PATH",
            "RUSTC_WRAPPER",
            "RUSTFLAGS",
        ];
        assert_eq!(removed(&names), [""; 0]);
    }
}
