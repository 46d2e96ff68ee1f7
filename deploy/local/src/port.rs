//! Ports on the loopback interface.

use std::net::{Ipv4Addr, TcpListener};

use crate::error::Error;
use crate::folder::random_word;

/// Free ports are drawn from here: below the range from which Linux and macOS take the ports of outgoing connections,
/// so that none of those sits on the port when a server comes back to it.
const FIRST: u16 = 15_000;
const COUNT: u16 = 15_000;
/// So often a port is drawn before the system is asked for one.
const DRAWS: usize = 50;

/// The ports to try, one after the other, until a server could take one: between finding a port free and taking it
/// another process may be faster.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wish {
    /// This one if it is free, else any; 0 is any.
    Rather(u16),
    /// This one and no other.
    Only(u16),
}

impl Wish {
    /// The port for the next attempt.
    pub(crate) fn port(self, attempt: usize) -> Result<u16, Error> {
        match self {
            Self::Only(port) => Ok(port),
            Self::Rather(port) if port != 0 && attempt == 0 && is_free(port) => Ok(port),
            Self::Rather(_) => free(),
        }
    }
}

/// Whether a server could listen on 127.0.0.1 at this port.
fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// A port on which nobody listens.
fn free() -> Result<u16, Error> {
    for _ in 0..DRAWS {
        let word = random_word()?;
        let drawn = u32::from_str_radix(&word[..7], 16).unwrap_or_default();
        let port = FIRST + u16::try_from(drawn % u32::from(COUNT)).unwrap_or_default();
        if is_free(port) {
            return Ok(port);
        }
    }
    let any =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    any.map(|address| address.port()).map_err(|source| Error::File {
        doing: "finding a free port on",
        path: "127.0.0.1".into(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_not_given_out() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        assert!(!is_free(port));
        assert_ne!(Wish::Rather(port).port(0).unwrap(), port);
        drop(taken);
        assert_eq!(Wish::Rather(port).port(0).unwrap(), port);
        assert_ne!(Wish::Rather(port).port(1).unwrap(), port);
    }
}
