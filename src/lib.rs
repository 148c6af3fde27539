//! Docaxis: a hub for electronic documents in edXML packets.
//!
//! The map, in reading order; the story is told in ARCHITECTURE.md.

/// Commands, one file per group; the demo; the clients of the native API.
pub mod cli;

/// Two APIs over one set of use cases, and the table of routes.
pub mod http;
/// What runs by itself.
pub mod jobs;

/// What the hub does: one file per verb.
pub mod exchange;

/// What every use case is given.
pub mod hub;

/// edXML: bytes and packets.
pub mod wire;

/// The only place that knows SQL; packets in files.
pub mod store;

/// Ways out.
pub mod channel;

/// The ledger's tree, its proofs and its signed heads: pure.
pub mod proof;

/// Secrets of systems, sealed.
pub mod keyring;
/// Signatures under certificates and heads of the ledger.
pub mod signer;

/// Who waits on this node.
pub mod arrivals;
/// Text or JSON lines.
pub mod log;
/// What is counted.
pub mod metrics;
/// Reports for people, as PDF.
pub mod pdf;
/// Tables for people's spreadsheets.
pub mod sheet;

/// What things are: values and rules, without I/O.
pub mod domain;

/// Every limit, with unit and default.
pub mod config;

/// An agency's software, played.
pub mod robot;

use channel::mail::{Mailer, MailerError};
use channel::push::{Pusher, PusherError};
use config::{Config, ConfigError};
use exchange::act::{By, note_order};
use hub::{Clock, Hub, OpenError};
use metrics::OutcomeLabel;
use sd_notify::NotifyState;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_cron_scheduler::JobSchedulerError;

/// Opens the hub of a configuration, answers until the process is told to stop (SIGTERM or SIGINT), and
/// lets the requests in flight finish within `server.shutdown_seconds`. SIGHUP reads `file` and the environment anew.
///
/// # Errors
/// When the hub cannot be opened, the address cannot be taken, or the server ends by itself.
pub fn serve(config: Config, file: Option<&Path>) -> Result<(), ServeError> {
    use_aws_lc();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(ServeError::Threads)?;
    // Outside of the runtime: a connection to PostgreSQL is made by waiting for it.
    let hub = Hub::open(config, Clock::System)?;
    let served = runtime.block_on(async {
        // Before anybody is told the address: a signal that nobody listens for ends the process at once.
        let signals = Signals::listen()?;
        let running = Running::start(&hub).await?;
        tell(&[NotifyState::Ready]);
        let address = running.address;
        ::log::info!(target: "docaxis", address = address.to_string(); "listening on http://{address}");
        running.until(signals, &hub, Some(&|| Config::load(file))).await
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
    mailing: jobs::Mailing,
    sealing: jobs::Sealing,
    witnessing: jobs::Witnessing,
    following: jobs::Following,
    dispatching: jobs::Dispatching,
    other_nodes: JoinHandle<()>,
    patience: Duration,
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
        exchange::health::warn_of_certificate(hub);
        let pusher = Pusher::new(&hub.config.push).map_err(ServeError::Push)?;
        let mailer = Mailer::new(&hub.config.mail).map_err(ServeError::Mail)?;
        let jobs = jobs::start(hub).await.map_err(ServeError::Jobs)?;
        let mailing = jobs::Mailing::start(hub, mailer);
        let sealing = jobs::Sealing::start(hub);
        let following = jobs::Following::start(hub);
        let witnessing = jobs::Witnessing::start(hub, &pusher);
        let dispatching = jobs::dispatch(hub, pusher);
        let other_nodes = exchange::nodes::listen(hub).await;
        let patience = Duration::from_secs(hub.config.server.shutdown_seconds);
        let (stop, stopped) = oneshot::channel();
        let arrivals = hub.arrivals.clone();
        let server = tokio::spawn(async move {
            let handle = server.handle();
            tokio::pin!(server);
            tokio::select! {
                ended = &mut server => ended,
                // A sender that was dropped also means stop.
                _ = stopped => {
                    arrivals.close();
                    tokio::join!(server, handle.stop(true)).0
                }
            }
        });
        Ok(Self {
            address,
            jobs,
            mailing,
            sealing,
            witnessing,
            following,
            dispatching,
            other_nodes,
            patience,
            stop,
            server,
        })
    }

    /// Stops: no new requests, those in flight may finish.
    ///
    /// # Errors
    /// `Ended` when the server did not end well.
    pub async fn stop(self) -> Result<(), ServeError> {
        if let Err(error) = self.jobs.stop().await {
            ::log::warn!(target: "docaxis", "the schedule did not stop: {error}");
        }
        self.mailing.stop();
        self.following.stop();
        self.witnessing.stop();
        // The receiver is gone only when the server has ended already, which is reported below.
        let _ = self.stop.send(());
        self.other_nodes.abort();
        let (server, ()) = tokio::join!(self.server, self.dispatching.stop(self.patience));
        // What happened last is sealed too, if the database lets it.
        self.sealing.stop().await;
        ended(server)
    }

    /// Goes on until SIGTERM or SIGINT, then stops.
    ///
    /// # Errors
    /// As `stop`; `Signals` when the process cannot listen for signals.
    pub async fn until_told_to_stop(self, hub: &Hub) -> Result<(), ServeError> {
        self.until(Signals::listen()?, hub, None).await
    }

    async fn until(mut self, mut signals: Signals, hub: &Hub, again: Option<ReadAgain<'_>>) -> Result<(), ServeError> {
        let watchdog = sd_notify::watchdog_enabled().map(|every| every.div_f64(2.0)).filter(|every| !every.is_zero());
        let mut ticks = watchdog.map(tokio::time::interval);
        loop {
            tokio::select! {
                over = &mut self.server => return ended(over),
                told = signals.told() => match told {
                    Told::Stop => break,
                    Told::Reload => if let Some(again) = again {
                        reload(hub, again()).await;
                    },
                },
                () = tick(&mut ticks) => tell(&[NotifyState::Watchdog]),
            }
        }
        hub.begin_to_stop();
        tell(&[NotifyState::Stopping]);
        let drain = Duration::from_secs(hub.newest_config().server.drain_seconds);
        if !drain.is_zero() {
            ::log::info!(target: "docaxis", "told to stop; not ready any more, still answering for {drain:?}");
            tokio::time::sleep(drain).await;
        }
        ::log::info!(target: "docaxis", "told to stop; requests in flight may finish");
        let stopped = self.stop().await;
        ::log::info!(target: "docaxis", "stopped");
        stopped
    }
}

/// Reads the settings from where they came.
type ReadAgain<'a> = &'a (dyn Fn() -> Result<Config, ConfigError> + Sync);

/// Tells systemd, where it asked to be told (`Type=notify`).
fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        ::log::warn!(target: "docaxis", "systemd cannot be told: {error}");
    }
}

/// The next tick of the watchdog; never, when there is none.
async fn tick(ticks: &mut Option<tokio::time::Interval>) {
    match ticks {
        Some(ticks) => _ = ticks.tick().await,
        None => std::future::pending().await,
    }
}

/// Reads the settings anew. What has faults changes nothing.
async fn reload(hub: &Hub, read: Result<Config, ConfigError>) {
    // Without the time at which it began, systemd would not wait for the end.
    let since = NotifyState::monotonic_usec_now().into_iter();
    tell(&since.chain([NotifyState::Reloading]).collect::<Vec<_>>());
    let outcome = match read {
        Ok(new) => {
            let after = hub.newest_config().reloaded(&new);
            let facts = serde_json::json!({ "changed": after.changed, "needs_restart": after.kept });
            if let Err(error) = note_order(hub, &By::Operator, "reload", facts).await {
                ::log::error!(target: "docaxis", "that the configuration is read again could not be noted: {error}");
            }
            log::set_filter(&after.config.log.filter);
            hub.put_in_force(after.config);
            let (changed, kept) = (after.changed.join(", "), after.kept.join(", "));
            ::log::info!(target: "docaxis", changed = changed, needs_restart = kept; "the configuration was read again");
            "done"
        }
        Err(error) => {
            ::log::error!(target: "docaxis", "the configuration was refused, the old one holds: {error}");
            "refused"
        }
    };
    hub.metrics.reloads.get_or_create(&OutcomeLabel { outcome }).inc();
    tell(&[NotifyState::Ready]);
}

/// What a signal asks for.
enum Told {
    Stop,
    Reload,
}

/// SIGTERM, SIGINT and SIGHUP, from the moment of listening on.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn listen() -> Result<Self, ServeError> {
        let on = |kind| signal(kind).map_err(ServeError::Signals);
        let (terminate, interrupt) = (on(SignalKind::terminate())?, on(SignalKind::interrupt())?);
        Ok(Self { terminate, interrupt, hang_up: on(SignalKind::hangup())? })
    }

    async fn told(&mut self) -> Told {
        tokio::select! {
            _ = self.terminate.recv() => Told::Stop,
            _ = self.interrupt.recv() => Told::Stop,
            _ = self.hang_up.recv() => Told::Reload,
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
    /// The push channel cannot be opened.
    #[error("packets cannot be pushed")]
    Push(#[source] PusherError),
    /// Mail cannot be sent.
    #[error("mail cannot be sent with these settings")]
    Mail(#[source] MailerError),
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
