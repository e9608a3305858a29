//! Every spelling of an address inside, against the real check and the real dial: whoever listens there hears nothing.

use super::*;
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};

/// What listens inside, and must not be reached.
struct Canaries {
    port: u16,
    reached: Arc<AtomicUsize>,
}

/// Listeners on the same port of both loopback addresses.
async fn canaries() -> Canaries {
    let (v4, port) = loop {
        let v4 = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = v4.local_addr().unwrap().port();
        match TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await {
            Ok(v6) => break (vec![v4, v6], port),
            // A machine without IPv6 has one canary less.
            Err(error) if error.kind() != std::io::ErrorKind::AddrInUse => break (vec![v4], port),
            Err(_) => {}
        }
    };
    let reached = Arc::new(AtomicUsize::new(0));
    for listener in v4 {
        let reached = Arc::clone(&reached);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                reached.fetch_add(1, Ordering::SeqCst);
                let _ = stream.write_all(OK).await;
            }
        });
    }
    Canaries { port, reached }
}

const INSIDE: [Ipv4Addr; 8] = [
    Ipv4Addr::LOCALHOST,
    Ipv4Addr::new(127, 255, 10, 1),
    Ipv4Addr::UNSPECIFIED,
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(10, 0, 0, 1),
    Ipv4Addr::new(172, 16, 99, 7),
    Ipv4Addr::new(192, 168, 1, 1),
    Ipv4Addr::new(100, 100, 100, 200),
];

/// An address in IPv4's own spellings.
fn plain(ip: Ipv4Addr) -> Vec<String> {
    let ([a, b, c, d], bits) = (ip.octets(), ip.to_bits());
    let (low, middle) = (bits & 0xff_ffff, bits & 0xffff);
    vec![
        format!("{ip}"),
        format!("{ip}."),
        format!("{bits}"),
        format!("{bits:#x}"),
        format!("0X{bits:X}"),
        format!("0x{bits:016x}"),
        format!("0{bits:o}"),
        format!("0000{bits:o}"),
        format!("{a}.{low}"),
        format!("{a}.{b}.{middle}"),
        format!("{a:#x}.{low:#x}"),
        format!("{a:#x}.{b}.0{middle:o}"),
        format!("0{a:o}.0{b:o}.0{c:o}.0{d:o}"),
        format!("00{a:o}.000{b:o}.0000{c:o}.0{d:o}"),
        format!("{a:#x}.{b:#x}.{c:#x}.{d:#x}"),
        format!("0X{a:X}.0{b:o}.{c}.{d:#x}"),
        format!("{a}.{b:#x}.{c}.0{d:o}"),
        format!("0x{a:08x}.0x{b:08x}.0x{c:08x}.0x{d:08x}"),
    ]
}

/// The same text in characters that readers take for the usual ones.
fn disguised(text: &str) -> Vec<String> {
    let digits = |from: char| {
        let shift = |c: char| c.to_digit(10).and_then(|digit| char::from_u32(u32::from(from) + digit)).unwrap_or(c);
        text.chars().map(shift).collect::<String>()
    };
    let circled = |c: char| match c {
        '0' => '⓪',
        '1'..='9' => char::from_u32('①' as u32 + c.to_digit(10).unwrap() - 1).unwrap(),
        other => other,
    };
    let raised = |c: char| "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().nth(c.to_digit(10).unwrap_or(99) as usize).unwrap_or(c);
    let escaped = |c: char| format!("%{:02x}", c as u32);
    vec![
        digits('０'),
        digits('𝟎'),
        digits('𝟘'),
        digits('𝟢'),
        digits('𝟬'),
        digits('𝟶'),
        digits('₀'),
        text.chars().map(circled).collect(),
        text.chars().map(raised).collect(),
        text.replace('.', "。"),
        text.replace('.', "．"),
        text.replace('.', "｡"),
        digits('０').replace('.', "。"),
        text.chars().map(escaped).collect(),
        text.chars().map(|c| if c.is_ascii_digit() { escaped(c) } else { c.into() }).collect(),
        text.replace('.', "%2e"),
        text.replace('.', "%2E"),
        text.replace('.', "%E3%80%82"),
        format!("\u{ad}{text}"),
        text.replacen('.', ".\u{200b}", 1),
        format!("{text}%2e"),
        format!("{text}。"),
    ]
}

/// IPv6 addresses that stand for one, or carry it.
fn wrapped(ip: Ipv4Addr) -> Vec<Ipv6Addr> {
    let bits = ip.to_bits();
    let (high, low) = ((bits >> 16) as u16, (bits & 0xffff) as u16);
    let inverted = !bits;
    let [_, b, c, d] = ip.octets();
    vec![
        ip.to_ipv6_mapped(),
        Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, low),
        Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, high, low),
        Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
        Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, high, low),
        Ipv6Addr::new(0x64, 0xff9b, 1, high, u16::from(b), u16::from(c) << 8 | u16::from(d), 0, 0),
        Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
        Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 0),
        Ipv6Addr::new(0x2001, 0, high, low, 0, 0, 0xf7f7, 0xf7f7),
        Ipv6Addr::new(0x2001, 0, 0x808, 0x808, 0, 0, (inverted >> 16) as u16, (inverted & 0xffff) as u16),
        Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0x5efe, high, low),
        Ipv6Addr::new(0x2a00, 0, 0, 0, 0, 0x5efe, high, low),
        Ipv6Addr::new(0x2a00, 0, 0, 0, 0x200, 0x5efe, high, low),
    ]
}

/// IPv6 addresses that are inside of themselves.
const INSIDE_V6: [&str; 10] =
    ["::1", "::", "fe80::1", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "100::1", "5f00::1", "2001:db8::1"];

/// An address in IPv6's spellings.
fn bracketed(ip: Ipv6Addr) -> Vec<String> {
    let segments = ip.segments();
    let joined = |write: &dyn Fn(&u16) -> String, count: usize| {
        segments[..count].iter().map(write).collect::<Vec<_>>().join(":")
    };
    let (short, long) = (|segment: &u16| format!("{segment:x}"), |segment: &u16| format!("{segment:04X}"));
    let ipv4 = Ipv4Addr::from_bits(u32::from(segments[6]) << 16 | u32::from(segments[7]));
    let text = ip.to_string();
    vec![
        format!("[{text}]"),
        format!("[{}]", text.to_uppercase()),
        format!("[{}]", joined(&short, 8)),
        format!("[{}]", joined(&long, 8)),
        format!("[{}:{ipv4}]", joined(&short, 6)),
        format!("[{text}%25eth0]"),
        format!("[{text}%lo]"),
        format!("[{text}%251]"),
        format!("%5b{text}%5d"),
        format!("[{text}]."),
        format!("［{text}］"),
    ]
}

/// Every host in every spelling.
fn hosts() -> BTreeSet<String> {
    let mut hosts = BTreeSet::new();
    for ip in INSIDE {
        hosts.extend(plain(ip));
        hosts.extend(disguised(&ip.to_string()));
        hosts.extend(disguised(&ip.to_bits().to_string()));
        hosts.extend(wrapped(ip).into_iter().flat_map(bracketed));
    }
    hosts.extend(INSIDE_V6.iter().flat_map(|text| bracketed(text.parse().unwrap())));
    for name in
        ["localhost", "LocalHost", "localhost.", "a.localhost", "A.B.LOCALHOST.", "ｌｏｃａｌｈｏｓｔ", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ"]
    {
        hosts.insert(name.to_owned());
    }
    hosts.insert("%6c%6f%63%61%6c%68%6f%73%74".to_owned());
    hosts.insert("local\u{ad}host".to_owned());
    hosts
}

/// URLs that mean a host inside, each in a way that some reader would miss.
fn urls(host: &str, port: u16) -> Vec<String> {
    vec![
        format!("https://{host}:{port}/"),
        format!("HTTPS://{host}:{port}"),
        format!("http://{host}:{port}/"),
        format!("https://user@{host}:{port}/"),
        format!("https://example.com@{host}:{port}/"),
        format!("https://example.com:443@{host}:{port}/"),
        format!("https://example.com%40{host}:{port}/"),
        format!("https://{host}:{port}\\@example.com/"),
        format!("https:\\\\{host}:{port}/"),
        format!("https:{host}:{port}/"),
        format!("https:///{host}:{port}/"),
        format!("https://{host}:0{port}/"),
        format!(" https://{host}:{port}/"),
        format!("https://{host}\t:{port}/"),
        format!("https://{host}:{port}/#@example.com"),
        format!("https://{host}:{port}?@example.com/"),
    ]
}

#[tokio::test]
async fn no_spelling_of_an_address_inside_is_accepted_or_dialled() {
    let canaries = canaries().await;
    let client = client_with(Resolver::system(), &[]);
    let hosts = hosts();
    assert!(hosts.len() >= 300, "{} spellings", hosts.len());
    let mut tried = 0;
    for url in hosts.iter().flat_map(|host| urls(host, canaries.port)) {
        tried += 1;
        let Ok(peer) = client.peer(&url) else { continue };
        // What is no address to any reader here is a name, which must not resolve to anything inside either.
        let exchange = client.exchange(&peer, || post(&peer), LONG).await;
        panic!("{url} was accepted: {:?}", exchange.failure);
    }
    assert!(tried >= 300 * 16, "{tried} URLs");
    assert_eq!(canaries.reached.load(Ordering::SeqCst), 0);
    // Were one of them let through, the canary would have told.
    let permitted = client_with(Resolver::system(), &["127.0.0.1"]);
    let exchange = send(&permitted, &format!("http://0x7f.1:{}/", canaries.port), LONG).await;
    assert_eq!((exchange.status, canaries.reached.load(Ordering::SeqCst)), (Some(200), 1));
}

#[test]
fn each_refusal_says_what_is_wrong() {
    let client = client_with(Resolver::system(), &[]);
    for host in hosts() {
        let failure = client.peer(&format!("https://{host}/")).err().expect(&host);
        let said = failure.detail.starts_with("the URL's host: the address is not allowed (")
            || failure.detail == "the URL's host is not a name or an address";
        assert!(said, "{host}: {}", failure.detail);
        // All that is an address in some reader's eyes is refused as one; what no reader takes is refused as that.
        let strange = ["%25", "%lo", "%5b", "].", "［"].iter().any(|part| host.contains(part));
        assert!(strange || failure.kind == FailureKind::EgressRefused, "{host}: {}", failure.detail);
    }
}

#[tokio::test]
async fn no_name_leads_to_an_address_inside() {
    let canaries = canaries().await;
    let url = format!("https://hooks.example.com:{}/", canaries.port);
    let addresses = INSIDE
        .into_iter()
        .flat_map(|ip| wrapped(ip).into_iter().map(IpAddr::V6).chain([IpAddr::V4(ip)]).collect::<Vec<_>>());
    for address in addresses.chain(INSIDE_V6.iter().map(|text| text.parse().unwrap())) {
        let exchange = send(&client_with(scripted(move |_| vec![address]), &[]), &url, LONG).await;
        assert_eq!(kind(&exchange), FailureKind::EgressRefused, "{address}: {:?}", exchange.failure);
    }
    assert_eq!(canaries.reached.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_resolver_that_flips_with_every_query_never_leads_inside() {
    let canaries = canaries().await;
    // An address of nobody's stands for the public one: it is allowed, and nothing answers there.
    for first in [0, 1] {
        let flipping = scripted(move |asked| {
            let address = if asked % 2 == first { "192.0.2.1" } else { "127.0.0.1" };
            vec![address.parse().unwrap()]
        });
        let mut client = client_with(flipping, &["192.0.2.1"]);
        client.timeouts.connect = SHORT / 10;
        let peer = client.peer(&format!("https://rebind.example.com:{}/", canaries.port)).unwrap();
        for _ in 0..20 {
            let exchange = client.exchange(&peer, || post(&peer), LONG).await;
            assert!(matches!(kind(&exchange), FailureKind::EgressRefused | FailureKind::Connect));
        }
    }
    assert_eq!(canaries.reached.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn every_one_of_many_addresses_is_judged() {
    let canaries = canaries().await;
    let url = format!("https://many.example.com:{}/", canaries.port);
    let many = |count: u8, last: Option<&str>| {
        let mut addresses: Vec<IpAddr> = (0..count).map(|last| Ipv4Addr::new(192, 0, 2, last).into()).collect();
        addresses.extend(last.map(|text| text.parse::<IpAddr>().unwrap()));
        addresses
    };
    for (addresses, expected) in [
        (many(199, Some("127.0.0.1")), FailureKind::EgressRefused),
        (many(200, Some("::1")), FailureKind::EgressRefused),
        (many(200, None), FailureKind::Connect),
        ([many(200, None), many(200, None)].concat(), FailureKind::Dns),
        (many(0, None), FailureKind::Dns),
    ] {
        let count = addresses.len();
        let mut client = client_with(scripted(move |_| addresses.clone()), &["192.0.2.0/24"]);
        client.timeouts.connect = SHORT;
        let began = tokio::time::Instant::now();
        assert_eq!(kind(&send(&client, &url, LONG).await), expected, "{count}");
        assert!(began.elapsed() < SHORT * 4, "all tries together have the time of one");
    }
    assert_eq!(canaries.reached.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_name_that_is_found_again_is_delivered_to_again() {
    let receiver = answering(OK.to_vec()).await;
    let flapping = scripted(|asked| if asked % 2 == 0 { Vec::new() } else { vec!["127.0.0.1".parse().unwrap()] });
    let client = client_with(flapping, &["127.0.0.1"]);
    let peer = client.peer(&receiver.url.replace("127.0.0.1", "flap.example.com")).unwrap();
    assert_eq!(kind(&client.exchange(&peer, || post(&peer), LONG).await), FailureKind::Dns);
    assert_eq!(client.exchange(&peer, || post(&peer), LONG).await.status, Some(200));
}

#[tokio::test]
async fn no_redirect_is_followed_inside() {
    let canaries = canaries().await;
    for status in 300..=308 {
        for location in [format!("http://127.0.0.1:{}/", canaries.port), format!("//[::1]:{}/", canaries.port)] {
            let answer = format!("HTTP/1.1 {status} Go\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
            let receiver = answering(answer.into_bytes()).await;
            let exchange = send(&client(), &receiver.url, LONG).await;
            assert_eq!((exchange.status, exchange.failure), (Some(status), None));
        }
    }
    assert_eq!(canaries.reached.load(Ordering::SeqCst), 0);
}
