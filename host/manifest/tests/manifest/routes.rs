//! Routes, and the settings of the public API.

use crate::base::{add, faults, route};

#[test]
fn a_route_matches_methods_and_a_path() {
    faults(
        &route("match = 'GET'\ncomponent = 'beta'"),
        &[r#"42:9: routes[1].match: "GET" is not methods and a path; write "GET /path" or "GET,PUT /path""#],
    );
    faults(
        &route("match = 'get,GTE,BREW /b'\ncomponent = 'beta'"),
        &[
            r#"42:9: routes[1].match: there is no method "get"; did you mean "GET"?"#,
            r#"42:9: routes[1].match: there is no method "GTE"; did you mean "GET"?"#,
            r#"42:9: routes[1].match: there is no method "BREW"; the methods here are GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"#,
        ],
    );
    faults(
        &route("match = 'GET,GET /b'\ncomponent = 'beta'"),
        &["42:9: routes[1].match: GET is listed twice; keep one"],
    );
    faults(
        &route("match = 'GET b'\ncomponent = 'beta'"),
        &[
            r#"42:9: routes[1].match: "b" is not a path; write "/" and segments, {id} for any one segment, {*rest} for all that follow"#,
        ],
    );
    faults(
        &route("match = 'GET /b/:id'\ncomponent = 'beta'"),
        &[
            r#"42:9: routes[1].match: "/b/:id" is not a path; write "/" and segments, {id} for any one segment, {*rest} for all that follow"#,
        ],
    );
    faults(
        &route("match = 'GET /b/*rest'\ncomponent = 'beta'"),
        &[
            r#"42:9: routes[1].match: "/b/*rest" is not a path; write "/" and segments, {id} for any one segment, {*rest} for all that follow"#,
        ],
    );
    faults(
        &route("match = 'GET /b/{id'\ncomponent = 'beta'"),
        &[
            r#"42:9: routes[1].match: "/b/{id" is not a path; write "/" and segments, {id} for any one segment, {*rest} for all that follow"#,
        ],
    );
    faults(
        &route("match = 'GET /b/{*rest}/c'\ncomponent = 'beta'"),
        &[
            r#"42:9: routes[1].match: "/b/{*rest}/c" is not a path; write "/" and segments, {id} for any one segment, {*rest} for all that follow"#,
        ],
    );
    faults(
        &route("match = 'GET /b/{id}/{id}'\ncomponent = 'beta'"),
        &[
            r#"42:9: routes[1].match: "/b/{id}/{id}" is not a path; write "/" and segments, {id} for any one segment, {*rest} for all that follow"#,
        ],
    );
    faults(
        &route("match = 'GET /b?x=1'\ncomponent = 'beta'"),
        &[
            r#"42:9: routes[1].match: "/b?x=1" is not a path; write "/" and segments, {id} for any one segment, {*rest} for all that follow"#,
        ],
    );
    faults(
        &route("match = 'GET  /b'\ncomponent = 'beta'"),
        &[
            r#"42:9: routes[1].match: " /b" is not a path; write "/" and segments, {id} for any one segment, {*rest} for all that follow"#,
        ],
    );
    faults(
        &route("match = 'GET /b/{}'\ncomponent = 'beta'"),
        &[
            r#"42:9: routes[1].match: "/b/{}" is not a path; write "/" and segments, {id} for any one segment, {*rest} for all that follow"#,
        ],
    );
}

#[test]
fn no_request_matches_two_routes() {
    faults(
        &route("match = 'PUT,GET /a/{id}'\ncomponent = 'beta'"),
        &["42:9: routes[1].match: line 38 is a route for GET /a/{id} already; remove one of them"],
    );
    faults(
        &route("match = 'PUT /a/{name}'\ncomponent = 'beta'"),
        &[
            r#"42:9: routes[1].match: requests for "/a/{name}" can't be told from those for "/a/{id}" (line 38); name the parameters alike, or change one of the paths"#,
        ],
    );
    faults(
        &route("match = 'GET /a/{*rest}'\ncomponent = 'beta'"),
        &[
            r#"42:9: routes[1].match: requests for "/a/{*rest}" can't be told from those for "/a/{id}" (line 38); name the parameters alike, or change one of the paths"#,
        ],
    );
}

#[test]
fn a_route_leads_to_one_target_that_there_is() {
    faults(
        &route("match = 'POST /b'"),
        &[r#"41:1: routes[1]: a route leads to one of component, saga and results; write component = "NAME""#],
    );
    faults(
        &route("match = 'POST /b'\ncomponent = 'beta'\nsaga = 'buy'"),
        &["41:1: routes[1]: a route leads to one of component, saga and results; keep one"],
    );
    faults(
        &route("match = 'POST /b'\ncomponent = 'bet'"),
        &[r#"43:13: routes[1].component: there is no component "bet"; did you mean "beta"?"#],
    );
    faults(
        &route("match = 'POST /b'\nsaga = 'by'"),
        &[r#"43:8: routes[1].saga: there is no saga "by"; did you mean "buy"?"#],
    );
    faults(
        &route("match = 'GET /b'\nresults = 'sell'\nauth = 'alpha'"),
        &[r#"43:11: routes[1].results: there is no saga "sell"; the sagas here are buy"#],
    );
    faults(
        &route("match = 'GET /b'\ncomponent = 'beta'\nauth = 'alfa'"),
        &[r#"44:8: routes[1].auth: there is no component "alfa"; the components here are alpha, beta"#],
    );
}

#[test]
fn a_saga_is_started_by_post_and_watched_by_get() {
    faults(
        &route("match = 'POST,PUT /b'\nsaga = 'buy'"),
        &[r#"42:9: routes[1].match: a saga is started by POST alone; write "POST /path""#],
    );
    faults(
        &route("match = 'POST /b'\nresults = 'buy'\nauth = 'alpha'"),
        &[r#"42:9: routes[1].match: a saga's events are got by GET alone; write "GET /path""#],
    );
}

#[test]
fn events_are_for_their_principal_and_without_end() {
    faults(
        &route("match = 'GET /b'\nresults = 'buy'"),
        &[
            r#"41:1: routes[1]: a saga's events are for the principal whose saga it is; write auth = "NAME", the component that authenticates"#,
        ],
    );
    faults(
        &route("match = 'GET /b'\nresults = 'buy'\nauth = 'alpha'\ntimeout = '5s'"),
        &["45:11: routes[1].timeout: a stream of events ends when the client leaves; leave timeout out"],
    );
}

#[test]
fn an_operator_has_a_token_and_no_principal() {
    faults(
        &route("match = 'GET /b'\ncomponent = 'beta'\noperator = true"),
        &[
            r#"44:12: routes[1].operator: there is no operator's token to ask for; write [admin] token = { env = "SKALD_ADMIN_TOKEN" }"#,
        ],
    );
    faults(
        &route(
            "match = 'GET /b'\ncomponent = 'beta'\noperator = true\nauth = 'alpha'\n\n[admin]\ntoken = { env = 'TOKEN' }",
        ),
        &[
            "44:12: routes[1].operator: a request can't carry the operator's token and a principal's at once; keep either operator or auth",
        ],
    );
}

#[test]
fn an_origin_is_one_that_a_browser_sends() {
    faults(
        &add("[server.cors]\norigins = ['https://a.org/', 'shop.org']"),
        &[
            r#"42:12: server.cors.origins[0]: "https://a.org/" is not an origin; write scheme and host without a path, "https://shop.example.org", or "*" alone"#,
            r#"42:30: server.cors.origins[1]: "shop.org" is not an origin; write scheme and host without a path, "https://shop.example.org", or "*" alone"#,
        ],
    );
    faults(
        &add("[server.cors]\norigins = ['*', 'https://a.org']"),
        &[r#"42:12: server.cors.origins[0]: "*" is any origin already; leave out either it or the others"#],
    );
}
