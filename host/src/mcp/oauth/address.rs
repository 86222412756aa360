//! Which addresses a server's metadata may lead to: public ones, and those of the kind at which the server itself is by its
//! configured address. What a name resolves to is asked at the connection itself, so that no later answer slips through.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use thiserror::Error;

/// What kind of network an address is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    Public,
    /// 10.0.0.0/8 and its like.
    Private,
    Loopback,
    /// Link-local, and with it the metadata services of clouds; multicast, reserved.
    Never,
}

/// What one login may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Allowed {
    loopback: bool,
    private: bool,
}

impl Allowed {
    /// As the server's address is written. What its name resolves to widens nothing: whoever owns the name can change that.
    pub(super) fn by(url: &Url, private: bool) -> Allowed {
        let here = literal(url).map(reach);
        Allowed {
            loopback: is_loopback(url),
            private: private || here == Some(Reach::Private),
        }
    }

    fn allows(self, address: IpAddr) -> bool {
        match reach(address) {
            Reach::Public => true,
            Reach::Private => self.private,
            Reach::Loopback => self.loopback,
            Reach::Never => false,
        }
    }

    /// Whether an address may be asked. Names are looked at again when they are resolved.
    ///
    /// # Errors
    /// [`Objection`].
    pub(super) fn check(self, url: &Url) -> Result<(), Objection> {
        let host = url.host_str().unwrap_or_default();
        let here = url.scheme() == "http" && self.loopback && is_loopback(url);
        if url.scheme() != "https" && !here {
            return Err(Objection::Plain(host.to_owned()));
        }
        match literal(url) {
            Some(address) if !self.allows(address) => Err(NotAllowed(host.to_owned()).into()),
            _ => Ok(()),
        }
    }
}

/// Whether an address is this machine as it is written.
pub(super) fn is_loopback(url: &Url) -> bool {
    match literal(url) {
        Some(address) => reach(address) == Reach::Loopback,
        None => url.host_str().is_some_and(|host| {
            let host = host.trim_end_matches('.');
            host == "localhost" || host.ends_with(".localhost")
        }),
    }
}

/// Why an address is not asked.
#[derive(Debug, Error)]
pub(super) enum Objection {
    #[error("`{0}` would be asked without encryption")]
    Plain(String),
    #[error(transparent)]
    Private(#[from] NotAllowed),
}

/// An address that may not be asked.
#[derive(Debug, Error)]
#[error("`{0}` is in a private network")]
pub(super) struct NotAllowed(String);

fn literal(url: &Url) -> Option<IpAddr> {
    let host = url.host_str()?;
    host.trim_start_matches('[')
        .trim_end_matches(']')
        .parse()
        .ok()
}

/// The kind of network of an address.
pub(super) fn reach(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(address) => reach_v4(address),
        IpAddr::V6(address) => match inner_v4(address) {
            Some(inner) => reach_v4(inner),
            None => reach_v6(address),
        },
    }
}

fn reach_v4(address: Ipv4Addr) -> Reach {
    let [a, b, ..] = address.octets();
    if address.is_loopback() {
        Reach::Loopback
    } else if address.is_private() || (a == 100 && (64..128).contains(&b)) {
        Reach::Private
    } else if a == 0
        || a >= 224
        || address.is_link_local()
        || address.is_documentation()
        || (a == 198 && (b == 18 || b == 19))
        || address.octets()[..3] == [192, 0, 0]
    {
        Reach::Never
    } else {
        Reach::Public
    }
}

fn reach_v6(address: Ipv6Addr) -> Reach {
    let segments = address.segments();
    if address.is_loopback() {
        Reach::Loopback
    } else if segments[0] & 0xfe00 == 0xfc00 {
        Reach::Private
    // Global unicast, without the tunnels through which anything could be reached.
    } else if segments[0] & 0xe000 == 0x2000 && segments[..2] != [0x2001, 0] {
        Reach::Public
    } else {
        Reach::Never
    }
}

/// The IPv4 address that an IPv6 address stands for: mapped, compatible, NAT64, 6to4.
fn inner_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let of = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match [a, b, c, d, e, f] {
        [0, 0, 0, 0, 0, 0xffff] | [0x64, 0xff9b, 0, 0, 0, 0] => Some(of(g, h)),
        [0, 0, 0, 0, 0, 0] if (g, h) != (0, 0) && (g, h) != (0, 1) => Some(of(g, h)),
        [0x2002, ..] => Some(of(b, c)),
        _ => None,
    }
}

/// Resolves names, and leaves out the addresses that may not be reached.
pub(super) struct Resolver {
    pub(super) allowed: Allowed,
    /// Hosts of the person's own proxies, which resolve the rest themselves.
    pub(super) proxies: Arc<[String]>,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (allowed, proxies) = (self.allowed, self.proxies.clone());
        Box::pin(async move {
            let host = name.as_str().trim_end_matches('.').to_owned();
            let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
            let is_proxy = proxies.contains(&host);
            let kept: Vec<SocketAddr> = found
                .filter(|address| is_proxy || allowed.allows(address.ip()))
                .collect();
            if kept.is_empty() {
                return Err(NotAllowed(host).into());
            }
            Ok(Box::new(kept.into_iter()) as Addrs)
        })
    }
}

/// The hosts of the proxies that the environment names.
pub(super) fn proxies() -> Arc<[String]> {
    let names = ["http_proxy", "https_proxy", "all_proxy"];
    let values = names.iter().flat_map(|name| {
        [std::env::var(name), std::env::var(name.to_uppercase())]
            .into_iter()
            .flatten()
    });
    let hosts = values.filter_map(|value| {
        let url = if value.contains("://") {
            value
        } else {
            format!("http://{value}")
        };
        Some(Url::parse(&url).ok()?.host_str()?.to_owned())
    });
    hosts.collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn addresses_are_told_apart() {
        for (address, expected) in [
            ("93.184.216.34", Reach::Public),
            ("2606:4700::1111", Reach::Public),
            ("64:ff9b::5db8:d822", Reach::Public),
            ("127.0.0.1", Reach::Loopback),
            ("127.9.9.9", Reach::Loopback),
            ("::1", Reach::Loopback),
            ("::ffff:127.0.0.1", Reach::Loopback),
            ("10.0.0.9", Reach::Private),
            ("172.16.3.4", Reach::Private),
            ("192.168.1.1", Reach::Private),
            ("100.64.0.1", Reach::Private),
            ("fd00::1", Reach::Private),
            ("::ffff:10.0.0.9", Reach::Private),
            ("169.254.169.254", Reach::Never),
            ("::ffff:169.254.169.254", Reach::Never),
            ("64:ff9b::a9fe:a9fe", Reach::Never),
            ("2002:a9fe:a9fe::1", Reach::Never),
            ("fe80::1", Reach::Never),
            ("ff02::1", Reach::Never),
            ("2001:0:4136:e378::1", Reach::Never),
            ("0.0.0.0", Reach::Never),
            ("::", Reach::Never),
            ("255.255.255.255", Reach::Never),
            ("224.0.0.1", Reach::Never),
        ] {
            assert_eq!(reach(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn a_server_leads_only_to_where_it_is_itself() {
        let objects = |server: &str, private, url: &str| {
            let allowed = Allowed::by(&Url::parse(server).unwrap(), private);
            allowed.check(&Url::parse(url).unwrap()).is_err()
        };
        for (server, private, url, expected) in [
            (
                "https://mcp.example/",
                false,
                "https://login.example/",
                false,
            ),
            ("https://mcp.example/", false, "http://login.example/", true),
            ("https://mcp.example/", false, "https://10.0.0.9/", true),
            ("https://mcp.example/", true, "https://10.0.0.9/", false),
            ("https://mcp.example/", true, "https://127.0.0.1/", true),
            (
                "https://mcp.example/",
                true,
                "https://169.254.169.254/",
                true,
            ),
            ("https://mcp.example/", false, "http://127.0.0.1:80/", true),
            ("https://mcp.example/", false, "https://[::1]/", true),
            ("https://mcp.example/", false, "file:///etc/passwd", true),
            ("https://10.0.0.5/", false, "https://10.0.0.9/", false),
            ("http://127.0.0.1:1/", false, "http://127.0.0.1:2/", false),
            ("http://localhost:1/", false, "http://127.0.0.1:2/", false),
            ("http://localhost:1/", false, "http://10.0.0.9/", true),
            ("http://127.0.0.1:1/", false, "http://login.example/", true),
            (
                "http://127.0.0.1.example:1/",
                false,
                "http://127.0.0.1:2/",
                true,
            ),
        ] {
            assert_eq!(objects(server, private, url), expected, "{server} {url}");
        }
    }

    #[tokio::test]
    async fn a_name_that_resolves_to_a_private_address_is_not_asked() {
        let resolver = |loopback| Resolver {
            allowed: Allowed {
                loopback,
                private: false,
            },
            proxies: Arc::new([]),
        };
        let name = || "localhost".parse::<Name>().unwrap();
        let refused = resolver(false).resolve(name()).await.err().unwrap();
        assert_eq!(refused.to_string(), "`localhost` is in a private network");
        assert!(resolver(true).resolve(name()).await.unwrap().count() > 0);
    }
}
