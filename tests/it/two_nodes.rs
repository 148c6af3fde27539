//! Two hubs on one database share the work, and when one is killed in the middle of it, the other brings what it had on
//! its way once its leases are over: nothing lost, nothing doubled in the register.

use crate::crash::load::sha256;
use crate::crash::set_up;
use crate::support::database::Database;
use crate::support::packets::a_document;
use crate::support::program::{Program, Serving};
use crate::support::robot::{Manner, Pushed, Robot};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::timeout;

const PACKETS: usize = 60;
/// Packets that the robot keeps waiting: as many as two nodes begin with, so that each has some on their way.
const KEPT: usize = 4;
const SOON: Duration = Duration::from_secs(60);

struct Sender {
    client: reqwest::Client,
    token: String,
    /// SHA-256 of each packet by its delivery.
    acknowledged: BTreeMap<String, String>,
}

impl Sender {
    async fn post(&mut self, node: &Serving) {
        let packet = a_document(&format!("d{}", self.acknowledged.len())).bytes();
        let digest = sha256(&packet);
        let request = self.client.post(format!("{}/api/v1/envelopes", node.url)).bearer_auth(&self.token);
        let receipt: serde_json::Value = request.body(packet).send().await.unwrap().json().await.unwrap();
        let delivery = receipt["deliveries"][0]["delivery_id"].as_str().unwrap_or_else(|| panic!("{receipt}"));
        self.acknowledged.insert(delivery.to_owned(), digest);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_node_had_on_its_way_is_brought_by_the_other() {
    let data = tempfile::tempdir().unwrap();
    let database = Database::make(data.path()).await;
    let program = Program::new(data.path(), &database.url);
    let program = program.with("DOCAXIS__PUSH__NETWORKS", "127.0.0.0/8").with("DOCAXIS__PUSH__PLAIN_HTTP", "true");
    let parties = set_up(&program);
    let release = Arc::new(Notify::new());
    let mut robot = Robot::start((0..KEPT).map(|_| Manner::Wait(Arc::clone(&release))).collect());
    program.done(&["endpoint", "set", "X99.B02", &robot.url()]);
    let (mut first, second) = (program.serve(), program.serve());
    let mut sender = Sender { client: parties.client, token: parties.sender, acknowledged: BTreeMap::new() };

    for _ in 0..PACKETS / 3 {
        sender.post(&first).await;
        sender.post(&second).await;
    }
    let mut seen = BTreeMap::new();
    let see = |seen: &mut BTreeMap<String, String>, pushed: Pushed| {
        seen.insert(pushed.headers["docaxis-delivery"].clone(), sha256(&pushed.body));
    };
    while seen.len() < KEPT {
        see(&mut seen, robot.next().await);
    }
    first.kill();
    while sender.acknowledged.len() < PACKETS {
        sender.post(&second).await;
    }
    // The lease of what the dead node had on its way is over.
    database.run("UPDATE pushes SET due_at = '2026-01-01 00:00:00' WHERE lease_owner IS NOT NULL").await;

    let all = async {
        let handed_over = "SELECT count(*) FROM deliveries WHERE state = 'handed_over'";
        while database.count(handed_over).await < i64::try_from(PACKETS).unwrap() {
            release.notify_waiters();
        }
    };
    timeout(SOON, all).await.unwrap_or_else(|_| panic!("something was not brought: {}", second.log()));
    robot.taken().into_iter().for_each(|pushed| see(&mut seen, pushed));
    assert_eq!(seen, sender.acknowledged, "each as it was sent, and nothing else");
    let twice = "SELECT count(*) FROM (SELECT delivery_id FROM evidence WHERE event = 'ContentHandover' \
         GROUP BY delivery_id HAVING count(*) > 1) AS doubled";
    assert_eq!((database.count(twice).await, database.count("SELECT count(*) FROM pushes").await), (0, 0));
    let attempted = database.count("SELECT count(DISTINCT delivery_id) FROM attempts").await;
    assert_eq!(attempted, i64::try_from(PACKETS).unwrap());
}
