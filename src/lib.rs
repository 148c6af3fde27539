//! Docaxis: a hub for electronic documents in edXML packets.
//!
//! The map, in reading order; the story is told in ARCHITECTURE.md.

pub mod cli;
pub mod config;
pub mod domain;
pub mod exchange;
pub mod http;
pub mod hub;
pub mod jobs;
pub mod keyring;
pub mod log;
pub mod signer;
pub mod store;
pub mod wire;

use config::Config;
use hub::{Clock, Hub, OpenError};
use std::net::SocketAddr;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_cron_scheduler::JobSchedulerError;

/// Opens the hub of a configuration, answers until the process is told to stop (SIGTERM or SIGINT), and
/// lets the requests in flight finish within `server.shutdown_seconds`.
///
/// # Errors
/// When the hub cannot be opened, the address cannot be taken, or the server ends by itself.
pub fn serve(config: Config) -> Result<(), ServeError> {
    use_aws_lc();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(ServeError::Threads)?;
    // Outside of the runtime: a connection to PostgreSQL is made by waiting for it.
    let hub = Hub::open(config, Clock::System)?;
    let served = runtime.block_on(async {
        // Before anybody is told the address: a signal that nobody listens for ends the process at once.
        let signals = StopSignals::listen()?;
        let running = Running::start(&hub).await?;
        let address = running.address;
        ::log::info!(target: "docaxis", address = address.to_string(); "listening on http://{address}");
        running.until(signals).await
    });
    hub.store.close();
    served
}

/// Makes aws-lc-rs the provider of TLS for this process. Harmless when done before.
pub fn use_aws_lc() {
    // The error only says that a provider is in place already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// A hub that answers at an address.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    jobs: jobs::Schedule,
    stop: oneshot::Sender<()>,
    server: JoinHandle<std::io::Result<()>>,
}

impl Running {
    /// Starts everything that a hub does by itself and for its callers. Needs a tokio runtime.
    ///
    /// # Errors
    /// `Listen` when the configured address cannot be taken; `Jobs` when a cron text cannot be read.
    pub async fn start(hub: &Hub) -> Result<Self, ServeError> {
        if !exchange::keys::key_file_fits(hub).await.map_err(ServeError::Keys)? {
            return Err(ServeError::OtherKeyFile);
        }
        let wanted = &hub.config.server.address;
        let (server, address) = http::start(hub.clone()).map_err(|why| ServeError::Listen(wanted.clone(), why))?;
        let jobs = jobs::start(hub).await.map_err(ServeError::Jobs)?;
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(async move {
            let handle = server.handle();
            tokio::pin!(server);
            tokio::select! {
                ended = &mut server => ended,
                // A sender that was dropped also means stop.
                _ = stopped => tokio::join!(server, handle.stop(true)).0,
            }
        });
        Ok(Self { address, jobs, stop, server })
    }

    /// Stops: no new requests, those in flight may finish.
    ///
    /// # Errors
    /// `Ended` when the server did not end well.
    pub async fn stop(self) -> Result<(), ServeError> {
        if let Err(error) = self.jobs.stop().await {
            ::log::warn!(target: "docaxis", "the schedule did not stop: {error}");
        }
        // The receiver is gone only when the server has ended already, which the next line reports.
        let _ = self.stop.send(());
        ended(self.server.await)
    }

    /// Goes on until SIGTERM or SIGINT, then stops.
    ///
    /// # Errors
    /// As `stop`; `Signals` when the process cannot listen for signals.
    pub async fn until_told_to_stop(self) -> Result<(), ServeError> {
        self.until(StopSignals::listen()?).await
    }

    async fn until(mut self, mut signals: StopSignals) -> Result<(), ServeError> {
        tokio::select! {
            over = &mut self.server => return ended(over),
            () = signals.told() => {}
        }
        ::log::info!(target: "docaxis", "told to stop; requests in flight may finish");
        let stopped = self.stop().await;
        ::log::info!(target: "docaxis", "stopped");
        stopped
    }
}

/// SIGTERM and SIGINT, from the moment of listening on.
struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    fn listen() -> Result<Self, ServeError> {
        let on = |kind| signal(kind).map_err(ServeError::Signals);
        Ok(Self { terminate: on(SignalKind::terminate())?, interrupt: on(SignalKind::interrupt())? })
    }

    async fn told(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

fn ended(over: Result<std::io::Result<()>, tokio::task::JoinError>) -> Result<(), ServeError> {
    over.map_err(std::io::Error::other).flatten().map_err(ServeError::Ended)
}

/// Why a hub does not answer.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// It cannot be opened.
    #[error("the hub cannot be opened")]
    Open(#[from] OpenError),
    /// The machine gives no threads.
    #[error("no threads to work with")]
    Threads(#[source] std::io::Error),
    /// The address is taken or not of this machine.
    #[error("cannot listen on {0}")]
    Listen(String, #[source] std::io::Error),
    /// The keys in the database cannot be looked at.
    #[error("the keys of the systems cannot be looked at")]
    Keys(#[source] exchange::ExchangeError),
    /// The keys in the database were sealed under another key file: it was lost, or this is another hub's.
    #[error(
        "no key of any system opens with this key file (keys.file): restore the file that belongs to this database, \
         or revoke every key and make new ones"
    )]
    OtherKeyFile,
    /// The schedule cannot be started.
    #[error("the schedule of jobs cannot be started")]
    Jobs(#[source] JobSchedulerError),
    /// The process cannot listen for signals.
    #[error("cannot listen for signals")]
    Signals(#[source] std::io::Error),
    /// The server ended by itself.
    #[error("the server ended by itself")]
    Ended(#[source] std::io::Error),
}
