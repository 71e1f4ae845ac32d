//! Components and their grants.

use crate::base::{add, beta, faults, with};

#[test]
fn a_grant_is_of_something_that_there_is() {
    faults(
        &beta("databases = ['lefd']"),
        &[r#"23:14: components.beta.databases[0]: there is no database "lefd"; did you mean "left"?"#],
    );
    faults(
        &beta("databases = ['stock']"),
        &[r#"23:14: components.beta.databases[0]: there is no database "stock"; the databases here are left, right"#],
    );
    faults(
        &beta("keyrings = ['rings']"),
        &[r#"23:13: components.beta.keyrings[0]: there is no keyring "rings"; did you mean "ring"?"#],
    );
    faults(
        &with(
            "[keyrings.ring]\nkeys = [{ kid = \"1\", file = \"keys/1.key\" }]\n\n[components.alpha]\n",
            "[components.alpha]\nkeyrings = ['ring']\n",
        ),
        &[r#"14:13: components.alpha.keyrings[0]: there is no keyring "ring"; declare it: [keyrings.ring]"#],
    );
}

#[test]
fn a_filter_is_declared_before_it_is_granted() {
    faults(
        &beta("filters = ['ids']"),
        &[r#"23:12: components.beta.filters[0]: there is no filter "ids"; declare it: [filters.ids]"#],
    );
    let declared = "[filters.id]\nkind = 'golomb'\nitems = 0\ndatabase = 'lefd'\n";
    faults(
        &add(declared),
        &[
            r#"41:1: filters.id.fill: this key is missing; write fill = "SELECT id FROM product""#,
            r#"42:8: filters.id.kind: "golomb" is not one of the choices; the choices here are bloom, cuckoo"#,
            "43:9: filters.id.items: out of bounds; write 1 to 100000000",
            r#"44:12: filters.id.database: there is no database "lefd"; did you mean "left"?"#,
        ],
    );
}

#[test]
fn labels_topics_and_hosts_have_their_shapes() {
    faults(
        &beta("cache = ['Product']"),
        &[
            r#"23:10: components.beta.cache[0]: "Product" is not a name; begin with a to z, and go on with a to z, 0 to 9 or -"#,
        ],
    );
    faults(
        &beta("publishes = ['thing.*']"),
        &[
            r#"23:14: components.beta.publishes[0]: "thing.*" is not a topic; write words of a to z, 0 to 9, _ or -, with dots between them: "product.created""#,
        ],
    );
    faults(
        &beta("http = ['https://api.example.org', 'api.example.org:0', 'ok.example.org']"),
        &[
            r#"23:9: components.beta.http[0]: "https://api.example.org" is not a host; write the host alone, in lower case: "api.example.org", "api.example.org:8443" or "*.example.org""#,
            r#"23:36: components.beta.http[1]: "api.example.org:0" is not a host; write the host alone, in lower case: "api.example.org", "api.example.org:8443" or "*.example.org""#,
        ],
    );
}

#[test]
fn a_topic_that_is_handled_is_published() {
    faults(
        &beta("handles = ['thing.mode']"),
        &[r#"23:12: components.beta.handles[0]: nobody publishes "thing.mode"; did you mean "thing.made"?"#],
    );
    faults(
        &beta("handles = ['order.shipped']"),
        &[
            r#"23:12: components.beta.handles[0]: nobody publishes "order.shipped"; the topics published here are thing.made"#,
        ],
    );
    faults(
        &with(r#"publishes = ["thing.made"]"#, r#"handles = ["thing.made"]"#),
        &[
            r#"19:12: components.alpha.handles[0]: nobody publishes "thing.made"; list it in the publishes of the component that does"#,
        ],
    );
}

#[test]
fn a_call_leads_to_another_component() {
    faults(
        &beta("calls = { 'catalog' = 'alpha' }"),
        &[
            r#"23:11: components.beta.calls.catalog: "catalog" is not an interface; write "PACKAGE:NAME/INTERFACE" as the WIT says it: "shop:product/catalog""#,
        ],
    );
    faults(
        &beta("calls = { 'shop:alpha/catalog' = 'alpa' }"),
        &[r#"23:34: components.beta.calls."shop:alpha/catalog": there is no component "alpa"; did you mean "alpha"?"#],
    );
    faults(
        &beta("calls = { 'shop:alpha/catalog' = 'beta' }"),
        &[
            r#"23:34: components.beta.calls."shop:alpha/catalog": a component can't call itself; leave it out, and call the function directly"#,
        ],
    );
}
