//! The services' databases, by the labels that the manifest grants: opened once, for steps and for
//! calls outside them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use skald_manifest::{DatabaseUrl, Manifest};
use skald_saga::Digest;
use skald_store::fence::{self, Migration};
use skald_store::sql::{Error, Session};
use skald_store::sqlite::{File, GroupLimits, OpenError, Options, PlainSession};

use crate::capability::sql::{Access, Databases, Dialect};

/// How many connections read a file at the same time: as many as there are cores here, twice.
const READERS: usize = 4;

/// The files by label. Components are linked before the files are open, since a component brings the
/// migrations of its own tables.
#[derive(Clone, Default)]
pub struct Files(Arc<OnceLock<HashMap<String, File>>>);

impl Files {
    /// From here on components can open them.
    pub fn open(&self, files: HashMap<String, File>) {
        assert!(self.0.set(files).is_ok(), "the databases are opened once");
    }
}

impl Databases for Files {
    fn dialect(&self, _: &str) -> Dialect {
        Dialect::Sqlite
    }

    fn open(&self, label: &str, access: Access) -> Result<Box<dyn Session>, Error> {
        let file = self.0.get().and_then(|files| files.get(label));
        let file = file.ok_or_else(|| Error::Unreachable(format!("database {label} is not open")))?;
        Ok(Box::new(PlainSession::new(
            file.clone(),
            access.read_only,
            access.deadline,
        )))
    }
}

/// Where a database lies.
pub fn path(url: &DatabaseUrl, data: &Path) -> PathBuf {
    match url {
        DatabaseUrl::Sqlite(path) => data.join(path),
    }
}

/// How a file of this manifest is opened.
pub fn options(manifest: &Manifest, url: &DatabaseUrl, label: &str, data: &Path) -> Options {
    let group = GroupLimits {
        jobs: manifest.orchestrator.group_max,
        time: manifest.orchestrator.group_max_time,
        ..GroupLimits::default()
    };
    Options {
        group,
        readers: READERS,
        ..Options::new(path(url, data), label)
    }
}

/// Opens a service's database, and brings its tables up to date. `migrations` are those of the
/// components that own tables there, each with its name and the digest of its artifact.
pub fn open(options: &Options, migrations: &[(String, Digest, Vec<Migration>)]) -> Result<File, OpenError> {
    File::open(options, |connection| {
        fence::prepare(connection, &options.label)?;
        for (component, digest, migrations) in migrations {
            let migrated = fence::migrate(connection, migrations, *digest).map_err(|error| OpenError::Unfit {
                label: options.label.clone(),
                detail: format!("component {component}: {error}"),
            })?;
            if migrated.new > 0 {
                tracing::info!(
                    database = options.label,
                    component,
                    new = migrated.new,
                    "tables are brought up to date"
                );
            }
        }
        Ok(())
    })
}
