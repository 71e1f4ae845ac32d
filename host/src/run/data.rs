//! The data folder: taken for this process alone, and not a backup by mistake.

use std::fs::{File, TryLockError};
use std::path::Path;

use skald_store::journal::Journal;

use super::{Options, Unstartable};

/// Makes the data folder, and takes it for this process alone: an SQLite file has one writer.
pub(super) fn lock(data: &Path) -> Result<File, Unstartable> {
    let unusable = |detail: String| Unstartable::Data {
        path: data.to_owned(),
        detail,
    };
    std::fs::create_dir_all(data).map_err(|error| unusable(error.to_string()))?;
    let path = data.join("lock");
    let lock = File::options().create(true).truncate(false).write(true).open(path);
    let lock = lock.map_err(|error| unusable(error.to_string()))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(unusable("another skald uses it".into())),
        Err(TryLockError::Error(error)) => Err(unusable(error.to_string())),
    }
}

/// A backup that is run as if nothing had happened could end a saga a second time, the other way.
pub(super) fn refuse_backup(options: &Options) -> Result<(), Unstartable> {
    if options.restored || !crate::backup::is_backup(&options.data) {
        return Ok(());
    }
    Err(Unstartable::Backup {
        path: options.data.clone(),
    })
}

/// Rule "set recovering on every non-terminal saga; only then start".
pub(super) async fn put_into_service(journal: &Journal, data: &Path) -> Result<(), Unstartable> {
    let sagas = journal.mark_recovering().await.map_err(Unstartable::Journal)?;
    tracing::info!(
        sagas,
        "a restored journal: its unfinished sagas can't be cancelled until it is known how far they were"
    );
    crate::backup::put_into_service(data).map_err(|error| Unstartable::Data {
        path: data.to_owned(),
        detail: format!("backup.json can't be renamed: {error}"),
    })
}
