//! `skald backup` and `skald verify`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use skald_store::verify::{Report, verify};

use super::table::{Table, bytes, or_dash};
use super::{Admin, Failure, Output, print, print_json};
use crate::admin::view::BackupWish;
use crate::backup::{self, Backup};

/// How long a copy or a check of a large installation may take.
const LONG: Duration = Duration::from_hours(6);

#[derive(Args)]
pub(super) struct Take {
    /// The folder that the backup becomes, on the host's machine: not there yet, or empty.
    dir: PathBuf,
    /// Copies the keys that sign tokens too: whoever has them can speak for every customer.
    #[arg(long)]
    with_keys: bool,
    #[command(flatten)]
    admin: Admin,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub(super) struct Verify {
    /// Checks the files of this data folder, instead of asking a host.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The manifest that says which files there are; with --data.
    #[arg(long, default_value = "skald.toml")]
    manifest: PathBuf,
    #[command(flatten)]
    admin: Admin,
    #[command(flatten)]
    output: Output,
}

pub(super) fn back_up(wanted: &Take) -> Result<(), Failure> {
    let to = std::path::absolute(&wanted.dir)
        .map_err(|error| Failure::Unusable(format!("{} is no path: {error}", wanted.dir.display())))?;
    let wish = BackupWish {
        to: to.display().to_string(),
        with_keys: wanted.with_keys,
    };
    let (json, backup): (_, Backup) = wanted.admin.post_patiently("/admin/v1/backup", &wish, LONG)?;
    if wanted.output.json {
        print_json(&json);
        return Ok(());
    }
    let mut table = Table::new(&["what", "file", "size", "sha256"]);
    for file in backup.files {
        table.row([
            file.what,
            file.file.display().to_string(),
            bytes(file.bytes),
            super::table::short(&file.sha256),
        ]);
    }
    print(&format!(
        "{table}{} is a whole backup; start it with: skald run --restored --data {0}\n",
        to.display()
    ));
    Ok(())
}

pub(super) fn check(wanted: &Verify) -> Result<(), Failure> {
    let report = match &wanted.data {
        None => wanted.admin.get_patiently("/admin/v1/verify", LONG)?.1,
        Some(data) => {
            let manifest =
                crate::run::read_manifest(&wanted.manifest).map_err(|fault| Failure::Unusable(fault.to_string()))?;
            let (journal, services) = backup::files(&manifest, data);
            verify(&journal, &services).map_err(|error| Failure::Unusable(error.to_string()))?
        }
    };
    if wanted.output.json {
        print_json(&serde_json::to_value(&report).expect("texts and numbers"));
    } else {
        tell(&report);
    }
    if report.faults == 0 {
        Ok(())
    } else {
        Err(Failure::Refused(String::new()))
    }
}

fn tell(report: &Report) {
    let Report {
        sagas,
        fences,
        events,
        unfinished,
        faults,
        ..
    } = report;
    print(&format!(
        "{sagas} sagas, {fences} fences, {events} events; {unfinished} unfinished\n"
    ));
    if *unfinished > 0 {
        let mut table = Table::new(&["unfinished", "state"]);
        report
            .unfinished_sagas
            .iter()
            .for_each(|saga| table.row([saga.id.to_string(), saga.state.clone()]));
        print(&table.to_string());
    }
    if *faults == 0 {
        print("everything agrees\n");
        return;
    }
    let mut table = Table::new(&["fault", "saga", "step", "what disagrees"]);
    for fault in &report.disagreements {
        let saga = or_dash(fault.saga.map(|saga| saga.to_string()));
        table.row([
            fault.kind.clone(),
            saga,
            or_dash(fault.step.clone()),
            fault.detail.clone(),
        ]);
    }
    print(&format!("{table}{faults} faults\n"));
}
