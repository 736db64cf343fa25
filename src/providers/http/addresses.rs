//! Which addresses may be asked (design, section 7, "Whose files and secrets").
//!
//! In Grafana the editor of a data source chooses URLs, so the plugin's own machine and the metadata services of clouds
//! must stay out of reach: they are refused by their letters, after resolution (and the resolved address is the one
//! that is dialled), and again on every redirect.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Addresses that requests may go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Addresses {
    /// Whatever the process' user can reach: command line and export.
    All,
    /// None of this machine, of the link, or of a cloud's metadata: the plugin.
    Remote,
}

/// Services that tell a machine about itself, outside the ranges below.
const METADATA: &[IpAddr] = &[
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)), // Alibaba Cloud
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),   // Azure's wire server
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),     // Oracle Cloud
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x0254)), // Google Cloud
];

/// Names of such services: a proxy would resolve them where we cannot look.
const LOCAL_NAMES: &[&str] = &[
    "localhost",
    "metadata",
    "metadata.google.internal",
    "metadata.goog",
    "metadata.azure.internal",
    "metadata.tencentyun.com",
    "instance-data",
    "instance-data.ec2.internal",
    "localhost.localdomain",
    "localhost6",
    "ip6-localhost",
    "ip6-loopback",
];

impl Addresses {
    /// Whether a URL may be asked, as far as its letters tell.
    ///
    /// # Errors
    /// A sentence part that says what would be right; never the URL's query or user.
    pub fn admit(self, url: &Url) -> Result<(), String> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err("takes an address that begins with https:// or http://".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(
                "takes an address without user and password: they have fields of their own"
                    .to_owned(),
            );
        }
        match url.host() {
            None => Err("takes an address with a host".to_owned()),
            Some(Host::Ipv4(address)) => self.admit_address(address.into()),
            Some(Host::Ipv6(address)) => self.admit_address(address.into()),
            Some(Host::Domain(name)) => self.admit_name(name),
        }
    }

    fn admit_name(self, name: &str) -> Result<(), String> {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        let is_local = LOCAL_NAMES.contains(&name.as_str()) || name.ends_with(".localhost");
        if self == Self::Remote && is_local {
            return Err(refusal("this machine or its cloud's metadata"));
        }
        Ok(())
    }

    /// Whether an address may be dialled.
    ///
    /// # Errors
    /// A sentence part that says whom it belongs to.
    pub fn admit_address(self, address: IpAddr) -> Result<(), String> {
        match (self, owner(address)) {
            (Self::Remote, Some(owner)) => Err(refusal(owner)),
            (Self::Remote, None) | (Self::All, _) => Ok(()),
        }
    }
}

fn refusal(owner: &str) -> String {
    format!(
        "names an address of {owner}, which only the administrator can allow: `allow_loopback` in \
         `[plugin.pelorus-dora-datasource]` of Grafana's configuration"
    )
}

/// To whom an address belongs that is not for the plugin; `None` for any other.
fn owner(address: IpAddr) -> Option<&'static str> {
    if METADATA.contains(&address) {
        return Some("a cloud's metadata");
    }
    match address {
        IpAddr::V4(address) => owner_v4(address),
        IpAddr::V6(address) => match embedded_v4(address) {
            Some(embedded) => owner(embedded.into()),
            None => owner_v6(address),
        },
    }
}

fn owner_v4(address: Ipv4Addr) -> Option<&'static str> {
    // 0.0.0.0/8 reaches this machine on Linux.
    if address.is_loopback() || address.octets()[0] == 0 {
        Some("this machine")
    } else if address.is_link_local() {
        Some("the link or a cloud's metadata")
    } else if address.is_multicast() || address.octets()[0] >= 240 {
        Some("no single machine")
    } else {
        None
    }
}

fn owner_v6(address: Ipv6Addr) -> Option<&'static str> {
    // fd00:ec2::/32 is AWS' for what an instance asks: metadata, credentials, names, time.
    if let [0xfd00, 0x0ec2, ..] = address.segments() {
        return Some("a cloud's metadata");
    }
    if address.is_loopback() || address.is_unspecified() {
        Some("this machine")
    } else if address.is_unicast_link_local() {
        Some("the link")
    } else if address.is_multicast() {
        Some("no single machine")
    } else {
        None
    }
}

/// The IPv4 address that an IPv6 address stands for: mapped, compatible, translated (SIIT, NAT64) or tunnelled (6to4,
/// Teredo).
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let of = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(of(high, low)),
        // `::` and `::1` are addresses of their own.
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => Some(of(high, low)),
        [0x64, 0xff9b, 1, _, _, _, high, low] => Some(of(high, low)),
        [0x2002, high, low, ..] => Some(of(high, low)),
        [0x2001, 0, _, _, _, _, high, low] => Some(of(!high, !low)),
        _ => None,
    }
}

/// Resolves names and leaves out what may not be dialled, so that a name cannot mean one address when it is looked at and
/// another when it is dialled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Resolver(pub(super) Addresses);

async fn look_up(name: &str) -> std::io::Result<Vec<SocketAddr>> {
    #[cfg(test)]
    if let Some(said) = said_by_tests(name) {
        return Ok(vec![SocketAddr::new(said, 0)]);
    }
    Ok(tokio::net::lookup_host((name, 0)).await?.collect())
}

/// What names resolve to where tests say so: names that lie are not to be had otherwise.
///
/// An address that is admitted is then dialled on loopback, for that is all that tests have.
#[cfg(test)]
pub(super) static HOSTS: std::sync::Mutex<Vec<(&str, IpAddr)>> = std::sync::Mutex::new(Vec::new());

#[cfg(test)]
fn said_by_tests(name: &str) -> Option<IpAddr> {
    let hosts = HOSTS
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let said = hosts.iter().find(|(host, _)| *host == name);
    said.map(|(_, address)| *address)
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let addresses = self.0;
        Box::pin(async move {
            let found = look_up(name.as_str()).await?;
            let admitted = admitted(addresses, &found)?;
            #[cfg(test)]
            let admitted = match said_by_tests(name.as_str()) {
                Some(_) => vec![SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0)],
                None => admitted,
            };
            Ok(Box::new(admitted.into_iter()) as Addrs)
        })
    }
}

/// What of a name's addresses may be dialled.
fn admitted(addresses: Addresses, found: &[SocketAddr]) -> Result<Vec<SocketAddr>, RefusedAddress> {
    let mut refused = None;
    let mut admitted = Vec::with_capacity(found.len());
    for address in found {
        match addresses.admit_address(address.ip()) {
            Ok(()) => admitted.push(*address),
            Err(why) => refused = Some(why),
        }
    }
    match refused {
        Some(why) if admitted.is_empty() => Err(RefusedAddress(why)),
        _ => Ok(admitted),
    }
}

/// A name that only has addresses nobody may ask.
#[derive(Debug, thiserror::Error)]
#[error("the host's name {0}")]
pub(super) struct RefusedAddress(String);

#[cfg(test)]
mod tests {
    use super::*;

    /// Every spelling that reaches this machine, the link or a cloud's metadata.
    const REFUSED: &[&str] = &[
        "http://127.0.0.1/",
        "http://127.0.0.1:3000/api",
        "https://127.1/",
        "http://127.000.000.001/",
        "http://127.255.255.254/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0x7f.0.0.1/",
        "http://0177.0.0.1/",
        "http://017700000001/",
        "http://0/",
        "http://0.0.0.0/",
        "http://0.1.2.3/",
        "http://localhost/",
        "http://LOCALHOST/",
        "http://localhost./",
        "http://a.localhost/",
        "http://%6cocalhost/",
        "http://\u{ff11}27.0.0.1/",
        "http://[::1]/",
        "http://[0:0:0:0:0:0:0:1]/",
        "http://[::]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[::127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[64:ff9b:1::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "http://[::ffff:0:127.0.0.1]/",
        "http://[::ffff:0:7f00:1]/",
        "http://[2001:0:4136:e378:8000:63bf:80ff:fffe]/",
        "http://127.0.0.1./",
        "http://127.0.0.1\\@git.acme.example/",
        "http:\\\\localhost/",
        "http:/localhost/",
        "http://ip6-localhost/",
        "http://localhost.localdomain/",
        "http://169.254.169.254/latest/meta-data/",
        "http://169.254.169.254:80/",
        "http://169.254.170.2/v2/credentials",
        "http://169.254.0.1/",
        "http://2852039166/",
        "http://0xa9fea9fe/",
        "http://0251.0376.0251.0376/",
        "http://[::ffff:169.254.169.254]/",
        "http://[::ffff:a9fe:a9fe]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://[2002:a9fe:a9fe::1]/",
        "http://[fe80::1]/",
        "http://[fd00:ec2::254]/",
        "http://[fd20:ce::254]/",
        "http://[fd00:ec2::23]/",
        "http://metadata.goog/",
        "http://100.100.100.200/",
        "http://[::ffff:100.100.100.200]/",
        "http://168.63.129.16/",
        "http://192.0.0.192/",
        "http://metadata.google.internal/computeMetadata/v1/",
        "http://Metadata.Google.Internal./",
        "http://metadata/",
        "http://instance-data/latest",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
        "http://240.0.0.1/",
        "http://[ff02::1]/",
        "ftp://git.acme.example/",
        "file:///etc/passwd",
        "gopher://git.acme.example/",
        "javascript:alert(1)",
        "data:text/plain,x",
        "unix:/run/docker.sock",
        "http://user:secret@git.acme.example/",
        "http://user@git.acme.example/",
        "https://git.acme.example@127.0.0.1/",
        "https://git.acme.example:443@localhost/",
    ];

    /// What people do use, private networks included.
    const ADMITTED: &[&str] = &[
        "https://api.github.com/",
        "https://git.acme.example:8443/base/",
        "http://10.0.0.5/",
        "http://172.16.3.4:8080/",
        "http://192.168.1.10/",
        "https://100.64.0.1/",
        "https://[fd12:3456::1]/",
        "https://[2001:db8::1]/",
        "https://[2002:a00:1::]/",
        "https://[2001:0:4136:e378:8000:63bf:f5ff:fffe]/",
        "https://[fd00:ec3::1]/",
        "https://jenkins/",
        "https://localhost.acme.example/",
        "https://git.internal/",
    ];

    #[test]
    fn the_plugin_reaches_neither_its_machine_nor_a_clouds_metadata() {
        assert!(REFUSED.len() >= 60);
        for text in REFUSED {
            let url = Url::parse(text);
            let is_admitted = url.is_ok_and(|url| Addresses::Remote.admit(&url).is_ok());
            assert!(!is_admitted, "{text}");
        }
        for text in ADMITTED {
            let url = Url::parse(text).unwrap();
            assert_eq!(Addresses::Remote.admit(&url), Ok(()), "{text}");
        }
    }

    #[test]
    fn the_command_line_reaches_what_its_user_can() {
        for text in [
            "http://127.0.0.1:3000/",
            "http://[::1]/",
            "http://localhost/",
            "http://169.254.169.254/",
        ] {
            assert_eq!(
                Addresses::All.admit(&Url::parse(text).unwrap()),
                Ok(()),
                "{text}"
            );
        }
        let with_user = Url::parse("https://user:secret@git.acme.example/").unwrap();
        let refusal = Addresses::All.admit(&with_user).unwrap_err();
        assert!(!refusal.contains("secret"), "{refusal}");
    }

    #[test]
    fn a_name_that_resolves_to_this_machine_is_dialled_nowhere() {
        let addresses = |texts: &[&str]| -> Vec<SocketAddr> {
            texts.iter().map(|text| text.parse().unwrap()).collect()
        };
        let rebinding = addresses(&["127.0.0.1:0", "[::1]:0", "169.254.169.254:0"]);
        let refusal = admitted(Addresses::Remote, &rebinding)
            .unwrap_err()
            .to_string();
        assert!(refusal.contains("allow_loopback"), "{refusal}");
        let mixed = addresses(&["10.0.0.5:0", "127.0.0.1:0"]);
        assert_eq!(
            admitted(Addresses::Remote, &mixed).unwrap(),
            addresses(&["10.0.0.5:0"])
        );
        assert_eq!(admitted(Addresses::All, &rebinding).unwrap(), rebinding);
    }
}
