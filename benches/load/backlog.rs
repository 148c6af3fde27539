//! What happens to others when some recipients are away, and to everything when the hub is killed with very much waiting.

use crate::endpoint::{Endpoints, Manner};
use crate::exchange::recipient;
use crate::hub_under_test::{Deployment, Running};
use crate::machine;
use crate::packet::{Packet, RECIPIENT, SMALL};
use crate::push::{AGENCIES, Ground, PATIENCE, Posted, post_by_clock, prepare, summary, until_acknowledged};
use crate::sender::{Load, Sender, Senders};
use anyhow::{Result, ensure};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Small packets to these agencies in turn.
fn small(agencies: std::ops::Range<u64>, senders: usize) -> Result<Load> {
    let recipients: Arc<[String]> = agencies.map(recipient).collect();
    Ok(Load { recipients, ..Load::of(Packet::build(SMALL)?, senders) })
}

/// Posts so many as fast as answers come, and gives how many were accepted.
async fn fill(hub: &Running, load: &Load, number: usize) -> Result<usize> {
    let mut accepted = load.senders;
    let mut senders = Senders::connect(&hub.target, load).await?;
    while accepted < number {
        let outcome = senders.run(Duration::from_secs(2)).await?;
        ensure!(outcome.errors == 0, "{} packets were not accepted: {:?}", outcome.errors, outcome.first_error);
        accepted += outcome.latencies.len() + load.senders;
        eprintln!("{accepted} of {number} accepted");
        senders = Senders::connect(&hub.target, load).await?;
    }
    Ok(accepted)
}

/// How many a second come to those who are well, all being well and then with one dead and one slow among them.
pub async fn sick(ground: &Ground<'_>) -> Result<Value> {
    let (dead, slow) = (recipient(AGENCIES - 1), recipient(AGENCIES - 2));
    let mut rounds = Vec::new();
    for _ in 0..ground.rounds {
        // A new hub for each: what one leaves waiting is not the next one's.
        let mut rates = Vec::new();
        for is_sick in [false, true] {
            let (deployment, endpoints) = prepare(ground, AGENCIES).await?;
            if is_sick {
                endpoints.behave(&dead, Manner::Dead);
                endpoints.behave(&slow, Manner::Slow(Duration::from_secs(5)));
            }
            let hub = deployment.start().await?;
            machine::settle(&[hub.pid()]).await;
            let seconds = ground.seconds.max(5.0);
            let senders = Senders::connect(&hub.target, &small(0..AGENCIES, 16)?).await?;
            endpoints.take();
            let start = Instant::now();
            senders.run(Duration::from_secs_f64(seconds)).await?;
            let came = endpoints.take().len();
            rates.push(came as f64 / start.elapsed().as_secs_f64());
            hub.stop().await?;
        }
        rounds.push(rates);
    }
    let lines = rounds.iter().filter_map(|rates| match rates.as_slice() {
        [well, sick] => Some(json!({ "all_well_per_second": well, "others_per_second": sick,
            "ratio": sick / (well * (AGENCIES - 2) as f64 / AGENCIES as f64) })),
        _ => None,
    });
    Ok(lines.collect())
}

/// Packets that wait for one dead agency, and before an urgent one.
const FOR_ONE_DEAD: usize = 50_000;
const BEFORE_ONE_URGENT: usize = 100_000;

/// The others' times before and after very many packets wait for one that is dead; then, while a long queue for one agency is
/// brought, how long an urgent packet for the same agency takes.
pub async fn queue(ground: &Ground<'_>) -> Result<Value> {
    let (deployment, endpoints) = prepare(ground, AGENCIES).await?;
    let hub = deployment.start().await?;
    let (one, other) = (AGENCIES - 1, AGENCIES - 2);
    let others = small(0..other, 32)?;
    let times = async || -> Result<Value> {
        machine::settle(&[hub.pid()]).await;
        endpoints.take();
        let posted: Vec<Posted> = post_by_clock(&hub, &others, (ground.rate, 20.0)).await?;
        endpoints.wait(posted.len(), PATIENCE).await?;
        Ok(summary(until_acknowledged(&posted, &endpoints)?))
    };
    let mut before = Vec::new();
    for _ in 0..ground.rounds {
        before.push(times().await?);
    }
    endpoints.behave(&recipient(one), Manner::Dead);
    let waiting = fill(&hub, &small(one..AGENCIES, 64)?, FOR_ONE_DEAD).await?;
    let mut after = Vec::new();
    for _ in 0..ground.rounds {
        after.push(times().await?);
    }
    let urgent = urgent((&deployment, &hub), &endpoints, other).await?;
    hub.stop().await?;
    Ok(json!({ "waiting_for_one_dead": waiting, "others_before": before, "others_meanwhile": after, "urgent": urgent }))
}

/// Urgent packets one after the other, for an agency that a long queue is being brought to.
async fn urgent((deployment, hub): (&Deployment, &Running), endpoints: &Endpoints, agency: u64) -> Result<Value> {
    let code = recipient(agency);
    deployment.ask(&["endpoint", "pause", &code])?;
    let waiting = fill(hub, &small(agency..agency + 1, 64)?, BEFORE_ONE_URGENT).await?;
    let packet = Packet::addressed(SMALL, std::slice::from_ref(&code), 3)?;
    let mut sender = Sender::connect(&hub.target, &Load::of(packet, 1)).await?;
    endpoints.take();
    deployment.ask(&["endpoint", "resume", &code])?;
    let mut took = Vec::new();
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let due = Instant::now();
        let packet = sender.post_known(0).await?;
        let at = loop {
            if let Some(arrival) = endpoints.take().into_iter().find(|arrival| arrival.packet == packet) {
                break arrival.at;
            }
            ensure!(due.elapsed() < PATIENCE, "an urgent packet did not arrive");
            tokio::time::sleep(Duration::from_millis(1)).await;
        };
        took.push(at.saturating_duration_since(due));
    }
    let left = deployment.count("SELECT count(*) AS number FROM pushes WHERE lane = 4 AND held = FALSE")?;
    Ok(json!({ "queued": waiting, "took": summary(took), "still_queued_in_all": left }))
}

/// A kill with very much waiting: how soon the first delivery comes after the restart, how much memory it takes, and whether
/// everything is still there or was brought.
pub async fn kill(ground: &Ground<'_>, queued: usize) -> Result<Value> {
    let (mut deployment, endpoints) = prepare(ground, 1).await?;
    deployment.set("DOCAXIS__PUSH__IN_FLIGHT_MAX", "0");
    let hub = deployment.start().await?;
    ensure!(recipient(0) == RECIPIENT, "the first agency is another one");
    let accepted = fill(&hub, &small(0..1, 64)?, queued).await?;
    let full_mb = machine::memory_mb(hub.pid(), "VmHWM");
    hub.kill()?;
    deployment.set("DOCAXIS__PUSH__IN_FLIGHT_MAX", "256");
    let start = Instant::now();
    let hub = deployment.start().await?;
    let healthy = hub.started_in.as_secs_f64();
    endpoints.wait(1, PATIENCE).await?;
    let first = start.elapsed().as_secs_f64();
    tokio::time::sleep(Duration::from_secs(15)).await;
    let brought_mb = machine::memory_mb(hub.pid(), "VmHWM");
    let came = endpoints.take();
    hub.kill()?;
    let waiting = deployment.count("SELECT count(*) AS number FROM pushes")?;
    let brought = deployment.count("SELECT count(*) AS number FROM deliveries WHERE state = 'handed_over'")?;
    let distinct: std::collections::HashSet<u64> = came.iter().map(|arrival| arrival.packet).collect();
    Ok(json!({ "accepted": accepted, "peak_mb_while_accepting": full_mb, "healthy_after_seconds": healthy,
        "first_delivery_after_seconds": first, "peak_mb_while_bringing": brought_mb, "came_in_15_seconds": came.len(),
        "came_twice": came.len() - distinct.len(), "waiting": waiting, "brought": brought,
        "missing": i64::try_from(accepted)? - waiting - brought }))
}
