//! What the manifest wants of a component: the interfaces that it has to export, and for what.

use skald_manifest::{Manifest, Target};

use crate::invoke::interface::{ADMISSION, AUTHENTICATOR, HANDLER, STEP, SUBSCRIBER};

/// The interfaces, without their versions, and the sentence that says why.
pub(super) fn wanted(manifest: &Manifest, component: &str) -> Vec<(&'static str, String)> {
    let mut wanted = vec![];
    for (name, saga) in &manifest.sagas {
        let step = saga.definition.steps.iter().find(|step| step.component == component);
        wanted.extend(step.map(|step| (STEP, format!("runs step {} of saga {name}", step.name))));
        let admits = saga.admit.as_deref() == Some(component);
        wanted.extend(admits.then(|| (ADMISSION, format!("admits saga {name}"))));
    }
    for route in &manifest.routes {
        let place = format!("{} {}", route.methods.join(","), route.path);
        let handles = matches!(&route.target, Target::Component(target) if target == component);
        let authenticates = route.auth.as_ref().is_some_and(|auth| auth.component == component);
        wanted.extend(handles.then(|| (HANDLER, format!("answers {place}"))));
        wanted.extend(authenticates.then(|| (AUTHENTICATOR, format!("authenticates {place}"))));
    }
    let topics = &manifest.components[component].handles;
    wanted.extend(topics.first().map(|topic| (SUBSCRIBER, format!("handles {topic}"))));
    // One reason for each interface is enough.
    wanted.dedup_by(|later, earlier| later.0 == earlier.0);
    let mut seen = vec![];
    wanted.retain(|(interface, _)| {
        !seen.contains(interface) && {
            seen.push(*interface);
            true
        }
    });
    wanted
}
