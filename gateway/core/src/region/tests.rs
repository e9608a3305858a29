use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn at(state: &str, zip: &str, country: &str) -> Decision {
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    decide(&Address { state: given(state), postal_code: given(zip), country: given(country), ..Address::default() })
}

/// One word for a decision: `US-TX state agrees`, `military AE`, `foreign CA`, `conflict US-TX US-NM zip`, `unknown empty` …
fn told(decision: &Decision) -> String {
    let basis = decision.basis.map_or("", Basis::as_str);
    match decision.outcome {
        Outcome::Region(code) => format!("{code} {basis} {}", decision.zip.as_str()),
        Outcome::Territory(code) => format!("territory {code} {basis} {}", decision.zip.as_str()),
        Outcome::Military(place) => format!("military {}", place.map_or("?", Military::as_str)),
        Outcome::FreelyAssociated(place) => format!("associated {}", place.as_str()),
        Outcome::ForeignCountry(country) => format!("foreign {country}"),
        Outcome::Conflict { state, other, against } => format!("conflict {state} {other} {}", against.as_str()),
        Outcome::Unknown(gap) => format!("unknown {}", gap.as_str()),
    }
}

fn expect(cases: &[(&str, &str, &str, &str)]) {
    for (state, zip, country, expected) in cases {
        assert_eq!(told(&at(state, zip, country)), *expected, "state {state:?} zip {zip:?} country {country:?}");
    }
}

#[test]
fn there_are_57_codes() {
    assert_eq!(RegionCode::all().count(), 57);
    assert_eq!(RegionCode::all().filter(|code| code.is_territory()).count(), 6);
    for code in RegionCode::all() {
        assert_eq!(code.as_str().parse(), Ok(code));
        assert_eq!(serde_json::from_str::<RegionCode>(&serde_json::to_string(&code).unwrap()).unwrap(), code);
        for state in
            [code.letters().to_owned(), code.letters().to_lowercase(), code.as_str().to_owned(), code.name().to_owned()]
        {
            let decision = at(&state, "", "");
            assert_eq!(decision.region(), Some(code), "{state}");
            assert_eq!(matches!(decision.outcome, Outcome::Territory(_)), code.is_territory());
            assert_eq!(decision.word(), "state");
        }
    }
    for text in ["", "TX", "US-", "US-AA", "US-XX", "US-FM", "US-TX ", "USTX", "CA-ON"] {
        assert_eq!(text.parse::<RegionCode>(), Err(BadRegion), "{text}");
    }
    assert_eq!("us-tx".parse::<RegionCode>().unwrap().as_str(), "US-TX");
}

#[test]
fn a_state_is_read_as_people_write_it() {
    for (letters, forms) in [
        (
            "TX",
            vec![
                "TX",
                "tx",
                "Tx",
                " TX ",
                "Texas",
                "texas ",
                "TEXAS",
                "US-TX",
                "us-tx",
                "Tex.",
                "TEX",
                "T.X.",
                "TX.",
                "State of Texas",
                "TX - Texas",
                "Texas (TX)",
                "ＴＸ",
                "Téxas",
                "\u{a0}TX",
            ],
        ),
        (
            "DC",
            vec![
                "DC",
                "D.C.",
                "D. C.",
                "District of Columbia",
                "Washington DC",
                "Washington, D.C.",
                "Wash. D.C.",
                "district of columbia",
                "US-DC",
            ],
        ),
        ("WA", vec!["WA", "Washington", "Wash.", "Washington State"]),
        ("CA", vec!["Calif.", "Cal.", "California"]),
        ("PA", vec!["Penna.", "Penn.", "Pa.", "Commonwealth of Pennsylvania"]),
        ("MA", vec!["Mass.", "Massachusetts", "Commonwealth of Massachusetts", "MASSACHUSETTS"]),
        ("NY", vec!["N.Y.", "N. Y.", "New York", "NEW-YORK", "new  york", "New York State", "Nueva York"]),
        ("NC", vec!["N.C.", "N. Car.", "N Carolina", "North Carolina", "No. Carolina", "Carolina del Norte"]),
        ("ND", vec!["N. Dak.", "N.Dak.", "North Dakota"]),
        ("WV", vec!["W. Va.", "W.Va.", "West Virginia"]),
        ("VA", vec!["Va.", "Virginia"]),
        ("NM", vec!["N. Mex.", "N.M.", "Nuevo México", "New Mexico"]),
        ("HI", vec!["Hawaii", "Hawai'i", "Hawaiʻi", "Hawai’i", "Hawái"]),
        ("OR", vec!["Oreg.", "Ore.", "Oregón", "or"]),
        ("IN", vec!["Ind.", "IN"]),
        ("ME", vec!["Me.", "Maine"]),
        ("KS", vec!["Kans.", "Kan."]),
        ("AR", vec!["Ark."]),
        ("LA", vec!["La.", "LA", "Luisiana"]),
        ("AL", vec!["Ala."]),
        ("MS", vec!["Miss."]),
        ("MO", vec!["Mo.", "Missouri"]),
        ("GA", vec!["Georgia", "Ga."]),
        ("WI", vec!["Wis.", "Wisc."]),
        ("PR", vec!["Puerto Rico", "P.R.", "US-PR"]),
        ("VI", vec!["Virgin Islands", "U.S. Virgin Islands", "USVI", "V.I."]),
        ("MP", vec!["CNMI", "Northern Mariana Islands", "Commonwealth of the Northern Mariana Islands"]),
    ] {
        for form in forms {
            assert_eq!(at(form, "", "").region().map(RegionCode::letters), Some(letters), "{form:?}");
        }
    }
}

#[test]
fn what_is_no_state_is_not_made_one() {
    let long = "Texas".repeat(100);
    for state in [
        "ZZ",
        "Texass",
        "T",
        "48",
        "Bavaria",
        "Kent",
        "Cali",
        "US",
        "USA",
        "USA-LA",
        "US-ALA",
        "TX/NM",
        "Texas or New Mexico",
        "TX NM",
        "78701",
        "Теxas",
        "德克萨斯",
        "🤠",
        "New",
        "Carolina",
        "Dakota",
        "AB\0",
        long.as_str(),
    ] {
        let decision = at(state, "", "US");
        assert_eq!(decision.outcome, Outcome::Unknown(Gap::StateUnrecognised), "{state:?}");
        assert_eq!(decision.region(), None);
    }
    // Not even a ZIP code makes a state of what cannot be read: Munich's 80331 is a number of Denver's post, too.
    assert_eq!(at("Bavaria", "80331", "").outcome, Outcome::Unknown(Gap::StateUnrecognised));
    assert_eq!(at("Texass", "78701", "US").outcome, Outcome::Unknown(Gap::StateUnrecognised));
}

#[test]
fn a_country_is_read_as_people_write_it() {
    for form in [
        "US",
        "us",
        "USA",
        "U.S.",
        "U.S.A.",
        "United States",
        "United States of America",
        "THE UNITED STATES",
        "840",
        "usa ",
        "Estados Unidos",
        "États-Unis",
        "US - United States",
        "N/A",
        "unknown",
        "-",
    ] {
        assert_eq!(told(&at("TX", "78701", form)), "US-TX state agrees", "{form:?}");
    }
    for (form, code) in [
        ("CA", "CA"),
        ("CAN", "CA"),
        ("Canada", "CA"),
        ("124", "CA"),
        ("MX", "MX"),
        ("México", "MX"),
        ("Deutschland", "DE"),
        ("DEU", "DE"),
        ("Germany", "DE"),
        ("UK", "GB"),
        ("U.K.", "GB"),
        ("England", "GB"),
        ("GBR", "GB"),
        ("Great Britain", "GB"),
        ("Iran", "IR"),
        ("Viet Nam", "VN"),
        ("Vietnam", "VN"),
        ("Georgia", "GE"),
        ("South Korea", "KR"),
        ("Côte d’Ivoire", "CI"),
        ("Curaçao", "CW"),
        ("Åland Islands", "AX"),
        ("004", "AF"),
        ("British Virgin Islands", "VG"),
        ("UM0", ""),
        ("Elbonia", ""),
        ("XX-1", ""),
        ("Texas", ""),
        ("999", ""),
        ("1", ""),
    ] {
        let expected =
            if code.is_empty() { "unknown country_unrecognised".to_owned() } else { format!("foreign {code}") };
        assert_eq!(told(&at("", "", form)), expected, "{form:?}");
    }
}

#[test]
fn a_territory_may_be_given_as_the_country() {
    expect(&[
        ("PR", "00901", "US", "territory US-PR state agrees"),
        ("PR", "00901", "PR", "territory US-PR country agrees"),
        ("", "00901", "PR", "territory US-PR country agrees"),
        ("San Juan", "00901", "Puerto Rico", "territory US-PR country agrees"),
        ("", "", "PRI", "territory US-PR country absent"),
        ("", "", "630", "territory US-PR country absent"),
        ("GU", "96910", "Guam", "territory US-GU country agrees"),
        ("", "", "US Virgin Islands", "territory US-VI country absent"),
        ("", "", "Virgin Islands (U.S.)", "territory US-VI country absent"),
        ("", "", "UMI", "territory US-UM country absent"),
        ("", "00802", "", "territory US-VI zip agrees"),
        ("", "96799", "US", "territory US-AS zip agrees"),
        ("TX", "", "PR", "conflict US-TX US-PR country"),
        ("PR", "78701", "US", "conflict US-PR US-TX zip"),
        ("", "78701", "PR", "conflict US-PR US-TX zip"),
        ("PR", "901", "US", "territory US-PR state restored"),
    ]);
}

#[test]
fn the_freely_associated_states_are_countries() {
    expect(&[
        ("MH", "96960", "US", "associated MH"),
        ("FM", "96941", "", "associated FM"),
        ("", "96940", "", "associated PW"),
        ("", "", "Palau", "associated PW"),
        ("Pohnpei", "96941", "FSM", "associated FM"),
        ("", "", "Marshall Islands", "associated MH"),
    ]);
}

#[test]
fn military_mail_lies_in_no_state() {
    expect(&[
        ("AE", "09012", "US", "military AE"),
        ("ae", "", "", "military AE"),
        ("AP", "96349", "USA", "military AP"),
        ("AA", "34002", "", "military AA"),
        ("", "09012", "", "military AE"),
        ("", "09012-1234", "US", "military AE"),
        ("", "96349", "US", "military AP"),
        ("Armed Forces Europe", "", "", "military AE"),
        ("Armed Forces Pacific", "", "", "military AP"),
        ("AE", "09012", "Germany", "military AE"),
        ("AE", "00000", "US", "military AE"),
        ("AE", "78701", "US", "conflict AE US-TX zip"),
        ("AE", "96349", "US", "conflict AE AP zip"),
        ("NY", "09012", "US", "conflict US-NY AE zip"),
        ("", "09012", "DE", "foreign DE"),
        ("", "", "AE", "foreign AE"),
        ("AE", "", "DE", "foreign DE"),
    ]);
    for city in ["APO", "apo", "F.P.O.", "DPO AE", "APO 09012"] {
        let address = Address { city: Some(city.to_owned()), state: Some("NY".to_owned()), ..Address::default() };
        assert_eq!(told(&decide(&address)), "military ?", "{city}");
        let address = Address { postal_code: Some("09012".to_owned()), ..address };
        assert_eq!(told(&decide(&address)), "military AE", "{city}");
        assert_eq!(decide(&address).region(), None);
    }
    let address = Address { city: Some("Apopka".to_owned()), state: Some("FL".to_owned()), ..Address::default() };
    assert_eq!(told(&decide(&address)), "US-FL state absent");
}

#[test]
fn a_zip_code_confirms_or_contradicts_a_state() {
    expect(&[
        ("TX", "78701", "US", "US-TX state agrees"),
        ("TX", "78701-1234", "US", "US-TX state agrees"),
        ("TX", "787011234", "US", "US-TX state agrees"),
        ("TX", "78701 1234", "", "US-TX state agrees"),
        ("TX", " 78701 ", "", "US-TX state agrees"),
        ("TX", "78701-", "", "US-TX state agrees"),
        ("TX", "78701-12", "", "US-TX state agrees"),
        ("TX", "７８７０１", "", "US-TX state agrees"),
        ("TX", "", "", "US-TX state absent"),
        ("TX", "N/A", "", "US-TX state absent"),
        ("TX", "00000", "US", "US-TX state unassigned"),
        ("MI", "99999", "USA", "US-MI state unassigned"),
        ("KY", "42010", "US", "US-KY state agrees"),
        ("TX", "ABCDE", "US", "US-TX state unreadable"),
        ("TX", "787", "US", "US-TX state unreadable"),
        ("TX", "7870111", "US", "US-TX state unreadable"),
        ("TX", "78701-12345", "US", "US-TX state unreadable"),
        ("TX", "7870-11234", "US", "US-TX state unreadable"),
        ("TX", "787012", "US", "US-TX state unreadable"),
        ("TX", "K1A 0B1", "US", "US-TX state unreadable"),
        ("NM", "78701", "US", "conflict US-NM US-TX zip"),
        ("CA", "10001", "", "conflict US-CA US-NY zip"),
        ("MA", "2138", "US", "US-MA state restored"),
        ("MA", "21381234", "US", "US-MA state restored"),
        ("MA", "2138-1234", "US", "US-MA state restored"),
        ("NY", "501", "US", "US-NY state restored"),
        ("NJ", "7870", "US", "US-NJ state restored"),
        ("TX", "7870", "US", "US-TX state unreadable"),
    ]);
    assert!(at("MI", "99999", "USA").zip_mismatch());
    assert!(at("MI", "wrong", "USA").zip_mismatch());
    assert!(!at("MI", "48201", "USA").zip_mismatch());
    assert!(!at("MI", "", "USA").zip_mismatch());
    assert!(!at("MA", "2138", "USA").zip_mismatch());
}

#[test]
fn a_post_office_may_deliver_across_a_state_line() {
    expect(&[
        ("TN", "42223", "US", "US-TN state straddles"),
        ("KY", "42223", "US", "US-KY state agrees"),
        ("IN", "42223", "US", "conflict US-IN US-KY zip"),
        ("TX", "88063", "US", "US-TX state straddles"),
        ("TX", "73949", "US", "US-TX state straddles"),
        ("MA", "02861", "US", "US-MA state straddles"),
        ("", "42223", "US", "US-KY zip agrees"),
    ]);
}

#[test]
fn a_zip_code_alone_tells_the_state() {
    expect(&[
        ("", "78701", "", "US-TX zip agrees"),
        ("", "78701-0000", "US", "US-TX zip agrees"),
        ("", "20500", "", "US-DC zip agrees"),
        ("", "06390", "", "US-NY zip agrees"),
        ("", "06389", "", "US-CT zip agrees"),
        ("", "05501", "", "US-MA zip agrees"),
        ("", "88888", "", "US-DC zip agrees"),
        ("", "99950", "", "US-AK zip agrees"),
        ("", "00501", "", "US-NY zip agrees"),
        ("unknown", "90210", "", "US-CA zip agrees"),
        ("", "99951", "", "unknown zip_unassigned"),
        ("", "99999", "", "unknown zip_unassigned"),
        ("", "00000", "US", "unknown zip_unassigned"),
        ("", "00500", "", "unknown zip_unassigned"),
        ("", "2138", "US", "unknown zip_incomplete"),
        ("", "hello", "US", "unknown zip_unreadable"),
        ("", "123456", "", "unknown zip_unreadable"),
        ("", "-78701", "", "unknown zip_unreadable"),
        ("", "", "", "unknown empty"),
        ("", "", "US", "unknown empty"),
        ("-", "N/A", "null", "unknown empty"),
    ]);
}

#[test]
fn another_country_is_another_country() {
    expect(&[
        ("ON", "K1A 0B1", "CA", "foreign CA"),
        ("Ontario", "", "", "foreign CA"),
        ("QC", "", "", "foreign CA"),
        ("Québec", "", "", "foreign CA"),
        ("CA-ON", "", "", "foreign CA"),
        ("", "K1A 0B1", "", "foreign CA"),
        ("Bayern", "80331", "DE", "foreign DE"),
        ("MI", "20121", "Italy", "foreign IT"),
        ("TX", "78701", "CA", "unknown country_contradicts"),
        ("CA", "90210", "CA", "unknown country_contradicts"),
        ("CA", "", "CA", "foreign CA"),
        ("Ontario", "", "US", "unknown state_unrecognised"),
        ("ON", "78701", "", "unknown state_unrecognised"),
        ("TX", "78701", "Elbonia", "unknown country_unrecognised"),
    ]);
}

#[test]
fn every_range_of_the_table_is_found_at_both_ends() {
    let mut letters = BTreeMap::new();
    let mut before = 0;
    for (first, last, state) in zip_table::RANGES {
        assert!(before < first && first <= last);
        before = last;
        let place = Place::from_letters(state).unwrap();
        for number in [first, last] {
            let decision = at(state, &format!("{number:05}"), "");
            assert_eq!(decision.zip, ZipCheck::Agrees, "{number:05} {place}");
        }
        *letters.entry(state).or_insert(0) += 1;
    }
    // 57 codes but for UM, which has no ZIP codes, three military regions and three freely associated states.
    assert_eq!(letters.len(), 62);
    for (number, state) in zip_table::STRADDLES {
        let decision = at(state, &format!("{number:05}"), "");
        assert_eq!(decision.zip, ZipCheck::Straddles, "{number:05} {state}");
    }
}

#[test]
fn every_country_is_found_by_each_of_its_codes() {
    for country in &iso3166::COUNTRIES {
        let outcomes =
            [country.alpha2, country.alpha3, country.numeric, country.name].map(|form| told(&at("", "", form)));
        assert!(outcomes.iter().all(|outcome| *outcome == outcomes[0]), "{outcomes:?}");
        assert_ne!(outcomes[0], "unknown country_unrecognised");
    }
}

#[test]
fn an_address_shows_which_parts_it_has_and_no_more() {
    let address: Address =
        serde_json::from_str(r#"{"line1":"1 Secret Street","state":"TX","postal_code":null}"#).unwrap();
    assert_eq!(format!("{address:?}"), r#"Address["line1", "state"]"#);
    assert_eq!(serde_json::to_string(&address).unwrap(), r#"{"line1":"1 Secret Street","state":"TX"}"#);
    assert!(serde_json::from_str::<Address>(r#"{"zip":"78701"}"#).is_err());
    assert_eq!(serde_json::from_str::<Address>("{}").unwrap(), Address::default());
}

#[test]
fn an_operator_reads_codes_and_no_address() {
    let conflict = at("NM", "78701", "").outcome;
    assert_eq!(conflict.explanation(), "the state says US-NM, the ZIP code says US-TX");
    assert_eq!(conflict.as_str(), "conflict");
    assert_eq!(
        at("MH", "", "").outcome.explanation(),
        "the address is in a freely associated state (MH), which is not a region"
    );
    assert_eq!(at("", "", "").word(), "unknown");
    assert_eq!(at("", "78701", "").word(), "zip");
    assert_eq!(at("", "", "GU").word(), "country");
}

proptest! {
    #[test]
    fn no_address_panics(state in "\\PC{0,12}", zip in "[0-9A-Za-z \\-é０]{0,12}", country in "\\PC{0,12}", city in "\\PC{0,12}") {
        let address = Address { state: Some(state), postal_code: Some(zip), country: Some(country), city: Some(city), ..Address::default() };
        let decision = decide(&address);
        let _ = decision.outcome.explanation();
    }

    #[test]
    fn a_region_never_contradicts_a_real_zip_code_of_elsewhere(index in 0usize..57, number in 0u32..100_000) {
        let code = RegionCode::all().nth(index).unwrap();
        let alone = at("", &format!("{number:05}"), "US");
        let both = at(code.letters(), &format!("{number:05}"), "US");
        if let (Some(found), Some(stated)) = (alone.region(), both.region()) {
            prop_assert!(found == stated || both.zip == ZipCheck::Straddles);
        }
    }
}
