//! Three hubs in this process, each with its own data and port: a province's, the nation's and another province's. A commune's
//! document goes over the nation to the other province, its status comes back, and both ends tell one history; each hub keeps the
//! signed receipts of the next and cosigns its ledger; then the nation's hub is away for a while and comes back.

use super::packets;
use super::robot::{self, Kind, Robot};
use super::stage::{Expect, Stage};
use super::{COMMUNE, Key, System, key, refuse_foreign_agencies, summary, verdict};
use crate::Running;
use crate::cli::client::connection::Connection;
use crate::cli::{Outcome, agency, open};
use crate::config::Config;
use crate::domain::dates::VIETNAM;
use crate::domain::endpoint::EndpointId;
use crate::domain::relay::EVERYBODY;
use crate::domain::schedule::{Schedule, Schedules};
use crate::domain::system::Role;
use crate::exchange::act::By;
use crate::exchange::neighbours::{self, KnownBy, NeighbourEntry};
use crate::exchange::{attest, capsule, endpoints, prove, routes};
use crate::hub::{Clock, Hub};
use anyhow::Context;
use chrono::TimeDelta;
use serde_json::Value;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The hubs, each with the name that people know.
const FIRST: System = ("tinh-mot", "Trục tỉnh Một", &[]);
const NATION: System = ("quoc-gia", "Trục quốc gia", &[]);
const SECOND: System = ("tinh-hai", "Trục tỉnh Hai", &[]);

/// The system of the other province, which speaks for that one agency only.
const OTHER: System = ("dms.province", "Hệ thống của tỉnh khác", &["X99.B02"]);

/// What each province's hub knows of agencies; the nation's knows none and goes by routes.
const OF_FIRST: &str = "code,name\nX99.C03,Ủy ban nhân dân xã Mẫu\n";
const OF_SECOND: &str = "code,name\nX99.B02,Ủy ban nhân dân tỉnh Mẫu\n";

/// The document of the story.
const DOCUMENT: &str = "9/UBND-TN";
/// Longer than anything here takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is looked.
const PAUSE: Duration = Duration::from_millis(100);

/// A hub that runs.
struct Tier {
    system: System,
    config: Config,
    hub: Hub,
    running: Running,
}

impl Tier {
    async fn start(mut config: Config, system: System) -> anyhow::Result<Self> {
        config.data.directory = config.data.directory.join("tiers").join(system.0);
        config.database.url = String::new().into();
        system.0.clone_into(&mut config.relay.hub_name);
        config.ledger.name = format!("{}.example/ledger", system.0);
        (config.witness.tick_seconds, config.witness.every_seconds) = (1, 1);
        // Who is away for some seconds is asked again at once.
        config.push.breaker_failures = 1000;
        "127.0.0.1:0".clone_into(&mut config.server.address);
        let (hub, running) = Self::open(config.clone()).await.context(system.0)?;
        config.server.address = running.address.to_string();
        Ok(Self { system, config, hub, running })
    }

    async fn open(config: Config) -> anyhow::Result<(Hub, Running)> {
        let mut hub = tokio::task::spawn_blocking(|| open(config)).await??;
        let pause = TimeDelta::seconds(1);
        let schedule = Schedule::new(vec![pause], &[TimeDelta::minutes(2); 5], pause).context("the schedule")?;
        hub.schedules = Arc::new(Schedules { packets: schedule.clone(), events: schedule });
        let running = Running::start(&hub).await?;
        Ok((hub, running))
    }

    async fn stop(self) -> anyhow::Result<(System, Config)> {
        self.running.stop().await?;
        let store = self.hub.store.clone();
        tokio::task::spawn_blocking(move || store.close()).await?;
        Ok((self.system, self.config))
    }

    async fn again((system, config): (System, Config)) -> anyhow::Result<Self> {
        let (hub, running) = Self::open(config.clone()).await.context(system.0)?;
        Ok(Self { system, config, hub, running })
    }

    fn url(&self) -> String {
        format!("http://{}", self.running.address)
    }
}

/// Plays the story and, unless it is to be played once, stays up.
pub async fn run(config: Config, once: bool, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let first = Tier::start(config.clone(), FIRST).await?;
    let nation = Tier::start(config.clone(), NATION).await?;
    let second = Tier::start(config, SECOND).await?;
    for tier in [&first, &nation, &second] {
        refuse_foreign_agencies(&tier.hub).await?;
        writeln!(out, "{} ({}): {}", tier.system.1, tier.system.0, tier.url())?;
    }
    agency::import_text(&first.hub, OF_FIRST).await.context("the sample agencies")?;
    agency::import_text(&second.hub, OF_SECOND).await.context("the sample agencies")?;
    let keys = [key(&first.hub, COMMUNE, Role::Exchange).await?, key(&second.hub, OTHER, Role::Exchange).await?];
    join(&first, &nation).await?;
    join(&nation, &second).await?;
    lead(&first, EVERYBODY, NATION).await?;
    lead(&second, EVERYBODY, NATION).await?;
    lead(&nation, "X99.C03", FIRST).await?;
    lead(&nation, "X99.B02", SECOND).await?;
    let mark = Clock::System.now().with_timezone(&VIETNAM).format("TIERS-%Y%m%d%H%M%S%3f").to_string();
    let mut stage = Stage::new(out, &mark);
    let cast = Cast::of([&first, &second], &keys)?;
    stage.head()?;
    let delivery = one_document(&cast, &mut stage).await?;
    vouched_for(&first, &mut stage, &delivery).await?;
    let nation = away_and_back(&cast, &mut stage, (&first, nation), &mark).await?;
    let count = stage.count;
    summary(&count, out)?;
    if !once {
        writeln!(out, "\nBa trục đang chạy; Ctrl-C để dừng.")?;
        for (tier, key) in [&first, &second].into_iter().zip(&keys) {
            writeln!(out, "  {} {} {}", tier.url(), key.system_id, key.token())?;
        }
        out.flush()?;
        first.running.until_told_to_stop(&first.hub).await?;
    } else {
        first.stop().await?;
    }
    nation.stop().await?;
    second.stop().await?;
    Ok(verdict(&count))
}

/// Each hub gives the other a key and is told where it is, and by what it is known.
async fn join(a: &Tier, b: &Tier) -> anyhow::Result<()> {
    let of_a = key(&b.hub, a.system, Role::Hub).await?;
    let of_b = key(&a.hub, b.system, Role::Hub).await?;
    for (here, there, key) in [(a, b, of_a), (b, a, of_b)] {
        let (neighbour, url) = (there.system.0.to_owned(), there.url());
        let (key, known_by) = (Some(key.token().into()), known_by(&there.hub).await?);
        let entry = NeighbourEntry { neighbour, url, key, in_flight_max: None, known_by };
        neighbours::set(&here.hub, &By::Operator, entry).await.context(there.system.0)?;
    }
    Ok(())
}

/// What a hub gives its neighbours beside a key: its certificates and the keys of its ledger and of it as a witness.
async fn known_by(hub: &Hub) -> anyhow::Result<KnownBy> {
    let certificates = attest::certificates(hub).await.context("certificates")?;
    let ledger = prove::view(hub).await.context("the ledger")?;
    Ok(KnownBy {
        ledger_key: Some(ledger.key),
        witness_key: Some(ledger.witness_key),
        certificates: Some(certificates.iter().map(|one| one.pem()).collect()),
        is_unverified: false,
    })
}

/// Whether the next hub's signed receipt of a delivery is kept, and the nation cosigns the province's ledger.
async fn vouched_for(first: &Tier, stage: &mut Stage<'_>, delivery: &str) -> anyhow::Result<()> {
    let kept = capsule::capsule(&first.hub, None, delivery).await.context("the capsule")?;
    let is_kept = kept.evidence.iter().any(|piece| piece.neighbour_receipt.is_some());
    stage.line(FIRST.0, ("giữ biên nhận có chữ ký", DOCUMENT), is_kept, "của trục quốc gia, đã kiểm tra")?;
    let is_cosigned = until(async || Ok(prove::view(&first.hub).await?.cosigned.is_some())).await?;
    stage.line(NATION.0, ("ký chứng sổ cái", ""), is_cosigned, "của trục tỉnh Một")
}

async fn lead(tier: &Tier, prefix: &str, to: System) -> anyhow::Result<()> {
    routes::set(&tier.hub, &By::Operator, prefix, to.0).await.context(to.0)?;
    Ok(())
}

/// Both ends, and their own look at what they sent and have.
struct Cast {
    commune: Robot,
    province: Robot,
    sender: Connection,
    recipient: Connection,
}

impl Cast {
    fn of([first, second]: [&Tier; 2], [commune, province]: &[Key; 2]) -> anyhow::Result<Self> {
        let look = |tier: &Tier, key: &Key| -> anyhow::Result<Connection> {
            Ok(Connection::new(robot::client()?, &tier.url(), key.token().into()))
        };
        Ok(Self {
            commune: Robot::native(COMMUNE.0, "X99.C03", &first.url(), &commune.token())?,
            province: Robot::native(OTHER.0, "X99.B02", &second.url(), &province.token())?,
            sender: look(first, commune)?,
            recipient: look(second, province)?,
        })
    }

    /// Whether something waits for a system before patience is over.
    async fn comes(robot: &Robot, kind: Kind) -> anyhow::Result<()> {
        until(async || Ok(!robot.waiting(kind).await?.is_empty())).await?;
        Ok(())
    }

    /// Whether the delivery of what the commune sent comes to a state.
    async fn becomes(&self, envelope: &str, state: &str) -> anyhow::Result<bool> {
        until(async || {
            let view = self.sender.get(&format!("/envelopes/{envelope}"), &[]).await?;
            Ok(view.pointer("/deliveries/0/state").and_then(Value::as_str) == Some(state))
        })
        .await
    }
}

/// Looks again and again until something is so. Says whether it came to be.
async fn until(mut is_so: impl AsyncFnMut() -> anyhow::Result<bool>) -> anyhow::Result<bool> {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        if is_so().await? {
            return Ok(true);
        }
        sleep(PAUSE).await;
    }
    Ok(false)
}

/// Answers the delivery at the hub of the sender.
async fn one_document(cast: &Cast, stage: &mut Stage<'_>) -> anyhow::Result<String> {
    let Cast { commune, province, .. } = cast;
    let title = ("gửi sang tỉnh khác", DOCUMENT);
    let envelope = stage.send(commune, packets::RELAYED, title, Expect::Accepted).await?;
    Cast::comes(province, Kind::Document).await?;
    let delivery = province.waiting(Kind::Document).await?.into_iter().next().unwrap_or_default();
    stage.take(province, DOCUMENT, &[packets::RELAYED]).await?;
    let handed_over = cast.becomes(&envelope, "handed_over").await?;
    stage.line(
        FIRST.0,
        ("biết văn bản đã bàn giao", DOCUMENT),
        handed_over,
        "trục tỉnh Hai báo về qua trục quốc gia",
    )?;
    stage.send(province, packets::RELAYED_BACK, ("báo 03: đã tiếp nhận", DOCUMENT), Expect::Accepted).await?;
    Cast::comes(commune, Kind::Status).await?;
    stage.take_statuses(commune, DOCUMENT, &["03"]).await?;
    for (who, connection, id) in [(COMMUNE.0, &cast.sender, &envelope), (OTHER.0, &cast.recipient, &delivery)] {
        history(stage, who, (connection, id)).await?;
    }
    let view = cast.sender.get(&format!("/envelopes/{envelope}"), &[]).await?;
    let delivery = view.pointer("/deliveries/0/delivery_id").and_then(Value::as_str);
    Ok(delivery.context("the view names no delivery")?.to_owned())
}

/// The history of the document as one end sees it: a line for each step, with the hub where it was done.
async fn history(stage: &mut Stage<'_>, who: &str, (connection, id): (&Connection, &str)) -> anyhow::Result<()> {
    let told = connection.get(&format!("/envelopes/{id}/timeline"), &[]).await?;
    let items = told.get("items").and_then(Value::as_array).context("timeline: items is no list")?;
    let text = |item: &Value, pointer| item.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let hubs: Vec<String> = items.iter().map(|item| text(item, "/hub")).collect();
    let all = [FIRST, NATION, SECOND].iter().all(|(name, ..)| hubs.iter().any(|hub| hub == name));
    let words = format!("{} việc ở cả ba trục", items.len());
    stage.line(who, ("xem diễn biến", DOCUMENT), all, &words)?;
    for (item, hub) in items.iter().zip(hubs) {
        stage.note(&hub, &text(item, "/words/vi"))?;
    }
    Ok(())
}

/// The nation's hub stops, a document waits for it, and it comes back where it was.
async fn away_and_back(
    cast: &Cast,
    stage: &mut Stage<'_>,
    (first, nation): (&Tier, Tier),
    mark: &str,
) -> anyhow::Result<Tier> {
    let Cast { commune, province, .. } = cast;
    let left = nation.stop().await?;
    stage.line(NATION.0, ("ngừng chạy", ""), true, "")?;
    stage.remark(&format!("{mark}B"));
    let title = ("gửi sang tỉnh khác", DOCUMENT);
    let envelope = stage.send(commune, packets::RELAYED, title, Expect::Accepted).await?;
    let name = EndpointId::relay(NATION.0).to_string();
    let tried = until(async || Ok(endpoints::one(&first.hub, &name).await?.failures > 0)).await?;
    let waits = tried && cast.becomes(&envelope, "pending").await?;
    stage.line(FIRST.0, ("không gọi được trục quốc gia", DOCUMENT), waits, "văn bản chờ trong hàng, không mất")?;
    let nation = Tier::again(left).await?;
    stage.line(NATION.0, ("chạy lại", ""), true, "")?;
    Cast::comes(province, Kind::Document).await?;
    stage.take(province, DOCUMENT, &[packets::RELAYED]).await?;
    let handed_over = cast.becomes(&envelope, "handed_over").await?;
    stage.line(FIRST.0, ("biết văn bản đã bàn giao", DOCUMENT), handed_over, "sau khi trục quốc gia trở lại")?;
    Ok(nation)
}
