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
use crate::store::payloads::Payloads;
use crate::store::pushes::{Content, Packet, Parcel};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::stream;
use secrecy::{ExposeSecret, SecretString};
use std::io::{self, Read};
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;

/// An endpoint that something is sent to.
pub(super) struct Target {
    /// Whose it is.
    pub(super) id: EndpointId,
    /// As it stood when the round began.
    pub(super) row: EndpointRow,
}

/// What is read for the signature, and for the body.
#[derive(Clone)]
enum Source {
    /// From a row of the database.
    Row(Bytes),
    /// From a file, held in memory, with its room there.
    Held(Vec<Bytes>, Arc<OwnedSemaphorePermit>),
    /// In a file that is read twice.
    File(Digest, u64),
}

impl Source {
    fn bytes(&self) -> u64 {
        let length = |bytes: &Bytes| u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        match self {
            Self::Row(content) => length(content),
            Self::Held(pieces, _) => pieces.iter().map(length).sum(),
            Self::File(_, bytes) => *bytes,
        }
    }

    fn reader(&self, payloads: &Payloads) -> io::Result<Box<dyn Read + '_>> {
        match self {
            Self::Row(content) => Ok(Box::new(&**content)),
            Self::Held(pieces, _) => Ok(Box::new(Pieces(pieces, 0))),
            Self::File(sha256, bytes) => Ok(Box::new(payloads.reader(sha256, *bytes)?)),
        }
    }

    fn stream(self, payloads: &Payloads) -> io::Result<Stream> {
        match self {
            Self::Row(content) => Ok(Box::pin(stream::once(async { Ok(content) }))),
            Self::Held(pieces, room) => {
                let left = (pieces.into_iter(), room);
                Ok(Box::pin(stream::unfold(left, |(mut pieces, room)| async {
                    pieces.next().map(|piece| (Ok(piece), (pieces, room)))
                })))
            }
            Self::File(sha256, bytes) => Ok(payloads.stream(&sha256, bytes)?),
        }
    }
}

/// Pieces one after the other, and how much of the first was read.
struct Pieces<'a>(&'a [Bytes], usize);

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some((first, others)) = self.0.split_first() else { return Ok(0) };
        let read = first.get(self.1..).unwrap_or_default().read(buffer)?;
        self.1 = self.1.saturating_add(read);
        if self.1 >= first.len() {
            *self = Pieces(others, 0);
        }
        Ok(read)
    }
}

/// What is sent to an endpoint.
///
/// # Errors
/// Why it cannot be sent: nothing of the endpoint's doing.
pub(super) async fn of(hub: &Hub, target: &Target, parcel: &Parcel, at: DateTime<Utc>) -> Result<Shipment, String> {
    let id = parcel.push.push_id.as_str();
    let (source, media, more) = match &parcel.content {
        Content::Packet(packet) => (source(hub, target.id.kind, packet).await?, "application/xml", of_packet(packet)),
        Content::Announcement(row) => {
            (Source::Row(Bytes::copy_from_slice(row.body.as_bytes())), "application/json", Vec::new())
        }
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
    let (bytes, content) = (source.bytes(), source.stream(&hub.payloads).map_err(|error| error.to_string())?);
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

async fn source(hub: &Hub, kind: EndpointKind, packet: &Packet) -> Result<Source, String> {
    let (sha256, bytes) = (digest_of(&packet.sha256), u64::try_from(packet.bytes).unwrap_or(0));
    if let Some(content) = &packet.content {
        return match Digest::of(content) == sha256 {
            true => Ok(Source::Row(Bytes::copy_from_slice(content))),
            false => Err("the packet's row was altered".to_owned()),
        };
    }
    let room = u32::try_from(bytes).ok().and_then(|bytes| Arc::clone(&hub.held).try_acquire_many_owned(bytes).ok());
    // For a neighbour nothing is signed, and the file is read once anyway.
    let Some(room) = room.filter(|_| kind != EndpointKind::Relay) else { return Ok(Source::File(sha256, bytes)) };
    let payloads = hub.payloads.clone();
    let read = move || Ok(Source::Held(payloads.pieces(&sha256, bytes)?, Arc::new(room)));
    let reading = tokio::task::spawn_blocking(read).await;
    reading.map_err(io::Error::other).flatten().map_err(|error| error.to_string())
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

/// One signature under each secret. They stand in the head: a packet that is not held is read once more for them.
async fn signatures(
    hub: &Hub,
    secrets: Vec<SecretString>,
    (id, timestamp): (&str, i64),
    source: &Source,
) -> io::Result<String> {
    let (payloads, id, source) = (hub.payloads.clone(), id.to_owned(), source.clone());
    let is_long = !matches!(source, Source::Row(_));
    let sign = move || -> io::Result<String> {
        let signed =
            secrets.iter().map(|secret| signature::sign(secret, (&id, timestamp), || source.reader(&payloads)));
        Ok(signed.collect::<io::Result<Vec<String>>>()?.join(" "))
    };
    if is_long { tokio::task::spawn_blocking(sign).await.map_err(io::Error::other).flatten() } else { sign() }
}
