//! `demo`: a hub in this process, three robot document systems over real HTTP, one story, a table line for
//! each step. Then the hub stays up to be tried.
//!
//! With `--tiers`: three hubs that pass packets on to each other (`tiers`).
//!
//! Reading order: `story` and `push` (what happens), `stage` (one step), `robot` (one system), `sdk` and `native` (the
//! two APIs), `packets` (what is sent).

mod archive;
mod native;
mod packets;
mod people;
mod push;
mod robot;
mod sdk;
mod stage;
mod story;
mod tiers;

use super::client::connection::Connection;
use super::{Outcome, agency, open};
use crate::config::Config;
use crate::domain::dates::VIETNAM;
use crate::domain::schedule::{Schedule, Schedules};
use crate::domain::system::Role;
use crate::exchange::act::By;
use crate::exchange::systems::{self, NewSystem};
use crate::exchange::{directory, keys};
use crate::hub::Hub;
use crate::{Running, ServeError};
use anyhow::{Context, bail};
use chrono::TimeDelta;
use clap::Args;
use robot::Robot;
use secrecy::{ExposeSecret, SecretString};
use stage::{Count, Stage};
use std::io::{ErrorKind, Write};
use std::sync::Arc;
use story::Cast;

#[derive(Debug, Args)]
pub struct DemoArguments {
    /// End after the story; exit code 0 only if every step went as expected.
    #[arg(long)]
    once: bool,
    /// Start three hubs, a national one and two of provinces, that pass packets on to each other.
    #[arg(long)]
    tiers: bool,
}

/// A system of the story: id, name, and its agencies, of which it speaks for the first.
type System = (&'static str, &'static str, &'static [&'static str]);

const NATIONAL: System = ("dms.national", "Hệ thống của Văn phòng Thử nghiệm Trung ương", &["X99.A01"]);
const PROVINCE: System = ("dms.province", "Hệ thống của tỉnh Mẫu", &["X99.B02", "X99.E05"]);
const COMMUNE: System = ("dms.commune", "Hệ thống của xã Mẫu", &["X99.C03"]);

/// All sample agencies have codes in this block, which no real agency has.
const BLOCK: &str = "X99.";

/// Plays the story and, unless told otherwise, stays up.
pub fn run(mut config: Config, arguments: &DemoArguments, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    if config.log.filter == crate::config::Log::default().filter {
        // The table is what people want to read here.
        "warn".clone_into(&mut config.log.filter);
    }
    crate::log::start(&config.log);
    // Robots and other hubs are on this machine, and patience is short.
    config.push.plain_http = true;
    "127.0.0.0/8".clone_into(&mut config.push.networks);
    "127.0.0.0/8".clone_into(&mut config.push.webhook_networks);
    // Nobody has to take out a telephone to look at the portal.
    config.portal.second_factor = false;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no threads")?;
    if arguments.tiers {
        return runtime.block_on(tiers::run(config, arguments.once, out));
    }
    let mut hub = open(config)?;
    let short = short_schedule().context("the schedule of the demo")?;
    hub.schedules = Arc::new(Schedules { packets: short.clone(), events: short });
    runtime.block_on(async {
        refuse_foreign_agencies(&hub).await?;
        agency::import_text(&hub, packets::AGENCIES).await.context("the sample agencies cannot be registered")?;
        let [national, province, commune] =
            [NATIONAL, PROVINCE, COMMUNE].map(|system| key(&hub, system, Role::Exchange));
        let keys = [national.await?, province.await?, commune.await?];
        let running = start(&hub, out).await?;
        let url = format!("http://{}", running.address);
        let mark = hub.clock.now().with_timezone(&VIETNAM).format("DEMO-%Y%m%d%H%M%S%3f").to_string();
        let played = play(&hub, &url, &keys, (&mark, &mut *out)).await;
        if arguments.once || played.is_err() {
            running.stop().await?;
            return Ok(verdict(&played?.0));
        }
        let (count, first) = played?;
        let accounts = people::let_in(&hub).await.context("the sample accounts")?;
        portal(&url, &accounts, out)?;
        invitation(&url, &keys, &first, out)?;
        running.until_told_to_stop(&hub).await?;
        writeln!(out, "Đã dừng.")?;
        Ok(verdict(&count))
    })
}

fn verdict(count: &Count) -> Outcome {
    if count.wrong == 0 { Outcome::Done } else { Outcome::Refused }
}

/// The demo makes agencies, systems and keys: none of that belongs into a real hub.
async fn refuse_foreign_agencies(hub: &Hub) -> anyhow::Result<()> {
    let mut after = String::new();
    loop {
        let page = directory::agencies_after(hub, &after, hub.config.lists.page_max).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.agency.code.0.clone();
        if let Some(foreign) = page.iter().find(|line| !line.agency.code.as_str().starts_with(BLOCK)) {
            let code = &foreign.agency.code;
            bail!("this hub has real agencies ({code}); give the demo another DOCAXIS__DATA__DIRECTORY");
        }
    }
}

/// A key of a robot.
struct Key {
    system_id: &'static str,
    key_id: String,
    secret: String,
}

impl Key {
    /// The bearer token of the native API.
    fn token(&self) -> String {
        format!("{}.{}", self.key_id, self.secret)
    }
}

/// Makes the system with a fresh key; keys of earlier runs end, since a system has few live ones.
async fn key(hub: &Hub, (id, name, agencies): System, role: Role) -> anyhow::Result<Key> {
    let agencies: Vec<String> = agencies.iter().map(|code| (*code).to_owned()).collect();
    let new = NewSystem { system_id: id.to_owned(), name: name.to_owned(), role: Some(role), agencies };
    let system = systems::put_system(hub, &By::Operator, new).await.context(id)?;
    for old in system.keys.iter().filter(|key| key.revoked_at.is_none()) {
        keys::revoke_key(hub, &By::Operator, &old.key_id).await.context(id)?;
    }
    let key = keys::add_key(hub, &By::Operator, id, None).await.context(id)?;
    Ok(Key { system_id: id, key_id: key.key_id, secret: key.secret.expose_secret().to_owned() })
}

/// Starts at the configured address, or at a free port when somebody has it.
async fn start(hub: &Hub, out: &mut dyn Write) -> anyhow::Result<Running> {
    match Running::start(hub).await {
        Err(ServeError::Listen(taken, why)) if why.kind() == ErrorKind::AddrInUse => {
            writeln!(out, "{taken} đang có chương trình khác dùng; trục lấy một cổng còn trống.")?;
            let mut config = (*hub.config).clone();
            "127.0.0.1:0".clone_into(&mut config.server.address);
            hub.put_in_force(config);
            let mut hub = hub.clone();
            hub.refresh();
            Ok(Running::start(&hub).await?)
        }
        other => Ok(other?),
    }
}

/// Pauses up to a second, a term of six seconds.
fn short_schedule() -> Option<Schedule> {
    Schedule::new(vec![TimeDelta::seconds(1)], &[TimeDelta::seconds(6); 5], TimeDelta::seconds(1))
}

async fn play(
    hub: &Hub,
    url: &str,
    keys: &[Key; 3],
    (mark, out): (&str, &mut dyn Write),
) -> anyhow::Result<(Count, String)> {
    let [national, province, commune] = keys;
    let cast = Cast {
        national: Robot::with_sdk(NATIONAL.0, "X99.A01", url, &national.secret)?,
        province: Robot::with_sdk(PROVINCE.0, "X99.B02", url, &province.secret)?,
        commune: Robot::native(COMMUNE.0, "X99.C03", url, &commune.token())?,
    };
    writeln!(out, "Trục đang chạy tại {url}. dms.national và dms.province dùng SDK, dms.commune dùng API riêng.\n")?;
    let mut stage = Stage::new(out, mark);
    let first = story::play(&cast, &mut stage, mark).await?;
    let sender = Connection::new(robot::client()?, url, national.token().into());
    let robot = crate::robot::Robot::start("127.0.0.1:0", Vec::new()).context("the robot agency")?;
    let ear = crate::robot::Robot::start("127.0.0.1:0", Vec::new()).context("the sender's robot")?;
    push::play(&cast, &mut stage, push::Props { hub, sender: &sender, robot, ear, mark }).await?;
    let count = stage.count;
    summary(&count, out)?;
    archive::close(hub, out).await?;
    Ok((count, first))
}

fn summary(count: &Count, out: &mut dyn Write) -> std::io::Result<()> {
    let Count { steps, wrong, accepted, refused, repeated, taken } = count;
    writeln!(
        out,
        "\n{steps} bước, {wrong} bước sai. Trục đã nhận {accepted} gói tin, trả lại biên nhận cũ {repeated} lần,"
    )?;
    writeln!(out, "từ chối {refused} gói; các hệ thống đã tải và xác nhận {taken} gói.")
}

/// Where to look with a browser, and what to try there.
fn portal(url: &str, accounts: &[(&str, SecretString)], out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(out, "\nTrang cho người dùng: {url}/portal")?;
    for (login, password) in accounts {
        writeln!(out, "  {login:<14} mật khẩu {}", password.expose_secret())?;
    }
    writeln!(out, "Đăng nhập, rồi dán một số ký hiệu ở bảng trên vào ô \"Họ nhận chưa?\".")
}

fn invitation(url: &str, keys: &[Key; 3], first: &str, out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(out, "\nHệ thống và khóa (chỉ in lần này):")?;
    for key in keys {
        writeln!(out, "  {:<14} key_id {}  secret {}", key.system_id, key.key_id, key.secret)?;
    }
    let [national, province, _] = keys;
    writeln!(out, "\nSDK: đổi URL thành {url}, giữ nguyên chương trình. API riêng: {url}/api/v1. Thử ngay:\n")?;
    let bearer = |key: &Key| format!("curl -s -H 'Authorization: Bearer {}'", key.token());
    let sample = "fixtures/accepted/new.edxml";
    writeln!(out, "  {} --data-binary @{sample} {url}/api/v1/envelopes", bearer(national))?;
    writeln!(out, "  {} {url}/api/v1/mailbox", bearer(province))?;
    writeln!(out, "  {} {url}/api/v1/envelopes/{first}", bearer(national))?;
    writeln!(out, "\nCtrl-C để dừng.")?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn played(directory: &std::path::Path, tiers: bool) -> (Outcome, String) {
        let mut config = Config::default();
        config.data.directory = directory.to_owned();
        "127.0.0.1:0".clone_into(&mut config.server.address);
        let mut out = Vec::new();
        let outcome = run(config, &DemoArguments { once: true, tiers }, &mut out).unwrap();
        (outcome, String::from_utf8(out).unwrap())
    }

    #[test]
    fn every_step_of_the_story_goes_as_expected_and_again_on_the_same_hub() {
        let directory = tempfile::tempdir().unwrap();

        for _ in 0..2 {
            let (outcome, said) = played(directory.path(), false);
            assert_eq!(outcome, Outcome::Done, "{said}");
        }
    }

    #[test]
    fn a_document_travels_over_three_hubs_and_again_on_the_same_ones() {
        let directory = tempfile::tempdir().unwrap();

        for _ in 0..2 {
            let (outcome, said) = played(directory.path(), true);
            assert_eq!(outcome, Outcome::Done, "{said}");
            assert!(said.contains("tinh-mot") && said.contains("quoc-gia") && said.contains("tinh-hai"), "{said}");
        }
    }
}
