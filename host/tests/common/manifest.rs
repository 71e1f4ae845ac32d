//! Manifests for tests: the shop's own, and changes to it.

/// The shop's manifest as it is shipped.
pub const SHOP: &str = include_str!("../../../skald.toml");

/// The shop's manifest with one passage replaced, which must be there.
pub fn with(manifest: &str, passage: &str, by: &str) -> String {
    assert!(manifest.contains(passage), "the manifest has no longer: {passage}");
    manifest.replacen(passage, by, 1)
}

/// The shop with other settings of its public listener.
pub fn server(settings: &str) -> String {
    format!("{SHOP}\n[server]\n{settings}\n")
}

/// The shop in which the step of this name is the hostile test component's, called with this input.
pub fn hostile_step(manifest: &str, step: &str, component: &str, input: &str) -> String {
    let passage =
        format!("name = \"{step}\"\ncomponent = \"{component}\"\ndatabase = \"{component}\"\ndeadline = \"2s\"\n");
    let by = "component = \"hostile\"\ndatabase = \"hostile\"\ndeadline = \"2s\"\n";
    let (before, after) = manifest
        .split_once(&passage)
        .unwrap_or_else(|| panic!("the manifest has no longer: {passage}"));
    // The mapping of the step it stands in for goes with it.
    let after = after
        .strip_prefix("input = ")
        .map_or(after, |rest| rest.split_once('\n').map_or("", |(_, rest)| rest));
    let hostile = "[databases.hostile]\nurl = \"sqlite:hostile.db\"\n\n[components.hostile]\nartifact = \"hostile.wasm\"\n\
                   databases = [\"hostile\"]\nhttp = [\"127.0.0.1:9\"]\ncalls = { \"test:hostile/link\" = \"twin\" }\n\n[components.twin]\n\
                   artifact = \"hostile.wasm\"\ndatabases = [\"hostile\"]\nhttp = [\"127.0.0.1:9\"]\ncalls = { \"test:hostile/link\" = \"hostile\" }\n";
    let granted = if before.contains("[components.hostile]") || after.contains("[components.hostile]") {
        ""
    } else {
        hostile
    };
    format!("{before}name = \"{step}\"\n{by}input = {input}\n{after}\n{granted}")
}

/// The shop in which this step is refused, whatever is bought.
pub fn refusing(step: &str, component: &str) -> String {
    hostile_step(SHOP, step, component, "{ mode = \"reject\" }")
}

/// The shop in which a purchase waits in its last step, which is called again and again.
pub fn waiting() -> String {
    let waiting = hostile_step(SHOP, "CREATE_PAYMENT", "payment", "{ mode = \"postpone\" }");
    with(&waiting, "retry = { attempts = 10", "retry = { attempts = 1000")
}

/// The shop in which a purchase is stuck on its way back: the hostile component, which stands in for the second step,
/// can count, and can't undo it.
pub fn sticking() -> String {
    let counting = hostile_step(SHOP, "CREATE_ORDER", "order", "{ mode = \"count\" }");
    let refusing = hostile_step(&counting, "CREATE_PAYMENT", "payment", "{ mode = \"reject\" }");
    with(
        &refusing,
        "compensation = { attempts = 20",
        "compensation = { attempts = 2",
    )
}
