//! `skald components` and `skald databases`: what a host consists of.

use clap::Subcommand;

use super::table::{Table, bytes, or_dash, short, words};
use super::{Admin, Failure, Output, print, print_json};
use crate::admin::view;

#[derive(Subcommand)]
pub(super) enum Components {
    /// Lists the components: versions, roles, grants, limits.
    Ls {
        #[command(flatten)]
        admin: Admin,
        #[command(flatten)]
        output: Output,
    },
}

#[derive(Subcommand)]
pub(super) enum Databases {
    /// Lists the databases: what waits to be written or delivered.
    Ls {
        #[command(flatten)]
        admin: Admin,
        #[command(flatten)]
        output: Output,
    },
}

pub(super) fn components(Components::Ls { admin, output }: Components) -> Result<(), Failure> {
    let (json, view::Components { components }) = admin.get("/admin/v1/components")?;
    if output.json {
        print_json(&json);
        return Ok(());
    }
    let mut table = Table::new(&["name", "version", "instances", "memory", "deadline", "grants", "roles"]);
    for component in components {
        table.row([
            component.name,
            short(&component.digest),
            component.instances,
            bytes(component.limits.memory_bytes as u64),
            words(component.limits.deadline_ms.cast_signed()),
            or_dash(list(component.grants.into_keys())),
            or_dash(list(
                component
                    .roles
                    .iter()
                    .map(|role| role.rsplit('/').next().unwrap_or(role).to_owned()),
            )),
        ]);
    }
    print(&table.to_string());
    Ok(())
}

fn list(names: impl Iterator<Item = String>) -> Option<String> {
    let names = names.collect::<Vec<_>>().join(", ");
    (!names.is_empty()).then_some(names)
}

pub(super) fn databases(Databases::Ls { admin, output }: Databases) -> Result<(), Failure> {
    let (json, view::Databases { databases }) = admin.get("/admin/v1/databases")?;
    if output.json {
        print_json(&json);
        return Ok(());
    }
    let mut table = Table::new(&["label", "kind", "queue", "outbox", "dead letters"]);
    for database in databases {
        table.row([
            database.label,
            database.kind,
            database.queue.to_string(),
            or_dash(database.outbox.map(|count| count.to_string())),
            or_dash(database.dead_letters.map(|count| count.to_string())),
        ]);
    }
    print(&table.to_string());
    Ok(())
}
