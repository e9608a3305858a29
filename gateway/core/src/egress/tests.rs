use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::*;

fn policy(allow: &[&str]) -> AddressPolicy {
    AddressPolicy { allow: allow.iter().map(|range| range.parse().unwrap()).collect() }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn public_addresses_are_allowed() {
    for address in [
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "168.63.129.15",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.0.3.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "198.51.99.255",
        "203.0.112.255",
        "203.0.114.0",
        "223.255.255.255",
        "2001:200::1",
        "2001:4860:4860::8888",
        "2606:4700::1111",
        "2003::1",
        "3ffe::1",
        "2a00:1450::1",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
    ] {
        assert_eq!(policy(&[]).judge(ip(address)), Ok(()), "{address}");
    }
}

#[test]
fn special_addresses_are_refused_by_name() {
    for (address, range) in [
        ("0.0.0.0", "this network"),
        ("0.255.255.255", "this network"),
        ("10.0.0.0", "private"),
        ("10.255.255.255", "private"),
        ("100.64.0.0", "carrier-grade NAT"),
        ("100.127.255.255", "carrier-grade NAT"),
        ("100.100.100.200", "cloud metadata"),
        ("127.0.0.1", "loopback"),
        ("127.255.255.255", "loopback"),
        ("168.63.129.16", "cloud metadata"),
        ("169.254.169.254", "link-local"),
        ("169.254.0.0", "link-local"),
        ("172.16.0.0", "private"),
        ("172.31.255.255", "private"),
        ("192.0.0.1", "protocol assignments"),
        ("192.0.0.192", "cloud metadata"),
        ("192.0.2.1", "documentation"),
        ("192.88.99.1", "6to4 relay"),
        ("192.168.255.255", "private"),
        ("198.18.0.0", "benchmarking"),
        ("198.19.255.255", "benchmarking"),
        ("198.51.100.7", "documentation"),
        ("203.0.113.7", "documentation"),
        ("224.0.0.1", "multicast"),
        ("239.255.255.255", "multicast"),
        ("240.0.0.1", "reserved"),
        ("255.255.255.255", "reserved"),
        ("::", "unspecified"),
        ("::1", "loopback"),
        ("::7f00:1", "IPv4-compatible"),
        ("::ffff:127.0.0.1", "loopback"),
        ("::ffff:169.254.169.254", "link-local"),
        ("::ffff:0:127.0.0.1", "not global unicast"),
        ("64:ff9b::7f00:1", "loopback"),
        ("64:ff9b::a9fe:a9fe", "link-local"),
        ("64:ff9b:1::1", "local NAT64"),
        ("100::1", "discard"),
        ("2001::1", "Teredo"),
        ("2001:0:7f00:1::", "Teredo"),
        ("2001:10::1", "protocol assignments"),
        ("2001:1ff:ffff::1", "protocol assignments"),
        ("2001:db8::1", "documentation"),
        ("2002:7f00:1::", "6to4"),
        ("2002:808:808::1", "6to4"),
        ("3fff:fff::1", "documentation"),
        ("fd00:ec2::254", "cloud metadata"),
        ("fc00::1", "private"),
        ("fdff::1", "private"),
        ("fe80::1", "link-local"),
        ("febf::1", "link-local"),
        ("fec0::1", "site-local"),
        ("ff02::1", "multicast"),
        ("4000::1", "not global unicast"),
        ("5f00::1", "segment routing"),
        ("100:0:0:1::1", "dummy prefix"),
        ("2620:4f:8000::1", "AS112"),
        ("2001:2::1", "protocol assignments"),
        ("2a00::5efe:7f00:1", "loopback"),
        ("2a00::200:5efe:a9fe:a9fe", "link-local"),
        ("::ffff:0:7f00:1", "not global unicast"),
        ("1fff::1", "not global unicast"),
    ] {
        assert_eq!(policy(&[]).judge(ip(address)), Err(Refusal { range }), "{address}");
    }
}

#[test]
fn an_allow_list_opens_its_ranges_and_no_more() {
    let policy = policy(&["10.1.0.0/16", "::1", "fd00::/8", "0.0.0.0/0", "fe80::/10"]);
    for address in ["10.1.2.3", "::1", "fd12::1", "127.0.0.1", "::ffff:10.1.2.3", "64:ff9b::a01:203"] {
        assert!(policy.judge(ip(address)).is_ok(), "{address}");
    }
    // Link-local and metadata addresses open to their own name only.
    for address in ["169.254.169.254", "fe80::1", "fd00:ec2::254", "168.63.129.16", "::2", "::ffff:169.254.169.254"] {
        assert!(policy.judge(ip(address)).is_err(), "{address}");
    }
    let policy = AddressPolicy { allow: vec!["169.254.169.254".parse().unwrap()] };
    assert!(policy.judge(ip("169.254.169.254")).is_ok());
    assert!(policy.judge(ip("169.254.169.253")).is_err());
    assert!(policy.allows(ip("::ffff:169.254.169.254")));
    assert!(!policy.allows(ip("8.8.8.8")));
}

#[test]
fn a_range_of_tunnels_opens_nothing_that_lies_behind_them() {
    let tunnels = ["2002::/16", "2001::/32", "64:ff9b:1::/48", "::/96", "fe80::5efe:7f00:1"];
    let wide = policy(&tunnels);
    for (address, range) in [
        ("2002:7f00:1::1", "loopback"),
        ("2002:a9fe:a9fe::", "link-local"),
        // By a server inside, and for a client inside: its address is written inverted.
        ("2001:0:a00:1::f7f7:f7f7", "private"),
        ("2001:0:808:808::80ff:fffe", "loopback"),
        ("64:ff9b:1::7f00:1", "loopback"),
        ("64:ff9b:1:7f00:0:100::", "loopback"),
        ("::7f00:1", "loopback"),
        ("fe80::5efe:7f00:1", "loopback"),
    ] {
        assert_eq!(wide.judge(ip(address)), Err(Refusal { range }), "{address}");
        let behind = [tunnels.as_slice(), &["127.0.0.1", "10.0.0.0/8", "169.254.169.254"]].concat();
        assert_eq!(policy(&behind).judge(ip(address)), Ok(()), "{address}");
        assert!(policy(&["127.0.0.1", "10.0.0.0/8", "169.254.169.254"]).judge(ip(address)).is_err(), "{address}");
    }
    for address in ["2002:808:808::1", "2001:0:808:808::f7f7:f7f7", "64:ff9b:1::808:808", "::808:808"] {
        assert_eq!(wide.judge(ip(address)), Ok(()), "{address}");
    }
}

#[test]
fn a_range_is_an_address_and_a_length() {
    for (text, shown) in [
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("192.0.2.7", "192.0.2.7/32"),
        ("fd00::/8", "fd00::/8"),
        ("::1", "::1/128"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("::/0", "::/0"),
        ("FD00:0::/8", "fd00::/8"),
    ] {
        let range: Cidr = text.parse().unwrap();
        assert_eq!(range.to_string(), shown);
        assert_eq!(serde_json::from_str::<Cidr>(&serde_json::to_string(&range).unwrap()).unwrap(), range);
    }
    for (text, fault) in [
        ("", BadCidr::Form),
        ("10.0.0.0/", BadCidr::Form),
        ("10.0.0.0/+8", BadCidr::Form),
        ("10.0.0.0/8/8", BadCidr::Form),
        ("10.0.0/8", BadCidr::Form),
        ("010.0.0.0/8", BadCidr::Form),
        ("localhost", BadCidr::Form),
        ("10.0.0.0-10.0.0.9", BadCidr::Form),
        (" 10.0.0.0/8", BadCidr::Form),
        ("10.0.0.0/33", BadCidr::Length { most: 32 }),
        ("fd00::/129", BadCidr::Length { most: 128 }),
        ("fd00::/999", BadCidr::Length { most: 128 }),
        ("10.0.0.1/8", BadCidr::HostBits),
        ("fd00::1/8", BadCidr::HostBits),
    ] {
        assert_eq!(text.parse::<Cidr>(), Err(fault), "{text}");
    }
    let all: Cidr = "0.0.0.0/0".parse().unwrap();
    assert!(all.contains(ip("255.255.255.255")));
    assert!(!all.contains(ip("::1")));
}

#[test]
fn a_usual_url_is_a_target() {
    let target = check_url("https://Hooks.Example.com/in?x=1", &policy(&[])).unwrap();
    assert_eq!(target.as_str(), "https://hooks.example.com/in?x=1");
    assert_eq!(
        (target.host(), target.port(), target.plaintext(), target.literal()),
        ("hooks.example.com", 443, false, None)
    );
    assert_eq!((target.path_and_query(), target.authority()), ("/in?x=1", "hooks.example.com"));
    assert_eq!(format!("{target:?}"), "TargetUrl(https://hooks.example.com/…)");
    let target = check_url("HTTPS://8.8.8.8:8443", &policy(&[])).unwrap();
    assert_eq!((target.host(), target.port(), target.path_and_query()), ("8.8.8.8", 8443, "/"));
    assert_eq!(target.authority(), "8.8.8.8:8443");
    let target = check_url("https://[2606:4700::1111]/", &policy(&[])).unwrap();
    assert_eq!((target.host(), target.authority()), ("2606:4700::1111", "[2606:4700::1111]"));
    let target = check_url("https://example.com./a", &policy(&[])).unwrap();
    assert_eq!(target.host(), "example.com");
    let target = check_url("https://bücher.example/", &policy(&[])).unwrap();
    assert_eq!(target.host(), "xn--bcher-kva.example");
    assert!(check_url("https://example.com/a@b?c=d@e", &policy(&[])).is_ok());
}

#[test]
fn an_address_is_refused_in_every_spelling() {
    for host in [
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0x7F.0x0.0x0.0x1",
        "0177.0.0.1",
        "0177.1",
        "017700000001",
        "127.0.0.1.",
        "127.00.00.01",
        "①②⑦.⓪.⓪.①",
        "１２７.０.０.１",
        "127。0。0。1",
        "127．0．0．1",
        "%31%32%37.0.0.1",
        "[::1]",
        "[::]",
        "[::127.0.0.1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:ffff:7f00:0001]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b::127.0.0.1]",
        "[2002:7f00:1::]",
        "[2001:0:7f00:1::]",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "0",
        "0.0.0.0",
        "0x0",
        "10.0.0.1",
        "012.0.0.1",
        "192.168.1",
        "169.254.169.254",
        "2852039166",
        "0xA9FEA9FE",
        "0251.0376.0251.0376",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "a.localhost",
        "ｌｏｃａｌｈｏｓｔ",
        "100.100.100.200",
        "255.255.255.255",
    ] {
        for port in ["", ":8080"] {
            let verdict = check_url(&format!("https://{host}{port}/"), &policy(&[]));
            assert!(matches!(verdict, Err(UrlFault::Address(_))), "{host}: {verdict:?}");
        }
    }
}

#[test]
fn what_is_no_target_is_refused_with_the_reason() {
    use UrlFault::{Fragment, Host, Malformed, Plaintext, Port, Scheme, TooLong, UserInfo};
    for (text, fault) in [
        ("", Malformed),
        ("example.com", Malformed),
        ("/path", Malformed),
        ("//example.com/", Malformed),
        (" https://example.com/", Malformed),
        ("https://example.com/ ", Malformed),
        ("https://exam\tple.com/", Malformed),
        ("https://example.com/\r\nX: y", Malformed),
        ("https://example.com\\@evil.example/", Malformed),
        ("https:\\\\example.com", Malformed),
        ("https:example.com", Malformed),
        ("https:/example.com", Malformed),
        ("https:///example.com", Malformed),
        ("https://example.com:99999/", Malformed),
        ("https://example.com:http/", Malformed),
        ("ftp://example.com/", Scheme),
        ("file:///etc/passwd", Scheme),
        ("gopher://example.com/", Scheme),
        ("javascript:alert(1)", Scheme),
        ("data:text/plain,x", Scheme),
        ("ws://example.com/", Scheme),
        ("https://user@example.com/", UserInfo),
        ("https://user:pass@example.com/", UserInfo),
        ("https://:pass@example.com/", UserInfo),
        ("https://@example.com/", UserInfo),
        ("https://example.com@127.0.0.1/", UserInfo),
        ("https://example.com/#top", Fragment),
        ("https://example.com/#", Fragment),
        ("https://example.com:0/", Port),
        ("https://", Host),
        ("https://:443/", Host),
        ("https://?x", Host),
        ("https://exa mple.com/", Malformed),
        ("https://exa<mple.com/", Host),
        ("https://example..com/", Host),
        ("https://.example.com/", Host),
        ("https://example.com../", Host),
        ("https://./", Host),
        ("https://256.0.0.1/", Host),
        ("https://1.2.3.4.5/", Host),
        ("https://127.0.0.0x100/", Host),
        ("https://[::1/", Host),
        ("https://[fe80::1%25eth0]/", Host),
        ("https://[fe80::1%eth0]/", Host),
        ("https://[v1.x]/", Host),
        ("https://%00/", Host),
        ("http://example.com/", Plaintext),
        ("http://8.8.8.8/", Plaintext),
    ] {
        assert_eq!(check_url(text, &policy(&[])).unwrap_err(), fault, "{text:?}");
    }
    let long = format!("https://example.com/{}", "a".repeat(URL_MAX));
    assert_eq!(check_url(&long, &policy(&[])).unwrap_err(), TooLong);
    assert!(check_url(&long[..URL_MAX], &policy(&[])).is_ok());
    let label = format!("https://{}.example/", "a".repeat(64));
    assert_eq!(check_url(&label, &policy(&[])).unwrap_err(), Host);
    let name = format!("https://{}example/", "a.".repeat(130));
    assert_eq!(check_url(&name, &policy(&[])).unwrap_err(), Host);
}

#[test]
fn plain_http_goes_to_the_allow_list_only() {
    let policy = policy(&["127.0.0.0/8", "10.0.0.0/8"]);
    let target = check_url("http://127.0.0.1:9000/hook", &policy).unwrap();
    assert!(target.plaintext());
    assert_eq!(target.admits(&policy, ip("127.0.0.1")), Ok(()));
    assert!(check_url("http://localhost:9000/hook", &policy).is_ok());
    assert_eq!(check_url("http://8.8.8.8/", &policy).unwrap_err(), UrlFault::Plaintext);
    assert!(matches!(check_url("http://192.168.0.1/", &policy).unwrap_err(), UrlFault::Address(_)));
    // A name cannot be judged yet: each address it resolves to will be.
    let target = check_url("http://inside.example/", &policy).unwrap();
    assert_eq!(target.admits(&policy, ip("10.0.0.7")), Ok(()));
    assert!(target.admits(&policy, ip("8.8.8.8")).is_err());
    assert_eq!(target.admits(&policy, ip("192.168.0.1")), Err(Refusal { range: "private" }));
    let target = check_url("https://inside.example/", &policy).unwrap();
    assert_eq!(target.admits(&policy, ip("8.8.8.8")), Ok(()));
    assert_eq!(target.admits(&policy, ip("::1")), Err(Refusal { range: "loopback" }));
}

proptest! {
    #[test]
    fn an_embedded_address_is_judged_as_itself(bits: u32) {
        let v4 = Ipv4Addr::from_bits(bits);
        let verdict = policy(&[]).judge(IpAddr::V4(v4));
        prop_assert_eq!(policy(&[]).judge(IpAddr::V6(v4.to_ipv6_mapped())), verdict);
        let [a, b, c, d] = v4.octets();
        let nat64 = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        prop_assert_eq!(policy(&[]).judge(IpAddr::V6(nat64)), verdict);
    }

    #[test]
    fn the_standard_library_agrees_on_what_is_not_public(bits: u32) {
        let v4 = Ipv4Addr::from_bits(bits);
        let special = v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_multicast() || v4.is_broadcast()
            || v4.is_documentation() || v4.is_unspecified();
        prop_assert!(!special || policy(&[]).judge(IpAddr::V4(v4)).is_err());
    }

    #[test]
    fn no_url_panics(text in "https?:/{0,3}[\\PC@:\\[\\]%#?/.0-9a-fx]{0,40}") {
        if let Ok(target) = check_url(&text, &policy(&[])) {
            prop_assert!(target.literal().is_none_or(|address| policy(&[]).judge(address).is_ok()));
            let _ = (target.path_and_query(), target.authority());
        }
    }
}
