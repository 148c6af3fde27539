//! Packets of an archive a few at a time, each with its receipts and with what proves it. While some are written the next ones
//! are made ready, so at most two batches are in memory. Not here: which packets those are (`gather`), what is made of them
//! (`compose`).

use super::Request;
use super::gather::{self, Packet, Proofs};
use crate::exchange::{ExchangeError, attest};
use crate::hub::Hub;
use std::collections::HashMap;
use std::sync::Arc;
use std::vec::IntoIter;

/// Pieces of evidence that receipts are signed for together; the packets they are of are written together.
const TOGETHER: usize = 100;

/// Packets, what is written with them, and their receipts.
pub(super) struct Batch {
    pub(super) packets: Arc<Vec<Packet>>,
    pub(super) proofs: Proofs,
    pub(super) receipts: HashMap<String, String>,
    /// Whether a page of the ledger ends with it.
    pub(super) ends_page: bool,
}

/// The batches of an archive, one after the other along the ledger.
pub(super) struct Batches<'a> {
    hub: &'a Hub,
    request: &'a Request,
    /// From where the next page begins; nothing after the last.
    from: Option<i64>,
    /// What of the page before is still to come.
    page: IntoIter<Vec<Packet>>,
}

impl<'a> Batches<'a> {
    /// Begins with what was accepted on the first day.
    pub(super) async fn begin(hub: &'a Hub, request: &'a Request) -> Result<Self, ExchangeError> {
        let asked = request.clone();
        let from = hub.store.read(move |tx| gather::first_index(tx, &asked.selection.from)).await?;
        Ok(Self { hub, request, from: Some(from), page: Vec::new().into_iter() })
    }

    /// The next one; nothing after the last.
    pub(super) async fn next(&mut self) -> Result<Option<Batch>, ExchangeError> {
        loop {
            if let Some(packets) = self.page.next() {
                return self.ready(packets).await.map(Some);
            }
            let Some(from) = self.from else { return Ok(None) };
            let asked = self.request.clone();
            let page = self.hub.store.read(move |tx| gather::page(tx, &asked, from)).await?;
            self.from = page.next;
            self.page = cut(page.packets).into_iter();
        }
    }

    /// Packets with what is written with them.
    async fn ready(&self, packets: Vec<Packet>) -> Result<Batch, ExchangeError> {
        let with_receipt = packets.iter().flat_map(|packet| {
            // The receipt of the whole names other recipients too.
            let of_packet = packet.evidence.iter().filter(|_| packet.is_whole);
            of_packet.chain(packet.deliveries.iter().flat_map(|(_, pieces)| pieces)).cloned()
        });
        let receipts = attest::issue(self.hub, with_receipt.collect()).await?;
        let packets = Arc::new(packets);
        let (asked, of) = (self.request.clone(), Arc::clone(&packets));
        let proofs = self.hub.store.read(move |tx| gather::proofs(tx, &asked, &of)).await?;
        Ok(Batch { packets, proofs, receipts, ends_page: self.page.as_slice().is_empty() })
    }
}

/// Packets of a page in the same order, so many together that little is in memory at once.
fn cut(packets: Vec<Packet>) -> Vec<Vec<Packet>> {
    let mut batches: Vec<(usize, Vec<Packet>)> = Vec::new();
    for packet in packets {
        let pieces = packet.all_evidence().count().max(1);
        match batches.last_mut().filter(|(sum, _)| sum.saturating_add(pieces) <= TOGETHER) {
            Some((sum, batch)) => {
                *sum = sum.saturating_add(pieces);
                batch.push(packet);
            }
            None => batches.push((pieces, vec![packet])),
        }
    }
    batches.into_iter().map(|(_, batch)| batch).collect()
}
