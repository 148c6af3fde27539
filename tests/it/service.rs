//! The hub as a service: what systemd is told over a real socket, and what a reload changes.

use crate::support::database::Database;
use crate::support::program::Program;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::Duration;

struct Service {
    program: Program,
    file: PathBuf,
    socket: UnixDatagram,
    _database: Database,
    _folder: tempfile::TempDir,
}

/// A hub with a configuration file, and a socket where systemd would be.
async fn service(toml: &str) -> Service {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::make(folder.path()).await;
    let (file, path) = (folder.path().join("docaxis.toml"), folder.path().join("notify"));
    std::fs::write(&file, toml).unwrap();
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let program = Program::new(&folder.path().join("data"), &database.url);
    let program = program.with("DOCAXIS_CONFIG", &file).with("NOTIFY_SOCKET", &path);
    Service { program, file, socket, _database: database, _folder: folder }
}

impl Service {
    fn told(&self) -> String {
        let mut text = [0; 4096];
        let bytes = self.socket.recv(&mut text).unwrap();
        String::from_utf8(text[..bytes].to_vec()).unwrap()
    }
}

fn write(file: &Path, toml: &str) {
    std::fs::write(file, toml).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn systemd_is_told_of_the_start_of_life_of_a_reload_and_of_the_end() {
    let service = service("").await;
    let every = "100000";
    let mut serving = service.program.clone().with("WATCHDOG_USEC", every).serve();

    assert_eq!(service.told(), "READY=1\n");
    assert_eq!(service.told(), "WATCHDOG=1\n");
    serving.hang_up();
    let reload = std::iter::repeat_with(|| service.told()).find(|told| told != "WATCHDOG=1\n").unwrap();
    assert!(reload.contains("RELOADING=1\n") && reload.contains("MONOTONIC_USEC="), "{reload}");
    assert_eq!(std::iter::repeat_with(|| service.told()).find(|told| told != "WATCHDOG=1\n").unwrap(), "READY=1\n");
    serving.terminate();
    assert_eq!(std::iter::repeat_with(|| service.told()).find(|told| told != "WATCHDOG=1\n").unwrap(), "STOPPING=1\n");
    assert!(serving.wait().success());
}

async fn status(url: &str, path: &str) -> u16 {
    reqwest::get(format!("{url}{path}")).await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_changes_what_can_change_and_names_what_cannot() {
    docaxis::use_aws_lc();
    let service = service("").await;
    let mut serving = service.program.serve();
    assert_eq!(status(&serving.url, "/metrics").await, 200);

    write(&service.file, "[metrics]\nallow = \"192.0.2.1\"\n[server]\nconnections_max = 77\n");
    serving.hang_up();
    serving.has_logged("changed=metrics.allow needs_restart=server.connections_max");

    assert_eq!(status(&serving.url, "/metrics").await, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_file_with_faults_is_refused_and_the_old_settings_hold() {
    docaxis::use_aws_lc();
    let service = service("[data]\nfree_bytes_min = 0\n").await;
    let mut serving = service.program.serve();

    write(&service.file, "[data]\nfree_bytes_min = 9000000000000000000\nfree_byts_min = 1\n");
    serving.hang_up();
    serving.has_logged("the old one holds");

    assert!(serving.log().contains("data.free_byts_min"), "{}", serving.log());
    assert_eq!(status(&serving.url, "/readyz").await, 200);
    let metrics = reqwest::get(format!("{}/metrics", serving.url)).await.unwrap().text().await.unwrap();
    assert!(metrics.contains(r#"docaxis_config_reloads_total{outcome="refused"} 1"#), "{metrics}");
    write(&service.file, "[data]\nfree_bytes_min = 9000000000000000000\n");
    serving.hang_up();
    serving.has_logged("read again");
    assert_eq!(status(&serving.url, "/readyz").await, 503);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_filter_of_the_log_can_change_while_it_runs() {
    docaxis::use_aws_lc();
    let service = service("").await;
    let mut serving = service.program.clone().serve_with_log_of_file();
    assert_eq!(status(&serving.url, "/healthz").await, 200);
    serving.has_logged("http.route=/healthz");
    assert!(!serving.log().contains("tokio_cron_scheduler"), "{}", serving.log());

    write(&service.file, "[log]\nfilter = \"info,access=warn\"\n");
    serving.hang_up();
    serving.has_logged("changed=log.filter");
    assert_eq!(status(&serving.url, "/readyz").await, 200);
    serving.terminate();
    serving.wait();

    assert!(!serving.log().contains("http.route=/readyz"), "{}", serving.log());
}
