//! What leaves in one attempt: the bytes, the headers that say what they are, and the signatures. Not here: posting it
//! (`channel::push`), when (`dispatch`).

use super::endpoints::sealed_for;
use crate::channel::push::{Content as Stream, Shipment};
use crate::channel::signature;
use crate::domain::endpoint::{EndpointId, EndpointKind};
use crate::domain::packet::Digest;
use crate::domain::relay::{Hop, with_hop};
use crate::hub::Hub;
use crate::store::endpoints::EndpointRow;
use crate::store::envelopes::digest_of;
use crate::store::pushes::{Content, Packet, Parcel};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::stream;
use secrecy::{ExposeSecret, SecretString};
use std::io;

/// An endpoint that something is sent to.
pub(super) struct Target {
    /// Whose it is.
    pub(super) id: EndpointId,
    /// As it stood when the round began.
    pub(super) row: EndpointRow,
}

/// What is read for the signature and once more for the body.
enum Source<'a> {
    Bytes(&'a [u8]),
    File(Digest, u64),
}

/// What is sent to an endpoint.
///
/// # Errors
/// Why it cannot be sent: nothing of the endpoint's doing.
pub(super) async fn of(hub: &Hub, target: &Target, parcel: &Parcel, at: DateTime<Utc>) -> Result<Shipment, String> {
    let id = parcel.push.push_id.as_str();
    let (source, media, more) = match &parcel.content {
        Content::Packet(packet) => (source(packet)?, "application/xml", of_packet(packet)),
        Content::Announcement(row) => (Source::Bytes(row.body.as_bytes()), "application/json", Vec::new()),
    };
    let secrets = secrets(hub, target, at)?;
    let mut headers = vec![("docaxis-attempt", parcel.push.attempts.saturating_add(1).to_string())];
    match target.id.kind {
        EndpointKind::Relay => headers.extend(of_relay(hub, &secrets, &parcel.content)?),
        EndpointKind::Agency | EndpointKind::Events => {
            let signed = signatures(hub, secrets, (id, at.timestamp()), &source).await;
            headers.extend([
                ("webhook-id", id.to_owned()),
                ("webhook-timestamp", at.timestamp().to_string()),
                ("webhook-signature", signed.map_err(|error| error.to_string())?),
            ]);
        }
    }
    headers.extend(more);
    let (bytes, content): (u64, Stream) = match source {
        Source::Bytes(bytes) => {
            let content = Bytes::copy_from_slice(bytes);
            (u64::try_from(bytes.len()).unwrap_or(u64::MAX), Box::pin(stream::once(async { Ok(content) })))
        }
        Source::File(sha256, bytes) => (bytes, hub.payloads.stream(&sha256, bytes).map_err(|error| error.to_string())?),
    };
    Ok(Shipment { url: url(target, &parcel.content), headers, media, bytes, content, kind: target.id.kind })
}

/// Where it is posted: of a neighbour, the address of the hub is known.
fn url(target: &Target, content: &Content) -> String {
    match (target.id.kind, content) {
        (EndpointKind::Agency | EndpointKind::Events, _) => target.row.url.clone(),
        (EndpointKind::Relay, Content::Packet(_)) => format!("{}/api/v1/envelopes", target.row.url),
        (EndpointKind::Relay, Content::Announcement(_)) => format!("{}/api/v1/relay/events", target.row.url),
    }
}

/// What a neighbour is shown: the key that it gave, and which hubs passed a packet on, this one last.
fn of_relay(hub: &Hub, keys: &[SecretString], content: &Content) -> Result<Vec<(&'static str, String)>, String> {
    let key = keys.first().map(ExposeSecret::expose_secret).unwrap_or_default();
    let mut headers = vec![("authorization", format!("Bearer {key}"))];
    if let Content::Packet(packet) = content {
        let name = hub.config.relay.hub_name.clone();
        if name.is_empty() {
            return Err("this hub has no name (relay.hub_name)".to_owned());
        }
        let hop = Hop { hub: name, at: packet.delivery.accepted_at() };
        headers.push(("docaxis-hops", with_hop(packet.delivery.hops.as_deref(), &hop)));
    }
    Ok(headers)
}

fn source(packet: &Packet) -> Result<Source<'_>, String> {
    let sha256 = digest_of(&packet.sha256);
    match &packet.content {
        Some(content) if Digest::of(content) != sha256 => Err("the packet's row was altered".to_owned()),
        Some(content) => Ok(Source::Bytes(content)),
        None => Ok(Source::File(sha256, u64::try_from(packet.bytes).unwrap_or(0))),
    }
}

fn of_packet(packet: &Packet) -> Vec<(&'static str, String)> {
    let delivery = &packet.delivery;
    vec![
        ("docaxis-delivery", delivery.delivery_id.clone()),
        ("docaxis-envelope", delivery.envelope_id.clone()),
        ("docaxis-kind", delivery.packet_kind.clone()),
        ("docaxis-sender", delivery.sender_code.clone()),
        ("docaxis-recipient", delivery.recipient_code.clone()),
        ("docaxis-sha256", hex::encode(&packet.sha256)),
    ]
}

/// The secret in force, and the one before while both hold.
pub(super) fn secrets(hub: &Hub, target: &Target, at: DateTime<Utc>) -> Result<Vec<SecretString>, String> {
    let secrets = target.row.secrets();
    let former = secrets.former.filter(|(_, until)| at < *until).map(|(sealed, _)| sealed);
    let sealed = std::iter::once(secrets.sealed).chain(former);
    let opened = sealed.map(|sealed| hub.keyring.unseal(&sealed, &sealed_for(&target.id)));
    opened.collect::<Result<_, _>>().map_err(|error| error.to_string())
}

/// One signature under each secret. They stand in the head: a large packet is read once more for them rather than kept in
/// memory.
async fn signatures(
    hub: &Hub,
    secrets: Vec<SecretString>,
    (id, timestamp): (&str, i64),
    source: &Source<'_>,
) -> io::Result<String> {
    let signed: Vec<String> = match source {
        Source::Bytes(bytes) => {
            let sign = |secret| signature::sign(secret, (id, timestamp), || Ok(*bytes));
            secrets.iter().map(sign).collect::<io::Result<_>>()?
        }
        Source::File(sha256, bytes) => {
            let (payloads, id, sha256, bytes) = (hub.payloads.clone(), id.to_owned(), *sha256, *bytes);
            let sign = move |secret: &SecretString| {
                signature::sign(secret, (&id, timestamp), || payloads.reader(&sha256, bytes))
            };
            let signing = tokio::task::spawn_blocking(move || secrets.iter().map(sign).collect());
            signing.await.map_err(io::Error::other).flatten()?
        }
    };
    Ok(signed.join(" "))
}
