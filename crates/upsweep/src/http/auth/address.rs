//! Where a request comes from, as far as that can be known behind a proxy.

use std::net::{IpAddr, Ipv6Addr};

use axum::http::{HeaderMap, HeaderName, HeaderValue};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The client's address. Anybody may write anything into `X-Forwarded-For`: it is believed when a trusted proxy hands
/// it on, and then only its last entry that is no such proxy, which the proxy itself has written.
pub(super) fn of_client(headers: &HeaderMap, peer: IpAddr, trusted: &[IpAddr]) -> IpAddr {
    let peer = peer.to_canonical();
    if !trusted.contains(&peer) {
        return peer;
    }
    // What the client wrote may be no text, and the proxy's own entry stands behind it all the same.
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let values: Vec<String> = headers.get_all(FORWARDED_FOR).iter().map(text).collect();
    for entry in values.iter().rev().flat_map(|value| value.rsplit(',')) {
        match parsed(entry) {
            Some(address) if trusted.contains(&address) => {}
            Some(address) => return address,
            // What lies beyond it was not written by a trusted proxy.
            None => return peer,
        }
    }
    peer
}

/// An address, alone or with a port.
fn parsed(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim();
    let address = entry.parse::<IpAddr>().ok().or_else(|| entry.parse().ok().map(|at: std::net::SocketAddr| at.ip()));
    address.map(|address| address.to_canonical())
}

/// What counts as one address: who has one of IPv6 has all of its network.
pub(super) fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded: &[&str]) -> String {
        let headers: HeaderMap =
            forwarded.iter().map(|value| (FORWARDED_FOR, HeaderValue::from_bytes(value.as_bytes()).unwrap())).collect();
        let trusted: Vec<IpAddr> = ["10.0.0.1", "10.0.0.2"].iter().map(|text| text.parse().unwrap()).collect();
        of_client(&headers, peer.parse().unwrap(), &trusted).to_string()
    }

    #[test]
    fn only_a_trusted_proxy_says_where_a_request_comes_from() {
        assert_eq!(client("192.0.2.7", &["198.51.100.9"]), "192.0.2.7");
        assert_eq!(client("10.0.0.1", &["198.51.100.9"]), "198.51.100.9");
        assert_eq!(client("::ffff:10.0.0.1", &["198.51.100.9"]), "198.51.100.9");
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn what_the_client_itself_wrote_is_not_believed() {
        assert_eq!(client("10.0.0.1", &["203.0.113.1, 198.51.100.9, 10.0.0.2"]), "198.51.100.9");
        assert_eq!(client("10.0.0.1", &["203.0.113.1", "198.51.100.9"]), "198.51.100.9");
        assert_eq!(client("10.0.0.1", &["ü, 198.51.100.9"]), "198.51.100.9");
        assert_eq!(client("10.0.0.1", &["203.0.113.1, unknown"]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &["10.0.0.2, 10.0.0.1"]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &["198.51.100.9:4711"]), "198.51.100.9");
        assert_eq!(client("10.0.0.1", &["[2001:db8::1]:443"]), "2001:db8::1");
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one_address() {
        let counted = |text: &str| super::counted(text.parse().unwrap()).to_string();
        assert_eq!(counted("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(counted("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(counted("192.0.2.7"), "192.0.2.7");
    }
}
