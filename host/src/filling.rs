//! Membership filters, filled whenever the host starts by the queries that the manifest names.
//!
//! ```text
//!  check ──► is each query one that can be used?  (a fault keeps the host from starting)
//!  start ──► one filter after another: rows ──► Filling ──► "surely not" is certain
//! ```
//! The host serves meanwhile; a filter that is not filled answers "perhaps".

use std::collections::HashMap;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Statement};
use skald_manifest::Manifest;
use skald_store::sqlite::File;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::capability::cache::{Cache, Filling};

/// A filter whose query can't be used.
#[derive(Debug, thiserror::Error)]
#[error("the query of filter {label} can't be used: {detail}; correct its `fill` in the manifest")]
pub struct Unfillable {
    /// The filter's label.
    pub label: String,
    /// What is wrong with the query.
    pub detail: String,
}

/// Prepares the query of every filter, and runs none.
///
/// # Errors
/// The first query that is none, that would write, or that has not got one column.
pub async fn check(manifest: &Manifest, files: &HashMap<String, File>) -> Result<(), Unfillable> {
    for (label, filter) in &manifest.filters {
        let query = filter.fill.clone();
        let prepared = files[&filter.database]
            .readers
            .read(move |connection| Ok(unfit(&connection.prepare(&query)?)))
            .await;
        let fault = prepared.unwrap_or_else(|error| Some(error.to_string()));
        if let Some(detail) = fault {
            return Err(Unfillable {
                label: label.clone(),
                detail,
            });
        }
    }
    Ok(())
}

/// What is wrong with a query that can be prepared.
fn unfit(query: &Statement<'_>) -> Option<String> {
    if !query.readonly() {
        return Some("it would write".into());
    }
    match (query.column_count(), query.parameter_count()) {
        (1, 0) => None,
        (1, _) => Some("it has parameters".into()),
        (columns, _) => Some(format!("it has {columns} columns instead of one")),
    }
}

/// Begins to fill every filter. The task ends when that is done, or soon after `stop`.
///
/// One after another: each takes a reader of its database for as long as it lasts, and a few filters at
/// once would leave none to anybody else.
pub fn start(
    manifest: &Manifest,
    files: &HashMap<String, File>,
    cache: &Cache,
    stop: &CancellationToken,
) -> JoinHandle<()> {
    let filters = manifest.filters.iter();
    let filters = filters.filter_map(|(label, filter)| {
        let file = files[&filter.database].clone();
        Some((cache.filling(label)?, file, filter.fill.clone()))
    });
    let (filters, stop): (Vec<_>, _) = (filters.collect(), stop.clone());
    tokio::spawn(async move {
        for (filling, file, query) in filters {
            fill(filling, file, query, stop.clone()).await;
        }
    })
}

async fn fill(filling: Filling, file: File, query: String, stop: CancellationToken) {
    let label = filling.label().clone();
    let read = file
        .readers
        .read(move |connection| Ok(read(connection, &query, filling, &stop)))
        .await;
    match read.map_err(|error| error.to_string()).flatten() {
        Ok(Some(rows)) => tracing::info!(filter = %label, rows, "a filter is filled"),
        Ok(None) => {}
        Err(detail) => tracing::error!(
            filter = %label, detail,
            "a filter can't be filled and answers \"perhaps\" to everything: correct its `fill`, and start again"
        ),
    }
}

/// Adds every row, and says how many there were; none when the host stops before the end.
fn read(
    connection: &Connection,
    query: &str,
    filling: Filling,
    stop: &CancellationToken,
) -> Result<Option<u64>, String> {
    let failed = |error: rusqlite::Error| error.to_string();
    let mut query = connection.prepare(query).map_err(failed)?;
    let mut found = query.query([]).map_err(failed)?;
    let mut rows = 0;
    while let Some(row) = found.next().map_err(failed)? {
        if stop.is_cancelled() {
            return Ok(None);
        }
        match row.get_ref(0).map_err(failed)? {
            ValueRef::Integer(number) => filling.add(&number.to_string()),
            ValueRef::Text(text) => filling.add(&String::from_utf8_lossy(text)),
            // No item can be asked for that is nothing.
            ValueRef::Null => continue,
            other => {
                return Err(format!(
                    "it finds a {}, which is no text and no whole number",
                    other.data_type()
                ));
            }
        }
        rows += 1;
    }
    filling.finish();
    Ok(Some(rows))
}
