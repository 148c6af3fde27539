//! `receipt show|signed|capsule|certificates`: signed receipts, and what proves a delivery.

use super::{Outcome, time};
use crate::exchange::{access, attest, capsule};
use crate::http::receipt_api;
use crate::hub::Hub;
use anyhow::Context;
use clap::Subcommand;
use std::io::Write;

const EXAMPLES: &str = "\
Examples:
  docaxis receipt signed 0190a5b0c1d27e3f8a4b5c6d7e8f9a0b > bien-nhan.xml
  docaxis receipt certificates > hub.pem
  docaxis verify bien-nhan.xml --trust hub.pem
  xmlsec1 --verify --trusted-pem hub.pem --enabled-key-data x509 bien-nhan.xml";

#[derive(Debug, Subcommand)]
pub enum ReceiptCommand {
    /// Show what a receipt says, as JSON.
    Show {
        /// A piece of evidence, or an envelope: that it was accepted.
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Print a signed receipt, as XML; it is signed now if it was not before.
    #[command(after_help = EXAMPLES)]
    Signed {
        /// A piece of evidence, or an envelope: that it was accepted.
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Print all that proves what became of a delivery, in one file.
    Capsule {
        /// Which.
        #[arg(value_name = "DELIVERY")]
        delivery: String,
    },
    /// Print the certificates under which receipts are and were signed (PEM): what others trust.
    Certificates,
}

impl ReceiptCommand {
    pub async fn run(self, hub: &Hub, out: &mut dyn Write) -> anyhow::Result<Outcome> {
        match self {
            Self::Show { id } => {
                let issued = attest::receipt(hub, None, &id).await.context(id.clone())?;
                access::by_operator(hub, "receipt", &id).await?;
                writeln!(out, "{}", serde_json::to_string_pretty(&receipt_api::body(&issued.receipt))?)?;
            }
            Self::Signed { id } => {
                let xml = attest::signed(hub, None, &id).await.context(id.clone())?;
                access::by_operator(hub, "receipt", &id).await?;
                write!(out, "{xml}")?;
            }
            Self::Capsule { delivery } => {
                let capsule = capsule::capsule(hub, None, &delivery).await.context(delivery.clone())?;
                access::by_operator(hub, "capsule", &delivery).await?;
                write!(out, "{}", capsule.file())?;
            }
            Self::Certificates => {
                for one in attest::certificates(hub).await? {
                    let (begins, ends) = (time(one.begins_at), time(one.ends_at));
                    write!(out, "# {}\n# {begins} – {ends}\n# {}\n{}", one.subject, one.id, one.pem())?;
                }
            }
        }
        Ok(Outcome::Done)
    }
}
