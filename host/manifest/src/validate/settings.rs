//! The settings of the host itself.

use crate::place::Findings;
use crate::settings::{Admin, Cors, Orchestrator, Server};
use crate::table::RawTable;
use crate::validate::secret;
use crate::words::{ORIGIN_RULE, is_origin};

/// How the public API treats its clients.
pub fn server(raw: &RawTable, found: &mut Findings<'_>) -> Server {
    let default = Server::default();
    Server {
        max_body: raw.size("max-body").unwrap_or(default.max_body),
        max_headers: raw.size("max-headers").unwrap_or(default.max_headers),
        header_timeout: raw.duration("header-timeout").unwrap_or(default.header_timeout),
        body_timeout: raw.duration("body-timeout").unwrap_or(default.body_timeout),
        request_timeout: raw.duration("request-timeout").unwrap_or(default.request_timeout),
        cors: raw.table("cors").map_or(default.cors, |raw| cors(raw, found)),
        drain: raw.duration("drain").unwrap_or(default.drain),
        sse_heartbeat: raw.duration("sse-heartbeat").unwrap_or(default.sse_heartbeat),
        max_inflight_sagas: raw.count("max-inflight-sagas").unwrap_or(default.max_inflight_sagas),
        hash_parallelism: raw.count("hash-parallelism").unwrap_or(default.hash_parallelism),
        guest_threads: raw.count("guest-threads").unwrap_or(default.guest_threads),
    }
}

fn cors(raw: &RawTable, found: &mut Findings<'_>) -> Cors {
    if !raw.is_given("origins") {
        return Cors::default();
    }
    let origins = raw.words("origins");
    for origin in &origins {
        if origin.text == "*" && origins.len() > 1 {
            found.add(
                origin.place,
                "\"*\" is any origin already",
                "leave out either it or the others",
            );
        } else if origin.text != "*" && !is_origin(origin.text) {
            found.add(origin.place, format!("{:?} is not an origin", origin.text), ORIGIN_RULE);
        }
    }
    Cors {
        origins: origins.iter().map(|origin| origin.text.to_owned()).collect(),
    }
}

/// How sagas are run.
pub fn orchestrator(raw: &RawTable) -> Orchestrator {
    let default = Orchestrator::default();
    Orchestrator {
        parallel_recovery: raw.count("parallel-recovery").unwrap_or(default.parallel_recovery),
        lease: raw.duration("lease").unwrap_or(default.lease),
        sweep: raw.duration("sweep").unwrap_or(default.sweep),
        group_max: raw.count("group-max").unwrap_or(default.group_max),
        group_max_time: raw.duration("group-max-time").unwrap_or(default.group_max_time),
    }
}

/// How operators reach the host.
pub fn admin(raw: Option<&RawTable>, found: &mut Findings<'_>) -> Admin {
    Admin {
        token: raw
            .and_then(|raw| raw.table("token"))
            .map(|token| secret::reference(token, found)),
    }
}
