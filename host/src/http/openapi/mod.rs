//! The description of the public API (OpenAPI 3.1) at `/openapi.json`, and a page to try it at `/docs`.
//!
//! The paths are those of the manifest's routes, and who may use them is what the manifest says; what
//! the shop's paths are for is in `shop`, and what their bodies look like in `schemas`. Routes that are
//! not the shop's are listed without more.

mod schemas;
mod shop;

use std::sync::Arc;

use axum::response::IntoResponse;
use axum::routing::{MethodRouter, get};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use serde_json::{Map, Value, json};
use skald_manifest::{Manifest, Route};
use utoipa::OpenApi;

use shop::{OPERATIONS, Operation, Parameter, STREAM};

const PAGE: &str = include_str!("docs.html");

/// The page takes nothing from anywhere else, and talks to this host alone.
const POLICY: &str = "default-src 'none'; connect-src 'self'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; \
                      img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The two pages, by path.
pub(super) fn pages(manifest: &Manifest) -> [(&'static str, MethodRouter); 2] {
    let document: Arc<str> = document(manifest).to_string().into();
    let json = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-cache")];
    let html = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-cache"),
        (CONTENT_SECURITY_POLICY, POLICY),
    ];
    [
        (
            "/openapi.json",
            get(move || async move { (json, document.to_string()).into_response() }),
        ),
        ("/docs", get(move || async move { (html, PAGE).into_response() })),
    ]
}

/// The document of a manifest's public API.
pub fn document(manifest: &Manifest) -> Value {
    let mut components = serde_json::to_value(schemas::Schemas::openapi().components).expect("schemas are JSON");
    components["securitySchemes"] = json!({
        "customer": { "type": "http", "scheme": "bearer", "description": "A customer's access token." },
        "operator": { "type": "http", "scheme": "bearer", "description": "The operator's token." },
    });
    let mut paths = Map::new();
    for route in &manifest.routes {
        let path = paths.entry(route.path.clone()).or_insert_with(|| json!({}));
        for method in &route.methods {
            path[method.to_lowercase()] = operation(route, method);
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": manifest.name,
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Bodies are JSON whatever the Content-Type says; whole numbers are written as such. \
                            A refusal is a problem (RFC 9457) whose `msg` programs can go by.",
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": components,
    })
}

fn operation(route: &Route, method: &str) -> Value {
    let known = OPERATIONS
        .iter()
        .find(|known| known.method == method && known.path == route.path);
    let mut described = known.map_or_else(
        || json!({ "summary": format!("{method} {}", route.path), "responses": {} }),
        describe,
    );
    let responses = &mut described["responses"];
    let scheme = match (&route.auth, route.operator) {
        (Some(_), _) => Some("customer"),
        (None, true) => Some("operator"),
        (None, false) => None,
    };
    if let Some(scheme) = scheme {
        responses["401"] = problem(401, &["unauthorized", "token expired"]);
        described["security"] = json!([{ scheme: [] }]);
    }
    described["responses"]["default"] = json!({
        "description": "Anything else that is no success: too large (413), too slow (408), not now (503), a defect (500).",
        "content": { "application/problem+json": { "schema": reference("Problem") } },
    });
    described
}

fn describe(known: &Operation) -> Value {
    let (status, schema) = known.success;
    let (media, description) = if schema == STREAM {
        ("text/event-stream", "One event after the other.")
    } else {
        ("application/json", "Done.")
    };
    let mut responses = Map::new();
    responses.insert(
        status.to_string(),
        json!({ "description": description, "content": { media: { "schema": reference(schema) } } }),
    );
    for (status, texts) in known.refusals {
        responses.insert(status.to_string(), problem(*status, texts));
    }
    let mut described = json!({ "summary": known.summary, "responses": responses });
    if let Some(body) = known.body {
        described["requestBody"] =
            json!({ "required": true, "content": { "application/json": { "schema": reference(body) } } });
    }
    if !known.parameters.is_empty() {
        described["parameters"] = known.parameters.iter().map(parameter).collect();
    }
    described
}

fn parameter(parameter: &Parameter) -> Value {
    let mut schema = json!({ "type": if parameter.bounds.is_some() { "integer" } else { "string" } });
    if let Some((minimum, maximum)) = parameter.bounds {
        schema["minimum"] = minimum.into();
        schema["maximum"] = maximum.into();
    }
    if let Some(default) = parameter.default {
        schema["default"] = default.into();
    }
    json!({
        "name": parameter.name, "in": parameter.place, "required": parameter.place == "path",
        "description": parameter.meaning, "schema": schema,
    })
}

fn problem(status: u16, texts: &[&str]) -> Value {
    let narrowed = json!({ "properties": { "status": { "const": status }, "msg": { "enum": texts } } });
    json!({
        "description": texts.join(", or "),
        "content": { "application/problem+json": { "schema": { "allOf": [reference("Problem"), narrowed] } } },
    })
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: &str = include_str!("../../../../skald.toml");

    /// Every `$ref` in a document.
    fn references<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str));
                members.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }

    #[test]
    fn the_shops_routes_are_described_all_of_them_and_no_others() {
        let manifest = skald_manifest::parse(SHOP).expect("the shop's manifest");
        let mut routed: Vec<_> = manifest
            .routes
            .iter()
            .flat_map(|route| {
                route
                    .methods
                    .iter()
                    .map(|method| (method.as_str(), route.path.as_str()))
            })
            .collect();
        let mut described: Vec<_> = OPERATIONS.iter().map(|known| (known.method, known.path)).collect();
        routed.sort_unstable();
        described.sort_unstable();
        assert_eq!(routed, described);
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document(&skald_manifest::parse(SHOP).expect("the shop's manifest"));
        let mut found = vec![];
        references(&document, &mut found);
        assert!(found.len() > 20, "{found:?}");
        for reference in found {
            let pointer = reference.strip_prefix('#').expect("within the document");
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }

    #[test]
    fn the_page_takes_nothing_from_elsewhere() {
        for elsewhere in ["http://", "https://", "//cdn", "@import", "src="] {
            assert!(!PAGE.contains(elsewhere), "{elsewhere}");
        }
    }
}
