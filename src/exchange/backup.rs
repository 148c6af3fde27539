//! Backs everything up while the hub works, and takes a backup back into an empty place. Needs no open hub: a backup
//! changes no table, and a restore wants nobody there.

use crate::config::Config;
use crate::hub::{Clock, Hub};
use crate::keyring::Keyring;
use crate::store::backup::{self as store_backup, Plan};
pub use crate::store::backup::{BackupError, Manifest, Watch};
pub use crate::store::restore::KeyFile;
use crate::store::restore::{self as store_restore, Target};
use std::path::Path;

/// Makes a backup. Secrets of systems in it are worth nothing without the key file, which is left out unless asked for.
///
/// # Errors
/// `Refused`, `File`, `Store`.
pub fn backup(config: &Config, target: &Path, with_key: bool, watch: Watch<'_>) -> Result<Manifest, BackupError> {
    let key_file = Hub::key_file(config);
    let fingerprint = Keyring::fingerprint_of(&key_file).unwrap_or_default();
    let plan = Plan {
        database: &config.database,
        data: &config.data.directory,
        target,
        key_file: with_key.then_some(key_file.as_path()),
        key_fingerprint: &fingerprint,
        taken_at: Clock::System.now().to_rfc3339(),
    };
    store_backup::write(&plan, watch)
}

/// Takes a backup back.
///
/// # Errors
/// `Refused`, `Damaged`, `File`, `Store`.
pub fn restore(config: &Config, backup: &Path, watch: Watch<'_>) -> Result<(Manifest, KeyFile), BackupError> {
    let key_file = Hub::key_file(config);
    let target = Target { database: &config.database, data: &config.data.directory, key_file: &key_file };
    let fits = |file: &Path, wanted: &str| Keyring::fingerprint_of(file).is_some_and(|found| found == wanted);
    store_restore::read(backup, &target, fits, watch)
}

/// Checks every digest of a backup and changes nothing.
///
/// # Errors
/// `Damaged`, `File`.
pub fn verify(backup: &Path, watch: Watch<'_>) -> Result<Manifest, BackupError> {
    Ok(store_restore::verify(backup, watch)?.0)
}
