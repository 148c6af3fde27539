//! The loop that sends mails. It stands apart from everything else: a mail server that is away holds nothing up.

use crate::channel::mail::Mailer;
use crate::exchange::post;
use crate::hub::Hub;
use std::time::Duration;
use tokio::task::JoinHandle;

/// The loop that is on; nothing runs when there is no mail server.
pub struct Mailing(Option<JoinHandle<()>>);

impl Mailing {
    /// Starts a round every `mail.tick_seconds`, if there is a mail server.
    pub fn start(hub: &Hub, mailer: Option<Mailer>) -> Self {
        let hub = hub.clone();
        Self(mailer.map(|mailer| tokio::spawn(async move { rounds(&hub, &mailer).await })))
    }

    /// Ends at once. A mail on its way is sent again when its lease ends, under the same `Message-ID`.
    pub fn stop(self) {
        if let Some(rounds) = self.0 {
            rounds.abort();
        }
    }
}

async fn rounds(hub: &Hub, mailer: &Mailer) {
    let mut ticks = tokio::time::interval(Duration::from_secs(hub.config.mail.tick_seconds.max(1)));
    loop {
        ticks.tick().await;
        match post::send_due(hub, mailer).await {
            Ok(0) => {}
            Ok(sent) => log::info!(target: "mail", sent = sent; "mails were handed to the mail server"),
            Err(error) => log::warn!(target: "mail", "mails could not be sent; the next round tries again: {error}"),
        }
    }
}
