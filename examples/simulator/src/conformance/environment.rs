//! Environments in which a transport does the same as in any other.

use std::process::Command;

/// Environments of processes that run a suite again. Libraries look there for proxies: nobody listens at the one that the
/// first environment names; the second one wants every host to be reached without one, so `through_a_proxy` fails where
/// that is obeyed.
const ENVIRONMENTS: [&[(&str, &str)]; 2] = [
    &[
        ("ALL_PROXY", NOBODY),
        ("all_proxy", NOBODY),
        ("HTTP_PROXY", NOBODY),
        ("http_proxy", NOBODY),
        ("HTTPS_PROXY", NOBODY),
        ("https_proxy", NOBODY),
    ],
    &[("NO_PROXY", "*"), ("no_proxy", "*")],
];

/// A proxy that is not there.
const NOBODY: &str = "http://127.0.0.1:1";

/// Runs a test of the running test program again, by its full name, in processes whose environment names a proxy, or
/// wants none for any host. No program can safely change its own environment.
///
/// # Errors
/// Returns the output of the first process in which the test fails, or is not found.
pub fn repeat_in_other_environments(test: &str) -> Result<(), String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    for environment in ENVIRONMENTS {
        let mut command = Command::new(&program);
        command.envs(environment.iter().copied());
        let output = command.args(["--exact", test]).output();
        let output = output.map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() || !text.contains("1 passed") {
            return Err(format!("{environment:?}: {output:?}"));
        }
    }
    Ok(())
}
