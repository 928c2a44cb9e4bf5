//! A PostgreSQL server in a temporary folder, on a socket in it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

pub struct Postgres {
    folder: TempDir,
    programs: PathBuf,
    /// Further settings of the server.
    settings: String,
}

/// Returns the folder of PostgreSQL's programs: Debian's newest, else that of the path.
fn programs() -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .collect();
    found.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all = std::env::split_paths(&path).chain(found);
    all.filter(|folder| folder.join("initdb").exists()).last()
}

impl Postgres {
    pub fn start() -> Option<Self> {
        let Some(programs) = programs().filter(|_| cfg!(unix)) else {
            // Around the capture of the test's output: this is to be seen.
            let words = "\n!! SKIPPED: a test of the fleet needs PostgreSQL, and there is none (Debian: apt-get install postgresql)\n";
            let _ = std::io::stderr().write_all(words.as_bytes());
            assert!(
                std::env::var_os("FLEET_NEEDS_POSTGRES").is_none(),
                "it must be there"
            );
            return None;
        };
        let folder = tempfile::Builder::new().prefix("fleet").tempdir().unwrap();
        let settings = String::new();
        let postgres = Self {
            folder,
            programs,
            settings,
        };
        let path = postgres.folder().to_owned();
        run(Command::new("chmod").arg("755").arg(&path));
        std::fs::create_dir(path.join("server")).unwrap();
        if is_root() {
            run(Command::new("chown")
                .arg("postgres")
                .arg(path.join("server")));
        }
        run(postgres
            .program("initdb")
            .args([
                "-U",
                "fleet",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--no-sync",
                "-D",
            ])
            .arg(postgres.data()));
        postgres.control("start");
        Some(postgres)
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn url(&self) -> String {
        let folder = self.folder().join("server");
        format!(
            "postgresql:///postgres?host={}&user=fleet",
            folder.display()
        )
    }

    /// Ends the server as a crash does, and starts it again.
    pub fn crash(&self) {
        self.control("restart");
    }

    /// Ends the server as a crash does.
    pub fn stop(&self) {
        self.control("stop");
    }

    /// Starts the server that was stopped.
    pub fn start_again(&self) {
        self.control("start");
    }

    /// Serves with this certificate, on a port of localhost that it returns, beside the socket.
    pub fn serve_tls(&mut self, certificate: &str, key: &str) -> u16 {
        for (name, text) in [("server.crt", certificate), ("server.key", key)] {
            let path = self.data().join(name);
            std::fs::write(&path, text).unwrap();
            run(Command::new("chmod").arg("600").arg(&path));
            if is_root() {
                run(Command::new("chown").arg("postgres").arg(&path));
            }
        }
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        self.settings = format!("-c listen_addresses=127.0.0.1 -c port={port} -c ssl=on");
        self.control("restart");
        port
    }

    /// Encrypts no more.
    pub fn serve_plainly(&mut self) {
        self.settings = self.settings.replace("ssl=on", "ssl=off");
        self.control("restart");
    }

    pub fn dump(&self) -> String {
        let url = self.url();
        let dump = self.program("pg_dump").arg(url).output().unwrap();
        assert!(dump.status.success());
        String::from_utf8(dump.stdout).unwrap()
    }

    fn data(&self) -> PathBuf {
        self.folder().join("server/data")
    }

    fn control(&self, what: &str) {
        let socket = self.folder().join("server");
        let options = format!(
            "-c listen_addresses='' -c unix_socket_directories='{}' -c fsync=off -c max_connections=150 {}",
            socket.display(),
            self.settings
        );
        let mut command = self.program("pg_ctl");
        command
            .args(["-w", "-m", "immediate", "-o", &options, "-l"])
            .arg(socket.join("log"));
        command.arg("-D").arg(self.data()).arg(what);
        let done = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert!(done.success(), "pg_ctl {what}");
    }

    /// PostgreSQL does not run as root.
    fn program(&self, name: &str) -> Command {
        let path = self.programs.join(name);
        if !is_root() {
            return Command::new(path);
        }
        let mut command = Command::new("setpriv");
        command
            .args([
                "--reuid=postgres",
                "--regid=postgres",
                "--clear-groups",
                "--",
            ])
            .arg(path);
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let mut stop = self.program("pg_ctl");
        stop.args(["-m", "immediate", "-D"])
            .arg(self.data())
            .arg("stop");
        let _ = stop.stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

fn run(command: &mut Command) {
    let done = command.output().unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

pub async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}
