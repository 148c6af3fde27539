//! How nodes on one PostgreSQL tell each other that something came: LISTEN and NOTIFY on a connection of its own. Not in
//! the transactions: with NOTIFY in them, the server would let only one at a time commit. A word that is lost costs time
//! and nothing else, since every node also looks by itself.

use super::connection::Place;
use super::server::{connect_server, tls_of_config};
use super::{Store, StoreError};
use futures_util::{StreamExt, stream};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio_postgres::{AsyncMessage, Client, Connection as Driver, NoTls};

/// Words that were heard and not yet asked for; more are lost.
const HEARD_MAX: usize = 1000;
/// Longest word, below the server's limit of 8,000 bytes.
const WORD_BYTES_MAX: usize = 7000;

/// A line to the other nodes.
pub struct Bell {
    client: Client,
    /// By which this node's own words are known.
    own: i32,
    heard: mpsc::Receiver<(i32, String)>,
}

impl Store {
    /// A line to the other nodes; `None` where there can be none, on SQLite.
    ///
    /// # Errors
    /// `ServerUnreachable`.
    pub async fn bell(&self) -> Result<Option<Bell>, StoreError> {
        let Place::Postgres { url, tls, .. } = &self.inner.place else { return Ok(None) };
        let (hear, heard) = mpsc::channel(HEARD_MAX);
        let client = match tls {
            Some(config) => {
                let (client, driver) = connect_server(url, "", tls_of_config(config)).await?;
                tokio::spawn(listen(driver, hear));
                client
            }
            None => {
                let (client, driver) = connect_server(url, "", NoTls).await?;
                tokio::spawn(listen(driver, hear));
                client
            }
        };
        let failed = StoreError::ServerUnreachable;
        client.batch_execute("LISTEN docaxis").await.map_err(failed)?;
        let own =
            client.query_one("SELECT pg_backend_pid()", &[]).await.and_then(|row| row.try_get(0)).map_err(failed)?;
        Ok(Some(Bell { client, own, heard }))
    }
}

/// Drives the connection and hands on what others said; ends with the connection.
async fn listen<S, T>(mut driver: Driver<S, T>, hear: mpsc::Sender<(i32, String)>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    let mut messages = stream::poll_fn(move |context| driver.poll_message(context));
    while let Some(Ok(message)) = messages.next().await {
        if let AsyncMessage::Notification(word) = message {
            // A full queue has a wake-up in it already.
            let _ = hear.try_send((word.process_id(), word.payload().to_owned()));
        }
    }
}

impl Bell {
    /// Tells the other nodes that something came for these agencies.
    ///
    /// # Errors
    /// `ServerUnreachable`.
    pub async fn tell(&self, agencies: &[String]) -> Result<(), StoreError> {
        let word = agencies.join("\n");
        let word = if word.len() > WORD_BYTES_MAX { "" } else { word.as_str() };
        let told = self.client.execute("SELECT pg_notify('docaxis', $1)", &[&word]).await;
        told.map(|_| ()).map_err(StoreError::ServerUnreachable)
    }

    /// For which agencies something came; none named: for whichever. `None` when the line is broken.
    pub async fn heard(&mut self) -> Option<Vec<String>> {
        loop {
            let (speaker, word) = self.heard.recv().await?;
            if speaker != self.own {
                return Some(word.lines().map(str::to_owned).collect());
            }
        }
    }
}
