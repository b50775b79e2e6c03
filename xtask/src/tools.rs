//! What the tests need on this machine: how to find it, why, and how to get it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::python;

pub(crate) struct Tool {
    name: &'static str,
    why: &'static str,
    /// Programs that must all be there.
    programs: &'static [&'static str],
    install: Install,
}

#[derive(Clone, Copy)]
enum Install {
    /// A Debian package, and the service it may start, which the tests have no use for: they start their own.
    Debian { package: &'static str, service: &'static str },
    /// A crate with programs, pinned so that a newer one never breaks the build.
    Cargo { package: &'static str, version: &'static str },
}

const TEST_TOOLS: &[Tool] = &[
    Tool {
        name: "PostgreSQL",
        why: "tests read claims from a real server",
        programs: &["initdb", "pg_ctl", "postgres"],
        install: Install::Debian { package: "postgresql", service: "postgresql" },
    },
    Tool {
        name: "MariaDB",
        why: "tests read claims from a real server",
        programs: &["mariadbd", "mariadb-install-db"],
        install: Install::Debian { package: "mariadb-server", service: "mariadb" },
    },
    NEXTEST,
    Tool {
        name: "cargo-deny",
        why: "checks licences and origins of dependencies",
        programs: &["cargo-deny"],
        install: Install::Cargo { package: "cargo-deny", version: "0.20.2" },
    },
];

const NEXTEST: Tool = Tool {
    name: "cargo-nextest",
    why: "runs the tests, each in its own process",
    programs: &["cargo-nextest"],
    install: Install::Cargo { package: "cargo-nextest", version: "0.9.143" },
};

const COVERAGE_TOOLS: &[Tool] = &[
    NEXTEST,
    Tool {
        name: "cargo-llvm-cov",
        why: "measures which lines run",
        programs: &["cargo-llvm-cov"],
        install: Install::Cargo { package: "cargo-llvm-cov", version: "0.9.1" },
    },
];

/// Installs what `cargo xtask test` lacks.
pub(crate) fn provide() -> Result<(), String> {
    let missing = missing(TEST_TOOLS, &program_dirs());
    install_debian(&missing)?;
    install_cargo(&missing)?;
    still_missing(TEST_TOOLS)?;
    python::provide()
}

/// Coverage is for the curious: it says what to install, and installs nothing.
pub(crate) fn provide_for_coverage() -> Result<(), String> {
    still_missing(COVERAGE_TOOLS)
}

fn still_missing(tools: &'static [Tool]) -> Result<(), String> {
    let missing = missing(tools, &program_dirs());
    for tool in tools {
        let state = if missing.iter().any(|it| it.name == tool.name) { "missing" } else { "found" };
        println!("  {state:<8} {} ({})", tool.name, tool.why);
    }
    if missing.is_empty() { Ok(()) } else { Err(advice(&missing)) }
}

/// The tools that lack at least one of their programs in `dirs`.
fn missing<'a>(tools: &'a [Tool], dirs: &[PathBuf]) -> Vec<&'a Tool> {
    tools.iter().filter(|tool| !tool.programs.iter().all(|program| is_in(dirs, program))).collect()
}

fn is_in(dirs: &[PathBuf], program: &str) -> bool {
    dirs.iter().any(|dir| dir.join(program).is_file())
}

/// Where programs are looked for: the path, cargo's own, and where Debian puts servers that are not on the path.
fn program_dirs() -> Vec<PathBuf> {
    let mut dirs: Vec<PathBuf> = env::var_os("PATH").iter().flat_map(env::split_paths).collect();
    let cargo_home = env::var_os("CARGO_HOME").map(PathBuf::from);
    dirs.extend(cargo_home.or_else(|| Some(env::home_dir()?.join(".cargo"))).map(|home| home.join("bin")));
    dirs.extend(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from));
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    dirs.extend(versions.map(|version| version.path().join("bin")));
    dirs
}

fn install_debian(missing: &[&Tool]) -> Result<(), String> {
    let wanted: Vec<(&str, &str)> = missing
        .iter()
        .filter_map(|tool| match tool.install {
            Install::Debian { package, service } => Some((package, service)),
            Install::Cargo { .. } => None,
        })
        .collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = wanted.iter().map(|(package, _)| *package).collect();
    let as_root = apt_get_install(&packages).map_err(|reason| format!("{reason}\n{}", advice(missing)))?;
    for (_, service) in wanted {
        stop_service(as_root, service);
    }
    Ok(())
}

/// Installs Debian's packages, and returns the words that made it run as root.
pub(crate) fn apt_get_install(packages: &[&str]) -> Result<&'static [&'static str], String> {
    let as_root = as_root().ok_or("Packages cannot be installed here: that takes apt-get, and root or sudo.")?;
    let apt_get = |args: &[&str]| run(&[as_root, &["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"], args].concat());
    apt_get(&["update", "--quiet"])?;
    apt_get(&[&["install", "--yes", "--quiet", "--no-install-recommends"], packages].concat())?;
    Ok(as_root)
}

/// The package was not there a moment ago, so nobody relies on the server it may have started. Where none runs, or
/// nothing manages services, as in containers, there is nothing to stop.
fn stop_service(as_root: &[&str], service: &str) {
    let command: &[&str] =
        if Path::new("/run/systemd/system").is_dir() { &["systemctl", "disable", "--now"] } else { &["service"] };
    let tail: &[&str] = if command.len() == 1 { &[service, "stop"] } else { &[service] };
    if let Err(reason) = run(&[as_root, command, tail].concat()) {
        println!("  {reason} If the {service} server runs, the tests do not need it.");
    }
}

fn install_cargo(missing: &[&Tool]) -> Result<(), String> {
    for tool in missing {
        if let Install::Cargo { .. } = tool.install {
            run(&tool.install.command().split(' ').collect::<Vec<_>>())?;
        }
    }
    Ok(())
}

impl Install {
    /// What somebody types to install it.
    fn command(self) -> String {
        match self {
            Self::Debian { package, .. } => format!("apt-get install {package}"),
            Self::Cargo { package, version } => format!("cargo install --locked --version {version} {package}"),
        }
    }
}

/// The words before a command that make it run as root, where Debian's `apt-get` is and that is possible.
fn as_root() -> Option<&'static [&'static str]> {
    let dirs = program_dirs();
    let is_root = || Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout.trim_ascii() == b"0");
    match () {
        () if !is_in(&dirs, "apt-get") => None,
        () if is_root() => Some(&[]),
        () if is_in(&dirs, "sudo") => Some(&["sudo"]),
        () => None,
    }
}

/// Shows a command, and runs it; it must succeed.
pub(crate) fn run(command: &[&str]) -> Result<(), String> {
    println!("  {}", command.join(" "));
    let status = Command::new(command[0]).args(&command[1..]).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{}` failed ({status}).", command.join(" "))),
        Err(error) => Err(format!("`{}` did not start: {error}.", command[0])),
    }
}

/// What a person can do where this program cannot.
fn advice(missing: &[&Tool]) -> String {
    let mut text = "Please install what is missing, or its like on your system, then run this again:".to_owned();
    for tool in missing {
        text += &format!("\n  {}: {}", tool.name, tool.why);
        text += &format!("\n      programs {}", tool.programs.join(", "));
        let system = if matches!(tool.install, Install::Debian { .. }) { "on Debian" } else { "anywhere" };
        text += &format!("\n      {system}: {}", tool.install.command());
    }
    text
}

#[cfg(test)]
#[path = "tools_tests.rs"]
mod tests;
