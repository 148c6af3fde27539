//! Sends the mails that wait: claims what is due, hands each over, settles what came of it. A mail server that is away costs
//! one attempt of one mail a round; the others wait untried. Not here: what is written and to whom (`notify`).

use super::{ExchangeError, rows};
use crate::channel::mail::{Handed, Mailer};
use crate::domain::dates::for_people;
use crate::domain::notice::Notice;
use crate::hub::Hub;
use crate::metrics::OutcomeLabel;
use crate::store::mails::{self, MailRow};
use chrono::{DateTime, TimeDelta, Utc};

/// Sends what is due, at most `mail.batch_max`. Answers how many were sent.
///
/// # Errors
/// `Store`.
pub async fn send_due(hub: &Hub, mailer: &Mailer) -> Result<usize, ExchangeError> {
    let (owner, now) = (hub.ids.next(), hub.clock.now());
    if hub.store.read(move |tx| mails::due(tx, now, 1)).await?.is_empty() {
        return Ok(0);
    }
    let (claimer, until, most) = (owner.clone(), lease_until(hub, now), rows(hub.config.mail.batch_max));
    let claimed = hub.store.write(move |tx| mails::claim(tx, &claimer, (now, until), most)).await?;
    let (mut sent, mut is_away) = (0_usize, false);
    for mail in claimed {
        let handed = if is_away { None } else { Some(hand_over(hub, mailer, &mail).await) };
        is_away = is_away || matches!(handed, Some(Handed::Away(_)));
        sent = sent.saturating_add(usize::from(handed == Some(Handed::Taken)));
        let id = mail.mail_id.clone();
        if let Err(error) = settle(hub, mail, &owner, handed).await {
            // The others go on; this one comes again when its lease ends.
            log::warn!(target: "mail", "mail.id" = id; "what came of a mail was not noted: {error}");
        }
    }
    Ok(sent)
}

/// Longer than all mails of a round can take.
fn lease_until(hub: &Hub, now: DateTime<Utc>) -> DateTime<Utc> {
    let (settings, batch) = (&hub.config.mail, u64::try_from(hub.config.mail.batch_max).unwrap_or(u64::MAX));
    let each = settings.timeout_seconds.saturating_add(hub.config.database.timeout_seconds);
    let lease = i64::try_from(each.saturating_mul(batch.saturating_add(1))).ok().and_then(TimeDelta::try_seconds);
    lease.and_then(|lease| now.checked_add_signed(lease)).unwrap_or(now)
}

async fn hand_over(hub: &Hub, mailer: &Mailer, mail: &MailRow) -> Handed {
    if mail.expires_at() <= hub.clock.now() {
        return Handed::Refused(format!("its time was over {}", mail.reason));
    }
    match serde_json::from_str::<Notice>(&mail.notice) {
        Ok(notice) => {
            let letter = notice.letter(&hub.config.selftest.hub_name);
            mailer.send((&mail.mail_id, &mail.address), &letter, mail.created_at()).await
        }
        Err(why) => Handed::Refused(format!("the notice cannot be read: {why}")),
    }
}

/// Notes what came of a mail; one that was not tried waits on as before.
async fn settle(hub: &Hub, mail: MailRow, owner: &str, handed: Option<Handed>) -> Result<(), ExchangeError> {
    let (owner, now) = (owner.to_owned(), hub.clock.now());
    let failed = u32::try_from(mail.attempts.saturating_add(1)).unwrap_or(u32::MAX);
    let again = hub.mail_schedule.next_attempt(failed, now, hub.ids.draw(), None);
    let outcome = match &handed {
        None => None,
        Some(Handed::Taken) => Some("sent"),
        Some(Handed::Refused(_)) => Some("refused"),
        Some(Handed::Later(_) | Handed::Away(_)) => Some("later"),
    };
    let id = mail.mail_id.clone();
    let settled = hub.store.write(move |tx| match &handed {
        None => mails::put_back(tx, &mail.mail_id, &owner, (None, now)),
        Some(Handed::Taken) => mails::finish(tx, &mail.mail_id, &owner, (None, now)),
        Some(Handed::Refused(why)) => mails::finish(tx, &mail.mail_id, &owner, (Some(why), now)),
        Some(Handed::Later(why) | Handed::Away(why)) => {
            mails::put_back(tx, &mail.mail_id, &owner, (Some(why), again.min(mail.expires_at())))
        }
    });
    settled.await?;
    if let Some(outcome) = outcome {
        hub.metrics.mails.get_or_create(&OutcomeLabel { outcome }).inc();
        // The address and what the server said of it are no matter of the log.
        if outcome != "sent" {
            log::warn!(target: "mail", "mail.id" = id, outcome = outcome; "a mail was not sent");
        }
    }
    Ok(())
}

/// Mails that wait or failed, at most `limit` of each.
///
/// # Errors
/// `Store`.
pub async fn unsent(hub: &Hub, limit: usize) -> Result<Vec<MailRow>, ExchangeError> {
    Ok(hub.store.read(move |tx| mails::unsent(tx, rows(limit))).await?)
}

/// Hands a test over at once, beside the queue.
pub async fn try_out(hub: &Hub, mailer: &Mailer, address: &str) -> Handed {
    let now = hub.clock.now();
    let letter = Notice::Test { at: for_people(now) }.letter(&hub.config.selftest.hub_name);
    mailer.send((&hub.ids.next(), address), &letter, now).await
}
