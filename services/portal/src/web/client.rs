//! Whose request it is, behind proxies of our own.

use std::net::{IpAddr, Ipv4Addr};

use http::HeaderMap;

/// The address of somebody whose address is not known.
pub(crate) const NOBODY: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// The visitor's address: that of the connection, or what the farthest of `proxies` proxies of our
/// own has written. What stands before it in the header was written by the visitor and proves
/// nothing.
pub(super) fn address(headers: &HeaderMap, connection: IpAddr, proxies: usize) -> IpAddr {
    if proxies == 0 {
        return connection;
    }
    let written: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect();
    let farthest = written.len().checked_sub(proxies).and_then(|index| written.get(index));
    farthest.and_then(|text| text.parse().ok()).unwrap_or(connection)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn what_a_visitor_writes_into_the_header_is_not_believed() {
        let connection = IpAddr::from([10, 0, 0, 1]);
        let mut headers = HeaderMap::new();
        headers
            .insert("x-forwarded-for", HeaderValue::from_static("1.1.1.1, 203.0.113.7, 10.0.0.2"));
        for (proxies, expected) in
            [(0, "10.0.0.1"), (1, "10.0.0.2"), (2, "203.0.113.7"), (4, "10.0.0.1")]
        {
            assert_eq!(address(&headers, connection, proxies).to_string(), expected);
        }
    }
}
