//! `statistics show|rebuild|indicators|open-data`: numbers of what was exchanged.

use super::Outcome;
use super::search::rebuild;
use crate::domain::measure::MEASURES;
use crate::exchange::following::STATISTICS;
use crate::exchange::freeze;
use crate::exchange::statistics::{self, Period};
use crate::hub::Hub;
use anyhow::Context;
use clap::Subcommand;
use serde_json::json;
use std::io::Write;

const EXAMPLES: &str = "\
Examples:
  docaxis statistics show
  docaxis statistics show 2026-11 --json
  docaxis statistics indicators 2026-10 > chi-tieu.json
  docaxis statistics open-data 2026-10 --csv > du-lieu-mo.csv";

#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum StatisticsCommand {
    /// Print the numbers of the whole hub, of the last 1, 7 or 30 days or of a month.
    Show {
        /// 1, 7, 30 or a month such as 2026-11.
        #[arg(value_name = "PERIOD", default_value = "30", value_parser = period)]
        period: Period,
        /// One JSON object per line.
        #[arg(long)]
        json: bool,
    },
    /// Count everything anew from the ledger; numbers come back one after the other meanwhile. Frozen months stay.
    Rebuild,
    /// Print the indicators of a frozen month for the national reporting system, as JSON.
    Indicators {
        /// A month such as 2026-10.
        #[arg(value_name = "MONTH")]
        month: String,
        /// As a table, values divided by commas.
        #[arg(long)]
        csv: bool,
    },
    /// Print the open data of a frozen month as JSON: numbers by block of agencies, without small ones.
    OpenData {
        /// A month such as 2026-10.
        #[arg(value_name = "MONTH")]
        month: String,
        /// As a table, values divided by commas.
        #[arg(long)]
        csv: bool,
    },
}

/// A time as people write it.
fn period(text: &str) -> Result<Period, String> {
    Period::of_word(text).ok_or_else(|| "1, 7, 30 or a month such as 2026-11".to_owned())
}

impl StatisticsCommand {
    pub async fn run(self, hub: &Hub, out: &mut dyn Write) -> anyhow::Result<Outcome> {
        match self {
            Self::Show { period, json } => {
                let sums = statistics::of_hub(hub, period).await?;
                for measure in MEASURES {
                    let value = measure.value(&sums);
                    let (code, of) = (measure.code, value.denominator);
                    if json {
                        let line = json!({
                            "code": code, "name": measure.name.en, "name_vi": measure.name.vi,
                            "numerator": value.numerator, "denominator": of, "permille": value.permille(),
                        });
                        writeln!(out, "{line}")?;
                    } else {
                        let of = of.map(|of| format!(" / {of}")).unwrap_or_default();
                        writeln!(out, "{}{of}\t{code}\t{} / {}", value.numerator, measure.name.vi, measure.name.en)?;
                    }
                }
            }
            Self::Rebuild => return rebuild(hub, (&STATISTICS, "statistics"), out).await,
            Self::Indicators { month, csv } => {
                let file = freeze::indicators(hub, &month).await.with_context(|| not_frozen(&month))?;
                out.write_all(&if csv { file.csv()? } else { file.json().into_bytes() })?;
            }
            Self::OpenData { month, csv } => {
                let file = freeze::data_of(hub, &month).await.with_context(|| not_frozen(&month))?;
                out.write_all(&if csv { file.csv()? } else { file.json().into_bytes() })?;
            }
        }
        Ok(Outcome::Done)
    }
}

fn not_frozen(month: &str) -> String {
    format!("tháng {month} chưa chốt số liệu / the month {month} is not frozen")
}
