//! The story of the demo, scene by scene. `stage` does the steps; `packets` holds what is sent.

use super::packets as p;
use super::robot::{Kind, Robot};
use super::stage::{Expect, Stage};

/// The three systems on the stage.
pub struct Cast {
    /// dms.national, agency X99.A01, vendor SDK.
    pub national: Robot,
    /// dms.province, agency X99.B02, vendor SDK.
    pub province: Robot,
    /// dms.commune, agency X99.C03, native API.
    pub commune: Robot,
}

/// Plays every scene. `mark` keeps the documents of this run apart from those of other runs. Gives the
/// hub's id of the first document.
pub async fn play(cast: &Cast, stage: &mut Stage<'_>, mark: &str) -> anyhow::Result<String> {
    for robot in [&cast.national, &cast.province, &cast.commune] {
        // What a run that was broken off left behind would be taken for this run's.
        robot.take_all(Kind::Document).await?;
        robot.take_all(Kind::Status).await?;
    }
    stage.head()?;
    let first = a_document_and_its_handling(cast, stage).await?;
    said_twice(cast, stage, &first).await?;
    update(cast, stage).await?;
    replacement(cast, stage).await?;
    recall_agreed(cast, stage).await?;
    stage.remark(&format!("{mark}B"));
    recall_declined(cast, stage).await?;
    Ok(first)
}

async fn a_document_and_its_handling(cast: &Cast, stage: &mut Stage<'_>) -> anyhow::Result<String> {
    let Cast { national, province, commune } = cast;
    let first = stage.send(national, p::NEW, ("gửi văn bản mới", "1/VP-TN"), Expect::Accepted).await?;
    stage.take(province, "1/VP-TN", &[p::NEW]).await?;
    stage.take(commune, "1/VP-TN", &[p::NEW]).await?;
    for (packet, words) in [
        (p::ARRIVED, "báo 01: đã đến"),
        (p::REGISTERED, "báo 03: đã tiếp nhận"),
        (p::ASSIGNED, "báo 04: phân công xử lý"),
        (p::IN_PROGRESS, "báo 05: đang xử lý"),
        (p::FINISHED, "báo 06: hoàn thành"),
    ] {
        stage.send(province, packet, (words, "1/VP-TN"), Expect::Accepted).await?;
    }
    stage.take_statuses(national, "1/VP-TN", &["01", "03", "04", "05", "06"]).await?;
    Ok(first)
}

async fn said_twice(cast: &Cast, stage: &mut Stage<'_>, first: &str) -> anyhow::Result<()> {
    let Cast { national, province, commune } = cast;
    stage.send(national, p::REPEAT, ("gửi lại sau khi mất kết nối", "1/VP-TN"), Expect::Repeat(first)).await?;
    stage.send(national, p::CONFLICT, ("gửi nội dung khác, cùng mã", "1/VP-TN"), Expect::Refused("24")).await?;
    stage.send(national, p::TO_NOBODY, ("gửi tới nơi không có thật", "7/VP-TN"), Expect::Refused("18")).await?;
    stage.take(province, "1/VP-TN", &[]).await?;
    stage.take(commune, "1/VP-TN", &[]).await
}

async fn update(cast: &Cast, stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let Cast { national, province, commune } = cast;
    stage.send(national, p::UPDATE, ("cập nhật, bớt nơi nhận", "2/VP-TN"), Expect::Accepted).await?;
    stage.take(province, "2/VP-TN", &[p::UPDATE]).await?;
    stage.take(commune, "2/VP-TN", &[p::UPDATE]).await?;
    stage.send(national, p::ASKED_BACK, ("báo 13: lấy lại từ xã", "1/VP-TN"), Expect::Accepted).await?;
    stage.take_statuses(commune, "1/VP-TN", &["13"]).await
}

async fn replacement(cast: &Cast, stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let Cast { national, province, commune } = cast;
    stage.send(national, p::SECOND, ("gửi văn bản mới", "3/VP-TN"), Expect::Accepted).await?;
    stage.take(province, "3/VP-TN", &[p::SECOND]).await?;
    stage.take(commune, "3/VP-TN", &[p::SECOND]).await?;
    stage.send(commune, p::TURNED_DOWN, ("báo 02: từ chối tiếp nhận", "3/VP-TN"), Expect::Accepted).await?;
    stage.take_statuses(national, "3/VP-TN", &["02"]).await?;
    stage.send(national, p::REPLACEMENT, ("thay thế 3/VP-TN", "4/VP-TN"), Expect::Accepted).await?;
    stage.take(province, "4/VP-TN", &[p::REPLACEMENT]).await?;
    stage.take(commune, "4/VP-TN", &[p::REPLACEMENT]).await
}

/// The province has the document and is asked for it; from the commune it is simply taken back, and the hub
/// answers 15 in its place.
async fn recall_agreed(cast: &Cast, stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let Cast { national, province, commune } = cast;
    stage.send(national, p::THIRD, ("gửi văn bản mới", "5/VP-TN"), Expect::Accepted).await?;
    stage.take(province, "5/VP-TN", &[p::THIRD]).await?;
    stage.send(national, p::RECALL, ("thu hồi (xã chưa nhận)", "5/VP-TN"), Expect::Accepted).await?;
    stage.take(commune, "5/VP-TN", &[]).await?;
    stage.take_statuses(national, "5/VP-TN", &["15"]).await?;
    stage.take(province, "6/VP-TN", &[p::RECALL]).await?;
    stage.send(province, p::AGREED, ("báo 15: đồng ý thu hồi", "5/VP-TN"), Expect::Accepted).await?;
    stage.take_statuses(national, "5/VP-TN", &["15"]).await
}

/// The other way round, with another document: the commune has it and declines.
async fn recall_declined(cast: &Cast, stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let Cast { national, province, commune } = cast;
    stage.send(national, p::THIRD, ("gửi văn bản mới", "5/VP-TN (B)"), Expect::Accepted).await?;
    stage.take(commune, "5/VP-TN (B)", &[p::THIRD]).await?;
    stage.send(national, p::RECALL, ("thu hồi (tỉnh chưa nhận)", "5/VP-TN (B)"), Expect::Accepted).await?;
    stage.take(province, "5/VP-TN (B)", &[]).await?;
    stage.take(commune, "6/VP-TN (B)", &[p::RECALL]).await?;
    stage.send(commune, p::DECLINED, ("báo 16: từ chối thu hồi", "5/VP-TN (B)"), Expect::Accepted).await?;
    stage.take_statuses(national, "5/VP-TN (B)", &["15", "16"]).await
}
