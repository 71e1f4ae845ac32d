//! A reader: one customer's stream, resumed after every cut.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use super::scene::Scene;
use crate::sse::Stream;

/// How long a reader waits before it connects again.
const PAUSE: Duration = Duration::from_millis(5);

/// Follows a customer's stream until the scene is over.
pub(super) async fn follow(scene: Arc<Scene>, number: usize) {
    let customer = &scene.customers[number];
    while let Some(address) = scene.address().await {
        let last = customer.ledger().last;
        if let Ok(mut stream) = Stream::open(address, &customer.token, last).await {
            customer.listens();
            loop {
                let told = tokio::select! {
                    told = stream.next() => told,
                    () = scene.over() => return,
                };
                match told {
                    Ok(told) => customer.ledger().tell(told),
                    // A cut is what this is about; what was read and makes no sense is not.
                    Err(error) => {
                        if error.kind() == ErrorKind::InvalidData {
                            customer.ledger().wrong.push(error.to_string());
                        }
                        break;
                    }
                }
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}
