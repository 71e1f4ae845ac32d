//! What the host consists of: its components and its databases.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use skald_manifest::{ConfigValue, Instances};
use skald_store::outbox;
use skald_store::sqlite::File;

use super::failed;
use super::view::{Component, Components, Database, Databases, Limits};
use crate::http::{App, Problem};

pub(super) async fn components(State(app): State<App>) -> Json<Components> {
    let component = |(name, version): (&str, std::sync::Arc<crate::invoke::Version>)| {
        let manifest = app.manifest.components.get(name)?;
        Some(Component {
            name: name.to_owned(),
            digest: version.digest().to_string(),
            roles: version.roles().into_iter().map(str::to_owned).collect(),
            grants: grants(manifest),
            instances: match manifest.instances {
                Instances::Fresh => "fresh".into(),
                Instances::Group => "group".into(),
            },
            limits: limits(&manifest.limits),
        })
    };
    Json(Components {
        components: app.registry.components().filter_map(component).collect(),
    })
}

/// The grants under their names in the manifest. Configuration is told by its keys: a value may come
/// from a secret.
fn grants(component: &skald_manifest::Component) -> BTreeMap<String, Value> {
    let config: BTreeMap<&String, &str> = component
        .config
        .iter()
        .map(|(key, value)| {
            (
                key,
                if matches!(value, ConfigValue::Secret(_)) {
                    "secret"
                } else {
                    "text"
                },
            )
        })
        .collect();
    let granted = [
        ("databases", json!(component.databases)),
        ("keyrings", json!(component.keyrings)),
        ("passwords", json!(component.passwords)),
        ("cache", json!(component.cache)),
        ("locks", json!(component.locks)),
        ("filters", json!(component.filters)),
        ("publishes", json!(component.publishes)),
        ("handles", json!(component.handles)),
        ("http", json!(component.http)),
        ("calls", json!(component.calls)),
        ("config", json!(config)),
    ];
    let nothing = [json!([]), json!({}), json!(false)];
    granted
        .into_iter()
        .filter(|(_, value)| !nothing.contains(value))
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn limits(limits: &skald_manifest::Limits) -> Limits {
    Limits {
        memory_bytes: limits.memory,
        deadline_ms: u64::try_from(limits.deadline.as_millis()).unwrap_or(u64::MAX),
        output_bytes: limits.output,
        rows: limits.rows,
        result_bytes: limits.result_bytes,
        log_bytes_per_call: limits.log_bytes_per_call,
        concurrency: limits.concurrency,
    }
}

pub(super) async fn databases(State(app): State<App>) -> Result<Json<Databases>, Problem> {
    let mut services: Vec<(&str, &File)> = app.orchestrator.databases().collect();
    services.sort_unstable_by_key(|(label, _)| *label);
    let journal = app.orchestrator.journal().file();
    let mut databases = vec![database("journal", journal, None)];
    for (label, file) in services {
        let events = file
            .readers
            .read(|connection| Ok((outbox::backlog(connection)?, outbox::dead_letters(connection)?)));
        databases.push(database(
            label,
            file,
            Some(events.await.map_err(|error| failed(&error))?),
        ));
    }
    Ok(Json(Databases { databases }))
}

fn database(label: &str, file: &File, events: Option<(i64, i64)>) -> Database {
    Database {
        label: label.to_owned(),
        kind: "sqlite".into(),
        queue: file.writer.backlog(),
        outbox: events.map(|(waiting, _)| waiting),
        dead_letters: events.map(|(_, given_up)| given_up),
    }
}
