//! The end of the story: an archive of all that was exchanged today, and its verification, as anybody can do it who has the hub's
//! certificate.

use crate::domain::dates::VIETNAM;
use crate::exchange::act::By;
use crate::exchange::archive::{self, Selection};
use crate::exchange::attest;
use crate::exchange::verify::{self, Trust};
use crate::hub::Hub;
use crate::signer::certificate::Certificate;
use anyhow::{Context, ensure};
use std::fs;
use std::io::Write;
use std::time::Duration;

/// The ledger seals each second.
const SEALED: Duration = Duration::from_secs(2);

/// Exports the day and verifies it.
pub async fn close(hub: &Hub, out: &mut dyn Write) -> anyhow::Result<()> {
    tokio::time::sleep(SEALED).await;
    let today = hub.clock.now().with_timezone(&VIETNAM).date_naive().to_string();
    let selection = Selection { from: today.clone(), until: today, packets: true, ..Selection::default() };
    let asked = archive::ask(hub, &By::Operator, selection).await.context("the archive of the demo")?;
    archive::make(hub, &asked.archive_id, &mut |_| {}).await?;
    let (row, mut file) = archive::take(hub, &By::Operator, &asked.archive_id).await.context("the archive")?;
    let certificates = attest::certificates(hub).await?;
    let pem = hub.config.data.directory.join("hub.pem");
    fs::write(&pem, certificates.iter().map(Certificate::pem).collect::<String>())?;
    let report = verify::verify_stream(&mut file, &Trust { certificates, ..Trust::default() })?;
    let path = hub.config.data.directory.join("archives").join(format!("{}.zip", row.archive_id));
    writeln!(out, "\nGói lưu trữ của ngày hôm nay: {} gói tin, {} byte.", row.done, row.bytes)?;
    report.tells.iter().try_for_each(|line| writeln!(out, "  {line}"))?;
    ensure!(report.holds(), "the archive of the demo does not hold: {:?}", report.steps);
    writeln!(out, "Đã kiểm tra, không dùng cơ sở dữ liệu, không dùng mạng: ĐÚNG / holds. Tự kiểm tra lại:")?;
    writeln!(out, "  docaxis verify {} --trust {}", path.display(), pem.display())?;
    Ok(())
}
