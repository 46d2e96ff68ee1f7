//! The bus of a service.

use liuyan_kit::messaging::{Bus, bus};
use tokio::time::{sleep, timeout};

use super::{ANSWER, Findings, State, chain};
use crate::services::{Configured, Name};

/// How often it is looked whether a connection stands.
const LOOK: std::time::Duration = std::time::Duration::from_millis(50);

/// Looks whether the bus lets the service in, and at the service's own stream.
pub(super) async fn examine(findings: &mut Findings<'_>, name: Name, configured: &Configured) {
    let away =
        "Events wait in the database until the bus is there: look at [nats], and whether it runs.";
    let bus = match Bus::connect(&configured.nats, name.text()).await {
        Ok(bus) => bus,
        Err(error) => return findings.add("bus", State::Failed, chain(&error), away),
    };
    let stands = async {
        while !bus.connected() {
            sleep(LOOK).await;
        }
    };
    if timeout(ANSWER, stands).await.is_err() {
        return findings.add("bus", State::Failed, "no connection, or refused", away);
    }
    if let Err(error) = bus.check_server() {
        let advice = "Replace the server by a newer one.";
        return findings.add("bus", State::Failed, chain(&error), advice);
    }
    findings.add("bus", State::Ok, "connected", "");
    stream(findings, name, &bus).await;
}

async fn stream(findings: &mut Findings<'_>, name: Name, bus: &Bus) {
    match bus.stream_state(name.text()).await {
        Ok(Some(state)) => {
            let detail =
                format!("{} events so far, made {}", state.last_sequence, state.created_at);
            findings.add("stream", State::Ok, detail, "");
        }
        Ok(None) => {
            let advice = "It is declared when the service starts, if nats.declare allows; else by whoever may.";
            findings.add("stream", State::Warning, "there is none", advice);
        }
        Err(error @ bus::Error::Drift { .. }) => {
            let advice = "Somebody changed the stream: set it back, or the configuration; the service refuses it.";
            findings.add("stream", State::Failed, chain(&error), advice);
        }
        Err(error) => {
            let advice =
                "JetStream must be on, and the service's rights must let it ask for its stream.";
            findings.add("stream", State::Failed, chain(&error), advice);
        }
    }
}
