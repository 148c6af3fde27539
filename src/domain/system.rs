//! Systems: what they are for, and from where they call.

use ipnet::IpNet;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// What a system is for. It is chosen when the system is made and never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Sends and receives for the agencies that it holds.
    Exchange,
    /// Changes the directory and the systems; holds no agency.
    Administration,
    /// A neighbouring hub: passes on and takes packets of agencies to whom routes lead; holds no agency.
    Hub,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Exchange, Self::Administration, Self::Hub];

    /// The word in tables and answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Exchange => "exchange",
            Self::Administration => "administration",
            Self::Hub => "hub",
        }
    }

    /// The role of that word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word() == word)
    }
}

/// An address, or a range of them such as `10.1.0.0/16` or `2001:db8::/32`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressRange(IpNet);

impl FromStr for AddressRange {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text.parse::<IpAddr>() {
            Ok(address) => Ok(Self(IpNet::from(address.to_canonical()))),
            Err(_) => text.parse::<IpNet>().map(|range| Self(range.trunc())).map_err(|_| ()),
        }
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.prefix_len() == self.0.max_prefix_len() {
            true => self.0.addr().fmt(f),
            false => self.0.fmt(f),
        }
    }
}

impl AddressRange {
    /// Whether an address is in it; an IPv4 address written as IPv6 is the IPv4 address.
    pub fn holds(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

/// Whether a system that may call from some ranges may call from further ones afterwards; none means from everywhere.
pub fn widens(before: &[AddressRange], after: &[AddressRange]) -> bool {
    let was_open = |range: &AddressRange| before.iter().any(|known| known.0.contains(&range.0));
    !before.is_empty() && (after.is_empty() || !after.iter().all(was_open))
}

/// Ranges in one text, separated by commas or spaces; nothing when one of them is none.
pub fn ranges(text: &str) -> Option<Vec<AddressRange>> {
    let parts = text.split([',', ' ']).filter(|part| !part.is_empty());
    parts.map(|part| part.parse().ok()).collect()
}

/// From where a request came. What proxies that are trusted say of it counts: `forwarded` is `X-Forwarded-For`, to
/// which each proxy appends whom it was asked by. Nothing when a trusted proxy names no address.
pub fn client_address(peer: IpAddr, forwarded: &str, trusted: &[AddressRange]) -> Option<IpAddr> {
    let is_trusted = |address: IpAddr| trusted.iter().any(|range| range.holds(address));
    let mut client = peer;
    for said in forwarded.rsplit(',').map(str::trim).filter(|said| !said.is_empty()) {
        if !is_trusted(client) {
            break;
        }
        client = said.parse().ok()?;
    }
    Some(client.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &str) -> AddressRange {
        text.parse().unwrap()
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn ranges_hold_addresses_of_both_kinds() {
        assert!(range("10.1.0.0/16").holds(ip("10.1.255.1")) && !range("10.1.0.0/16").holds(ip("10.2.0.1")));
        assert!(range("10.1.2.3").holds(ip("10.1.2.3")) && !range("10.1.2.3").holds(ip("10.1.2.4")));
        assert!(range("2001:db8::/32").holds(ip("2001:db8:1::1")) && !range("2001:db8::/32").holds(ip("2001:db9::1")));
        assert!(range("10.1.2.3").holds(ip("::ffff:10.1.2.3")), "IPv4 written as IPv6");
        assert!("10.1.2.3/33".parse::<AddressRange>().is_err() && "anywhere".parse::<AddressRange>().is_err());
    }

    #[test]
    fn further_ranges_are_told_from_fewer() {
        let of = |text: &str| ranges(text).unwrap();
        for (before, after, wider) in [
            ("", "10.1.0.0/16", false),
            ("", "", false),
            ("10.1.0.0/16", "", true),
            ("10.1.0.0/16", "10.1.2.0/24, 10.1.3.4", false),
            ("10.1.0.0/16", "10.1.2.0/24, 10.2.0.1", true),
            ("10.1.2.0/24", "10.1.0.0/16", true),
            ("10.1.2.3, 10.1.2.4", "10.1.2.4", false),
        ] {
            assert_eq!(widens(&of(before), &of(after)), wider, "{before} -> {after}");
        }
    }

    #[test]
    fn a_range_is_written_in_one_way() {
        assert_eq!(range("10.1.2.3/16").to_string(), "10.1.0.0/16");
        assert_eq!(range("10.1.2.3/32").to_string(), "10.1.2.3");
        assert_eq!(range("::ffff:10.1.2.3").to_string(), "10.1.2.3");
    }

    #[test]
    fn only_trusted_proxies_say_who_called() {
        let trusted = ranges("10.0.0.0/8, 127.0.0.1").unwrap();
        let of = |peer: &str, forwarded: &str| client_address(ip(peer), forwarded, &trusted).map(|a| a.to_string());

        assert_eq!(of("192.0.2.1", "198.51.100.7").as_deref(), Some("192.0.2.1"), "a stranger says what it likes");
        assert_eq!(of("127.0.0.1", "198.51.100.7").as_deref(), Some("198.51.100.7"));
        assert_eq!(of("127.0.0.1", "1.1.1.1, 198.51.100.7, 10.0.0.2").as_deref(), Some("198.51.100.7"));
        assert_eq!(of("127.0.0.1", "").as_deref(), Some("127.0.0.1"));
        assert_eq!(of("127.0.0.1", "unknown"), None);
        assert_eq!(of("::ffff:127.0.0.1", "::ffff:198.51.100.7").as_deref(), Some("198.51.100.7"));
        assert_eq!(client_address(ip("127.0.0.1"), "1.1.1.1", &[]).unwrap(), ip("127.0.0.1"));
    }
}
