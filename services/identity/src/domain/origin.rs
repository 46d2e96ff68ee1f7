//! From where somebody signs in.

use std::net::{IpAddr, Ipv6Addr};

/// The network from which somebody signs in, as far as it is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Origin {
    /// An address of IPv4, or a /64 of IPv6: one household has as many addresses as it likes.
    pub network: Option<IpAddr>,
    /// The /48 of IPv6 around it, which is what one customer of a provider may have.
    pub site: Option<IpAddr>,
}

impl Origin {
    /// The origin of whoever has this address.
    pub fn of(address: Option<IpAddr>) -> Self {
        let Some(address) = address else { return Self::default() };
        match address.to_canonical() {
            IpAddr::V4(address) => Self { network: Some(address.into()), site: None },
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                let beginning = |d| Some(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into());
                Self { network: beginning(d), site: beginning(0) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_household_is_one_network_and_one_customer_is_one_site() {
        let of = |text: &str| Origin::of(Some(text.parse().unwrap()));
        assert_eq!(of("2001:db8:1:2::3"), of("2001:db8:1:2:ffff::4"));
        let (one, other) = (of("2001:db8:1:2::3"), of("2001:db8:1:3::3"));
        assert!(one.network != other.network && one.site == other.site);
        assert_ne!(one.site, of("2001:db8:2:2::3").site);
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(of("192.0.2.1").site, None);
        assert_eq!(Origin::of(None), Origin::default());
    }
}
