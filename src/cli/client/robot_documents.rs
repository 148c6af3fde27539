//! What a robot sends of its own accord: a trial document, and the wish to have it back.

use super::connection::{Connection, Fault, accepted};
use crate::domain::dates::VIETNAM;
use crate::domain::envelope::{Business, Urgency};
use crate::hub::{Clock, Ids};
use crate::wire::write::{DocumentPacket, Party};
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;

/// Sends a document between two agencies, and asks it back when `asks_back`. What the hub said to each.
pub async fn send(
    connection: &Connection,
    (from, to): (&str, &str),
    asks_back: bool,
) -> anyhow::Result<Vec<(&'static str, String)>> {
    let document_id = Ids.next();
    let recall = Business::Recall { target: Some(document_id.clone()) };
    let mut packets = vec![("document", document_id.as_str(), Business::New)];
    let recall_id = Ids.next();
    if asks_back {
        packets.push(("recall", recall_id.as_str(), recall));
    }
    let mut answers = Vec::new();
    for (what, id, business) in packets {
        let body = packet((from, to), id, business)?;
        let request = connection.request(Method::POST, "/envelopes").header(CONTENT_TYPE, "application/xml").body(body);
        let answer = accepted(request).await.map(|response| response.status().to_string());
        answers.push((what, answer.unwrap_or_else(|fault: Fault| fault.chain())));
    }
    Ok(answers)
}

fn packet((from, to): (&str, &str), document_id: &str, business: Business) -> std::io::Result<Vec<u8>> {
    let now = Clock::System.now();
    let packet = DocumentPacket {
        from: Party { organ_id: from, name: from },
        to: vec![Party { organ_id: to, name: to }],
        document_id,
        number: "1",
        notation: "RB-TN",
        place: "Hà Nội",
        issued_on: now.with_timezone(&VIETNAM).date_naive(),
        type_name: "Công văn",
        subject: "Văn bản thử nghiệm của đơn vị tự động",
        signer: "Đơn vị tự động",
        due_on: None,
        urgency: Urgency::Normal,
        answers: Vec::new(),
        reason: if business == Business::New { "" } else { "Thử thu hồi" },
        business,
        at: now,
    };
    let mut bytes = Vec::new();
    packet.write(&mut [], &mut bytes)?;
    Ok(bytes)
}
