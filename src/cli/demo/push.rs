//! The last scenes: the province's agency has the hub bring its packets to an endpoint, where a robot agency takes them
//! well, is away for a while and comes back, and stays away until the term is over. The sender is told by webhook.

use super::packets::{self, marked};
use super::stage::{Expect, Stage};
use super::story::Cast;
use crate::channel::signature::Scheme;
use crate::cli::client::connection::Connection;
use crate::cli::client::robot::is_signed;
use crate::domain::announcement::EventKind;
use crate::exchange::ExchangeError;
use crate::exchange::act::By;
use crate::exchange::endpoints::{self, EndpointEntry, Proof};
use crate::exchange::webhooks::{self, WebhookEntry};
use crate::hub::Hub;
use crate::robot::{Manner, Pushed, Robot};
use anyhow::{Context, bail};
use secrecy::SecretString;
use serde_json::Value;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// Who brings, in the table.
const HUB: &str = "trục";
/// The document of these scenes.
const DOCUMENT: &str = "8/VP-TN";
/// Longer than the term of the demo and the hub's tick.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the scenes are played with.
pub struct Props<'a> {
    /// The hub, for what operators do.
    pub hub: &'a Hub,
    /// The sender's own look at what it sent.
    pub sender: &'a Connection,
    /// The robot at the endpoint.
    pub robot: Robot,
    /// The robot at the sender's webhook.
    pub ear: Robot,
    /// The mark of this run.
    pub mark: &'a str,
}

/// Plays the scenes; the agency picks up again afterwards.
pub async fn play(cast: &Cast, stage: &mut Stage<'_>, mut props: Props<'_>) -> anyhow::Result<()> {
    let agency = cast.province.agency;
    let url = props.robot.url();
    let entry = EndpointEntry {
        agency: agency.to_owned(),
        url: url.clone(),
        confirms_itself: false,
        in_flight_max: None,
        scheme: Scheme::Ed25519,
    };
    endpoints::set(props.hub, &By::Operator, entry).await.context("địa chỉ nhận")?;
    stage.line(HUB, ("từ nay đẩy gói tin tới địa chỉ", agency), true, &url)?;

    let secret = listen(cast, stage, &props).await?;
    let brought = bring(cast, stage, &mut props, ("P1", Vec::new())).await?;
    let attempts = state_of(&props, &brought, "handed_over").await?;
    stage.line(HUB, ("đã đẩy, có ký", DOCUMENT), attempts, "bên nhận trả 200: đã bàn giao")?;
    let heard = heard(&mut props, &brought, &secret).await?;
    let words = "webhook báo delivery.handed_over, chữ ký đúng: không phải hỏi";
    stage.line(cast.national.system_id, ("nghe tin văn bản đã giao", DOCUMENT), heard, words)?;

    let brought = bring(cast, stage, &mut props, ("P2", vec![Manner::status(503); 2])).await?;
    let came_back = state_of(&props, &brought, "handed_over").await?;
    let tries = props.robot.taken().len().saturating_add(1);
    let words = format!("trả 503 hai lần rồi nhận: lần thứ {tries} đã bàn giao");
    stage.line(HUB, ("đơn vị mất liên lạc rồi trở lại", DOCUMENT), came_back && tries == 3, &words)?;

    let brought = bring(cast, stage, &mut props, ("P3", vec![Manner::status(503); 1000])).await?;
    let given_up = state_of(&props, &brought, "failed").await?;
    let words = "hết thời hạn: thất bại, có bằng chứng; gửi lại bằng docaxis queue start-anew";
    stage.line(HUB, ("đơn vị không trở lại", DOCUMENT), given_up, words)?;

    endpoints::remove(props.hub, &By::Operator, agency).await.context("địa chỉ nhận")?;
    webhooks::remove(props.hub, &By::Operator, cast.national.system_id).await.context("webhook")?;
    props.robot.stop().await;
    props.ear.stop().await;
    Ok(())
}

/// The sender wants to be told of what was handed over. Gives the secret of the signatures.
async fn listen(cast: &Cast, stage: &mut Stage<'_>, props: &Props<'_>) -> anyhow::Result<SecretString> {
    let (system, url) = (cast.national.system_id, props.ear.url());
    let events = vec![EventKind::HandedOver];
    let entry = WebhookEntry { url: url.clone(), events, in_flight_max: None, scheme: Scheme::Hmac };
    // One that a run which was broken off left behind has a secret that nobody knows any more.
    match webhooks::remove(props.hub, &By::Operator, system).await {
        Ok(()) | Err(ExchangeError::NotFound) => {}
        Err(error) => return Err(error).context("webhook"),
    }
    let proof = webhooks::set(props.hub, &By::Operator, system, entry).await.context("webhook")?;
    let Some(Proof::Secret(secret)) = proof else { bail!("webhook mới mà không có bí mật") };
    stage.line(system, ("đăng ký webhook", ""), true, &url)?;
    Ok(secret)
}

/// Whether the sender is told, with the right signature, that an envelope was handed over.
async fn heard(props: &mut Props<'_>, envelope: &str, secret: &SecretString) -> anyhow::Result<bool> {
    let told = timeout(PATIENCE, props.ear.next()).await.ok().flatten().context("webhook không báo gì")?;
    let event: Value = serde_json::from_slice(&told.body)?;
    let says = |place: &str, text: &str| event.pointer(place).and_then(Value::as_str) == Some(text);
    Ok(says("/type", EventKind::HandedOver.name()) && says("/data/envelope_id", envelope) && is_signed(&told, secret))
}

/// The sender sends the document under another mark; the robot has it, byte for byte. Gives the hub's id.
async fn bring(
    cast: &Cast,
    stage: &mut Stage<'_>,
    props: &mut Props<'_>,
    (scene, manners): (&str, Vec<Manner>),
) -> anyhow::Result<String> {
    let mark = format!("{}{scene}", props.mark);
    stage.remark(&mark);
    props.robot.behave(manners);
    let title = ("gửi văn bản mới", DOCUMENT);
    let id = stage.send(&cast.national, packets::PUSHED, title, Expect::Accepted).await?;
    let pushed: Pushed = timeout(PATIENCE, props.robot.next()).await.ok().flatten().context("không có gì được đẩy")?;
    let whole = pushed.body == marked(packets::PUSHED, &mark).into_bytes();
    stage.line(cast.province.system_id, ("được đẩy tới", DOCUMENT), whole, "nguyên vẹn từng byte")?;
    Ok(id)
}

/// Whether the delivery of an envelope comes to a state, as its sender sees it.
async fn state_of(props: &Props<'_>, envelope: &str, state: &str) -> anyhow::Result<bool> {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        let view = props.sender.get(&format!("/envelopes/{envelope}"), &[]).await?;
        if view.pointer("/deliveries/0/state").and_then(Value::as_str) == Some(state) {
            return Ok(true);
        }
        sleep(Duration::from_millis(100)).await;
    }
    Ok(false)
}
