//! A small manifest without faults, and ways to put faults into it.

/// The manifest.
pub const BASE: &str = include_str!("base.toml");

/// It with one place changed.
pub fn with(was: &str, is: &str) -> String {
    assert_eq!(BASE.matches(was).count(), 1, "{was:?} is in the base once");
    BASE.replace(was, is)
}

/// It with something at its end, on line 41.
pub fn add(text: &str) -> String {
    format!("{BASE}\n{text}\n")
}

/// It with a second route, whose first key is on line 42.
pub fn route(keys: &str) -> String {
    add(&format!("[[routes]]\n{keys}"))
}

/// It with more keys in the second component, on line 23.
pub fn beta(keys: &str) -> String {
    with(
        "artifact = \"beta.wasm\"\n",
        &format!("artifact = \"beta.wasm\"\n{keys}\n"),
    )
}

/// It with other keys in the keyring, on line 14.
pub fn ring(keys: &str) -> String {
    with(r#"[{ kid = "1", file = "keys/1.key" }]"#, keys)
}

/// It with more keys in the saga, on line 26.
pub fn saga(keys: &str) -> String {
    with("admit = \"alpha\"\n", &format!("admit = \"alpha\"\n{keys}\n"))
}

/// It with more keys in the saga's second step, on line 36.
pub fn step(keys: &str) -> String {
    with(
        "name = \"TWO\"\ncomponent = \"alpha\"\ndatabase = \"left\"\n",
        &format!("name = \"TWO\"\ncomponent = \"alpha\"\ndatabase = \"left\"\n{keys}\n"),
    )
}

/// Asserts that these are all faults of a manifest, line by line.
#[track_caller]
pub fn faults(text: &str, expected: &[&str]) {
    let faults = skald_manifest::parse(text).expect_err("it has faults").to_string();
    let faults: Vec<_> = faults.lines().collect();
    assert_eq!(faults, expected, "in\n{text}");
}

#[test]
fn the_base_has_no_fault() {
    skald_manifest::parse(BASE).expect("no faults");
}
