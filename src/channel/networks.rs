//! Which addresses the hub calls: public ones, and the private networks that the operator named, apart for endpoints that
//! operators set and for webhooks that systems set themselves. Whoever can set an endpoint must not be able to make the hub call the machines around it (server-side request forgery).

use crate::config::Push;
use crate::domain::endpoint::EndpointKind;
use ipnet::IpNet;
use reqwest::Url;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

/// The networks that may be called besides public ones.
#[derive(Debug, Clone, Default)]
pub struct Networks {
    allowed: Arc<[IpNet]>,
    setting: &'static str,
}

/// An address that is not called.
#[derive(Debug, thiserror::Error)]
#[error("{host} is not called: no address of it is public or in a network named in {setting}")]
pub struct NotCalled {
    /// The host that was to be called.
    pub host: String,
    setting: &'static str,
}

impl Networks {
    /// Networks in CIDR form, divided by commas or blanks, and the setting that names them. The error is the part that is
    /// none.
    ///
    /// # Errors
    /// The first part that is no network.
    pub fn parse(text: &str, setting: &'static str) -> Result<Self, String> {
        let parts = text.split([',', ' ']).filter(|part| !part.is_empty());
        let networks: Result<Vec<IpNet>, String> =
            parts.map(|part| part.parse().map_err(|_| part.to_owned())).collect();
        Ok(Self { allowed: networks?.into(), setting })
    }

    /// Whether an address may be called.
    pub fn allow(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        is_public(address) || self.allowed.iter().any(|network| network.contains(&address))
    }

    /// The addresses of a host that may be called.
    ///
    /// # Errors
    /// `NotCalled` when there are addresses but none may be called.
    pub fn filter(&self, host: &str, found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, NotCalled> {
        let allowed: Vec<SocketAddr> = found.into_iter().filter(|address| self.allow(address.ip())).collect();
        match allowed.is_empty() {
            true => Err(NotCalled { host: host.to_owned(), setting: self.setting }),
            false => Ok(allowed),
        }
    }
}

/// Why an endpoint's address cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadUrl {
    /// It is no address of the web, or has a password, a fragment or no host.
    Form,
    /// It is not `https://`, and the configuration does not allow the other.
    NotHttps,
    /// Its host is an address that the hub does not call.
    NotCalled,
}

/// Which addresses may be endpoints, by the configuration.
#[derive(Debug, Clone)]
pub struct Callable {
    /// The networks that may be called.
    pub networks: Networks,
    plain_http: bool,
}

impl Callable {
    /// As the configuration says for endpoints of a kind.
    ///
    /// # Errors
    /// The part of the setting that is no network.
    pub fn of(config: &Push, kind: EndpointKind) -> Result<Self, String> {
        let networks = match kind {
            EndpointKind::Agency | EndpointKind::Relay => Networks::parse(&config.networks, "push.networks")?,
            EndpointKind::Events => Networks::parse(&config.webhook_networks, "push.webhook_networks")?,
        };
        Ok(Self { networks, plain_http: config.plain_http })
    }

    /// Whether an address may be an endpoint. A host name is judged again, by its addresses, whenever it is called.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, text: &str) -> Result<Url, BadUrl> {
        self.checked(text, false)
    }

    /// The same; with `is_open`, `http://` will do whatever the configuration says.
    ///
    /// # Errors
    /// Why not.
    pub fn checked(&self, text: &str, is_open: bool) -> Result<Url, BadUrl> {
        let url = Url::parse(text).map_err(|_| BadUrl::Form)?;
        let named = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        match url.scheme() {
            "https" => {}
            "http" if self.plain_http || is_open => {}
            "http" => return Err(BadUrl::NotHttps),
            _ => return Err(BadUrl::Form),
        }
        let host = url.host_str().filter(|host| named && !host.is_empty()).ok_or(BadUrl::Form)?;
        // An address in the place of a name never reaches the resolver.
        match host.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(address) if !self.networks.allow(address) => Err(BadUrl::NotCalled),
            Ok(_) | Err(_) => Ok(url),
        }
    }
}

/// Whether an address belongs to anybody on the Internet.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(v4: Ipv4Addr) -> bool {
    let [a, b, c, _] = v4.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let protocol = (a, b, c) == (192, 0, 0);
    let benchmark = a == 198 && (b == 18 || b == 19);
    let special = v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_documentation();
    !(special || shared || protocol || benchmark || a == 0 || a >= 224)
}

/// Only global unicast, without the prefixes that carry an IPv4 address to somewhere else.
fn is_public_v6(v6: Ipv6Addr) -> bool {
    let [first, second, ..] = v6.segments();
    let global = (0x2000..0x4000).contains(&first);
    let teredo_or_special = first == 0x2001 && second < 0x0200;
    let documentation = first == 0x2001 && second == 0x0db8 || first == 0x3fff;
    let six_to_four = first == 0x2002;
    global && !teredo_or_special && !documentation && !six_to_four
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const INNER: [&str; 24] = [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.168.1.1",
        "198.18.0.1",
        "203.0.113.5",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001::1",
    ];

    #[test]
    fn inner_addresses_are_not_called() {
        for address in INNER {
            assert!(!Networks::default().allow(address.parse().unwrap()), "{address}");
        }
        for address in ["8.8.8.8", "113.160.0.1", "2001:ee0::1", "2400:cb00::1", "::ffff:8.8.8.8"] {
            assert!(Networks::default().allow(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn what_the_operator_named_is_called_and_nothing_beside_it() {
        let networks = Networks::parse("10.20.0.0/16, fd00:1::/32", "push.networks").unwrap();

        assert!(networks.allow("10.20.255.1".parse().unwrap()));
        assert!(networks.allow("::ffff:10.20.0.1".parse().unwrap()));
        assert!(networks.allow("fd00:1::5".parse().unwrap()));
        assert!(!networks.allow("10.21.0.1".parse().unwrap()));
        assert_eq!(Networks::parse("10.0.0.0/8,nonsense", "push.networks").unwrap_err(), "nonsense");
    }

    #[test]
    fn only_https_to_what_may_be_called_is_an_endpoint() {
        let callable =
            Callable::of(&Push { networks: "10.20.0.0/16".to_owned(), ..Push::default() }, EndpointKind::Agency)
                .unwrap();
        let check = |url| callable.check(url).map(|_| ());

        assert_eq!(check("https://dms.example.vn/in"), Ok(()));
        assert_eq!(check("https://10.20.1.1:8443/in"), Ok(()));
        assert_eq!(check("http://dms.example.vn/in"), Err(BadUrl::NotHttps));
        for url in ["https://127.0.0.1/", "https://[::1]/", "https://169.254.169.254/latest", "https://2130706433/"] {
            assert_eq!(check(url), Err(BadUrl::NotCalled), "{url}");
        }
        for url in ["", "dms.example.vn", "ftp://dms.example.vn", "https://u:p@dms.example.vn/", "https://a.vn/#x"] {
            assert_eq!(check(url), Err(BadUrl::Form), "{url}");
        }
    }

    proptest! {
        #[test]
        fn an_address_inside_a_v6_one_is_judged_as_itself(octets: [u8; 4]) {
            let v4 = Ipv4Addr::from(octets);
            let mapped = IpAddr::V6(v4.to_ipv6_mapped());
            prop_assert_eq!(Networks::default().allow(mapped), Networks::default().allow(IpAddr::V4(v4)));
        }
    }
}
