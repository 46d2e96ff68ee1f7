//! The addresses of a peer: looked up again and again, and left alone for a while when dead.
//!
//! tonic's own balancer waits for ever when there is no address, and keeps choosing dead ones; this
//! one refuses at once, and chooses the address with the fewest calls among those that live.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    net::lookup_host,
    sync::watch,
    time::{Instant, sleep, timeout},
};
use tonic::transport::{Channel, Endpoint};

/// How often names are looked up.
const LOOK_UP: Duration = Duration::from_secs(5);
/// How long one look-up may take.
const LOOK_UP_LIMIT: Duration = Duration::from_secs(2);
/// How long an address is left alone after its first failure; it doubles up to the second.
const FIRST_REST: Duration = Duration::from_millis(50);
const LONGEST_REST: Duration = Duration::from_secs(1);

type Addresses = BTreeMap<SocketAddr, Arc<Backend>>;

/// One address.
#[derive(Debug)]
pub(super) struct Backend {
    pub(super) channel: Channel,
    calls: AtomicUsize,
    health: Mutex<Health>,
}

#[derive(Debug, Default)]
struct Health {
    failures: u32,
    rests_until: Option<Instant>,
}

/// A call on its way to an address; counts as such until it is dropped.
#[derive(Debug)]
pub(super) struct Lease(Arc<Backend>);

impl Lease {
    pub(super) fn channel(&self) -> Channel {
        self.0.channel.clone()
    }

    /// Says whether the address could be reached.
    pub(super) fn report(&self, reached: bool) {
        let mut health = self.0.health.lock().unwrap_or_else(PoisonError::into_inner);
        if reached {
            *health = Health::default();
        } else {
            let rest = FIRST_REST * 2_u32.pow(health.failures.min(6));
            health.failures += 1;
            health.rests_until = Some(Instant::now() + rest.min(LONGEST_REST));
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.0.calls.fetch_sub(1, Ordering::Relaxed);
    }
}

/// All addresses of a peer.
#[derive(Debug)]
pub(super) struct Backends {
    known: watch::Sender<Option<Addresses>>,
    turn: AtomicUsize,
}

impl Backends {
    /// Looks up `host` for as long as the value lives; `connect` makes the endpoint of an address, and
    /// `changed`, asked each time, says whether endpoints that were made before are no longer the right ones.
    pub(super) fn look_up(
        host: String,
        port: u16,
        connect: impl Fn(SocketAddr) -> Option<Endpoint> + Send + Sync + 'static,
        changed: impl Fn() -> bool + Send + Sync + 'static,
    ) -> Arc<Self> {
        let backends =
            Arc::new(Self { known: watch::Sender::new(None), turn: AtomicUsize::new(0) });
        tokio::spawn(keep_looking(Arc::downgrade(&backends), host, port, connect, changed));
        backends
    }

    /// An address to call; `None` if there is none. One that failed lately is chosen only if
    /// `insist`, and then the one whose rest is over first.
    pub(super) async fn choose(&self, insist: bool) -> Option<Lease> {
        let mut known = self.known.subscribe();
        let known = timeout(LOOK_UP_LIMIT, known.wait_for(Option::is_some)).await.ok()?.ok()?;
        let addresses = known.as_ref()?;
        let now = Instant::now();
        let rest = |backend: &Backend| {
            let health = backend.health.lock().unwrap_or_else(PoisonError::into_inner);
            health.rests_until.filter(|until| *until > now)
        };
        // The turn makes idle addresses equal.
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % addresses.len().max(1);
        let in_turn = || addresses.values().cycle().skip(turn).take(addresses.len());
        let living = in_turn().filter(|backend| rest(backend).is_none());
        let chosen = living.min_by_key(|backend| backend.calls.load(Ordering::Relaxed));
        let chosen = match chosen {
            Some(backend) => backend,
            None if insist => in_turn().min_by_key(|backend| rest(backend))?,
            None => return None,
        };
        chosen.calls.fetch_add(1, Ordering::Relaxed);
        Some(Lease(Arc::clone(chosen)))
    }
}

async fn keep_looking(
    backends: Weak<Backends>,
    host: String,
    port: u16,
    connect: impl Fn(SocketAddr) -> Option<Endpoint> + Send + Sync + 'static,
    changed: impl Fn() -> bool + Send + Sync + 'static,
) {
    loop {
        let found = timeout(LOOK_UP_LIMIT, lookup_host((host.as_str(), port))).await;
        let Some(backends) = backends.upgrade() else { return };
        if changed() {
            // Calls that are under way end on the connections that they have.
            backends.known.send_modify(|known| {
                let addresses: Vec<SocketAddr> =
                    known.iter().flat_map(|known| known.keys().copied()).collect();
                *known = None;
                renew(known, &addresses, &connect);
            });
        }
        match found {
            Ok(Ok(found)) => {
                let found: Vec<SocketAddr> = found.collect();
                backends.known.send_modify(|known| renew(known, &found, &connect));
            }
            Ok(Err(_)) | Err(_) => {
                tracing::debug!(host, "the name was not found");
                // What was found before may still be right.
                backends.known.send_modify(|known| {
                    known.get_or_insert_default();
                });
            }
        }
        drop(backends);
        sleep(LOOK_UP).await;
    }
}

fn renew(
    known: &mut Option<Addresses>,
    found: &[SocketAddr],
    connect: &impl Fn(SocketAddr) -> Option<Endpoint>,
) {
    let known = known.get_or_insert_default();
    known.retain(|address, _| found.contains(address));
    for address in found {
        if !known.contains_key(address)
            && let Some(endpoint) = connect(*address)
        {
            let backend = Backend {
                channel: endpoint.connect_lazy(),
                calls: AtomicUsize::new(0),
                health: Mutex::default(),
            };
            known.insert(*address, Arc::new(backend));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(addresses: usize) -> Backends {
        let found: Vec<SocketAddr> =
            (1..=addresses).map(|port| SocketAddr::from(([127, 0, 0, 1], port as u16))).collect();
        let mut known = None;
        let connect = |address| Endpoint::from_shared(format!("http://{address}")).ok();
        renew(&mut known, &found, &connect);
        Backends { known: watch::Sender::new(known), turn: AtomicUsize::new(0) }
    }

    #[tokio::test(start_paused = true)]
    async fn a_dead_address_is_left_alone_for_a_while() {
        let peer = peer(2);
        let dead = peer.choose(false).await.unwrap();
        dead.report(false);
        let is_dead = |lease: &Lease| Arc::ptr_eq(&lease.0, &dead.0);
        for _ in 0..10 {
            assert!(!is_dead(&peer.choose(true).await.unwrap()));
        }
        sleep(FIRST_REST * 2).await;
        let mut again = false;
        let mut held = Vec::new();
        for _ in 0..10 {
            let lease = peer.choose(false).await.unwrap();
            again |= is_dead(&lease);
            held.push(lease);
        }
        assert!(again, "its rest is over");
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_failed_is_called_only_by_who_insists() {
        let peer = peer(1);
        peer.choose(false).await.unwrap().report(false);
        assert!(peer.choose(false).await.is_none());
        peer.choose(true).await.unwrap().report(true);
        assert!(peer.choose(false).await.is_some(), "it has answered since");
    }

    #[tokio::test(start_paused = true)]
    async fn a_rest_never_gets_longer_than_its_limit() {
        let peer = peer(1);
        for _ in 0..50 {
            peer.choose(true).await.unwrap().report(false);
        }
        sleep(LONGEST_REST * 2).await;
        assert!(peer.choose(false).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn the_address_with_the_fewest_calls_is_chosen() {
        let peer = peer(3);
        let mut busy = BTreeMap::new();
        let mut held = Vec::new();
        for _ in 0..9 {
            let lease = peer.choose(false).await.unwrap();
            *busy.entry(Arc::as_ptr(&lease.0) as usize).or_insert(0) += 1;
            held.push(lease);
        }
        assert_eq!(busy.into_values().collect::<Vec<_>>(), [3, 3, 3]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_without_addresses_is_known_to_be_away() {
        assert!(peer(0).choose(true).await.is_none());
    }
}
