//! Heads of the ledger as a verifier looks at them: by whom they are signed, cosigned and stamped.

use super::{Flaw, Look, Report, Trust};
use crate::domain::dates::for_people;
use crate::exchange::seal::opened;
use crate::exchange::stamp::imprint;
use crate::proof::checkpoint::{Checkpoint, Key, NoteFault, claimed};
use crate::signer::timestamp::{Token, TokenFault};
use chrono::DateTime;

/// The head that one of these keys signed.
pub(super) fn head_of(checkpoint: Option<&String>, keys: &[Key]) -> Result<Checkpoint, Flaw> {
    let note = checkpoint.ok_or(Flaw::Unsealed)?;
    if keys.is_empty() {
        return Err(Flaw::NoLedgerKey);
    }
    opened(keys, note).map(|(head, _)| head).map_err(Flaw::Head)
}

/// Looks at what witnesses put under a head: each that is altered does not hold, and one at least is to be there.
pub(super) fn cosigned(report: &mut Report, note: &str, keys: &[Key]) {
    let mut is_cosigned = keys.is_empty();
    for key in keys {
        match key.cosigned(note) {
            Ok(None) | Err(NoteFault::Unreadable | NoteFault::Unsigned) => {}
            Ok(Some(at)) => {
                is_cosigned = true;
                report.note(key.name(), Look::Cosignature, None);
                let at = i64::try_from(at).ok().and_then(|at| DateTime::from_timestamp(at, 0));
                let at = at.map(for_people).unwrap_or_default();
                report.tells.push(format!("ký chứng / cosigned: {} · {at}", key.name()));
            }
            Err(NoteFault::Signature) => {
                is_cosigned = true;
                report.note(key.name(), Look::Cosignature, Flaw::Cosignature);
            }
        }
    }
    if !is_cosigned {
        report.note("", Look::Cosignature, Flaw::NotCosigned);
    }
}

/// Looks at the time-stamp over a head, if anybody is trusted for it. Whether the head itself holds is looked at apart.
pub(super) fn stamped(report: &mut Report, (note, token): (&str, Option<&str>), trust: &Trust) {
    let Some(token) = token else {
        if !trust.authorities.is_empty() {
            report.note("", Look::Timestamp, Flaw::NotStamped);
        }
        return;
    };
    if trust.authorities.is_empty() {
        let vi = "dấu thời gian: có, chưa kiểm tra vì chưa cấp chứng thư của tổ chức cấp dấu (--timestamp-authority)";
        let en = "time-stamp: there, not verified, since its authority was not given (--timestamp-authority)";
        return report.tells.push(format!("{vi} / {en}"));
    }
    let Some(token) = Token::read_text(token) else {
        return report.note("", Look::Timestamp, Flaw::Timestamp(TokenFault::Unreadable));
    };
    let imprint = claimed(note).map(|head| imprint(&head)).unwrap_or_default();
    let fault = token.holds(&imprint, &trust.authorities).err();
    report.note("", Look::Timestamp, fault.map(Flaw::Timestamp));
    report.tells.push(format!("dấu thời gian / time-stamp: {} · {}", for_people(token.at), token.authority()));
}
