//! Every limit, time-out, schedule and address of the hub, with unit and default. TOML first, environment over it
//! (`DOCAXIS__SECTION__NAME`). `docs/config.md` is generated from this file. What can be wrong with it: `config/faults.rs`.

mod faults;
mod ledger_faults;
mod load;
mod reload;
mod retention_faults;
mod shown;
mod table;

pub use faults::{Fault, networks};
pub use load::{ConfigError, numbers};
pub use reload::{RELOADABLE, Reloaded};
use secrecy::SecretString;
use serde::Deserialize;
use shown::Shown;
use std::path::PathBuf;
pub use table::Setting;
use table::settings;

settings! {
    /// Where the hub listens and how long it waits for clients.
    server: Server {
        /// Address and port to listen on; port 0 takes a free one.
        address: String = "127.0.0.1:8080", "host:port";
        /// Threads that speak HTTP; 0 takes one per processor.
        workers: usize = 0usize, "threads";
        /// Longest time to send the head of a request.
        head_timeout_seconds: u64 = 10u64, "seconds";
        /// Longest silence inside the body of a request.
        body_silence_seconds: u64 = 20u64, "seconds";
        /// Slowest body that is still waited for, averaged after the first `body_silence_seconds`.
        body_rate_min: u64 = 1024u64, "bytes per second";
        /// How long an idle connection is kept; the vendor SDK never closes its own.
        keep_alive_seconds: u64 = 15u64, "seconds";
        /// How long requests in flight may go on after a stop was asked for.
        shutdown_seconds: u64 = 30u64, "seconds";
        /// How long the hub says that it is not ready before it takes no more connections, so that a load balancer notices.
        drain_seconds: u64 = 0u64, "seconds";
        /// Longest head of a request; addressees travel twice in the vendor SDK's headers.
        head_bytes_max: usize = 131072usize, "bytes";
        /// Connections held open at once, in all.
        connections_max: usize = 10000usize, "connections";
        /// Packets being received at once; further ones are told to come again.
        packets_in_flight_max: usize = 512usize, "requests";
        /// The same for one system, so that one cannot take all places; a place taken too much is answered with 429.
        packets_in_flight_per_system_max: usize = 256usize, "requests";
        /// Proxies whose `X-Forwarded-For` says from where a request came: addresses or ranges, separated by commas.
        trusted_proxies: String = "", "addresses";
    }
    /// Where facts are kept.
    database: Database {
        /// `sqlite://FILE` or `postgres://user:password@host/database`; empty means SQLite in the data directory.
        url: SecretString = "", "URL";
        /// Connections that read.
        connections: usize = 4usize, "connections";
        /// Connections that write, on PostgreSQL; SQLite has one. Few make larger batches.
        writers: usize = 2usize, "connections";
        /// Writes that may share one commit.
        batch_max: usize = 256usize, "writes";
        /// Writes that may wait for a commit; further ones are told to come again.
        queue_max: usize = 4096usize, "writes";
        /// How long a write or read may take before the caller is told to come again.
        timeout_seconds: u64 = 30u64, "seconds";
        /// PEM file with the authority that signed the PostgreSQL server's certificate; empty: no TLS.
        tls_ca_file: PathBuf = "", "path";
    }
    /// Where packets and the hub's own files are kept.
    data: Data {
        /// Directory for the embedded database, packets and the key file.
        directory: PathBuf = "data", "path";
        /// Packets up to this size live in the database, larger ones in files of their own.
        inline_bytes_max: u64 = 65536u64, "bytes";
        /// Room on the file system of the directory below which the hub says that it is not ready.
        free_bytes_min: u64 = 536870912u64, "bytes";
        /// Age at which a file that no row names is removed.
        orphan_age_seconds: u64 = 3600u64, "seconds";
    }
    /// What a packet may be.
    packets: Packets {
        /// Largest packet.
        bytes_max: u64 = 52428800u64, "bytes";
        /// Elements inside each other.
        depth_max: usize = 64usize, "elements";
        /// Elements in all.
        elements_max: usize = 50000usize, "elements";
        /// Attributes on one element.
        attributes_max: usize = 64usize, "attributes";
        /// Longest tag, comment or text outside attachment content.
        token_bytes_max: usize = 65536usize, "bytes";
        /// Addressees of one packet.
        recipients_max: usize = 1000usize, "agencies";
        /// Attachments of one packet.
        attachments_max: usize = 500usize, "attachments";
        /// Largest content of all zipped attachments of a packet after unzipping.
        unzipped_bytes_max: u64 = 209715200u64, "bytes";
        /// Members of a zipped attachment.
        zip_members_max: usize = 1000usize, "members";
        /// How many times larger the zipped attachments of a packet may become; up to 1 MiB in all is always allowed.
        zip_ratio_max: u64 = 200u64, "times";
    }
    /// Lists.
    lists: Lists {
        /// Most rows in one page of a mailbox or log.
        page_max: usize = 1000usize, "rows";
        /// Lines of a list that a system posts to be reconciled; each takes some 300 bytes of memory while it is.
        reconciled_lines_max: usize = 100000usize, "lines";
        /// Largest such list.
        reconciled_bytes_max: u64 = 33554432u64, "bytes";
        /// Differences that the answer names; further ones are counted.
        differences_max: usize = 10000usize, "differences";
        /// How long a caller may wait for something to come into its mailbox; a longer wait is cut.
        wait_seconds_max: u64 = 60u64, "seconds";
        /// Callers that may wait at once on this node; further ones are told to come again.
        waiting_polls_max: usize = 2000usize, "requests";
        /// The same for one system; one too many is answered with 429.
        waiting_polls_per_system_max: usize = 50usize, "requests";
        /// How often a waiting caller's mailbox is looked into for what other nodes took in; packets of this node wake it at once.
        wait_recheck_seconds: u64 = 10u64, "seconds";
    }
    /// Packets that wait to be fetched.
    pickup: Pickup {
        /// How long one waits before the hub gives it up and tells its sender: hỏa tốc, thượng khẩn, khẩn, status packets, thường.
        terms_days: String = "30, 30, 30, 90, 90", "days, a list of five";
    }
    /// The directory of agencies.
    directory: Directory {
        /// Which new agencies systems may register by themselves: `closed`: none; `below`: those below an agency that they hold; `open`: any.
        registration: String = "below", "word";
        /// Largest file of agencies taken over HTTP.
        import_bytes_max: u64 = 67108864u64, "bytes";
        /// How long a code that an agency gave up is kept for it: no other agency takes it meanwhile, but by `--move-codes` or `move_codes`. 0: not at all.
        freed_code_days: u64 = 90u64, "days";
    }
    /// Keys of systems.
    keys: Keys {
        /// File that holds the key under which secrets are kept; made at first start. Empty: `hub.key` in the data directory.
        file: PathBuf = "", "path";
        /// How long a node may go on using what it knows of a key; a revoked key dies within this time.
        memory_seconds: u64 = 3u64, "seconds";
        /// Live keys of one system.
        live_max: usize = 2usize, "keys";
        /// Life of a new key; 0 means for ever.
        life_days: u64 = 365u64, "days";
        /// How long a second administrator may take to agree to what one proposes, and that one to take the secret then.
        decision_hours: u64 = 24u64, "hours";
        /// How often a node writes down when its keys were last used, that it is there, and what is wrong with it.
        use_noted_seconds: u64 = 60u64, "seconds";
    }
    /// Packets that the hub brings to agencies' endpoints.
    push: Push {
        /// Networks that may be called besides public addresses, in CIDR form, divided by commas: the private network of the agencies.
        networks: String = "", "networks";
        /// The same for webhooks, which systems set themselves; empty: public addresses only.
        webhook_networks: String = "", "networks";
        /// Whether endpoints may be `http://`: only where the network itself is protected.
        plain_http: bool = false, "true or false";
        /// PEM file with authorities that are trusted besides those of the machine.
        tls_ca_file: PathBuf = "", "path";
        /// Longest pause after the first, second, third … failed attempt; the last one repeats. The pause is drawn evenly below it.
        delays_seconds: String = "5, 30, 120, 600, 1800, 3600", "seconds, a list";
        /// How long the hub goes on trying before it gives up: hỏa tốc, thượng khẩn, khẩn, status packets, thường.
        terms_hours: String = "24, 48, 72, 72, 120", "hours, a list of five";
        /// Longest pause that an endpoint can ask for (`Retry-After`).
        retry_after_max_seconds: u64 = 3600u64, "seconds";
        /// Packets on their way at once, in all; 0 pushes nothing.
        in_flight_max: usize = 256usize, "packets";
        /// Packets on their way at once to one endpoint, unless the endpoint says another number.
        in_flight_per_endpoint_max: usize = 20usize, "packets";
        /// Answers that take longer close places of an endpoint instead of opening them.
        slow_milliseconds: u64 = 2000u64, "milliseconds";
        /// Longest time to reach an endpoint.
        connect_timeout_seconds: u64 = 10u64, "seconds";
        /// Longest time to an answer, besides the time the packet needs at `rate_min`.
        answer_timeout_seconds: u64 = 30u64, "seconds";
        /// Slowest endpoint that is waited for.
        rate_min: u64 = 65536u64, "bytes per second";
        /// How long an idle connection to an endpoint is kept.
        idle_seconds: u64 = 60u64, "seconds";
        /// Packets from files held in memory while they are brought, together: each is read once then, what finds no room twice; 0 holds none.
        held_bytes_max: usize = 16777216usize, "bytes";
        /// Of what an endpoint answers, this much is kept with the attempt.
        answer_bytes_kept: usize = 4096usize, "bytes";
        /// Largest answer of a neighbour, a witness or a time-stamp authority that is read whole, such as a signed receipt.
        answer_bytes_max: usize = 262144usize, "bytes";
        /// Failures in a row after which an endpoint is left in peace for a while.
        breaker_failures: u64 = 5u64, "failures";
        /// How long the first time; each further time twice as long.
        breaker_rest_seconds: u64 = 60u64, "seconds";
        /// The longest rest.
        breaker_rest_max_seconds: u64 = 900u64, "seconds";
        /// Packets tried at once after a rest.
        probes: usize = 3usize, "packets";
        /// How often the hub looks for what has become due.
        tick_milliseconds: u64 = 500u64, "milliseconds";
    }
    /// Events that systems are told of by webhook. Which addresses may be called, and how patiently, is in `push`.
    events: Events {
        /// Longest pause after the first, second, third … failed attempt; the last one repeats. The pause is drawn evenly below it.
        delays_seconds: String = "5, 60, 300, 1800, 7200", "seconds, a list";
        /// How long the hub goes on trying before it gives an event up.
        term_hours: u64 = 72u64, "hours";
        /// Events on their way at once, in all, besides packets; 0 tells nothing.
        in_flight_max: usize = 64usize, "events";
        /// Events on their way at once to one webhook, unless the webhook says another number.
        in_flight_per_webhook_max: usize = 4usize, "events";
        /// For how long the secret before the last change signs beside the new one.
        secret_overlap_hours: u64 = 24u64, "hours";
        /// How long a system must wait between two calls that ask for events anew.
        replay_pause_seconds: u64 = 600u64, "seconds";
        /// Events that one such call brings at most.
        replay_max: usize = 1000usize, "events";
        /// How long events can be asked for anew after they were taken or given up.
        kept_days: u64 = 30u64, "days";
    }
    /// Passing packets on to neighbouring hubs and taking theirs. How patiently is in `push` and `events`.
    relay: Relay {
        /// The name of this hub among hubs, unlike that of any other: letters, digits and . _ -. Empty: nothing is passed on and nothing is taken from other hubs.
        hub_name: String = "", "text";
        /// Hubs that a packet may have passed before it comes here.
        hops_max: usize = 8usize, "hubs";
    }
    /// When agencies work, and by when they are to receive a document.
    calendar: Calendar {
        /// Working hours: periods in order, divided by commas.
        hours: String = "08:00-12:00, 13:00-17:00", "HH:mm-HH:mm, a list";
        /// File with days off and Saturdays that are worked, besides the public holidays that the program knows; its lines go before. Empty: none.
        days_file: PathBuf = "", "path";
        /// How soon a document is to be received, by day and by night: hỏa tốc, thượng khẩn, khẩn. Others: on the working day on which they come.
        urgent_minutes: String = "30, 60, 120", "minutes, a list of three";
    }
    /// How long contents of packets are kept, and how they are destroyed (docs/retention.md).
    retention: Retention {
        /// Whether contents may be destroyed at all, once their time is over and two people agreed.
        enabled: bool = false, "true or false";
        /// File with classes of packets, besides those that the program knows; its lines go before. Empty: none.
        rules_file: PathBuf = "", "path";
        /// Contents stay at least so long after their last delivery ended, whatever their class says.
        age_days_min: u64 = 30u64, "days";
        /// Contents that one purge destroys at most.
        packets_max: u64 = 10000u64, "packets";
        /// Contents that are destroyed in one transaction.
        batch: u64 = 100u64, "packets";
        /// Contents that one run of the job goes through.
        run_max: u64 = 5000u64, "packets";
        /// How long a proposal waits for a second person.
        decision_hours: u64 = 72u64, "hours";
    }
    /// Work that runs by itself.
    jobs: Jobs {
        /// When files that no row names are looked for: second, minute, hour, day, month, weekday.
        sweep_cron: String = "0 15 2 * * *", "cron, six fields, +07:00";
        /// When old records of the hub's own work are removed.
        records_cron: String = "0 30 2 * * *", "cron, six fields, +07:00";
        /// When it is looked for what senders and the operator should be told of by mail.
        notices_cron: String = "0 */5 * * * *", "cron, six fields, +07:00";
        /// When agencies are told of what waits for them, on working days.
        digest_cron: String = "0 0 16 * * *", "cron, six fields, +07:00";
        /// When it is looked for packets that nobody fetched in time.
        terms_cron: String = "0 20 * * * *", "cron, six fields, +07:00";
        /// When systems are told of keys that end.
        key_notices_cron: String = "0 0 8 * * *", "cron, six fields, +07:00";
        /// How long it is known when jobs ran and how they ended, and which mails were sent.
        records_days: u64 = 90u64, "days";
        /// How long incidents that are over are listed.
        incidents_days: u64 = 400u64, "days";
        /// When runs of the self-test are looked after that nobody watches.
        selftest_cron: String = "0 */10 * * * *", "cron, six fields, +07:00";
        /// When agencies whose first or last day has come get a new version of the directory.
        validity_cron: String = "0 1 0 * * *", "cron, six fields, +07:00";
        /// When the statements of the day that is over are made; ten minutes after its end at the earliest.
        statements_cron: String = "0 30 0 * * *", "cron, six fields, +07:00";
        /// When it is looked for archives and samples that were asked for.
        archives_cron: String = "10 * * * * *", "cron, six fields, +07:00";
        /// When failed deliveries are started anew that people decided on: as many as they said for a minute.
        redrive_cron: String = "0 * * * * *", "cron, six fields, +07:00";
        /// When contents are destroyed that two people agreed on.
        purge_cron: String = "30 * * * * *", "cron, six fields, +07:00";
        /// When months whose time has come are frozen in the statistics.
        freeze_cron: String = "0 15 3 * * *", "cron, six fields, +07:00";
        /// When accounts that nobody uses are suspended.
        accounts_cron: String = "0 45 2 * * *", "cron, six fields, +07:00";
        /// How long a node may work on a job before another may take it over.
        lease_seconds: u64 = 600u64, "seconds";
    }
    /// Notices by mail. Nothing of a document's content is ever sent.
    mail: Mail {
        /// Mail server that takes what is to be sent; empty: no mail.
        server: String = "", "host:port";
        /// `tls`: from the first byte; `starttls`: before anything is said; `none`: never, only for a server on a protected network.
        security: String = "starttls", "word";
        /// Name for the mail server; empty: none is asked for.
        user: String = "", "text";
        /// Password for the mail server.
        password: SecretString = "", "text";
        /// File with the password, when it does not stand here or in the environment.
        password_file: PathBuf = "", "path";
        /// PEM file with authorities that are trusted besides those of the machine.
        tls_ca_file: PathBuf = "", "path";
        /// Who sends: an address of the hub's own.
        from: String = "", "address";
        /// Who runs the hub: told of what is wrong with it. Empty: nobody.
        operator: String = "", "address";
        /// Longest time to hand one mail to the server.
        timeout_seconds: u64 = 30u64, "seconds";
        /// Longest pause after the first, second, third … failed attempt; the last one repeats. The pause is drawn evenly below it.
        delays_seconds: String = "60, 300, 900, 3600", "seconds, a list";
        /// How long the hub goes on trying.
        term_hours: u64 = 48u64, "hours";
        /// How often the hub looks for mails that are due.
        tick_seconds: u64 = 10u64, "seconds";
        /// Mails of one round.
        batch_max: usize = 50usize, "mails";
        /// Documents that are named in one mail.
        documents_max: usize = 30usize, "documents";
        /// For how long an endpoint must not answer before the operator is told.
        away_minutes: u64 = 30u64, "minutes";
        /// How many days before a key ends its system is told, once each.
        key_days: String = "60, 30, 14, 7, 1", "days, a list";
    }
    /// Who may read `/metrics`, and what it may cost.
    metrics: Metrics {
        /// Addresses and networks that may read without a token, with commas between; a request that came through a proxy never may.
        allow: String = "127.0.0.1, ::1", "addresses";
        /// Token that anybody may read with (`Authorization: Bearer …`); empty: nobody.
        token: SecretString = "", "text";
        /// Up to how many waiting deliveries are counted.
        waiting_max: u64 = 100000u64, "deliveries";
    }
    /// The ledger into which evidence is sealed.
    ledger: Ledger {
        /// Its name in signed heads, unlike that of any other: where it is read, without `https://`. It stays for ever.
        name: String = "docaxis.invalid/ledger", "host/path";
        /// Keys under which older heads were signed, before the key file was replaced: as `docaxis ledger show` printed them, divided by commas.
        old_keys: String = "", "name+id+key, a list";
        /// How often evidence is sealed; a head is signed each time.
        tick_milliseconds: u64 = 1000u64, "milliseconds";
        /// Pieces of evidence sealed at once.
        batch_max: usize = 10000usize, "pieces";
        /// A head is signed anew after this time even when nothing happened, so that everybody sees that sealing goes on.
        checkpoint_seconds: u64 = 60u64, "seconds";
        /// When no head was signed for this long, the log, `/readyz`, the metrics and `docaxis doctor` say so.
        late_seconds: u64 = 180u64, "seconds";
        /// When no head was signed for this long, nothing is accepted any more; 0: it is accepted all the same.
        stop_seconds: u64 = 14400u64, "seconds";
    }
    /// Witnesses: who cosigns the heads of the ledger, and whose heads this hub cosigns. Neighbours do so by the keys that were given with `docaxis neighbour set`. How patiently it is asked, and which addresses are called, is in `push`.
    witness: Witness {
        /// Who is asked: the key of each and the address to which `/add-checkpoint` is added, with a blank between; divided by commas.
        asked: String = "", "name+id+key URL, a list";
        /// Ledgers whose heads this hub cosigns (`POST /witness/add-checkpoint`): their keys, divided by commas.
        watched: String = "", "name+id+key, a list";
        /// How often each witness is asked to cosign the newest head.
        every_seconds: u64 = 60u64, "seconds";
        /// How often it is looked whose turn it is.
        tick_seconds: u64 = 5u64, "seconds";
        /// When a witness did not cosign for this long, `/readyz`, the metrics, the operator's mail and `docaxis doctor` say so.
        late_seconds: u64 = 3600u64, "seconds";
        /// Largest request to this hub as a witness.
        request_bytes_max: u64 = 65536u64, "bytes";
    }
    /// Time-stamps (RFC 3161) over the heads of the ledger. Which addresses are called, and the pauses after failures, are in `push`; `http://` will do, since tokens are signed.
    timestamp: Timestamp {
        /// Addresses of time-stamp authorities, asked in this order until one answers; divided by commas. Empty: none is asked.
        urls: String = "", "URLs, a list";
        /// PEM file with the certificates of the authorities that are trusted for time-stamps, and for nothing else.
        authorities_file: PathBuf = "", "path";
        /// The policy that a token must have; empty: any.
        policy: String = "", "numbers with dots";
        /// How often a head is stamped, at most; only when it is larger than the last one that was.
        every_seconds: u64 = 600u64, "seconds";
        /// Longest time to an answer of one authority.
        timeout_seconds: u64 = 150u64, "seconds";
        /// How far the time of a token may be from the hub's clock; a token further off is an alarm and is not kept.
        clock_seconds: u64 = 300u64, "seconds";
        /// When nothing was stamped for this long though something was to be, the log, `/readyz`, the metrics, the operator's mail and `docaxis doctor` say so.
        late_seconds: u64 = 7200u64, "seconds";
    }
    /// Signed receipts.
    receipts: Receipts {
        /// Files with a private key and its certificate each, PEM or PKCS #12, divided by commas; of those that hold, the one that began last signs. Empty: `receipts.pem` in the data directory.
        key_files: String = "", "paths, a list";
        /// Password of those that are PKCS #12.
        key_password: SecretString = "", "text";
        /// File with the password, when it does not stand here or in the environment; readable by its owner only. With several, one a line, each is tried.
        key_password_file: PathBuf = "", "path";
        /// Whether that file is made with a certificate that it signed itself, when `key_files` is empty and it is not there.
        self_signed: bool = true, "true or false";
        /// For how long such a certificate holds.
        self_signed_days: u64 = 730u64, "days";
    }
    /// Archives: what was exchanged in a period, in one file.
    archives: Archives {
        /// Packets of one archive; whoever wants more asks for fewer days at a time.
        packets_max: u64 = 1000000u64, "packets";
        /// Archives that may wait to be made.
        waiting_max: usize = 20usize, "archives";
    }
    /// The portal: pages for people.
    portal: Portal {
        /// Whether everybody must have a second factor (codes of an authenticator app) to get in.
        second_factor: bool = true, "true or false";
        /// Fewest characters of a password beside a second factor.
        password_chars_min: usize = 8usize, "characters";
        /// Fewest without one; small and capital letters, digits and signs are wanted then.
        password_chars_min_alone: usize = 14usize, "characters";
        /// Wrong passwords or codes in a row after which nothing is tried for a while.
        failures_max: u64 = 5u64, "failures";
        /// For how long.
        lock_minutes: u64 = 15u64, "minutes";
        /// A session that was not used for this long is over.
        idle_minutes: u64 = 15u64, "minutes";
        /// The same for operators and administrators.
        powerful_idle_minutes: u64 = 5u64, "minutes";
        /// The longest session.
        session_hours: u64 = 12u64, "hours";
        /// Passwords that are checked at once; each takes 20 MB for a moment. Further ones are told to come again.
        password_checks_max: usize = 4usize, "passwords";
        /// Where people reach the portal, such as `https://truc.example.vn`: identity providers send them back there. Empty: none is used.
        public_url: String = "", "address";
        /// People whom identity providers send back that are looked after at once; further ones are told to come again.
        provider_asks_max: usize = 8usize, "people";
        /// Searches that are made at once; further ones wait, and are told to come again after ten seconds.
        searches_max: usize = 2usize, "searches";
        /// Attachments, packets and tables that people take out at once; further ones wait, and are told to come again after ten seconds.
        downloads_max: usize = 4usize, "downloads";
        /// Rows of a table that people take out.
        export_rows_max: usize = 100000usize, "rows";
        /// Rows of one page of the transfer log.
        rows_max: usize = 50usize, "rows";
        /// Accounts that nobody used for this long are suspended; 0: none is.
        unused_days: u64 = 45u64, "days";
        /// Views of the log that one person may keep.
        views_max: usize = 20usize, "views";
        /// How often an open log asks whether there is something new.
        news_seconds: u64 = 30u64, "seconds";
        /// How far back the log begins when no day is asked for.
        log_days: u64 = 30u64, "days";
        /// How often new documents are made findable.
        index_tick_milliseconds: u64 = 1000u64, "milliseconds";
        /// Entries of the ledger that are gone through at once for that.
        index_batch_max: usize = 200usize, "entries";
        /// Failed deliveries that one person may have started anew at once; for more a second one must agree.
        redrive_alone_max: u64 = 100u64, "deliveries";
        /// How long a second person may take for that.
        redrive_decision_hours: u64 = 24u64, "hours";
        /// Most failed deliveries of one recipient that are started anew in a minute.
        redrive_per_minute_max: u64 = 600u64, "deliveries";
        /// Documents of one random sample.
        sample_documents_max: usize = 1000usize, "documents";
        /// Samples that may be drawn under one warrant.
        samples_max: usize = 100usize, "samples";
        /// Archives of samples that may be asked for under one warrant; 0 allows none.
        sample_exports_max: usize = 20usize, "archives";
        /// Largest file that an auditor hands in to be verified.
        upload_bytes_max: u64 = 268435456u64, "bytes";
    }
    /// Numbers of what is exchanged.
    statistics: Statistics {
        /// How often what happened is counted.
        tick_milliseconds: u64 = 2000u64, "milliseconds";
        /// Entries of the ledger that are gone through at once for that.
        batch_max: usize = 1000usize, "entries";
        /// An agency that fetches or reports nothing for so much working time is called silent.
        silent_hours: u64 = 16u64, "working hours";
        /// How many days after its end a month is frozen.
        freeze_days: u64 = 5u64, "days";
        /// How long the numbers of parts of what was exchanged are kept by day, in months that are frozen; then by month.
        detail_days: u64 = 90u64, "days";
        /// Whether anybody may take the numbers of frozen months out, by block of agencies and without small ones.
        open_data: bool = false, "true or false";
    }
    /// The self-test of systems, with the hub as their partner.
    selftest: Selftest {
        /// What the hub is called in certificates and mails.
        hub_name: String = "Docaxis", "text";
        /// Runs of one agency within 24 hours; 0 allows none.
        runs_per_day_max: usize = 20usize, "runs";
        /// Runs that are live at once, in all.
        live_runs_max: usize = 500usize, "runs";
        /// How long a run may last.
        life_hours: u64 = 72u64, "hours";
        /// Packets to the partners that are noted in one run; further ones are refused.
        packets_max: usize = 500usize, "packets";
        /// How far the time of a report may be off.
        clock_tolerance_seconds: u64 = 300u64, "seconds";
        /// Size of the file in the case of a large packet.
        large_file_bytes_max: u64 = 5242880u64, "bytes";
        /// How long a certificate is valid.
        certificate_days: u64 = 365u64, "days";
    }
    /// The log.
    log: Log {
        /// Level, as env_logger reads it.
        filter: String = "info", "filter";
        /// `text` or `json`.
        format: String = "text", "word";
    }
}
